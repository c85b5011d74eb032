/* unit.h: one record of the outgoing log: what one commit of the sink holds.
 *
 * A series goes by the number of its first use in the segment, from 0; the record of that use defines it by
 * its key (prom/labels.h), so that a segment can be read alone. The first record of a segment also repeats
 * the newest time of every unit (the marks), so that a replay is recognised when older segments are gone:
 *
 *     format (u8), first of its segment (u8), samples in the log before (varint), name, time (i64),
 *     marks, series numbered before, keys, samples (varints: how many); then
 *     marks: name, time (i64); keys: bytes; samples: number (varint), time minus the unit's (zigzag), value
 * (f64)
 *
 * Pure; any thread. */
#ifndef AX_EMIT_UNIT_H
#define AX_EMIT_UNIT_H

#include "base/bytes.h"

/* The head of a record, and a cursor over what follows it: marks, then keys, then samples, each in order. */
struct ax_unit {
    bool first;                          /* of its segment */
    uint64_t before;                     /* samples in the log before those of this record */
    struct ax_str name;                  /* whose it is; a view */
    int64_t t_ms;                        /* the time for which it is */
    uint32_t numbered;                   /* series of this segment with a number before this record */
    uint32_t marks_n, keys_n, samples_n; /* when reading: those that are left */
    struct ax_bytes rest;
};

/* Begin a record: everything of *u but rest. Then put that many marks, keys and samples, in this order. The
 * buffer's sticky error says whether it fitted. */
void ax_unit_write(struct ax_buf *b, const struct ax_unit *u);

/* Put the newest time of a unit. */
void ax_unit_write_mark(struct ax_buf *b, struct ax_str name, int64_t t_ms);

/* Put the key of the next series. */
void ax_unit_write_key(struct ax_buf *b, struct ax_str key);

/* Put a sample of a series; the value's 64 bits are kept. */
void ax_unit_write_sample(struct ax_buf *b, const struct ax_unit *u, uint32_t number, int64_t t_ms,
                          double value);

/* Read the head of a record. AX_CORRUPT when it is none; AX_UNSUPPORTED when it is of another format. */
AX_MUST_USE enum ax_err ax_unit_read(struct ax_str body, struct ax_unit *out);

/* May it stand so many bytes behind the beginning of its segment? Series that were numbered before it took
 * some of them, so that a wrong number of these takes no memory. */
bool ax_unit_may_stand(const struct ax_unit *u, uint64_t bytes);

/* The next mark; false when none is left. Views into the body, as below. After malformed bytes these three
 * say that nothing is left, and rest.err is AX_CORRUPT. */
bool ax_unit_next_mark(struct ax_unit *u, struct ax_str *name, int64_t *t_ms);

/* The key of the next series, whose number is u->numbered, which grows by one; false when none is left.
 * Passes over the marks. */
bool ax_unit_next_key(struct ax_unit *u, struct ax_str *key);

/* The next sample; false when none is left. Passes over marks and keys. */
bool ax_unit_next_sample(struct ax_unit *u, uint32_t *number, int64_t *t_ms, double *value);

#endif
