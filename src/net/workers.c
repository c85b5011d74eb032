/* workers.c: the queue, and the threads. */
#include "net/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE 10

struct ax_workers {
    pthread_mutex_t lock;
    pthread_cond_t given;
    struct ax_task *first, **last;
    uint32_t waiting, idle; /* tasks without a thread; threads without a task */
    uint32_t waiting_max;
    bool end;
    uint32_t threads_n, threads_max;
    pthread_t threads[];
};

/* The next task; NULL when there is none. The lock is held. */
static struct ax_task *take(struct ax_workers *p)
{
    struct ax_task *task = p->first;
    if (!task)
        return NULL;
    p->first = task->next;
    if (!p->first)
        p->last = &p->first;
    p->waiting--;
    return task;
}

static void *work(void *pool)
{
    struct ax_workers *p = pool;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux: of this thread */
    (void)pthread_mutex_lock(&p->lock);
    while (!p->end) {
        struct ax_task *task = take(p);
        if (!task) {
            p->idle++;
            (void)pthread_cond_wait(&p->given, &p->lock);
            p->idle--;
            continue;
        }
        (void)pthread_mutex_unlock(&p->lock);
        task->run(task, false);
        (void)pthread_mutex_lock(&p->lock);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Is there a thread for one more, now or when another has its answer? Begins one if that helps. The lock is
 * held. */
static bool has_thread(struct ax_workers *p)
{
    if (p->waiting >= p->idle && p->threads_n < p->threads_max &&
        pthread_create(&p->threads[p->threads_n], NULL, work, p) == 0)
        p->threads_n++;
    return p->threads_n > 0;
}

void ax_workers_give(struct ax_workers *p, struct ax_task *task)
{
    task->next = NULL;
    (void)pthread_mutex_lock(&p->lock);
    bool taken = !p->end && p->waiting < p->waiting_max && has_thread(p);
    if (taken) {
        *p->last = task;
        p->last = &task->next;
        p->waiting++;
        (void)pthread_cond_signal(&p->given);
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (!taken)
        task->run(task, true);
}

enum ax_err ax_workers_new(uint32_t threads_max, uint32_t waiting_max, struct ax_workers **out,
                           struct ax_diag *diag)
{
    struct ax_workers *p = calloc(1, sizeof *p + threads_max * sizeof p->threads[0]);
    *out = p;
    if (!p)
        return ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    p->last = &p->first;
    p->threads_max = threads_max;
    p->waiting_max = waiting_max;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->given, NULL);
    return AX_OK;
}

void ax_workers_end(struct ax_workers *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->end = true;
    struct ax_task *left = p->first;
    p->first = NULL;
    p->last = &p->first;
    p->waiting = 0;
    (void)pthread_cond_broadcast(&p->given);
    (void)pthread_mutex_unlock(&p->lock);
    while (left) {
        struct ax_task *task = left;
        left = task->next; /* it may be gone when it has been turned away */
        task->run(task, true);
    }
    for (uint32_t i = 0; i < p->threads_n; i++) /* none is begun after the end */
        (void)pthread_join(p->threads[i], NULL);
    p->threads_n = 0;
}

void ax_workers_free(struct ax_workers *p)
{
    if (!p)
        return;
    (void)pthread_cond_destroy(&p->given);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
