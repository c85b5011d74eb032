/* events.h: the durable table of what happened when, and who said so: feedback on scores, ranges that are
 * excluded from learning, incidents, promotions of models.
 *
 * A row is never changed but for its revocation, and what was revoked still is history, as far as there is
 * room. Ids rise and are never used twice. Kept in one SQLite file, written through to the disk by each call
 * (WAL journal, synchronous FULL). Thread-safe: one lock around each call; of one process at a time (the
 * storage folder is locked). */
#ifndef AX_REGISTRY_EVENTS_H
#define AX_REGISTRY_EVENTS_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

struct ax_events;

/* What a row is. The numbers stand in the file. */
enum ax_event_kind {
    AX_EVENT_NOT_ANOMALY = 1, /* feedback: what was scored above 1 is normal */
    AX_EVENT_MISSED = 2,      /* feedback: what was scored up to 1 was abnormal */
    AX_EVENT_EXCLUSION = 3,   /* the range is no example of anything: nobody learns from it */
    AX_EVENT_INCIDENT = 4,    /* something that happened */
    AX_EVENT_PROMOTION = 5,   /* a model was put into service */
};

/* "not_anomaly", "missed", "exclusion", "incident", "promotion". */
const char *ax_event_kind_name(enum ax_event_kind kind);

/* The kind of a name; AX_INVALID. */
AX_MUST_USE enum ax_err ax_event_kind_parse(struct ax_str name, enum ax_event_kind *out);

/* One row; views. Times in Unix ms. */
struct ax_event {
    int64_t id; /* 0: not yet in the table */
    enum ax_event_kind kind;
    struct ax_str job, selector; /* either may be empty: all jobs, all series */
    int64_t from_ms, to_ms;      /* from <= to, both included */
    struct ax_str author, comment;
    int64_t created_ms;
    int64_t revoked_ms; /* 0: it is in force */
    struct ax_str revoked_by;
};

/* Open the file, or make it. `most` rows of feedback can be in force, and of what was revoked the newest
 * `most` stay: the file has a bound, whoever writes to it. AX_IO, AX_CORRUPT, AX_UNSUPPORTED (of a later
 * version), AX_NOMEM; with a text.
 */
AX_MUST_USE enum ax_err ax_events_open(const char *path, uint32_t most, struct ax_events **out,
                                       struct ax_diag *diag);

/* Close and free; NULL is fine. */
void ax_events_close(struct ax_events *e);

/* Add a row; *out_id is its id. Durable when it returns. AX_LIMIT: it is feedback, and as much as there can
 * be is in force; AX_IO (a full disk among others); with a text: there is no row. */
AX_MUST_USE enum ax_err ax_events_add(struct ax_events *e, const struct ax_event *event, int64_t *out_id,
                                      struct ax_diag *diag);

/* Revoke a row that is in force. AX_NOTFOUND: there is none; AX_CONFLICT: it was revoked before. Durable when
 * it returns. Beyond `most` the row that was revoked first is removed. */
AX_MUST_USE enum ax_err ax_events_revoke(struct ax_events *e, int64_t id, int64_t now_ms, struct ax_str by,
                                         struct ax_diag *diag);

/* Which rows: those with id > after, at most limit, in the order of their ids. */
struct ax_event_query {
    struct ax_str job; /* empty: every job's; else also those of all jobs */
    int64_t after;
    uint32_t limit;
    bool in_force; /* only those */
    bool feedback; /* only not_anomaly, missed and exclusion */
};

/* Return false to see no more of them. The event is valid during the call, which must not call back. */
typedef bool ax_event_visit(void *ctx, const struct ax_event *event);

/* Visit rows. AX_IO, AX_CORRUPT, AX_NOMEM with a text. */
AX_MUST_USE enum ax_err ax_events_each(struct ax_events *e, const struct ax_event_query *query,
                                       ax_event_visit *visit, void *ctx, struct ax_diag *diag);

#endif
