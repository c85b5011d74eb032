/* queries.c: a queue, and the threads that empty it. */
#include "net/queries.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 10

struct ax_queries {
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct ax_query *first, **last;
    uint32_t waiting, idle; /* queries without a thread; threads without a query */
    bool end;
    uint32_t threads_n, threads_max;
    pthread_t threads[];
};

/* The next query; NULL when there is none. The lock is held. */
static struct ax_query *take(struct ax_queries *m)
{
    struct ax_query *q = m->first;
    if (!q)
        return NULL;
    m->first = q->next;
    if (!m->first)
        m->last = &m->first;
    m->waiting--;
    return q;
}

static void *work(void *queries)
{
    struct ax_queries *m = queries;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux: of this thread */
    (void)pthread_mutex_lock(&m->lock);
    while (!m->end) {
        struct ax_query *q = take(m);
        if (!q) {
            m->idle++;
            (void)pthread_cond_wait(&m->given, &m->lock);
            m->idle--;
            continue;
        }
        (void)pthread_mutex_unlock(&m->lock);
        q->answer(q, false);
        (void)pthread_mutex_lock(&m->lock);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return NULL;
}

/* Is there a thread for one more, now or when another has its answer? Begins one if that helps. The lock is
 * held. */
static bool has_thread(struct ax_queries *m)
{
    if (m->waiting >= m->idle && m->threads_n < m->threads_max &&
        pthread_create(&m->threads[m->threads_n], NULL, work, m) == 0)
        m->threads_n++;
    return m->threads_n > 0;
}

void ax_queries_give(struct ax_queries *m, struct ax_query *q)
{
    q->next = NULL;
    (void)pthread_mutex_lock(&m->lock);
    bool taken = !m->end && m->waiting < AX_QUERIES_WAITING && has_thread(m);
    if (taken) {
        *m->last = q;
        m->last = &q->next;
        m->waiting++;
        (void)pthread_cond_signal(&m->given);
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (!taken)
        q->answer(q, true);
}

enum ax_err ax_queries_new(uint32_t threads_max, struct ax_queries **out, struct ax_diag *diag)
{
    struct ax_queries *m = calloc(1, sizeof *m + threads_max * sizeof m->threads[0]);
    *out = m;
    if (!m)
        return ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    m->last = &m->first;
    m->threads_max = threads_max;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->given, NULL);
    return AX_OK;
}

void ax_queries_end(struct ax_queries *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->end = true;
    struct ax_query *left = m->first;
    m->first = NULL;
    m->last = &m->first;
    m->waiting = 0;
    (void)pthread_cond_broadcast(&m->given);
    (void)pthread_mutex_unlock(&m->lock);
    while (left) {
        struct ax_query *q = left;
        left = q->next; /* it may be gone when it has been turned away */
        q->answer(q, true);
    }
    for (uint32_t i = 0; i < m->threads_n; i++) /* none is begun after the end */
        (void)pthread_join(m->threads[i], NULL);
    m->threads_n = 0;
}

void ax_queries_free(struct ax_queries *m)
{
    if (!m)
        return;
    (void)pthread_cond_destroy(&m->given);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}
