/* entities_walk: the members of an ensemble over a recording of one entity: learnt from its first part, asked
 * about the rest, one row a step. Its points are means of 5 minutes, as a job makes them.
 *
 * usage: entities_walk FILE.csv TRAIN > SCORES.csv
 *
 * The file's columns are timestamp (one row a minute), features, maybe `split` (0: learn from it), `label`;
 * without `split` the share TRAIN of the rows is learnt from. Out come label, the members' ratios, and all of
 * them together over their level. */
#include "anomaly/ensemble.h"
#include "base/parse.h"
#include "math/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 5 /* of a point */
#define ROWS_MAX 100000
#define FINE 960
#define COARSE 4032

/* A recording: values[n][p], and what its other columns say. */
struct recording {
    uint32_t p, n, train;
    float *values, *points; /* points: means of the last STEPS rows */
    bool *label;
};

/* Index of the columns that are no features; UINT32_MAX: not there. */
struct columns {
    uint32_t n, split, label;
};

static struct columns columns_of(char *line)
{
    struct columns c = {0, UINT32_MAX, UINT32_MAX};
    char *rest = line;
    for (char *name; (name = strsep(&rest, ",\r\n")) && *name; c.n++) {
        c.split = strcmp(name, "split") == 0 ? c.n : c.split;
        c.label = strcmp(name, "label") == 0 ? c.n : c.label;
    }
    return c;
}

/* Take a row apart. */
static void put_row(struct recording *r, const struct columns *c, char *line)
{
    char *rest = line;
    uint32_t feature = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        const char *cell = strsep(&rest, ",\r\n");
        double v = (double)NAN;
        if (!cell || ax_parse_double(ax_str(cell), &v) != AX_OK)
            v = (double)NAN;
        if (i == c->label)
            r->label[r->n] = v > 0;
        else if (i == c->split)
            r->train += (uint32_t)(v == 0);
        else if (i > 0)
            r->values[(size_t)r->n * r->p + feature++] = (float)v;
    }
    r->n++;
}

static bool read_file(struct recording *r, const char *path, double share)
{
    static char line[1 << 16];
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f))
        return false;
    const struct columns c = columns_of(line);
    r->p = c.n - 1 - (c.split != UINT32_MAX) - (c.label != UINT32_MAX);
    r->values = malloc((size_t)ROWS_MAX * r->p * sizeof *r->values);
    r->points = malloc((size_t)ROWS_MAX * r->p * sizeof *r->points);
    r->label = calloc(ROWS_MAX, sizeof *r->label);
    if (!r->values || !r->points || !r->label || r->p > AX_ENSEMBLE_FEATURES_MAX)
        return false;
    while (r->n < ROWS_MAX && fgets(line, sizeof line, f))
        put_row(r, &c, line);
    (void)fclose(f);
    if (c.split == UINT32_MAX)
        r->train = (uint32_t)(share * r->n);
    return r->train > 0 && r->train < r->n;
}

static void make_points(struct recording *r)
{
    for (uint32_t t = 0; t < r->n; t++)
        for (uint32_t i = 0; i < r->p; i++) {
            double sum = 0;
            uint32_t n = 0;
            for (uint32_t k = 0; k < STEPS && k <= t; k++) {
                float v = r->values[(size_t)(t - k) * r->p + i];
                sum += isnan(v) ? 0 : (double)v;
                n += isnan(v) ? 0U : 1U;
            }
            r->points[(size_t)t * r->p + i] = n ? (float)(sum / n) : NAN;
        }
}

/* Copy every STEPS-th point of rows [from, to). */
static void put_segment(const struct recording *r, uint32_t from, uint32_t to, float *points,
                        struct ax_ensemble_data *data, struct ax_ensemble_segment *segments)
{
    struct ax_ensemble_segment *s = &segments[data->segments_n];
    *s = (struct ax_ensemble_segment){.first = data->points_n};
    for (uint32_t t = from; t < to; t += STEPS, s->n++)
        memcpy(points + (size_t)(data->points_n + s->n) * r->p, r->points + (size_t)t * r->p,
               r->p * sizeof *points);
    data->points_n += s->n;
    data->segments_n += s->n > 0;
}

