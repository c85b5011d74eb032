/* challenger.h: what a challenger says of each series while it is tried, as series beside those of the
 * champion.
 *
 * They have the labels of the champion's and role="challenger", and names of their own, so that no query that
 * asks for what serves finds them. At most `models.max_shadow_series` series or entities of a job's model
 * have them, those that come first; what is said of the others is counted. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_CHALLENGER_H
#define AX_PIPELINE_CHALLENGER_H

#include "pipeline/outlet.h"

/* What all series of one model share. */
struct ax_challenger {
    struct ax_outlets *outlets;
    uint32_t most, left; /* series that may have outputs, and that still may */
    struct ax_cell *unsent;
};

/* The outputs of one series; zero-initialise: it has none. */
struct ax_challenged {
    struct ax_outlet *v; /* [n] */
    uint32_t n;
};

/* Of a challenger that has said nothing. */
void ax_challenger_init(struct ax_challenger *c, struct ax_outlets *outlets, struct ax_cell *unsent);

/* Does any series have outputs? */
bool ax_challenger_is_heard(const struct ax_challenger *c);

/* What the challenger's output `id` is called, by what the champion's is. */
struct ax_outlet_name ax_challenger_name(struct ax_outlet_name champion, enum ax_output id);

/* Let a series have n outputs: false, and counted, when there are too many already (or no memory). Allocates
 * when it had none. */
bool ax_challenged_join(struct ax_challenger *c, struct ax_challenged *s, uint32_t n);

/* End them at t_ms, as ax_outlet_end(); their place is free. One that has none is left alone. */
void ax_challenged_leave(struct ax_challenger *c, struct ax_challenged *s, int64_t t_ms);

/* Append whether it has any; not its outlets. */
void ax_challenged_save(const struct ax_challenged *s, struct ax_buf *out);

/* Read that back into one that has none. AX_NOMEM; what cannot be is a failure of in. c: NULL where there is
 * no challenger. */
AX_MUST_USE enum ax_err ax_challenged_load(struct ax_challenger *c, struct ax_challenged *s, uint32_t n,
                                           struct ax_bytes *in);

#endif
