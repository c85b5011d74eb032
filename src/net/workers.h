/* workers.h: a queue, and threads of low priority that empty it: whatever would hold up a thread that
 * receives.
 *
 * A connection sleeps meanwhile (http_call.c). Threads are begun as they are needed and stay until the end;
 * they yield to all other work (nice 10). Any thread may call. */
#ifndef AX_NET_WORKERS_H
#define AX_NET_WORKERS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct ax_workers;

/* A task; whoever gives it owns it, and keeps it alive until run() is called. */
struct ax_task {
    /* Do it, or say that it will not be done: turned_away when too many wait, or at the end. */
    void (*run)(struct ax_task *task, bool turned_away);
    struct ax_task *next; /* the pool's */
};

/* A pool of at most so many threads, none of them begun, for which at most so many tasks wait (both above 0).
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_workers_new(uint32_t threads_max, uint32_t waiting_max, struct ax_workers **out,
                                       struct ax_diag *diag);

/* Have a task done. run() is called exactly once: on a thread of the pool, in the order in which tasks were
 * given, or here, turned away. */
void ax_workers_give(struct ax_workers *p, struct ax_task *task);

/* Turn away who waits, and who comes later; wait for the tasks that are being done. */
void ax_workers_end(struct ax_workers *p);

/* Free it, ended. NULL is fine. */
void ax_workers_free(struct ax_workers *p);

#endif
