/* choice.h: whom of the jobs a selector means, found out while their steps go on.
 *
 * One match of a regular expression is bounded (prom/matcher.h), those of all series together are not, and
 * no step runs while somebody holds the pipeline's lock `run`. So labels are copied under it, asked about
 * without it, and the answers looked up under it again. An answer depends on a series' labels and on its
 * job's name and external labels, which a job of one generation never changes: it stays right whatever
 * happens meanwhile, and who comes up meanwhile is asked about in a further round. */
#ifndef AX_PIPELINE_CHOICE_H
#define AX_PIPELINE_CHOICE_H

#include "base/map.h"
#include "pipeline/chooser.h"

struct ax_job;
struct ax_pipeline;

/* A selector and what it was asked so far. Zero: it takes everything. Free with ax_choice_done(). */
struct ax_choice {
    struct ax_chooser chooser;
    struct ax_map answers; /* by a hash of generation and labels; to a bool */
};

/* Ask it about every series and entity of the job of that name, of all jobs for an empty one. `run` is held
 * before and after, and let go of meanwhile: what was read under it is to be read again. Whoever is not known
 * afterwards (there was no memory, or more came up than 64 rounds of 16,384 could ask about) is asked about
 * when it is looked up. O(series) a round under `run`; a selector without regular expressions needs none. */
void ax_choice_make(struct ax_choice *c, struct ax_pipeline *p, struct ax_str job);

/* Does it mean these labels of a series or entity of the job? */
bool ax_choice_takes(const struct ax_choice *c, const struct ax_job *job, const struct ax_labels *labels);

/* Free what it holds. */
void ax_choice_done(struct ax_choice *c);

#endif
