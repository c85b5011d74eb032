/* forecast_walk.c: walk forward over the columns of recorded CSVs and print, per series and horizon, how
 * the forecaster did beside the last value and beside an interval of constant width.
 *
 * usage: forecast_walk STEP_SECONDS HORIZON_SECONDS[,...] FILE.csv...
 * A step without a sample takes the newest one of the last 5 minutes, as an instant query does.
 * Output: file, column, horizon, n, WAPE, WAPE of the last value, coverage, Winkler score, Winkler score of
 * the constant width, share within tolerance, mean confidence, microseconds a step. */
#include "base/clock.h"
#include "forecast/forecast.h"
#include "math/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 256
#define ROWS_MAX 100000
#define LINE_MAX_BYTES 65536
#define LOOKBACK_S 300

struct table {
    char *names[COLUMNS_MAX];
    uint32_t columns, rows;
    double *t, *v[COLUMNS_MAX];
};

struct tally {
    uint64_t n, inside, within, scored;
    double error, error_last, actual, winkler, winkler_constant, confidence;
    double *errors; /* of the past, for the interval of constant width */
    uint64_t errors_n;
    double low, high;
};

static bool read_table(const char *path, struct table *out)
{
    FILE *in = fopen(path, "r");
    static char line[LINE_MAX_BYTES];
    if (!in || !fgets(line, sizeof line, in))
        return false;
    memset(out, 0, sizeof *out);
    char *rest = line, *cell = strsep(&rest, ",\r\n");
    out->t = malloc(ROWS_MAX * sizeof *out->t);
    while ((cell = strsep(&rest, ",\r\n")) && *cell && out->columns < COLUMNS_MAX) {
        out->names[out->columns] = strdup(cell);
        out->v[out->columns++] = malloc(ROWS_MAX * sizeof **out->v);
    }
    while (fgets(line, sizeof line, in) && out->rows < ROWS_MAX) {
        rest = line;
        out->t[out->rows] = strtod(strsep(&rest, ",\r\n"), NULL);
        for (uint32_t c = 0; c < out->columns; c++) {
            cell = rest ? strsep(&rest, ",\r\n") : NULL;
            out->v[c][out->rows] = cell && *cell ? strtod(cell, NULL) : (double)NAN;
        }
        out->rows++;
    }
    fclose(in);
    return true;
}

