/* detect_walk.c: walk forward over the columns of recorded CSVs with a forecaster and a detector each, and
 * print every step's verdict.
 *
 * usage: detect_walk [--turn=N] [--all | --with=MEMBER | --without=MEMBER] FILE.csv...
 * --all: with all members, --with, --without: with one more or less than those of the default set; --turn: as
 * series that are fitted at other steps. The step of a file is the
 * median distance of its rows; a step without a row since the one before it is a gap. A column `label` marks
 * the rows (the largest of a step counts). Output, as CSV: file, column, time, value, label, expected, lower
 * and upper (the forecast of the step), score, severity, direction, and the score of each member. At the end
 * it says on stderr what a step of the detector took. */
#include "anomaly/detector.h"
#include "base/clock.h"
#include "forecast/forecast.h"
#include "math/blas.h"
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who is asked; 0: the default set. */
static uint32_t asked;

/* Which series they are; see ax_forecaster_new(). */
static uint32_t turn;

/* What all detectors took together. */
static struct {
    int64_t ns;
    uint64_t steps, bytes;
} spent;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double step_of(const struct table *t)
{
    double *d = malloc(t->rows * sizeof *d);
    for (uint32_t i = 1; i < t->rows; i++)
        d[i - 1] = t->t[i] - t->t[i - 1];
    qsort(d, t->rows - 1, sizeof *d, by_value);
    double step = d[(t->rows - 1) / 2];
    free(d);
    return step;
}

/* One column on its way. */
struct walk {
    const struct table *table;
    struct ax_forecast_spec spec;
    struct ax_window *window;
    struct ax_forecaster *forecaster;
    struct ax_detector *detector;
    struct ax_arena scratch;
    struct ax_observation next; /* all but its value */
};

/* The forecast for the step after t_ms. */
static void look_ahead(struct walk *w, int64_t t_ms)
{
    static struct ax_forecast f;
    struct ax_outcome outcomes[1];
    uint32_t n = 0;
    if (ax_forecaster_step(w->forecaster, w->window, t_ms, NULL, &w->scratch, &f, outcomes, &n) != AX_OK)
        abort();
    ax_arena_reset(&w->scratch);
    w->next = (struct ax_observation){.expected = f.ready ? f.mean[0] : (double)NAN,
                                      .lower = f.ready ? f.lower[0] : (double)NAN,
                                      .upper = f.ready ? f.upper[0] : (double)NAN,
                                      .turn = turn};
}

/* The newest row of the step that ends at `to`, from the first one not taken yet; -1 for none. */
static int64_t take_rows(const struct table *t, uint32_t *row, double to, double *label)
{
    int64_t newest = -1;
    for (*label = 0; *row < t->rows && t->t[*row] <= to; (*row)++) {
        newest = *row;
        if (t->label && t->label[*row] > *label)
            *label = t->label[*row];
    }
    return newest;
}

static struct ax_verdict take_step(struct walk *w, int64_t t_ms, double value)
{
    struct ax_verdict verdict;
    if (ax_window_push(w->window, t_ms, value) != AX_OK)
        abort();
    w->next.value = value;
    w->next.past = ax_window_fine(w->window);
    int64_t start = ax_thread_cpu_ns();
    ax_detector_step(w->detector, &w->next, &verdict);
    spent.ns += ax_thread_cpu_ns() - start;
    spent.steps++;
    return verdict;
}

