/* doorman.c: a queue, the thread that empties it, and who has to rest. */
#include "net/doorman.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define REST 4 /* durations of a failed check without another */
#define RESTING 256
#define NICE 10

struct rest {
    uint64_t address;
    int64_t until_ns;
};

struct ax_doorman {
    pthread_mutex_t lock;
    pthread_cond_t asked;
    struct ax_door_question *first, **last;
    uint32_t waiting;
    struct rest resting[RESTING];
    bool end;
    pthread_t thread;
};

/* When an address may have a password checked again; the lock is held. */
static int64_t rest_until(const struct ax_doorman *m, uint64_t address)
{
    int64_t until_ns = 0;
    for (int i = 0; i < RESTING; i++)
        if (m->resting[i].address == address && m->resting[i].until_ns > until_ns)
            until_ns = m->resting[i].until_ns;
    return until_ns;
}

/* Let an address rest, in place of the one whose rest ends first; the lock is held. */
static void let_rest(struct ax_doorman *m, uint64_t address, int64_t until_ns)
{
    struct rest *slot = &m->resting[0];
    for (int i = 1; i < RESTING; i++)
        if (m->resting[i].until_ns < slot->until_ns)
            slot = &m->resting[i];
    *slot = (struct rest){address, until_ns};
}

/* May it be put into the queue? The lock is held. */
static bool has_room(const struct ax_doorman *m, uint64_t address)
{
    uint32_t same = 0;
    if (m->end || m->waiting >= AX_DOORMAN_QUEUE || rest_until(m, address) > ax_mono_ns())
        return false;
    for (const struct ax_door_question *q = m->first; q; q = q->next)
        same += q->address == address;
    return same < AX_DOORMAN_QUEUE_PER_ADDRESS;
}

void ax_doorman_ask(struct ax_doorman *m, struct ax_door_question *q)
{
    q->answer = AX_DOOR_BUSY;
    q->next = NULL;
    (void)pthread_mutex_lock(&m->lock);
    bool queued = has_room(m, q->address);
    if (queued) {
        *m->last = q;
        m->last = &q->next;
        m->waiting++;
        (void)pthread_cond_signal(&m->asked);
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (!queued)
        q->done(q);
}

/* The next question; NULL when there is none. The lock is held. */
static struct ax_door_question *take(struct ax_doorman *m)
{
    struct ax_door_question *q = m->first;
    if (!q)
        return NULL;
    m->first = q->next;
    if (!m->first)
        m->last = &m->first;
    m->waiting--;
    return q;
}

static void answer(struct ax_doorman *m, struct ax_door_question *q)
{
    uint64_t address = q->address;
    q->answer = ax_doors_judge(q->doors, q->authorization); /* another may have asked the same */
    int64_t start_ns = ax_mono_ns();
    (void)pthread_mutex_lock(&m->lock);
    bool rests = rest_until(m, address) > start_ns;
    (void)pthread_mutex_unlock(&m->lock);
    if (q->answer == AX_DOOR_UNKNOWN && rests) {
        q->answer = AX_DOOR_BUSY;
    } else if (q->answer == AX_DOOR_UNKNOWN) {
        q->answer = ax_doors_check(q->doors, q->authorization);
        int64_t end_ns = ax_mono_ns();
        (void)pthread_mutex_lock(&m->lock);
        if (q->answer == AX_DOOR_WRONG)
            let_rest(m, address, end_ns + REST * (end_ns - start_ns));
        (void)pthread_mutex_unlock(&m->lock);
    }
    q->done(q);
}

static void *work(void *doorman)
{
    struct ax_doorman *m = doorman;
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* on Linux: of this thread */
    (void)pthread_mutex_lock(&m->lock);
    while (!m->end) {
        struct ax_door_question *q = take(m);
        if (!q) {
            (void)pthread_cond_wait(&m->asked, &m->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&m->lock);
        answer(m, q);
        (void)pthread_mutex_lock(&m->lock);
    }
    (void)pthread_mutex_unlock(&m->lock);
    return NULL;
}

enum ax_err ax_doorman_new(struct ax_doorman **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_doorman *m = calloc(1, sizeof *m);
    if (!m)
        return ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    m->last = &m->first;
    (void)pthread_mutex_init(&m->lock, NULL);
    (void)pthread_cond_init(&m->asked, NULL);
    if (pthread_create(&m->thread, NULL, work, m) != 0) {
        m->end = true;
        ax_doorman_free(m);
        return ax_fail(diag, AX_IO, "no thread to check passwords: too many threads run already");
    }
    *out = m;
    return AX_OK;
}

void ax_doorman_end(struct ax_doorman *m)
{
    (void)pthread_mutex_lock(&m->lock);
    m->end = true;
    (void)pthread_cond_signal(&m->asked);
    (void)pthread_mutex_unlock(&m->lock);
    (void)pthread_join(m->thread, NULL);
    for (struct ax_door_question *q; (q = take(m));) /* nobody else has it now: has_room() says no */
        q->done(q);
}

void ax_doorman_free(struct ax_doorman *m)
{
    if (!m)
        return;
    (void)pthread_cond_destroy(&m->asked);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}