static void free_table(struct table *t)
{
    free(t->t);
    for (uint32_t c = 0; c < t->columns; c++) {
        free(t->names[c]);
        free(t->v[c]);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double winkler(double actual, double lower, double upper, double level)
{
    double s = upper - lower, penalty = 2 / (1 - level);
    return s + (actual < lower   ? penalty * (lower - actual)
                : actual > upper ? penalty * (actual - upper)
                                 : 0);
}

/* Score one outcome; the constant interval is the mean with the 5 % and 95 % quantiles of all errors so far.
 */
static void score(struct tally *t, const struct ax_outcome *o, double level)
{
    double e = o->actual - o->mean;
    t->n++;
    t->inside += o->actual >= o->lower && o->actual <= o->upper;
    t->within += fabs(e) <= 0.15 * fabs(o->actual);
    t->error += fabs(e);
    t->error_last += fabs(o->actual - o->last_value);
    t->actual += fabs(o->actual);
    if (t->errors_n >= 30) {
        if (t->errors_n % 25 == 5 || t->scored == 0) {
            double *sorted = malloc(t->errors_n * sizeof *sorted);
            memcpy(sorted, t->errors, t->errors_n * sizeof *sorted);
            qsort(sorted, t->errors_n, sizeof *sorted, by_value);
            t->low = sorted[(uint64_t)((double)t->errors_n * (1 - level) / 2)];
            t->high = sorted[(uint64_t)((double)t->errors_n * (1 + level) / 2)];
            free(sorted);
        }
        t->scored++;
        t->winkler += winkler(o->actual, o->lower, o->upper, level);
        t->winkler_constant += winkler(o->actual, o->mean + t->low, o->mean + t->high, level);
    }
    t->errors[t->errors_n++] = e;
}

static double value_at(const struct table *t, uint32_t c, uint32_t *row, double at)
{
    while (*row + 1 < t->rows && t->t[*row + 1] <= at)
        (*row)++;
    for (uint32_t r = *row + 1; r-- > 0 && t->t[r] > at - LOOKBACK_S;)
        if (t->t[r] <= at && !isnan(t->v[c][r]))
            return t->v[c][r];
    return NAN;
}

static void walk(const char *file, const struct table *t, uint32_t c, const struct ax_forecast_spec *spec)
{
    struct ax_window *w = ax_window_new(spec->step_ms, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    struct ax_forecaster *f = ax_forecaster_new(spec);
    struct tally tally[AX_PATH_MAX] = {0};
    struct ax_arena scratch;
    ax_arena_init(&scratch, 64U << 20);
    double step = (double)spec->step_ms / 1000;
    uint64_t steps = (uint64_t)((t->t[t->rows - 1] - t->t[0]) / step) + 1;
    for (uint32_t h = 0; h < spec->horizons_n; h++)
        tally[h].errors = malloc(steps * sizeof(double));
    uint32_t row = 0;
    int64_t spent = 0;
    static struct ax_forecast out;
    double confidence[AX_PATH_MAX] = {0};
    uint64_t ready = 0;
    for (uint64_t i = 0; i < steps; i++) {
        double at = ceil(t->t[0] / step) * step + (double)i * step;
        struct ax_outcome outcomes[AX_PATH_MAX];
        uint32_t n = 0;
        int64_t t_ms = (int64_t)llround(at * 1000);
        if (ax_window_push(w, t_ms, value_at(t, c, &row, at)))
            abort();
        int64_t start = ax_thread_cpu_ns();
        if (ax_forecaster_step(f, w, t_ms, NULL, &scratch, &out, outcomes, &n))
            abort();
        spent += ax_thread_cpu_ns() - start;
        ax_arena_reset(&scratch);
        for (uint32_t k = 0; k < n; k++)
            score(&tally[outcomes[k].horizon], &outcomes[k], spec->level);
        ready += out.ready;
        for (uint32_t h = 0; h < spec->horizons_n && out.ready; h++)
            confidence[h] += out.confidence[spec->horizons[h]];
    }
    for (uint32_t h = 0; h < spec->horizons_n; h++) {
        const struct tally *y = &tally[h];
        double weights[AX_FORECAST_MEMBERS_MAX] = {0};
        ax_forecaster_weights(f, spec->horizons[h], weights);
        printf("%s,%s,%g,%llu,%.6g,%.6g,%.4f,%.6g,%.6g,%.4f,%.4f,%.2f,%llu", file, t->names[c],
               spec->leads[spec->horizons[h]] * step, (unsigned long long)y->n, y->error / y->actual,
               y->error_last / y->actual, (double)y->inside / (double)y->n, y->winkler / (double)y->scored,
               y->winkler_constant / (double)y->scored, (double)y->within / (double)y->n,
               confidence[h] / (double)ready, (double)spent / 1000 / (double)steps,
               (unsigned long long)(ax_forecaster_bytes(f) + ax_window_bytes(w)));
        for (uint32_t m = 0; ax_forecaster_member(m); m++)
            printf(",%s=%.2f", ax_forecaster_member(m), weights[m]);
        printf("\n");
        free(y->errors);
    }
    ax_arena_done(&scratch);
    ax_forecaster_free(f);
    ax_window_free(w);
}

static bool is_series(const char *name)
{
    return strcmp(name, "label") != 0 && strcmp(name, "net_event") != 0 && !strstr(name, "counter_");
}

int main(int argc, char **argv)
{
    struct ax_diag diag = {{0}};
    struct ax_forecast_spec spec;
    int64_t horizons[AX_PATH_MAX];
    uint32_t horizons_n = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: forecast_walk STEP_SECONDS HORIZON_SECONDS[,...] FILE.csv...\n");
        return 2;
    }
    for (char *rest = argv[2], *cell; (cell = strsep(&rest, ",")) && horizons_n < AX_PATH_MAX;)
        horizons[horizons_n++] = (int64_t)(strtod(cell, NULL) * 1000);
    if (ax_blas_setup(&diag) ||
        ax_forecast_spec_init(&spec, (int64_t)(strtod(argv[1], NULL) * 1000), horizons, horizons_n, &diag)) {
        fprintf(stderr, "forecast_walk: %s\n", diag.text);
        return 2;
    }
    spec.nonnegative = true;
    for (int i = 3; i < argc; i++) {
        static struct table t;
        if (!read_table(argv[i], &t)) {
            fprintf(stderr, "forecast_walk: cannot read %s\n", argv[i]);
            return 1;
        }
        for (uint32_t c = 0; c < t.columns; c++)
            if (is_series(t.names[c]))
                walk(argv[i], &t, c, &spec);
        free_table(&t);
    }
    return 0;
}
