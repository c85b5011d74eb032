/* trial.h: two generations of a model beside each other: who serves, who is compared with it, and what comes
 * of it.
 *
 *     none -> shadow -> (canary ->) watch -> none        a newer generation is tried, and promoted
 *             shadow -> approval -> (canary ->) watch    it has passed, and waits for its reviewers
 *             shadow, canary -> none                     it is retired
 *     none -> watch -> none                              one was promoted by hand; rolled back when worse
 *
 * While a challenger is tried (shadow, canary, approval) the champion serves; in a canary the challenger
 * serves a share of the series too. While a promotion is watched the new champion serves and the one that it
 * replaced is the reference. Pairs of losses, one of each at the same time, are gathered, and judged at the
 * few looks of compare.h, so that looking often does not find what is not there. Pure but for the memory of
 * the pairs; not thread-safe. */
#ifndef AX_TRAIN_TRIAL_H
#define AX_TRAIN_TRIAL_H

#include "train/compare.h"
#include "train/roles.h"

/* How generations are tried; zero: a newer one serves at once, and nobody watches. */
struct ax_trial_rule {
    bool shadows;                     /* a newer one is tried before it serves, */
    bool canary;                      /* and then serves a share of the series */
    bool alarms;                      /* losses are shares of alarms: fewer are not better, more are worse */
    struct ax_promotion_rule compare; /* samples_min is the first look of a shadow, in pairs */
    uint32_t canary_n, watch_n;       /* pairs of a stage of the canary, of a watch (0: none) */
    uint32_t block;                   /* losses whose mean is one side of a pair; 0 is 1 */
    uint32_t lags;                    /* pairs over which their differences are correlated */
    double alarms_max;                /* share that is no fault */
};

/* What is gathered. Zero-initialise; free with ax_trial_done(). */
struct ax_trial {
    double *live, *shadow; /* losses, [n] */
    uint32_t n, cap;
    double sum[2]; /* of the block that is gathered: of live, of shadow, */
    uint32_t sum_n;
    uint64_t judged, agreed; /* alarms: what both judged, and judged alike */
    bool live_broken, shadow_broken;
    struct ax_comparison result;   /* of all pairs so far, of the newer generation with the older one */
    struct ax_comparison labelled; /* the same by average precision, of the newest look; n 0: not known */
};

/* Give its memory back. */
void ax_trial_done(struct ax_trial *t);

/* Make room for all pairs that a rule may gather. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_trial_reserve(struct ax_trial *t, const struct ax_trial_rule *rule);

/* Forget all pairs. */
void ax_trial_clear(struct ax_trial *t);

/* Add a loss of each, at the same time (not finite: passed over). No allocation; pairs beyond the last look
 * are passed over. */
void ax_trial_add(struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase, double live,
                  double shadow);

/* Is this a look: has the newest pair been gathered, and may a verdict follow? */
bool ax_trial_is_look(const struct ax_trial *t, const struct ax_trial_rule *rule, enum ax_phase phase);

/* At a look: this is what labels say of them (n 0: nothing). */
void ax_trial_label(struct ax_trial *t, const struct ax_comparison *labelled);

/* Has a shadow come to its last look, and was not worse there? Of forecasts: fewer alarms do not show it. */
bool ax_trial_is_equal(const struct ax_trial *t, const struct ax_trial_rule *rule);

/* The comparison that decides: by labels where they say something. */
const struct ax_comparison *ax_trial_decisive(const struct ax_trial *t);

/* What it compares: "loss", "alarms" or "average_precision". */
const char *ax_trial_measure(const struct ax_trial *t, const struct ax_trial_rule *rule);

/* One of them said what is no number where the other had one. */
void ax_trial_broken(struct ax_trial *t, bool live, bool shadow);

/* What is to be done. */
enum ax_trial_verdict {
    AX_TRIAL_GOES_ON,
    AX_TRIAL_PASSED, /* the newer one: to the next phase or share */
    AX_TRIAL_FAILED  /* it is to go: retired, or rolled back */
};

/* Judge by the pairs so far.
 *
 * Forecasts: a shadow passes and fails as ax_promotion_judge() says; a canary and a watch fail at the first
 * of five looks (the sixteenth to all of their pairs) at which the newer one is significantly worse by the
 * least effect, and pass when they are over. Detectors of which it is known by labels how well they do
 * (ax_trial_label()): a shadow passes and fails as ax_promotion_judge() says of their average precision, but
 * where that is neither better nor worse at the last look their alarms decide as where nothing is known, and
 * a canary or watch fails as well where that is significantly worse. Alarms, where nothing is known: a shadow
 * passes at the first look at which its share of alarms is at most that of the champion, or what is no fault,
 * each with the least effect on top, and both have judged alike in 90 % of what they judged; it fails at the
 * last look. In a canary or watch it is worse when its alarms are more than what is no fault as well, or a
 * quarter and ten times those of the older one. Who is broken fails at once. */
enum ax_trial_verdict ax_trial_judge(const struct ax_trial *t, const struct ax_trial_rule *rule,
                                     enum ax_phase phase);

/* Pairs after which a phase is over at the latest; 0 where it waits for something else. */
uint32_t ax_trial_pairs(const struct ax_trial_rule *rule, enum ax_phase phase);

/* The share after this one: 5, 25, 50, 100, and then 0. */
uint8_t ax_trial_next_share(uint8_t share);

/* Say in words what was found: "5.2 % less loss (0.9 to 9.5 %), p 0.0004, 240 pairs". */
void ax_trial_describe(const struct ax_trial *t, const struct ax_trial_rule *rule, char *out, size_t out_n);

/* Append all that was gathered. */
void ax_trial_save(const struct ax_trial *t, struct ax_buf *out);

/* Read that back into one that has gathered nothing, of the same rule. AX_NOMEM; what cannot be is a failure
 * of in. */
AX_MUST_USE enum ax_err ax_trial_load(struct ax_trial *t, const struct ax_trial_rule *rule,
                                      enum ax_phase phase, struct ax_bytes *in);

#endif
