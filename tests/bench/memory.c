/* memory: what a series takes with forecast, anomaly and drift at the default windows, all of it full: 960
 * steps of 15 s, 4,032 points of 5 minutes, horizons of 1, 5, 15 and 60 minutes.
 *
 * usage: memory
 * Output: a line for each part, its bytes as it counts them itself and those that the allocator took for it;
 * then the sum. Labels, which are as long as they are, are told apart. */
#include "base/rng.h"
#include "math/blas.h"
#include "pipeline/target.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define STEP_MS 15000
#define START_MS INT64_C(1700000100000)
#define STEPS (AX_WINDOW_COARSE * (AX_WINDOW_COARSE_MS / STEP_MS) + 1000)
#define BUDGET 32768

static uint64_t counted, taken;
static size_t before;

static void begin(void)
{
    before = mallinfo2().uordblks;
}

static void end(const char *what, uint64_t bytes)
{
    const size_t took = mallinfo2().uordblks - before;
    printf("%-22s %8llu %8zu\n", what, (unsigned long long)bytes, took);
    counted += bytes;
    taken += took;
}

static struct ax_window *full_window(void)
{
    struct ax_rng rng;
    struct ax_window *w = ax_window_new(STEP_MS, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    ax_rng_seed(&rng, 1);
    for (int64_t i = 0; w && i < STEPS; i++)
        if (ax_window_push(w, START_MS + i * STEP_MS, 1000 + ax_rng_normal(&rng)) != AX_OK)
            abort();
    return w;
}

int main(void)
{
    const int64_t horizons[] = {60000, 300000, 900000, 3600000};
    const size_t outlets = 4 * AX_SERIES_FORECAST_OUTPUTS * sizeof(struct ax_outlet);
    const struct ax_detector_spec anomaly = {0};
    struct ax_forecast_spec spec;
    struct ax_diag diag = {{0}};
    if (ax_blas_setup(&diag) != AX_OK || ax_forecast_spec_init(&spec, STEP_MS, horizons, 4, &diag) != AX_OK) {
        fprintf(stderr, "memory: %s\n", diag.text);
        return 1;
    }
    spec.given = 0;                /* no model that series share */
    ax_window_free(full_window()); /* what it grows through is kept for the next by the allocator */
    printf("%-22s %8s %8s\n", "bytes a series", "counted", "taken");
    begin();
    struct ax_window *w = full_window();
    end("windows", w ? ax_window_bytes(w) : 0);
    begin();
    struct ax_forecaster *f = ax_forecaster_new(&spec, 1);
    end("forecaster", f ? ax_forecaster_bytes(f) : 0);
    begin();
    struct ax_detector *d = ax_detector_new(&anomaly);
    end("detector", d ? ax_detector_bytes(d) : 0);
    begin();
    struct ax_hindsight *h = ax_hindsight_new(0);
    end("past scores", h ? ax_hindsight_bytes(h) : 0);
    begin();
    struct ax_target *t = calloc(1, sizeof *t);
    end("target", sizeof *t);
    begin();
    void *v = calloc(1, outlets);
    end("outputs of forecasts", outlets);
    printf("%-22s %8llu %8llu of %d\n", "sum, without labels", (unsigned long long)counted,
           (unsigned long long)taken, BUDGET);
    if (!w || !f || !d || !h || !t || !v)
        return 1;
    ax_window_free(w);
    ax_forecaster_free(f);
    ax_detector_free(d);
    ax_hindsight_free(h);
    free(t);
    free(v);
    return 0;
}
