/* accuracy.c: walk forward over the columns of recorded CSVs and say, per series and horizon, how the
 * forecast did beside each of its members, the last value and predict_linear, and how honest its interval is.
 *
 * usage: accuracy [--dump=FILE] [--members=FILE] [--stream=adwin|page_hinkley|kswin] STEP_SECONDS
 * HORIZON_SECONDS[,...] [COLUMNS_MAX] FILE.csv... A step without a sample takes the newest one of the last 5
 * minutes, as an instant query does. A member that says nothing is held to say the last value. Output: CSV
 * with a heading (see header()); `worst` is the coverage furthest from the level over 2,000 outcomes in a
 * row, `calibration` the mean distance between confidence and what came of it, in tenths of confidence. FILE
 * gets t,column,horizon,actual,mean,lower,upper,last,confidence; that of --members a line, appended, for each
 * series, horizon and forecaster: all together, predict_linear, every member (which have no interval, and so
 * no coverage). With --stream weights are refreshed when that detector says that one-step errors have risen,
 * as a job's drift.stream does; how often is told on standard error. */
#include "app/baseline.h"
#include "base/clock.h"
#include "drift/stream.h"
#include "forecast/forecast.h"
#include "math/blas.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOKBACK_S 300
#define RUN 2000 /* outcomes over which coverage is to hold */
#define BINS 10
#define HORIZONS_MAX 8
#define LINEAR_STEPS_MIN 20 /* what predict_linear looks back: the horizon, and at least so much */

/* Sums over what one forecaster said. */
struct words {
    double error, ratio; /* |error|, and as a share of the actual where that is not 0 */
    double sum_f, sum_ff, sum_af;
};

struct tally {
    uint64_t n, inside, within, scored, ratios;
    double error_last, actual, winkler, winkler_constant;
    struct words together, linear, members[AX_FORECAST_MEMBERS_MAX];
    double sum_a, sum_aa;
    double *errors; /* of the past, sorted, for the interval of constant width */
    uint64_t errors_n;
    double low, high;
    unsigned char *hits; /* of every outcome */
    double confidence[BINS], came[BINS];
    uint64_t binned[BINS];
};

/* What was said at each step, for when its actual is known. */
struct said {
    double linear[HORIZONS_MAX], confidence[HORIZONS_MAX], between;
    double members[AX_FORECAST_MEMBERS_MAX][HORIZONS_MAX + 1]; /* at the tracked leads */
};

/* Put an error among the sorted ones. */
static void sort_in(struct tally *t, double error)
{
    uint64_t low = 0, high = t->errors_n++;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (t->errors[middle] < error)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(t->errors + low + 1, t->errors + low, (t->errors_n - 1 - low) * sizeof *t->errors);
    t->errors[low] = error;
}

static double winkler(double actual, double lower, double upper, double level)
{
    double s = upper - lower, penalty = 2 / (1 - level);
    return s + (actual < lower   ? penalty * (lower - actual)
                : actual > upper ? penalty * (actual - upper)
                                 : 0);
}

/* The interval, beside the mean with the 5 % and 95 % quantiles of all errors so far. */
static void score_interval(struct tally *t, const struct ax_outcome *o, double level)
{
    if (t->errors_n >= 30) {
        if (t->errors_n % 25 == 5 || t->scored == 0) {
            t->low = t->errors[(uint64_t)((double)t->errors_n * (1 - level) / 2)];
            t->high = t->errors[(uint64_t)((double)t->errors_n * (1 + level) / 2)];
        }
        t->scored++;
        t->winkler += winkler(o->actual, o->lower, o->upper, level);
        t->winkler_constant += winkler(o->actual, o->mean + t->low, o->mean + t->high, level);
    }
    sort_in(t, o->actual - o->mean);
}

static void say(struct words *w, double actual, double said)
{
    w->error += fabs(actual - said);
    w->ratio += actual == 0 ? 0 : fabs((actual - said) / actual);
    w->sum_f += said;
    w->sum_ff += said * said;
    w->sum_af += actual * said;
}

