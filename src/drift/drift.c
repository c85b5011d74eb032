/* drift.c: all tests of one feature, and the verdict over the features of a job. */
#include "drift/drift.h"

#include "base/assert.h"
#include "drift/bins.h"
#include "drift/effective.h"
#include "drift/labels.h"
#include "drift/score.h"
#include "drift/sorted.h"

#include <math.h>
#include <string.h>

#define PSI_BINS 10
#define PSI_POINTS                                                                                           \
    8 /* current points a bin: with fewer, empty bins are chance and PSI is large without cause */
#define PSI_GATE_MIN 0.1
#define EFFECTS_NEEDED 2

static const struct ax_drift_spec defaults = {
    .reference_n = AX_DRIFT_REFERENCE,
    .current_n = AX_DRIFT_CURRENT,
    .alpha = 0.05,
    .effect = {[AX_DRIFT_KS] = 0.2, [AX_DRIFT_PSI] = 0.2, [AX_DRIFT_WASSERSTEIN] = 0.3},
};

const char *ax_drift_test_name(enum ax_drift_test test)
{
    static const char *const names[AX_DRIFT_TESTS] = {"ks", "psi", "wasserstein", "js", "chi_square"};
    AX_ASSERT(test < AX_DRIFT_TESTS);
    return names[test];
}

struct ax_drift_spec ax_drift_spec_complete(const struct ax_drift_spec *spec)
{
    struct ax_drift_spec s = *spec;
    if (s.reference_n == 0)
        s.reference_n = defaults.reference_n;
    if (s.current_n == 0)
        s.current_n = defaults.current_n;
    if (!(s.alpha > 0))
        s.alpha = defaults.alpha;
    for (uint32_t i = 0; i < AX_DRIFT_GATED; i++) {
        if (!(s.effect[i] > 0))
            s.effect[i] = defaults.effect[i];
    }
    s.effect[AX_DRIFT_PSI] = fmax(s.effect[AX_DRIFT_PSI], PSI_GATE_MIN);
    return s;
}

uint32_t ax_drift_current_share(const struct ax_drift_spec *complete, uint32_t n)
{
    uint64_t whole = (uint64_t)complete->reference_n + complete->current_n;
    if (n >= whole)
        return complete->current_n;
    uint32_t share = (uint32_t)((uint64_t)n * complete->current_n / whole);
    return share ? share : 1;
}

double ax_drift_place(const double *sorted, uint32_t n, double value)
{
    uint32_t below = ax_drift_below(sorted, n, value), upto = ax_drift_upto(sorted, n, value);
    return ((double)below + (double)upto) / (double)n - 1;
}

/* Bins that the current window can fill. */
static uint32_t psi_bins(uint32_t m)
{
    uint32_t bins = m / PSI_POINTS;
    return bins < 2 ? 2 : bins > PSI_BINS ? PSI_BINS : bins;
}

void ax_drift_score_sorted(const double *ref, uint32_t n, const double *cur, uint32_t m, double effective_n,
                           struct ax_drift_result *out)
{
    out->score[AX_DRIFT_KS] = ax_drift_ks_sorted(ref, n, cur, m);
    out->score[AX_DRIFT_PSI] = ax_drift_psi_sorted(ref, n, cur, m, psi_bins(m));
    out->score[AX_DRIFT_WASSERSTEIN] =
        ax_drift_w1_sorted(ref, n, cur, m) / fmax(ax_drift_std(ref, n), AX_DRIFT_STD_FLOOR);
    out->score[AX_DRIFT_JS] = ax_drift_js_sorted(ref, n, cur, m);
    out->score[AX_DRIFT_CHI_SQUARE] = NAN;
    out->p_value = ax_drift_ks_p(out->score[AX_DRIFT_KS], effective_n, effective_n * (double)m / (double)n);
    if (ax_drift_distinct(ref, n, cur, m, AX_DRIFT_CATEGORIES_MAX) <= AX_DRIFT_CATEGORIES_MAX) {
        const struct ax_drift_chi chi = ax_drift_chi_square(ref, n, cur, m, (double)n / effective_n);
        out->score[AX_DRIFT_CHI_SQUARE] = chi.v;
        out->p_value = chi.p_value;
    }
    out->ready = true;
}

double ax_drift_le(uint32_t i)
{
    static const double le[AX_DRIFT_LE] = {-4, -2, -1, -0.5, 0, 0.5, 1, 2, 4};
    AX_ASSERT(i < AX_DRIFT_LE);
    return le[i];
}

