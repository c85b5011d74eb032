/* doorman.h: finds out about passwords that were not seen before, in turn, by one worker (net/workers.h).
 *
 * Requests wait for it without holding a thread of the server. An address that gave a wrong password has no
 * other one checked for four times as long as that took, and at most a few of its requests wait at once:
 * guessing takes a fifth of one thread for each address, and of others nothing but a place in the queue. */
#ifndef AX_NET_DOORMAN_H
#define AX_NET_DOORMAN_H

#include "net/doors.h"
#include "net/workers.h"

/* Requests that wait at most: in all, and of one address. Above: AX_DOOR_BUSY. */
#define AX_DOORMAN_QUEUE 128
#define AX_DOORMAN_QUEUE_PER_ADDRESS 16

struct ax_doorman;

/* A question; the asker's, alive until done() is called. */
struct ax_door_question {
    struct ax_doors *doors;
    struct ax_str authorization; /* as for ax_doors_check() */
    uint64_t address;            /* equal for what counts as one address */
    void (*done)(struct ax_door_question *q);
    enum ax_door_answer answer; /* set before done() */
    struct ax_doorman *doorman; /* the doorman's, as what follows */
    struct ax_task task;
};

/* A doorman; its thread begins with the first question. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_doorman_new(struct ax_doorman **out, struct ax_diag *diag);

/* Ask. done() is called exactly once, on the doorman's thread, or here when it is busy, has been ended or has
 * no thread to be had. */
void ax_doorman_ask(struct ax_doorman *m, struct ax_door_question *q);

/* End it; who waits is answered AX_DOOR_BUSY, and who asks later too. At most one check is waited
 * for. */
void ax_doorman_end(struct ax_doorman *m);

/* Free it, ended. NULL is fine. */
void ax_doorman_free(struct ax_doorman *m);

#endif
