/* doorman.c: whose questions wait, and who has to rest. */
#include "net/doorman.h"

#include "base/clock.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define REST 4 /* durations of a failed check without another */
#define RESTING 256

struct rest {
    uint64_t address;
    int64_t until_ns;
};

struct ax_doorman {
    struct ax_workers *workers;
    pthread_mutex_t lock;               /* of what follows */
    uint64_t waiting[AX_DOORMAN_QUEUE]; /* addresses of the questions that wait */
    uint32_t waiting_n;
    struct rest resting[RESTING];
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

/* Take a place among those that wait, if there is one for this address. The lock is held. */
static bool take_place(struct ax_doorman *m, uint64_t address)
{
    uint32_t same = 0;
    for (uint32_t i = 0; i < m->waiting_n; i++)
        same += m->waiting[i] == address;
    if (m->waiting_n >= AX_DOORMAN_QUEUE || same >= AX_DOORMAN_QUEUE_PER_ADDRESS ||
        rest_until(m, address) > ax_mono_ns())
        return false;
    m->waiting[m->waiting_n++] = address;
    return true;
}

/* Give one of its places back. The lock is held. */
static void leave_place(struct ax_doorman *m, uint64_t address)
{
    uint32_t i = 0;
    while (m->waiting[i] != address)
        i++;
    m->waiting[i] = m->waiting[--m->waiting_n];
}

/* Find the answer; done() is left to the caller. */
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
}

/* Its turn, or there is none. done() may free the question, so nothing is touched after. */
static void on_turn(struct ax_task *task, bool turned_away)
{
    struct ax_door_question *q =
        (struct ax_door_question *)(void *)((char *)task - offsetof(struct ax_door_question, task));
    struct ax_doorman *m = q->doorman;
    (void)pthread_mutex_lock(&m->lock);
    leave_place(m, q->address);
    (void)pthread_mutex_unlock(&m->lock);
    if (!turned_away)
        answer(m, q);
    q->done(q);
}

void ax_doorman_ask(struct ax_doorman *m, struct ax_door_question *q)
{
    q->answer = AX_DOOR_BUSY;
    q->doorman = m;
    q->task = (struct ax_task){.run = on_turn};
    (void)pthread_mutex_lock(&m->lock);
    bool has_place = take_place(m, q->address);
    (void)pthread_mutex_unlock(&m->lock);
    if (has_place)
        ax_workers_give(m->workers, &q->task);
    else
        q->done(q);
}

enum ax_err ax_doorman_new(struct ax_doorman **out, struct ax_diag *diag)
{
    *out = NULL;
    struct ax_doorman *m = calloc(1, sizeof *m);
    if (!m)
        return ax_fail(diag, AX_NOMEM, "no memory for the HTTP server");
    (void)pthread_mutex_init(&m->lock, NULL);
    enum ax_err err = ax_workers_new(1, AX_DOORMAN_QUEUE, &m->workers, diag);
    if (err == AX_OK)
        *out = m;
    else
        ax_doorman_free(m);
    return err;
}

void ax_doorman_end(struct ax_doorman *m)
{
    ax_workers_end(m->workers);
}

void ax_doorman_free(struct ax_doorman *m)
{
    if (!m)
        return;
    ax_workers_free(m->workers);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}
