/* features.h: what is computed of one series for models that read features: one table (features.def), one
 * function, one length of the past, for training, serving, backtest and export alike.
 *
 * Gaps: moments and percentiles skip them; a lag takes the newest value at or before its step; the spectrum
 * joins the values around a gap by a straight line. A feature is NaN where the past does not reach. */
#ifndef AX_FEATURES_FEATURES_H
#define AX_FEATURES_FEATURES_H

#include "base/arena.h"
#include "base/err.h"
#include "series/window.h"

/* The window: how much of a past is looked at, its newest steps. Short enough that the steps of a job's
 * window have one as long as a step of now has. */
#define AX_FEATURES_STEPS 128

/* Index of each feature in a vector. */
enum ax_feature {
#define AX_FEATURE(name, unit, help) AX_FEATURE_##name,
#include "features/features.def"
#undef AX_FEATURE
    AX_FEATURES_N
};

/* What a feature is called, its unit ("input": that of the series) and what it says. */
struct ax_feature_info {
    const char *name, *unit, *help;
};

/* The table, by index; constant. */
const struct ax_feature_info *ax_feature_info(enum ax_feature feature);

/* Hash of the table: names, units, meanings and their order. A model serves only with the hash that it was
 * trained with. The same on every machine. */
uint64_t ax_features_hash(void);

/* What of a past is looked at; a view into it. O(1). */
struct ax_view ax_features_past(const struct ax_view *all);

/* The features of a past that ends with step t_ms: nothing but ax_features_past() of it is looked at.
 * past.end_ms is t_ms; scratch holds a copy of them. AX_NOTREADY when the past has no value (all of out is
 * NaN then, but for the calendar), AX_NOMEM. Pure. O(AX_FEATURES_STEPS) on average. */
AX_MUST_USE enum ax_err ax_features_compute(const struct ax_view *all, int64_t t_ms, struct ax_arena *scratch,
                                            double out[AX_FEATURES_N]);

#endif
