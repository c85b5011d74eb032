/* exclusions.h: times that are no example for the series of a job, also for what a backfill brings of them
 * later.
 *
 * A window knows only exclusions of what it has seen (series/window.h); the job remembers those in force with
 * their selectors, so that a series whose past comes from a rehearsal has them, too, whether it was there
 * when people spoke or not. A list, the newest (highest id) first; NULL is one of nothing. Owner: the
 * pipeline's thread. */
#ifndef AX_PIPELINE_EXCLUSIONS_H
#define AX_PIPELINE_EXCLUSIONS_H

#include "anomaly/taught.h"
#include "pipeline/chooser.h"

#define AX_EXCLUSIONS_MAX 256          /* of one job; of more those that end last stay, */
#define AX_EXCLUSIONS_TEXT_MAX 262144u /* and no more than so many bytes of selectors */

/* One of them; owned. Read only. */
struct ax_exclusion {
    struct ax_exclusion *next;
    struct ax_lesson_range range;
    struct ax_chooser chooser;
    uint32_t selector_n;
    char selector[];
};

/* One that is in no list yet; NULL and an error: AX_INVALID with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_exclusion_new(const struct ax_lesson_range *range, struct ax_str selector,
                                         struct ax_exclusion **out, struct ax_diag *diag);

/* The same of a selector that has been read already: it takes everything until ax_exclusions_give(). NULL
 * when there is no memory. */
struct ax_exclusion *ax_exclusion_bare(const struct ax_lesson_range *range, struct ax_str selector);

/* Let the one of that id, a bare one, have the chooser of its selector, which is zero then; when it is not in
 * the list nothing happens. */
void ax_exclusions_give(struct ax_exclusion *first, uint64_t id, struct ax_chooser *chooser);

/* Free the whole list; NULL is fine. */
void ax_exclusions_free(struct ax_exclusion *first);

/* Add one, which is the list's from now on; its id is not in it. All that ended before since_ms go, then as
 * many as are too many, those that end first: returns how many. O(n), O(n^2) when some go. */
uint32_t ax_exclusions_add(struct ax_exclusion **first, struct ax_exclusion *e, int64_t since_ms);

/* Is that id in the list? */
bool ax_exclusions_has(const struct ax_exclusion *first, uint64_t id);

/* Free the one of that id, if it is there. */
void ax_exclusions_remove(struct ax_exclusion **first, uint64_t id);

/* Append all. */
void ax_exclusions_save(const struct ax_exclusion *first, struct ax_buf *out);

/* Read that back into an empty list. AX_CORRUPT, AX_NOMEM; what was read until then is in the list. */
AX_MUST_USE enum ax_err ax_exclusions_load(struct ax_exclusion **first, struct ax_bytes *in);

#endif