static struct ax_ensemble *learn(const struct recording *r)
{
    struct ax_ensemble_segment segments[STEPS + 1];
    struct ax_str key = ax_str("entity");
    float *points = malloc((size_t)(COARSE + FINE + STEPS) * r->p * sizeof *points);
    uint8_t *marks = calloc(COARSE + FINE + STEPS, 1);
    struct ax_ensemble_data data = {
        .entities_n = 1, .keys = &key, .segments = segments, .points = points, .marks = marks};
    const struct ax_ensemble_spec spec = {.features = r->p, .false_alarm_rate = 0.001};
    struct ax_ensemble *e = NULL;
    struct ax_diag diag = {{0}};
    uint32_t fine = r->train > FINE ? r->train - FINE : 0;
    uint32_t coarse = r->train > COARSE * STEPS ? r->train - COARSE * STEPS : 0;
    if (points && marks) {
        put_segment(r, coarse + STEPS - 1, fine, points, &data, segments);
        for (uint32_t phase = 0; phase < STEPS; phase++)
            put_segment(r, fine + STEPS - 1 + phase, r->train, points, &data, segments);
        if (ax_ensemble_fit(&spec, &data, 42, &e, &diag) != AX_OK)
            (void)fprintf(stderr, "entities_walk: %s\n", diag.text);
    }
    free(points);
    free(marks);
    return e;
}

static int ask(const struct recording *r, const struct ax_ensemble *e)
{
    size_t bytes =
        (ax_ensemble_scratch(e, 1) + AX_ENSEMBLE_ALIGN - 1) / AX_ENSEMBLE_ALIGN * AX_ENSEMBLE_ALIGN;
    void *scratch = aligned_alloc(AX_ENSEMBLE_ALIGN, bytes);
    float x[AX_ENSEMBLE_POINTS * AX_ENSEMBLE_FEATURES_MAX];
    const uint32_t entity = 0;
    if (!scratch)
        return 1;
    printf("label");
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        printf(",%s", ax_ensemble_member_name(m));
    printf(",together\n");
    for (uint32_t t = r->train; t < r->n; t++) {
        struct ax_ensemble_ratios ratios;
        for (uint32_t k = 0; k < AX_ENSEMBLE_POINTS; k++) {
            uint32_t back = (AX_ENSEMBLE_POINTS - 1 - k) * STEPS, at = t > back ? t - back : 0;
            memcpy(x + (size_t)k * r->p, r->points + (size_t)at * r->p, r->p * sizeof *x);
        }
        ax_ensemble_score(e, 1, &entity, x, scratch, &ratios);
        printf("%d", r->label[t]);
        for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
            printf(",%.6g", ratios.v[m]);
        printf(",%.6g\n", ax_ensemble_combine(ax_ensemble_members_of(e), NULL, &ratios, NULL, 0) /
                              ax_ensemble_level(e, 0));
    }
    free(scratch);
    return 0;
}

int main(int argc, char **argv)
{
    struct recording r = {0};
    double share = 0.4;
    if (argc < 2 || (argc > 2 && ax_parse_double(ax_str(argv[2]), &share) != AX_OK) ||
        ax_blas_setup(NULL) != AX_OK || !read_file(&r, argv[1], share)) {
        (void)fprintf(stderr, "usage: entities_walk FILE.csv [TRAIN]\n");
        return 2;
    }
    make_points(&r);
    struct ax_ensemble *e = learn(&r);
    int status = e ? ask(&r, e) : 1;
    ax_ensemble_free(e);
    free(r.values);
    free(r.points);
    free(r.label);
    return status;
}
