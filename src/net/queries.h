/* queries.h: threads that make the answers that take long.
 *
 * A connection sleeps meanwhile (http_call.c), so that no thread that receives is held by a question, however
 * long it takes and however many there are. Threads are begun as they are needed and stay until the end; they
 * yield to those that receive (nice 10). Any thread may call. */
#ifndef AX_NET_QUERIES_H
#define AX_NET_QUERIES_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Queries that wait at most for a thread. */
#define AX_QUERIES_WAITING 128

struct ax_queries;

/* A query; the asker's, alive until answer() is called. */
struct ax_query {
    /* Make the answer, or say that there will be none: turned_away when too many wait, or at the end. */
    void (*answer)(struct ax_query *q, bool turned_away);
    struct ax_query *next; /* the pool's */
};

/* A pool of at most so many threads (above 0), none of them begun. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_queries_new(uint32_t threads_max, struct ax_queries **out, struct ax_diag *diag);

/* Have a query answered. answer() is called exactly once: on a thread of the pool, or here, turned away. */
void ax_queries_give(struct ax_queries *m, struct ax_query *q);

/* Turn away who waits, and who comes later; wait for the answers that are being made. */
void ax_queries_end(struct ax_queries *m);

/* Free it, ended. NULL is fine. */
void ax_queries_free(struct ax_queries *m);

#endif
