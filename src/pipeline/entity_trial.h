/* entity_trial.h: how two generations of an ensemble scored the same entities at the same points, until
 * people have said which of these points were incidents.
 *
 * A score of each is kept for each entity and point (5 min, or a step), of a sample of entities when there
 * are too many for AX_ENTITY_TRIAL_SCORES. At a look (train/trial.h) they get their labels: what was `missed`
 * is an incident, an `exclusion` is left out, all else is normal; and the generations are compared by average
 * precision (train/precision.h) when there are incidents enough. Units of that test are incidents, and
 * stretches of an hour's points of an entity. Owner: the pipeline's thread. */
#ifndef AX_PIPELINE_ENTITY_TRIAL_H
#define AX_PIPELINE_ENTITY_TRIAL_H

#include "anomaly/said.h"
#include "base/bytes.h"
#include "registry/registry.h"
#include "train/precision.h"

#define AX_ENTITY_TRIAL_SCORES 16384

/* Two scores of one point. */
struct ax_entity_score {
    uint64_t entity; /* hash of its labels, the same in every life of the process */
    int64_t t_ms;
    float live, shadow;
};

/* What is kept; zero-initialise. */
struct ax_entity_trial {
    char pair[2][AX_SHA256_TEXT]; /* whose scores; empty: nobody's */
    uint32_t stride;              /* entities of which one is in the sample */
    struct ax_entity_score *v;    /* the newest ones, a ring; NULL before the first one */
    uint32_t n, next;             /* scores; where the next one goes */
};

/* What was said of an entity; NULL: nothing. *known: is it still there? */
typedef const struct ax_said *ax_entity_said(void *ctx, uint64_t entity, bool *known);

/* How labels are found, and how long a point is. */
struct ax_entity_labels {
    ax_entity_said *said;
    void *ctx;
    int64_t point_ms;
    double level; /* that a p is compared with; 0: that of ax_promotion_rule's defaults */
    uint64_t seed;
};

/* Let it be of this pair of artifacts: another one begins anew, with a sample of so many entities at so many
 * points. AX_NOMEM: nothing is kept. */
AX_MUST_USE enum ax_err ax_entity_trial_begin(struct ax_entity_trial *t, const char *live, const char *shadow,
                                              uint32_t entities, uint32_t points);

/* Keep a point of an entity; one that is not in the sample is passed over, and beyond the most the
 * oldest one goes. */
void ax_entity_trial_add(struct ax_entity_trial *t, const struct ax_entity_score *score);

/* Compare the newer generation (live in a watch, else shadow) with the older one by the labels that there
 * are. AX_NOTREADY: they are too few; AX_NOMEM. Cost: 0.16 s at the most scores of which a tenth are
 * incidents.  */
AX_MUST_USE enum ax_err ax_entity_trial_compare(const struct ax_entity_trial *t,
                                                const struct ax_entity_labels *labels, bool watch,
                                                struct ax_comparison *out);

/* Forget all, and give back what it took. */
void ax_entity_trial_end(struct ax_entity_trial *t);

/* Append what is kept. */
void ax_entity_trial_save(const struct ax_entity_trial *t, struct ax_buf *out);

/* Read that back into one that has nothing. AX_NOMEM; what cannot be is a failure of in. */
AX_MUST_USE enum ax_err ax_entity_trial_load(struct ax_entity_trial *t, struct ax_bytes *in);

#endif