static void walk_column(const char *file, const struct table *t, uint32_t c)
{
    struct walk w = {.table = t};
    struct ax_diag diag;
    double step = step_of(t);
    int64_t step_ms = (int64_t)llround(step * 1000);
    if (step_ms <= 0 || ax_forecast_spec_init(&w.spec, step_ms, &step_ms, 1, &diag) != AX_OK)
        abort();
    w.spec.nonnegative = -1;
    w.window = ax_window_new(step_ms, AX_WINDOW_FINE, AX_WINDOW_COARSE);
    w.forecaster = ax_forecaster_new(&w.spec, turn);
    double hold = fmax(3600 / step, fmax(fmin(240, 14400 / step), 24)),
           memory = 43200 / step; /* as the pipeline has them */
    w.detector =
        ax_detector_new(&(struct ax_detector_spec){.hold_steps = (uint32_t)hold,
                                                   .memory_steps = memory > 2880 ? (uint32_t)memory : 2880,
                                                   .members = asked});
    w.next = (struct ax_observation){.expected = NAN, .lower = NAN, .upper = NAN};
    ax_arena_init(&w.scratch, 64U << 20);
    uint32_t row = 0;
    for (double at = ceil(t->t[0] / step) * step; row < t->rows; at += step) {
        double label;
        int64_t newest = take_rows(t, &row, at, &label), t_ms = (int64_t)llround(at * 1000);
        double value = newest < 0 ? (double)NAN : t->v[c][newest];
        struct ax_observation o = w.next;
        struct ax_verdict v = take_step(&w, t_ms, value);
        double members[AX_MEMBER_IDS];
        ax_detector_members(w.detector, members);
        look_ahead(&w, t_ms);
        if (newest < 0)
            continue;
        printf("%s,%s,%.3f,%.9g,%g,%.9g,%.9g,%.9g,%.6g,%d,%d", file, t->names[c], at, value, label,
               o.expected, o.lower, o.upper, v.score, (int)v.severity, v.direction);
        for (uint32_t i = 0; i < AX_MEMBER_IDS; i++)
            printf(",%.5g", isnan(members[i]) ? 0 : members[i]);
        printf("\n");
    }
    spent.bytes = ax_detector_bytes(w.detector);
    ax_arena_done(&w.scratch);
    ax_detector_free(w.detector);
    ax_forecaster_free(w.forecaster);
    ax_window_free(w.window);
}

static bool is_series(const char *name)
{
    static const char *const others[] = {"label", "net_event", "split"};
    for (uint32_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcmp(name, others[i]) == 0)
            return false;
    return !strstr(name, "counter_");
}

/* The member that a flag names; AX_MEMBER_IDS for none. */
static unsigned member_of(const char *flag, const char *prefix)
{
    unsigned id = 0;
    if (strncmp(flag, prefix, strlen(prefix)) != 0)
        return AX_MEMBER_IDS;
    while (id < AX_MEMBER_IDS && strcmp(flag + strlen(prefix), ax_member_name((enum ax_member_id)id)) != 0)
        id++;
    return id;
}

/* Take a flag; false when it is none. */
static bool take_flag(const char *flag)
{
    const unsigned more = member_of(flag, "--with="), less = member_of(flag, "--without=");
    if (strncmp(flag, "--turn=", 7) == 0)
        turn = (uint32_t)strtoul(flag + 7, NULL, 10);
    else if (strcmp(flag, "--all") == 0)
        asked = (1u << AX_MEMBER_IDS) - 1;
    else if (more < AX_MEMBER_IDS)
        asked = AX_MEMBERS_DEFAULT | 1u << more;
    else if (less < AX_MEMBER_IDS)
        asked = AX_MEMBERS_DEFAULT & ~(1u << less);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct ax_diag diag = {{0}};
    if (argc < 2 || ax_blas_setup(&diag) != AX_OK) {
        (void)fprintf(
            stderr,
            "usage: detect_walk [--turn=N] [--all | --with=MEMBER | --without=MEMBER] FILE.csv...\n%s\n",
            diag.text);
        return 2;
    }
    int first = 1;
    while (first < argc && take_flag(argv[first]))
        first++;
    printf("file,column,timestamp,value,label,expected,lower,upper,score,severity,direction");
    for (int id = 0; id < AX_MEMBER_IDS; id++)
        printf(",%s", ax_member_name((enum ax_member_id)id));
    printf("\n");
    for (int i = first; i < argc; i++) {
        static struct table t;
        if (!read_table(argv[i], TABLE_COLUMNS_MAX, &t)) {
            (void)fprintf(stderr, "detect_walk: cannot read %s\n", argv[i]);
            return 1;
        }
        for (uint32_t c = 0; c < t.columns; c++)
            if (is_series(t.names[c]))
                walk_column(argv[i], &t, c);
        free_table(&t);
    }
    (void)fprintf(stderr, "detector: %.2f us a step, %llu bytes a series\n",
                  (double)spent.ns / 1000 / (double)spent.steps, (unsigned long long)spent.bytes);
    return 0;
}
