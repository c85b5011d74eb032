/* fit.c: what the forecaster of one series costs: its first fit, with the validation of all members, to 14
 * days at 5 min; a later fit; and a step with four horizons, by itself and with all fits that fall into it.
 *
 * usage: fit [SERIES [STEPS]]
 * Series are days and weeks of their own with noise. Each is taken through STEPS steps (2,000) after its
 * first fit. One core, CPU time of the thread. Output, a line each: milliseconds of a fit (mean, largest),
 * microseconds of a step, bytes. */
#include "base/clock.h"
#include "base/rng.h"
#include "forecast/forecaster.h"
#include "math/blas.h"
#include "series/window.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS INT64_C(300000)
#define START_MS INT64_C(1700000100000)
#define DAY 288
#define PAST (14 * DAY)

/* Sum and largest of what was measured. */
struct measure {
    uint64_t n;
    double sum, largest;
};

static void add(struct measure *m, double x)
{
    m->n++;
    m->sum += x;
    m->largest = x > m->largest ? x : m->largest;
}

static double value(struct ax_rng *rng, uint32_t series, uint32_t i)
{
    return 1000 + 300 * sin(2 * M_PI * (i + 10.0 * series) / DAY) + 100 * sin(2 * M_PI * i / (7.0 * DAY)) +
           30 * ax_rng_normal(rng);
}

/* One step with a new value; the time that it took in ns. */
static double step(struct ax_forecaster *f, struct ax_window *w, int64_t t_ms, double v,
                   struct ax_arena *scratch)
{
    static struct ax_forecast out;
    struct ax_outcome outcomes[AX_PATH_MAX];
    uint32_t n;
    if (ax_window_push(w, t_ms, v))
        abort();
    const int64_t start = ax_thread_cpu_ns();
    if (ax_forecaster_step(f, w, t_ms, NULL, scratch, &out, outcomes, &n))
        abort();
    const double spent = (double)(ax_thread_cpu_ns() - start);
    ax_arena_reset(scratch);
    return spent;
}

static double fit(struct ax_forecaster *f, const struct ax_window *w, int64_t t_ms, struct ax_arena *scratch)
{
    const struct ax_past p = {.fine = ax_window_fine(w), .coarse = ax_window_coarse(w), .t_ms = t_ms};
    const int64_t start = ax_thread_cpu_ns();
    if (ax_forecaster_refit(f, &p, scratch))
        abort();
    const double spent = (double)(ax_thread_cpu_ns() - start) / 1e6;
    ax_arena_reset(scratch);
    return spent;
}

int main(int argc, char **argv)
{
    const uint32_t series_n = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 20,
                   steps = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2000;
    const int64_t horizons[] = {STEP_MS, 12 * STEP_MS, 72 * STEP_MS, 288 * STEP_MS};
    struct ax_diag diag = {{0}};
    struct ax_forecast_spec spec;
    struct measure first = {0}, later = {0}, plain = {0}, all = {0};
    struct ax_arena scratch;
    uint64_t bytes = 0;
    if (ax_blas_setup(&diag) || ax_forecast_spec_init(&spec, STEP_MS, horizons, 4, &diag)) {
        fprintf(stderr, "fit: %s\n", diag.text);
        return 1;
    }
    ax_arena_init(&scratch, 64U << 20);
    for (uint32_t s = 0; s < series_n; s++) {
        struct ax_rng rng;
        struct ax_forecaster *f = ax_forecaster_new(&spec, 0);
        struct ax_window *w = ax_window_new(STEP_MS, AX_WINDOW_FINE, AX_WINDOW_COARSE);
        if (!f || !w)
            abort();
        ax_rng_seed(&rng, s + 1);
        uint32_t i = 0;
        int64_t t_ms = START_MS;
        for (; i < PAST; i++, t_ms += STEP_MS)
            if (ax_window_push(w, t_ms, value(&rng, s, i)))
                abort();
        add(&first, fit(f, w, t_ms - STEP_MS, &scratch));
        for (uint32_t k = 0; k < steps; k++, i++, t_ms += STEP_MS) {
            const uint32_t due = f->next_refit;
            const double spent = step(f, w, t_ms, value(&rng, s, i), &scratch) / 1e3;
            add(&all, spent);
            if (f->next_refit == due)
                add(&plain, spent);
            else
                add(&later, spent / 1e3);
        }
        bytes = ax_forecaster_bytes(f) + ax_window_bytes(w);
        ax_forecaster_free(f);
        ax_window_free(w);
    }
    ax_arena_done(&scratch);
    printf("first fit to 14 days at 5 min: %.1f ms (largest %.1f); a step with a later one %.1f ms (largest "
           "%.1f), %llu of %llu\n",
           first.sum / (double)first.n, first.largest, later.sum / (double)later.n, later.largest,
           (unsigned long long)later.n, (unsigned long long)all.n);
    printf("step with 4 horizons: %.1f us, %.1f with all fits; forecaster and windows: %llu bytes\n",
           plain.sum / (double)plain.n, all.sum / (double)all.n, (unsigned long long)bytes);
    return 0;
}
