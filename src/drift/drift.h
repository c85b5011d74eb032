/* drift.h: has the distribution of a feature moved between a reference window and the current one?
 *
 * Pure tests on arrays (math as SciPy and Evidently define it), and a verdict with two gates, because with
 * enough points everything is significant: significance (Kolmogorov-Smirnov, or chi-square for a few values,
 * with an effective sample size that allows for autocorrelation, Benjamini-Hochberg across features) and
 * effect size: at least two of the three tests reach their gate. Every effect grows with autocorrelation and
 * with a daily cycle that the windows see only a part of, so it is the effective size that keeps those quiet:
 * a level that wanders within the reference is worth few independent points, and then not even a distance of
 * 1 is significant. Values handed to the pure tests are finite; n, m = 0 or a scratch that is too small gives
 * NaN. Pure functions of their arguments; any thread. */
#ifndef AX_DRIFT_DRIFT_H
#define AX_DRIFT_DRIFT_H

#include "base/arena.h"
#include "base/bytes.h"

#define AX_DRIFT_REFERENCE 960
#define AX_DRIFT_CURRENT 240

/* The tests; each has an effect size of its own. Those before AX_DRIFT_GATED decide. Jensen-Shannon is told
 * and does not: over Sturges' bins its size is about 0.09 at the default windows when nothing has moved.
 * Chi-square is told of a feature with at most AX_DRIFT_CATEGORIES_MAX distinct values, and then gives the
 * p-value; of labels (drift/labels.h) it is all that is told, and decides. */
enum ax_drift_test {
    AX_DRIFT_KS,
    AX_DRIFT_PSI,
    AX_DRIFT_WASSERSTEIN,
    AX_DRIFT_GATED,
    AX_DRIFT_JS = AX_DRIFT_GATED,
    AX_DRIFT_CHI_SQUARE,
    AX_DRIFT_TESTS
};

#define AX_DRIFT_LE 9 /* upper bounds of a distribution, besides infinity */

/* Label value of a test: "ks", "psi", "wasserstein", "js", "chi_square". */
const char *ax_drift_test_name(enum ax_drift_test test);

/* Thresholds; zero-initialised fields take the defaults named. */
struct ax_drift_spec {
    uint32_t reference_n, current_n; /* 960, 240 */
    double alpha;                    /* 0.05, after Benjamini-Hochberg */
    double effect[AX_DRIFT_GATED];   /* KS 0.2, PSI 0.2 (never below 0.1), Wasserstein 0.3: the effect gate */
};

/* What the tests say of one feature. */
struct ax_drift_result {
    bool ready;                   /* enough points in both windows */
    double score[AX_DRIFT_TESTS]; /* effect sizes: KS distance, PSI, W1 / std of the reference, Jensen-Shannon
                                     distance, Cramer's V (NaN when it does not apply) */
    double p_value;               /* of KS, or chi-square, with effective sample sizes */
    bool drifted;                 /* filled by ax_drift_verdict() */
    bool labels;  /* of a label's values (drift/labels.h), of which V alone is the effect; not saved */
    bool smaller; /* errors of whose sizes neither mean nor median grew: never drifted; not
                     saved, since only the verdict asks */
    float share[2][AX_DRIFT_LE]; /* of the reference and of the current window that is at most
                                    ax_drift_le(i): of a pool alone, whose values are normalised */
};

/* Upper bound i of a distribution, in inter-quartile ranges from the reference's median: from -4 to 4. */
double ax_drift_le(uint32_t i);

/* Two-sample KS distance, exact. */
double ax_drift_ks(const double *a, uint32_t n, const double *b, uint32_t m, struct ax_arena *scratch);

/* Asymptotic p-value of a KS distance at (possibly effective, so fractional) sizes n and m: Kolmogorov's
 * distribution at Stephens' argument (sqrt(en) + 0.12 + 0.11 / sqrt(en)) D, en = nm / (n + m). */
double ax_drift_ks_p(double distance, double n, double m);

/* Population stability index over bins_n bins cut at the reference's quantiles; a value that holds several
 * of them is a bin of its own; empty bins filled with 1e-4. */
double ax_drift_psi(const double *ref, uint32_t n, const double *cur, uint32_t m, uint32_t bins_n,
                    struct ax_arena *scratch);

/* Wasserstein-1 distance divided by max(population std of ref, 0.001). */
double ax_drift_wasserstein(const double *ref, uint32_t n, const double *cur, uint32_t m,
                            struct ax_arena *scratch);

/* All tests of one feature. past: oldest first, NaN are gaps and skipped; the newest current_n values are
 * the current window, the reference_n before it the reference; with a shorter past both shrink in
 * proportion, and below 30 points nothing is ready. PSI takes 10 bins, fewer when the current window has less
 * than 8 points for each. AX_NOMEM when the scratch is too small (80 bytes a value of past are enough). Not
 * finite values count as gaps. */
AX_MUST_USE enum ax_err ax_drift_test_feature(const struct ax_drift_spec *spec, const double *past,
                                              uint32_t n, struct ax_arena *scratch,
                                              struct ax_drift_result *out);

/* Decide over n features of one job together (Benjamini-Hochberg among those that are ready, then the
 * effect gates). Returns how many drifted. O(n^2). */
uint32_t ax_drift_verdict(const struct ax_drift_spec *spec, struct ax_drift_result *results, uint32_t n);

/* Append a result. */
void ax_drift_result_save(const struct ax_drift_result *r, struct ax_buf *out);

/* Read one back; what cannot be is a failure of in. */
void ax_drift_result_load(struct ax_drift_result *r, struct ax_bytes *in);

#endif
