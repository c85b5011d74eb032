/* step_record.h: what a job's expressions gave at one step, as bytes: all that the models get to see of it.
 *
 * A step is evaluated into a record, the record is appended to the log (AX_WAL_STEP), and the step is taken
 * from it: in a replay the models are given the very same, whatever has become of the samples since. What is
 * measured of the process is part of it for the same reason.
 *
 * Body: version (u8, 4), job's name (str), generation and identity of the job (u64 each), T (i64), number of
 * channels (varint), what is skipped (u8), how busy it is (u8); then for each channel the serial that its
 * next new target gets (varint), the steps for which what has ended may miss (varint), its results, and a 0.
 * A result is a code (varint): 1 for one that makes a target, whose labels (str, their key) and value (f64)
 * follow; else twice the distance (at least 1) of its target's serial from the one before (at first -1), plus
 * 1 when a stale marker ended it; a value (f64) follows when none did. Results of targets come in the order
 * of serials, then the new ones in that of their labels. Pure. */
#ifndef AX_PIPELINE_STEP_RECORD_H
#define AX_PIPELINE_STEP_RECORD_H

#include "base/bytes.h"

/* Whose step it is, and which. */
struct ax_step_head {
    struct ax_str job;
    uint64_t generation; /* of the job: one that was built anew has another */
    uint64_t identity;   /* of what the job was built from: equal ones read each other's results */
    int64_t t_ms;
    uint32_t channels_n;
    uint8_t skip; /* bits of enum ax_skip (pipeline/skips.h) */
    uint8_t busy; /* how long the job's steps took lately, per cent of the time from one to the next; 255: or
                     more */
};

/* What goes before the results of a channel. */
struct ax_step_channel {
    uint32_t next_serial; /* that its next new target gets */
    uint32_t spared;      /* steps that what has ended misses when one scrape fails: more are an absence */
};

/* One result. */
struct ax_step_result {
    bool is_new, ended;
    uint32_t serial;   /* of its target, unless it is new */
    struct ax_str key; /* labels of a new one */
    double value;      /* unless it has ended */
};

/* Begin a record. */
void ax_step_put_head(struct ax_buf *out, const struct ax_step_head *head);

/* Begin a channel's results; *serial is for ax_step_put(). */
void ax_step_put_channel(struct ax_buf *out, const struct ax_step_channel *channel, int64_t *serial);

/* Append a result; serials rise. */
void ax_step_put(struct ax_buf *out, const struct ax_step_result *r, int64_t *serial);

/* End the results of a channel. */
void ax_step_put_end(struct ax_buf *out);

/* Read the beginning; views point into the bytes. AX_CORRUPT when it is none. */
AX_MUST_USE enum ax_err ax_step_get_head(struct ax_bytes *in, struct ax_step_head *head);

/* Begin to read a channel. */
void ax_step_get_channel(struct ax_bytes *in, struct ax_step_channel *channel, int64_t *serial);

/* The next result of a channel; false at its end, and when the bytes make no sense (in->err). */
bool ax_step_get(struct ax_bytes *in, struct ax_step_result *r, int64_t *serial);

/* Does a whole record make sense, with so many channels? AX_CORRUPT when not. Linear in its results. */
AX_MUST_USE enum ax_err ax_step_check(struct ax_str record, uint32_t channels_n);

#endif