static void score(struct tally *t, const struct ax_outcome *o, const struct said *then, uint32_t track,
                  double level)
{
    double e = fabs(o->actual - o->mean), last = fabs(o->actual - o->last_value);
    double linear = then->linear[o->horizon], confidence = then->confidence[o->horizon];
    bool within = e <= 0.15 * fabs(o->actual), inside = o->actual >= o->lower && o->actual <= o->upper;
    t->hits[t->n++] = inside;
    t->inside += inside;
    t->within += within;
    t->error_last += last;
    t->actual += fabs(o->actual);
    t->ratios += o->actual != 0;
    t->sum_a += o->actual;
    t->sum_aa += o->actual * o->actual;
    say(&t->together, o->actual, o->mean);
    say(&t->linear, o->actual, isfinite(linear) ? linear : o->last_value);
    for (uint32_t m = 0; ax_forecaster_member(m); m++) {
        double x = then->members[m][track];
        say(&t->members[m], o->actual, isfinite(x) ? x : o->last_value);
    }
    uint32_t bin = confidence >= 1 ? BINS - 1 : (uint32_t)(confidence * BINS);
    t->binned[bin]++;
    t->confidence[bin] += confidence;
    t->came[bin] += within;
    score_interval(t, o, level);
}

static double worst_coverage(const struct tally *t, double level)
{
    double worst = (double)t->inside / (double)t->n;
    uint64_t inside = 0;
    for (uint64_t i = 0; i < t->n; i++) {
        inside += t->hits[i];
        inside -= i >= RUN ? t->hits[i - RUN] : 0;
        double c = (double)inside / RUN;
        if (i + 1 >= RUN && fabs(c - level) > fabs(worst - level))
            worst = c;
    }
    return worst;
}

static double calibration(const struct tally *t)
{
    double sum = 0;
    for (int b = 0; b < BINS; b++)
        sum += fabs(t->confidence[b] - t->came[b]);
    return sum / (double)t->n;
}

