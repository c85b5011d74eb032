/* psi.c: the population stability index.
 *
 * sum over bins of (q - p) ln(q / p), p and q the shares of reference and current. Cuts are the reference's
 * quantiles. A value that holds several of them (counts, a constant) gets a bin of its own between "below"
 * and "above", so that a change of discrete data is seen to either side. */
#include "drift/drift.h"
#include "drift/sorted.h"

#include <math.h>

#define EMPTY 1e-4

static double term(uint32_t in_ref, uint32_t n, uint32_t in_cur, uint32_t m)
{
    if (in_ref == 0 && in_cur == 0)
        return 0;
    double p = in_ref ? (double)in_ref / (double)n : EMPTY;
    double q = in_cur ? (double)in_cur / (double)m : EMPTY;
    return (q - p) * log(q / p);
}

double ax_drift_psi_sorted(const double *ref, uint32_t n, const double *cur, uint32_t m, uint32_t bins_n)
{
    double psi = 0;
    uint32_t ref_done = 0, cur_done = 0;
    for (uint32_t i = 1; i < bins_n;) {
        double cut = ax_drift_quantile(ref, n, (double)i / (double)bins_n);
        uint32_t same = 1;
        while (i + same < bins_n && ax_drift_quantile(ref, n, (double)(i + same) / (double)bins_n) <= cut)
            same++;
        if (same > 1) {
            uint32_t r = ax_drift_below(ref, n, cut), c = ax_drift_below(cur, m, cut);
            psi += term(r - ref_done, n, c - cur_done, m);
            ref_done = r;
            cur_done = c;
        }
        uint32_t r = ax_drift_upto(ref, n, cut), c = ax_drift_upto(cur, m, cut);
        psi += term(r - ref_done, n, c - cur_done, m);
        ref_done = r;
        cur_done = c;
        i += same;
    }
    return psi + term(n - ref_done, n, m - cur_done, m);
}

double ax_drift_psi(const double *ref, uint32_t n, const double *cur, uint32_t m, uint32_t bins_n,
                    struct ax_arena *scratch)
{
    if (n == 0 || m == 0)
        return NAN;
    const double *a = ax_drift_sorted(ref, n, scratch), *b = ax_drift_sorted(cur, m, scratch);
    return a && b ? ax_drift_psi_sorted(a, n, b, m, bins_n) : (double)NAN;
}
