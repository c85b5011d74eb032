/* season.c: period detection by spectrum and autocorrelation. */
#include "forecast/season.h"

#include "math/fft.h"
#include "math/stats.h"

#include <math.h>
#include <string.h>

#define DAY_MS 86400000LL
#define WEEK_MS (7 * DAY_MS)
#define POINTS_MIN 32
#define PRESENT_MIN 0.6
#define PERIOD_MIN 3
#define CANDIDATES 6
#define ACF_MIN 0.3        /* correlation with one period ago that counts */
#define HILL_MIN 0.25      /* rise of the hill above the valley before it */
#define SHORTER_BONUS 0.05 /* a shorter period wins against one that is better by less than this */

struct period {
    uint32_t points;
    double acf;
};

/* Bridge gaps by the value before, tame spikes to the 2 % quantiles, take out mean and trend. */
static bool prepare(const struct ax_view *v, double *x, double *work)
{
    uint32_t n = v->n, present = 0;
    double held = NAN;
    for (uint32_t i = 0; i < n; i++) {
        if (!isnan(v->v[i])) {
            held = (double)v->v[i];
            work[present++] = held;
        }
        x[i] = held;
    }
    if (present < PRESENT_MIN * n)
        return false;
    double low = ax_quantile(work, present, 0.02), high = ax_quantile(work, present, 0.98);
    double sx = 0, sxt = 0, stt = 0, middle = (n - 1) / 2.0;
    for (uint32_t i = 0; i < n; i++) {
        x[i] = isnan(x[i]) || x[i] < low ? low : x[i] > high ? high : x[i];
        sx += x[i];
        sxt += x[i] * (i - middle);
        stt += (i - middle) * (i - middle);
    }
    for (uint32_t i = 0; i < n; i++)
        x[i] -= sx / n + sxt / stt * (i - middle);
    return high > low;
}

/* The top of the autocorrelation near a proposed period. */
static struct period climb(const double *acf, uint32_t lags, double proposed, double reach)
{
    struct period best = {0, -1};
    uint32_t from = (uint32_t)fmax(PERIOD_MIN, floor(proposed - reach));
    uint32_t until = (uint32_t)fmin(lags - 2, ceil(proposed + reach));
    for (uint32_t p = from; p <= until; p++)
        if (acf[p] > best.acf && acf[p] >= acf[p - 1] && acf[p] >= acf[p + 1])
            best = (struct period){p, acf[p]};
    if (best.points == 0 || best.acf < ACF_MIN)
        return (struct period){0, 0};
    double valley = best.acf;
    for (uint32_t p = 1; p < best.points; p++)
        valley = acf[p] < valley ? acf[p] : valley;
    return best.acf - valley >= HILL_MIN ? best : (struct period){0, 0};
}

static void strongest(const double *power, uint32_t from, uint32_t until, uint32_t *top, uint32_t *top_n)
{
    *top_n = 0;
    for (uint32_t k = from; k < until; k++) {
        if (power[k] < power[k - 1] || power[k] < power[k + 1])
            continue;
        uint32_t i = *top_n < CANDIDATES ? (*top_n)++ : CANDIDATES - 1;
        if (i == CANDIDATES - 1 && *top_n == CANDIDATES && top[i] && power[k] <= power[top[i]])
            continue;
        while (i > 0 && power[top[i - 1]] < power[k]) {
            top[i] = top[i - 1];
            i--;
        }
        top[i] = k;
    }
}

static struct period detect(const struct ax_view *v, uint32_t cycles_min, struct ax_arena *scratch)
{
    struct period best = {0, 0};
    uint32_t n = v->n, lags = n / cycles_min + 1;
    if (n < POINTS_MIN || lags == 0)
        return best;
    uint32_t m = ax_fft_pow2(2 * n); /* padded: no chirp, and room for the autocovariance */
    double *x = ax_arena_array(scratch, m, sizeof *x),
           *power = ax_arena_array(scratch, m / 2 + 1, sizeof *power);
    double *acf = ax_arena_array(scratch, lags + 1, sizeof *acf);
    double *work = ax_arena_array(scratch, 2 * m + ax_fft_scratch(m), sizeof *work);
    if (!x || !power || !acf || !work || !prepare(v, x, work))
        return best;
    memset(x + n, 0, (m - n) * sizeof *x);
    ax_autocovariance(x, n, lags + 1, acf, work);
    if (acf[0] <= 0)
        return best;
    for (uint32_t k = lags + 1; k-- > 0;)
        acf[k] = acf[k] / acf[0] * n / (n - k);
    ax_power_spectrum(x, m, power, work);
    uint32_t top[CANDIDATES] = {0}, top_n;
    uint32_t from = m / lags > 1 ? m / lags : 1;
    strongest(power, from, m / 2, top, &top_n);
    for (uint32_t i = 0; i < top_n; i++) {
        double proposed = (double)m / top[i];
        struct period p = climb(acf, lags, proposed, 1 + proposed * proposed / (double)n);
        if (p.points == 0)
            continue;
        double bonus = p.points < best.points ? SHORTER_BONUS : -SHORTER_BONUS;
        if (best.points == 0 || p.acf + bonus > best.acf)
            best = p;
    }
    return best;
}

/* People live by days and weeks: a period within 2 % of one of them is that one. */
static double snap(double steps, int64_t step_ms)
{
    const double calendar_ms[] = {(double)DAY_MS, (double)WEEK_MS};
    for (int i = 0; i < 2; i++) {
        double exact = calendar_ms[i] / (double)step_ms;
        if (fabs(steps - exact) <= 0.02 * exact)
            return exact;
    }
    return steps;
}

/* The one period that shows most. */
static uint32_t strongest_period(const struct ax_past *p, struct ax_arena *scratch)
{
    struct period fine = detect(&p->fine, 3, scratch);
    struct period coarse = detect(&p->coarse, 2, scratch);
    double steps = (double)coarse.points * (double)p->coarse.step_ms / (double)p->fine.step_ms;
    if (coarse.points == 0 || steps < p->fine.n / 3.0 || steps > UINT32_MAX / 4.0)
        return (uint32_t)lround(snap(fine.points, p->fine.step_ms));
    bool shorter = fine.points && fine.acf >= coarse.acf;
    return shorter ? fine.points : (uint32_t)lround(snap(steps, p->fine.step_ms));
}

struct ax_season ax_season_detect(const struct ax_past *p, struct ax_arena *scratch)
{
    struct ax_season s = {.steps = strongest_period(p, scratch)};
    int64_t period_ms = s.steps * p->fine.step_ms;
    if (period_ms != DAY_MS && period_ms != WEEK_MS)
        return s;
    if (p->coarse.n * p->coarse.step_ms > WEEK_MS)
        s.long_steps = (uint32_t)(WEEK_MS / p->fine.step_ms);
    s.steps = (uint32_t)(DAY_MS / p->fine.step_ms);
    return s;
}