enum ax_err ax_drift_test_feature(const struct ax_drift_spec *spec, const double *past, uint32_t n,
                                  struct ax_arena *scratch, struct ax_drift_result *out)
{
    *out = (struct ax_drift_result){.p_value = 1};
    struct ax_drift_spec s = ax_drift_spec_complete(spec);
    double *v = ax_arena_array(scratch, n, sizeof *v);
    if (!v)
        return AX_NOMEM;
    uint32_t present = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isfinite(past[i]))
            v[present++] = past[i];
    }
    if (present < AX_DRIFT_POINTS_MIN)
        return AX_OK;
    uint32_t m = ax_drift_current_share(&s, present);
    uint32_t ref_n = present - m < s.reference_n ? present - m : s.reference_n;
    double *first = v + (present - m - ref_n);
    /* Correlation of places, not values: the KS distance knows ranks only, and one outlier hides it. */
    double *ref = ax_drift_ranked(first, ref_n, scratch), *cur = ax_drift_sorted(first + ref_n, m, scratch);
    if (!ref || !cur)
        return AX_NOMEM;
    double tau = ax_drift_correlation_time(first, ref_n);
    ax_drift_score_sorted(ref, ref_n, cur, m, (double)ref_n / tau, out);
    return AX_OK;
}

static bool effect_is_large(const struct ax_drift_spec *s, const struct ax_drift_result *r)
{
    uint32_t passed = 0;
    if (r->labels)
        return r->score[AX_DRIFT_CHI_SQUARE] >= AX_DRIFT_LABEL_EFFECT;
    for (uint32_t i = 0; i < AX_DRIFT_GATED; i++)
        passed += r->score[i] >= s->effect[i];
    return passed >= EFFECTS_NEEDED;
}

/* Largest p that Benjamini and Hochberg (JRSS B 57, 1995) reject among those that are ready: the largest
 * p with p <= alpha * rank / count, where rank counts the p-values up to it. -1 when none. O(n^2), n is
 * the number of features. */
static double rejected_up_to(const struct ax_drift_result *results, uint32_t n, double alpha)
{
    double limit = -1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++)
        count += results[i].ready;
    for (uint32_t i = 0; i < n; i++) {
        if (!results[i].ready || !(results[i].p_value > limit))
            continue;
        uint32_t rank = 0;
        for (uint32_t j = 0; j < n; j++)
            rank += results[j].ready && results[j].p_value <= results[i].p_value;
        if (results[i].p_value <= alpha * (double)rank / (double)count)
            limit = results[i].p_value;
    }
    return limit;
}

uint32_t ax_drift_verdict(const struct ax_drift_spec *spec, struct ax_drift_result *results, uint32_t n)
{
    struct ax_drift_spec s = ax_drift_spec_complete(spec);
    double limit = rejected_up_to(results, n, s.alpha);
    uint32_t drifted = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct ax_drift_result *r = &results[i];
        r->drifted = r->ready && !r->smaller && r->p_value <= limit && effect_is_large(&s, r);
        drifted += r->drifted;
    }
    return drifted;
}

void ax_drift_result_save(const struct ax_drift_result *r, struct ax_buf *out)
{
    ax_put_u8(out, r->ready);
    if (!r->ready)
        return;
    for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++)
        ax_put_f64(out, r->score[test]);
    ax_put_f64(out, r->p_value);
    ax_put_u8(out, r->drifted);
    for (uint32_t i = 0; i < 2 * AX_DRIFT_LE; i++)
        ax_put_f32(out, r->share[i / AX_DRIFT_LE][i % AX_DRIFT_LE]);
}

void ax_drift_result_load(struct ax_drift_result *r, struct ax_bytes *in)
{
    *r = (struct ax_drift_result){.ready = ax_get_bool(in)};
    if (!r->ready)
        return;
    for (enum ax_drift_test test = 0; test < AX_DRIFT_TESTS; test++)
        r->score[test] = ax_get_f64(in);
    r->p_value = ax_get_f64(in);
    r->drifted = ax_get_bool(in);
    for (uint32_t i = 0; i < 2 * AX_DRIFT_LE; i++)
        r->share[i / AX_DRIFT_LE][i % AX_DRIFT_LE] = ax_get_f32_in(in, 0, 1);
}
