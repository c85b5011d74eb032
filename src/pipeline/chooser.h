/* chooser.h: which series of a job a selector means, when people ask or tell of them.
 *
 * The selector is that of an instant vector, of the job's input or, when it speaks of `for`, of its output
 * series: these have the labels of their input, the job's name as `for`, the input's name as `source`, and
 * the external labels; their own name says nothing. The metric's name counts only where series have one. */
#ifndef AX_PIPELINE_CHOOSER_H
#define AX_PIPELINE_CHOOSER_H

#include "expr/expr.h"

/* A job, as far as a selector asks of it; views. */
struct ax_chooser_job {
    struct ax_str name;
    struct ax_labels external; /* labels that all its outputs have */
};

/* A selector that was read. Zero: it takes everything. Free with ax_chooser_done(). */
struct ax_chooser {
    struct ax_expr *expr;
    struct ax_matcher *const *matchers;
    uint32_t n;
    /* Asked before a regular expression is matched, with the most steps that it takes (prom/matcher.h); false
     * gives up: then nothing is taken. NULL: it always goes on. */
    bool (*goes_on)(void *ctx, uint64_t steps);
    void *ctx;
};

#define AX_CHOOSER_MEMORY ((uint64_t)2 << 20) /* of one selector's regular expressions (prom/regex.h) */
#define AX_CHOOSER_SAID_MEMORY 131072u /* of one that is kept: what people say, of which there is more */

/* Read one; empty takes everything. AX_INVALID with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_chooser_init(struct ax_chooser *c, struct ax_str selector, struct ax_diag *diag);

/* The same with so much memory for its regular expressions, which is lowered by what they took. AX_INVALID
 * also where it is not enough. */
AX_MUST_USE enum ax_err ax_chooser_init_within(struct ax_chooser *c, struct ax_str selector, uint64_t *memory,
                                               struct ax_diag *diag);

/* Free what it holds. */
void ax_chooser_done(struct ax_chooser *c);

/* Does it mean these labels of a series or entity of that job? */
bool ax_chooser_takes(const struct ax_chooser *c, const struct ax_chooser_job *job,
                      const struct ax_labels *labels);

/* The same by those of its matchers that are no regular expressions, and so in no time: what passes may be
 * meant, what does not is not. */
bool ax_chooser_may_take(const struct ax_chooser *c, const struct ax_chooser_job *job,
                         const struct ax_labels *labels);

/* Has it no regular expressions, so that asking it takes no time? */
bool ax_chooser_is_quick(const struct ax_chooser *c);

/* Copy a job into an arena. False when there is no room. */
bool ax_chooser_job_copy(struct ax_arena *arena, const struct ax_chooser_job *job,
                         struct ax_chooser_job *out);

#endif