static double correlation(const struct tally *t, const struct words *w)
{
    double n = (double)t->n, a = t->sum_aa - t->sum_a * t->sum_a / n, f = w->sum_ff - w->sum_f * w->sum_f / n;
    return (w->sum_af - t->sum_a * w->sum_f / n) / sqrt(a * f);
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

static void header(void)
{
    printf("file,column,horizon,n,wape,mape,mase,correlation,wape_last,wape_linear,coverage,worst,winkler,"
           "winkler_constant,within,calibration,us,bytes,between,between_last");
    for (uint32_t m = 0; ax_forecaster_member(m); m++)
        printf(",%s", ax_forecaster_member(m));
    for (uint32_t m = 0; ax_forecaster_member(m); m++)
        printf(",w_%s", ax_forecaster_member(m));
    printf("\n");
}

/* predict_linear over the last steps, as many as the horizon has. */
static double linear_from(const double *value, const int64_t *t_ms, uint64_t i, uint32_t lead,
                          int64_t step_ms)
{
    uint64_t n = lead < LINEAR_STEPS_MIN ? LINEAR_STEPS_MIN : lead;
    n = n < i + 1 ? n : i + 1;
    return ax_predict_linear(t_ms + i + 1 - n, value + i + 1 - n, (uint32_t)n, t_ms[i], lead * step_ms);
}

/* A walk over one series. */
struct walk {
    const struct ax_forecast_spec *spec;
    struct ax_window *w;
    struct ax_forecaster *f;
    struct tally *tally;
    struct said *said;
    double *value;
    int64_t *t_ms;
    int64_t spent_ns;
    double change;    /* sum of |differences| */
    uint32_t between; /* point of the path half-way between the last two horizons */
    double error_between, last_between, actual_between;
    struct ax_drift_stream *stream; /* NULL: none */
    uint32_t reviews;
    uint32_t tracked[AX_PATH_MAX], tracked_n;
};

static void note(struct walk *k, uint64_t i, const struct ax_forecast *out)
{
    struct said *s = &k->said[i];
    for (uint32_t h = 0; h < k->spec->horizons_n; h++) {
        s->confidence[h] = out->confidence[k->spec->horizons[h]];
        s->linear[h] =
            linear_from(k->value, k->t_ms, i, k->spec->leads[k->spec->horizons[h]], k->spec->step_ms);
    }
    s->between = out->ready ? out->mean[k->between] : (double)NAN;
    for (uint32_t m = 0; ax_forecaster_member(m); m++)
        for (uint32_t j = 0; j < k->tracked_n; j++)
            s->members[m][j] = out->ready ? out->members[m * k->tracked_n + j] : (double)NAN;
}

/* The path where no horizon is. */
static void score_between(struct walk *k, uint64_t i)
{
    uint32_t lead = k->spec->leads[k->between];
    double actual = k->value[i], error = i < lead ? (double)NAN : fabs(actual - k->said[i - lead].between),
           last = i < lead ? (double)NAN : fabs(actual - k->value[i - lead]);
    if (isnan(error) || isnan(last))
        return;
    k->error_between += error;
    k->last_between += last;
    k->actual_between += fabs(actual);
}

/* As job_drift.c has it for a job of one series. */
static void watch(struct walk *k, const struct ax_outcome *o)
{
    double size = fabs(o->actual) + fabs(o->mean);
    if (!k->stream || !(size > 0) ||
        ax_drift_stream_update(k->stream, 2 * fabs(o->actual - o->mean) / size) <= 0)
        return;
    ax_forecaster_review(k->f);
    k->reviews++;
}

static void step(struct walk *k, uint64_t i, struct ax_arena *scratch, const char *column, FILE *dump)
{
    static struct ax_forecast out;
    struct ax_outcome outcomes[AX_PATH_MAX];
    uint32_t n = 0;
    if (ax_window_push(k->w, k->t_ms[i], k->value[i]))
        abort();
    int64_t start = ax_thread_cpu_ns();
    if (ax_forecaster_step(k->f, k->w, k->t_ms[i], NULL, scratch, &out, outcomes, &n))
        abort();
    k->spent_ns += ax_thread_cpu_ns() - start;
    for (uint32_t j = 0; j < n; j++) {
        const struct ax_outcome *o = &outcomes[j];
        uint32_t point = k->spec->horizons[o->horizon], lead = k->spec->leads[point], track = 0;
        while (k->tracked[track] != point)
            track++;
        score(&k->tally[o->horizon], o, &k->said[i - lead], track, k->spec->level);
        if (lead == 1)
            watch(k, o);
        if (dump)
            fprintf(dump, "%lld,%s,%u,%.9g,%.9g,%.9g,%.9g,%.9g,%.4f\n", (long long)(k->t_ms[i - lead] / 1000),
                    column, lead, o->actual, o->mean, o->lower, o->upper, o->last_value,
                    k->said[i - lead].confidence[o->horizon]);
    }
    note(k, i, &out);
    score_between(k, i);
    ax_arena_reset(scratch);
}

static void print(const struct walk *k, const char *file, const char *column, uint64_t steps)
{
    for (uint32_t h = 0; h < k->spec->horizons_n; h++) {
        const struct tally *y = &k->tally[h];
        double weights[AX_FORECAST_MEMBERS_MAX] = {0}, n = (double)y->n;
        if (y->n == 0 || y->scored == 0)
            continue;
        ax_forecaster_weights(k->f, k->spec->horizons[h], weights);
        printf(
            "%s,%s,%g,%llu,%.5g,%.5g,%.5g,%.4f,%.5g,%.5g,%.4f,%.4f,%.5g,%.5g,%.4f,%.4f,%.2f,%llu,%.5g,%.5g",
            file, column, k->spec->leads[k->spec->horizons[h]] * (double)k->spec->step_ms / 1000,
            (unsigned long long)y->n, y->together.error / y->actual, y->together.ratio / (double)y->ratios,
            y->together.error / n / (k->change / (double)steps), correlation(y, &y->together),
            y->error_last / y->actual, y->linear.error / y->actual, (double)y->inside / n,
            worst_coverage(y, k->spec->level), y->winkler / (double)y->scored,
            y->winkler_constant / (double)y->scored, (double)y->within / n, calibration(y),
            (double)k->spent_ns / 1000 / (double)steps,
            (unsigned long long)(ax_forecaster_bytes(k->f) + ax_window_bytes(k->w)),
            k->error_between / k->actual_between, k->last_between / k->actual_between);
        for (uint32_t m = 0; ax_forecaster_member(m); m++)
            printf(",%.5g", y->members[m].error / y->actual);
        for (uint32_t m = 0; ax_forecaster_member(m); m++)
            printf(",%.2f", weights[m]);
        printf("\n");
    }
}

/* One line of the table of forecasters. */
static void print_words(FILE *to, const struct walk *k, const char *series, const struct tally *y,
                        const char *name, const struct words *w, uint64_t steps)
{
    double n = (double)y->n;
    fprintf(to, "%s,%s,%llu,%.5g,%.5g,%.5g,%.4f,", series, name, (unsigned long long)y->n,
            w->error / y->actual, w->ratio / (double)y->ratios, w->error / n / (k->change / (double)steps),
            correlation(y, w));
    if (w == &y->together)
        fprintf(to, "%.4f", (double)y->inside / n);
    fprintf(to, ",%.4f\n", 1 - w->error / y->error_last);
}

static void print_members(FILE *to, const struct walk *k, const char *file, const char *column,
                          uint64_t steps)
{
    for (uint32_t h = 0; h < k->spec->horizons_n; h++) {
        const struct tally *y = &k->tally[h];
        char series[512];
        if (y->n == 0 || y->scored == 0)
            continue;
        (void)snprintf(series, sizeof series, "%s,%s,%g", file, column,
                       k->spec->leads[k->spec->horizons[h]] * (double)k->spec->step_ms / 1000);
        print_words(to, k, series, y, "together", &y->together, steps);
        print_words(to, k, series, y, "predict_linear", &y->linear, steps);
        for (uint32_t m = 0; ax_forecaster_member(m); m++)
            print_words(to, k, series, y, ax_forecaster_member(m), &y->members[m], steps);
    }
}

static void walk(const char *file, const struct table *t, uint32_t c, const struct ax_forecast_spec *spec,
                 FILE *dump, FILE *members, enum ax_drift_stream_kind kind)
{
    struct ax_drift_stream stream;
    ax_drift_stream_init(&stream, kind, 42);
    double seconds = (double)spec->step_ms / 1000;
    uint64_t steps = (uint64_t)((t->t[t->rows - 1] - t->t[0]) / seconds) + 1;
    struct tally tally[AX_PATH_MAX] = {0};
    struct ax_arena scratch;
    struct walk k = {.spec = spec,
                     .w = ax_window_new(spec->step_ms, AX_WINDOW_FINE, AX_WINDOW_COARSE),
                     .f = ax_forecaster_new(spec, 0),
                     .tally = tally,
                     .stream = kind == AX_STREAM_NONE ? NULL : &stream,
                     .said = calloc(steps, sizeof(struct said)),
                     .value = calloc(steps, sizeof(double)),
                     .t_ms = calloc(steps, sizeof(int64_t))};
    k.tracked_n = ax_forecast_spec_tracked(spec, k.tracked);
    uint32_t far = spec->leads[spec->leads_n - 1],
             before = spec->horizons_n > 1 ? spec->leads[spec->horizons[spec->horizons_n - 2]] : 0;
    while (spec->leads[k.between] < (before + far) / 2)
        k.between++;
    ax_arena_init(&scratch, 64U << 20);
    for (uint32_t h = 0; h < spec->horizons_n; h++) {
        tally[h].errors = malloc(steps * sizeof(double));
        tally[h].hits = malloc(steps);
    }
    uint32_t row = 0;
    for (uint64_t i = 0; i < steps; i++) {
        double at = ceil(t->t[0] / seconds) * seconds + (double)i * seconds;
        k.t_ms[i] = (int64_t)llround(at * 1000);
        k.value[i] = value_at(t, c, &row, at);
        double change = i ? fabs(k.value[i] - k.value[i - 1]) : 0;
        k.change += isnan(change) ? 0 : change;
        step(&k, i, &scratch, t->names[c], dump);
    }
    print(&k, file, t->names[c], steps);
    if (members)
        print_members(members, &k, file, t->names[c], steps);
    if (k.stream)
        fprintf(stderr, "accuracy: %s %s: weights were refreshed %u times\n", file, t->names[c], k.reviews);
    for (uint32_t h = 0; h < spec->horizons_n; h++) {
        free(tally[h].errors);
        free(tally[h].hits);
    }
    free(k.said);
    free(k.value);
    free(k.t_ms);
    ax_arena_done(&scratch);
    ax_forecaster_free(k.f);
    ax_window_free(k.w);
}

static bool is_series(const char *name)
{
    return strcmp(name, "label") != 0 && strcmp(name, "net_event") != 0 && strcmp(name, "split") != 0 &&
           !strstr(name, "counter_");
}

static enum ax_drift_stream_kind stream_of(const char *name)
{
    static const char *const names[AX_STREAMS] = {"none", "adwin", "page_hinkley", "kswin"};
    for (enum ax_drift_stream_kind kind = AX_STREAM_NONE; kind < AX_STREAMS; kind++)
        if (strcmp(names[kind], name) == 0)
            return kind;
    fprintf(stderr, "accuracy: no detector %s\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    struct ax_diag diag = {{0}};
    struct ax_forecast_spec spec;
    int64_t horizons[HORIZONS_MAX];
    uint32_t horizons_n = 0, columns_max = TABLE_COLUMNS_MAX;
    FILE *dump = NULL, *members = NULL;
    enum ax_drift_stream_kind stream = AX_STREAM_NONE;
    for (; argc > 1 && strncmp(argv[1], "--", 2) == 0; argv++, argc--) {
        if (strncmp(argv[1], "--dump=", 7) == 0)
            dump = fopen(argv[1] + 7, "w");
        else if (strncmp(argv[1], "--members=", 10) == 0)
            members = fopen(argv[1] + 10, "a");
        else if (strncmp(argv[1], "--stream=", 9) == 0)
            stream = stream_of(argv[1] + 9);
    }
    if (argc < 4) {
        fprintf(stderr, "usage: accuracy [--dump=FILE] [--members=FILE] STEP_SECONDS HORIZON_SECONDS[,...] "
                        "[COLUMNS_MAX] FILE.csv...\n");
        return 2;
    }
    for (char *rest = argv[2], *cell; (cell = strsep(&rest, ",")) && horizons_n < HORIZONS_MAX;)
        horizons[horizons_n++] = (int64_t)(strtod(cell, NULL) * 1000);
    if (ax_blas_setup(&diag) ||
        ax_forecast_spec_init(&spec, (int64_t)(strtod(argv[1], NULL) * 1000), horizons, horizons_n, &diag)) {
        fprintf(stderr, "accuracy: %s\n", diag.text);
        return 2;
    }
    spec.nonnegative = -1;
    spec.seed = 42;
    int first = 3;
    if (strtol(argv[3], NULL, 10) > 0)
        columns_max = (uint32_t)strtol(argv[first++], NULL, 10);
    header();
    for (int i = first; i < argc; i++) {
        static struct table t;
        if (!read_table(argv[i], columns_max, &t)) {
            fprintf(stderr, "accuracy: cannot read %s\n", argv[i]);
            return 1;
        }
        for (uint32_t c = 0; c < t.columns; c++)
            if (is_series(t.names[c]))
                walk(argv[i], &t, c, &spec, dump, members, stream);
        free_table(&t);
    }
    if (dump)
        fclose(dump);
    if (members)
        fclose(members);
    return 0;
}
