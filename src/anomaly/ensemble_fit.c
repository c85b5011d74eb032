/* ensemble_fit.c: from the points of entities to models: middles and spreads, rows to learn from, rows that
 * are held out to find levels. */
#include "anomaly/ensemble_priv.h"
#include "anomaly/tail.h"
#include "base/rng.h"
#include "math/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MIN 60              /* to learn from */
#define ROWS_MAX 6000            /* more are thinned: models do not gain by more */
#define LEVEL_ROWS 512           /* of an entity, held out */
#define LABELLED_ROWS LEVEL_ROWS /* of incidents, and as many of what is normal */
#define HELD_ROWS                                                                                            \
    1.5 /* times a row's points are held out in succession, of every HELD_EVERY such blocks one */
#define HELD_EVERY 5
#define FLAGGED_SHARE_MAX 0.25
#define FLAGGED_POINTS_MAX 2
#define SPREAD_OF_ALL 0.1 /* of the spread with what does not teach, for what never moves without it */
#define SPREAD_OF_MIDDLE 1e-3
#define SPREAD_MIN 1e-6
#define NORMAL_IQR 1.349 /* interquartile range of the standard normal */
#define LEVEL_MIN 1e-6
#define NEVER_FADES (1u << 30)

/* What a fit works on. */
struct fit {
    struct ax_ensemble *e;
    const struct ax_ensemble_data *data;
    struct ax_ensemble_fit_env env;
    bool all_teach; /* so much is flagged that it is how things are */
    double *column; /* [points_n] */
    float *context, *last;
    uint32_t *when;    /* of the rows to learn from */
    void *scratch;     /* of the ensemble, for a chunk */
    double *distances; /* [LEVEL_ROWS][AX_ENSEMBLE_MEMBERS] */
    struct ax_rng rng;
};

/* A row: the segment and the point in it that is its last. */
struct row {
    uint32_t segment, at;
};

static const float *point_of(const struct fit *f, uint32_t point)
{
    return f->data->points + (size_t)point * f->e->spec.features;
}

/* Middle and spread of a column of n values (reordered): the larger of the interquartile range as a
 * deviation, and the standard deviation. */
static void middle_of(double *v, uint32_t n, double *middle, double *spread)
{
    struct ax_moments m = {0};
    for (uint32_t i = 0; i < n; i++)
        ax_moments_add(&m, v[i]);
    *middle = ax_median(v, n);
    *spread = fmax((ax_quantile(v, n, 0.75) - ax_quantile(v, n, 0.25)) / NORMAL_IQR,
                   sqrt(ax_moments_variance(&m, 0)));
}

/* Do models learn from a point? */
static bool teaches(const struct fit *f, uint32_t point)
{
    const enum ax_ensemble_mark mark = (enum ax_ensemble_mark)f->data->marks[point];
    return mark == AX_POINT_USUAL || mark == AX_POINT_NORMAL || (mark == AX_POINT_FLAGGED && f->all_teach);
}

/* Values of a feature of an entity, all or those that teach; how many. */
static uint32_t column_of(const struct fit *f, uint32_t first, uint32_t last, uint32_t feature, bool all)
{
    uint32_t n = 0;
    for (uint32_t s = first; s < last; s++)
        for (uint32_t i = 0; i < f->data->segments[s].n; i++) {
            uint32_t point = f->data->segments[s].first + i;
            double v = (double)point_of(f, point)[feature];
            if (isfinite(v) && (all || teaches(f, point)))
                f->column[n++] = v;
        }
    return n;
}

/* Middle and spread of each feature of the entity of segments [first, last). */
static void scale(struct fit *f, uint32_t first, uint32_t last)
{
    const uint32_t p = f->e->spec.features;
    float *to = f->e->entities[f->data->segments[first].entity].middle;
    for (uint32_t i = 0; i < p; i++) {
        double middle = 0, spread = 0, middle_all = 0, spread_all = 0;
        uint32_t all = column_of(f, first, last, i, true);
        if (all)
            middle_of(f->column, all, &middle_all, &spread_all);
        uint32_t clean = column_of(f, first, last, i, false);
        if (2 * clean >= all && clean)
            middle_of(f->column, clean, &middle, &spread);
        else
            middle = middle_all;
        const double least = fmax(SPREAD_OF_MIDDLE * fabs(middle), SPREAD_MIN);
        if (!(spread > least))
            spread = fmax(SPREAD_OF_ALL * spread_all, least);
        to[i] = (float)middle;
        to[p + i] = (float)spread;
    }
}

/* Its last point teaches, and so do most of those before it. */
static bool is_clean(const struct fit *f, const struct row *r)
{
    const uint32_t last = f->data->segments[r->segment].first + r->at;
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->e->spec.points && i <= r->at; i++)
        n += !teaches(f, last - i);
    return teaches(f, last) && n <= FLAGGED_POINTS_MAX;
}

/* Rows in succession that are held out. */
static uint32_t held_block(const struct fit *f)
{
    return (uint32_t)(HELD_ROWS * f->e->spec.points);
}

static bool is_held(const struct fit *f, const struct row *r)
{
    return r->at / held_block(f) % HELD_EVERY == HELD_EVERY - 1;
}

/* A row as it came: its last points; before the segment's first point that point is repeated. To learn from,
 * a point that does not teach gives way to the one after it: its last one does. */
static void row_points(const struct fit *f, const struct row *r, bool to_learn, float *to)
{
    const struct ax_ensemble_segment *s = &f->data->segments[r->segment];
    const size_t p = f->e->spec.features;
    uint32_t from = r->at;
    for (uint32_t t = f->e->spec.points; t-- > 0;) {
        uint32_t back = f->e->spec.points - 1 - t, at = r->at > back ? r->at - back : 0;
        if (!to_learn || teaches(f, s->first + at))
            from = at;
        memcpy(to + t * p, point_of(f, s->first + from), p * sizeof *to);
    }
}

/* The time at which a row ends, in points; where times are not known, segments come one after the other. */
static int64_t when_of(const struct fit *f, const struct row *r)
{
    const struct ax_ensemble_segment *s = &f->data->segments[r->segment];
    const int64_t point_ms = f->data->segments[0].step_ms;
    return point_ms > 0 && s->step_ms > 0 ? (s->end_ms - (int64_t)(s->n - 1 - r->at) * s->step_ms) / point_ms
                                          : (int64_t)s->first + r->at;
}

/* Normalise rows into the fit's block. */
static struct ax_ensemble_view view_of(struct fit *f, const struct row *rows, uint32_t n, bool to_learn)
{
    const size_t p = f->e->spec.features, width = f->e->spec.points * p;
    float came[AX_ENSEMBLE_POINTS_MAX * AX_ENSEMBLE_FEATURES_MAX];
    for (uint32_t i = 0; i < n; i++) {
        row_points(f, &rows[i], to_learn, came);
        ax_ensemble_normalise(f->e, f->data->segments[rows[i].segment].entity, came, f->context + i * width,
                              f->last + i * p);
    }
    return (struct ax_ensemble_view){n, f->e->spec.features, f->e->spec.points, f->context, f->last, f->when};
}

/* The times of rows, from the first one of them on. */
static void note_times(struct fit *f, const struct row *rows, uint32_t n)
{
    int64_t first = INT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const int64_t t = when_of(f, &rows[i]);
        first = t < first ? t : first;
    }
    for (uint32_t i = 0; i < n; i++)
        f->when[i] = (uint32_t)(when_of(f, &rows[i]) - first);
}

/* Keep a random `most` of n, in their order. */
static uint32_t thin(struct ax_rng *rng, struct row *rows, uint32_t n, uint32_t most)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n && n > most; i++)
        if (ax_rng_below(rng, n - i) < most - kept)
            rows[kept++] = rows[i];
    return n > most ? most : n;
}

/* Which rows: those to learn from, those held out, both with all that is flagged. */
enum which { TO_LEARN, HELD_OUT, ALL_THERE_ARE };

/* Such rows of segments [first, last). */
static uint32_t gather(const struct fit *f, uint32_t first, uint32_t last, enum which which, struct row *rows)
{
    uint32_t n = 0;
    for (uint32_t s = first; s < last; s++)
        for (uint32_t i = 0; i < f->data->segments[s].n; i++) {
            const struct row r = {s, i};
            bool clean = is_clean(f, &r);
            if (which == ALL_THERE_ARE || (clean && is_held(f, &r) == (which == HELD_OUT)))
                rows[n++] = r;
        }
    return n;
}

/* Rows by which levels of an entity are found, as many as there are. */
static uint32_t gather_held(struct fit *f, uint32_t first, uint32_t last, struct row *rows)
{
    uint32_t n = gather(f, first, last, HELD_OUT, rows);
    if (n < held_block(f)) /* too short to hold out anything */
        n = gather(f, first, last, TO_LEARN, rows);
    if (n == 0)
        n = gather(f, first, last, ALL_THERE_ARE, rows);
    return thin(&f->rng, rows, n, LEVEL_ROWS);
}

/* The segment behind those of the same entity. */
static uint32_t behind(const struct fit *f, uint32_t first)
{
    uint32_t s = first;
    while (s < f->data->segments_n && f->data->segments[s].entity == f->data->segments[first].entity)
        s++;
    return s;
}

static enum ax_err fit_members(struct fit *f, const struct ax_ensemble_view *v, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS && err == AX_OK; m++) {
        if (!(f->e->spec.members & 1u << m))
            continue;
        if (f->env.cancelled && f->env.cancelled(f->env.ctx))
            return ax_fail(diag, AX_BUSY, "the training was cancelled");
        f->env.seed++;
        err = ax_ensemble_members[m]->fit(v, &f->env, &f->e->models[m], diag);
        if (err == AX_OK)
            f->e->members |= 1u << m;
        else if (err == AX_NUMERIC || err == AX_INVALID)
            err = AX_OK; /* the others go on without it */
    }
    if (err == AX_OK && f->e->members == 0)
        err = ax_fail(diag, AX_NUMERIC, "no member of the ensemble could learn from %u rows", v->n);
    return err;
}

/* The level that a share `rate` of n distances exceeds. */
static double level_of(struct ax_tail *tail, const double *v, uint32_t n, uint32_t stride, double rate)
{
    double level;
    ax_tail_init(tail, NEVER_FADES);
    for (uint32_t i = 0; i < n; i++)
        ax_tail_add(tail, v[(size_t)i * stride], 1);
    level = ax_tail_level(tail, rate);
    return isfinite(level) && level > LEVEL_MIN ? level : LEVEL_MIN;
}

/* Distances of a view's rows, chunk by chunk. */
static void measure(const struct fit *f, const struct ax_ensemble_view *v)
{
    double raw[AX_ENSEMBLE_CHUNK];
    for (uint32_t from = 0, rows; from < v->n; from += rows) {
        rows = v->n - from < AX_ENSEMBLE_CHUNK ? v->n - from : AX_ENSEMBLE_CHUNK;
        const struct ax_ensemble_view part = {rows,
                                              v->p,
                                              v->points,
                                              v->context + (size_t)from * v->points * v->p,
                                              v->last + (size_t)from * v->p,
                                              NULL};
        ax_ensemble_distances(f->e, &part, f->scratch, raw,
                              f->distances + (size_t)from * AX_ENSEMBLE_MEMBERS);
    }
}

/* Ratios of a row of which the distances were measured. */
static struct ax_ensemble_ratios ratios_of(const struct fit *f, uint32_t row, uint32_t entity)
{
    const double *distances = f->distances + (size_t)row * AX_ENSEMBLE_MEMBERS;
    struct ax_ensemble_ratios ratios = {{0}};
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        if (f->e->members & 1u << m)
            ratios.v[m] = distances[m] / f->e->entities[entity].levels[m];
    return ratios;
}

/* Levels of one entity from n of its rows, as measured. */
static void set_levels(struct fit *f, uint32_t entity, uint32_t n)
{
    struct ax_ensemble_entity *to = &f->e->entities[entity];
    double combined[LEVEL_ROWS], rate = f->e->spec.false_alarm_rate;
    struct ax_tail tail;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        to->levels[m] = f->e->members & 1u << m
                            ? fmax(level_of(&tail, f->distances + m, n, AX_ENSEMBLE_MEMBERS, rate),
                                   ax_ensemble_members[m]->least)
                            : 1;
    for (uint32_t r = 0; r < n; r++) {
        const struct ax_ensemble_ratios ratios = ratios_of(f, r, entity);
        combined[r] = ax_ensemble_combine(f->e->members, f->e->weights, &ratios, NULL, 0);
    }
    to->level = level_of(&tail, combined, n, 1, rate);
    f->e->check.held += n;
    for (uint32_t r = 0; r < n; r++)
        f->e->check.held_above += combined[r] > to->level;
}

static enum ax_err find_levels(struct fit *f, struct row *rows, struct ax_diag *diag)
{
    f->e->check = (struct ax_ensemble_check){.held = 0};
    for (uint32_t first = 0, last; first < f->data->segments_n; first = last) {
        last = behind(f, first);
        if (f->env.cancelled && f->env.cancelled(f->env.ctx))
            return ax_fail(diag, AX_BUSY, "the training was cancelled");
        const struct ax_ensemble_view v = view_of(f, rows, gather_held(f, first, last, rows), false);
        measure(f, &v);
        set_levels(f, f->data->segments[first].entity, v.n);
    }
    return AX_OK;
}

/* Rows of incidents, or of what is known or taken to be normal, at most LABELLED_ROWS. */
static uint32_t gather_labelled(struct fit *f, bool incident, struct row *rows)
{
    uint32_t n = 0;
    for (uint32_t s = 0; s < f->data->segments_n; s++)
        for (uint32_t i = 0; i < f->data->segments[s].n; i++) {
            const struct row r = {s, i};
            const uint8_t mark = f->data->marks[f->data->segments[s].first + i];
            if (incident ? mark == AX_POINT_INCIDENT
                         : mark == AX_POINT_NORMAL || (is_clean(f, &r) && is_held(f, &r)))
                rows[n++] = r;
        }
    return thin(&f->rng, rows, n, LABELLED_ROWS);
}

/* ln(1 + ratio) of rows, [n][members that there are]; returns how many numbers that are. */
static size_t put_logs(struct fit *f, const struct row *rows, uint32_t n, double *x)
{
    const struct ax_ensemble_view v = view_of(f, rows, n, false);
    size_t at = 0;
    measure(f, &v);
    for (uint32_t r = 0; r < n; r++) {
        const struct ax_ensemble_ratios ratios = ratios_of(f, r, f->data->segments[rows[r].segment].entity);
        for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
            if (f->e->members & 1u << m)
                x[at++] = log1p(ratios.v[m]);
    }
    return at;
}

/* Let incidents teach the weights, if there are enough; levels follow. */
static enum ax_err learn_weights(struct fit *f, struct row *rows, struct ax_diag *diag)
{
    bool abnormal[2 * LABELLED_ROWS];
    const uint32_t incident = gather_labelled(f, true, rows);
    double *x = calloc((size_t)2 * LABELLED_ROWS * AX_ENSEMBLE_MEMBERS, sizeof *x);
    if (!x)
        return ax_fail(diag, AX_NOMEM, "out of memory for an ensemble's weights");
    size_t used = put_logs(f, rows, incident, x);
    const uint32_t normal = gather_labelled(f, false, rows);
    (void)put_logs(f, rows, normal, x + used);
    for (uint32_t i = 0; i < incident + normal; i++)
        abnormal[i] = i < incident;
    enum ax_err err = AX_NOTREADY;
    if (ax_ensemble_can_weigh(f->data->incidents, incident, normal))
        err = ax_ensemble_weigh(f->e->members, f->data->incidents, incident + normal, x, abnormal,
                                f->e->weights);
    free(x);
    if (err == AX_NOMEM)
        return ax_fail(diag, err, "out of memory for an ensemble's weights");
    if (err != AX_OK)
        return AX_OK; /* they say too little: members count alike */
    f->e->incidents = f->data->incidents;
    return find_levels(f, rows, diag);
}

/* How many rows of incidents are above their level. */
static void check_incidents(struct fit *f, struct row *rows)
{
    const uint32_t n = gather_labelled(f, true, rows);
    const struct ax_ensemble_view v = view_of(f, rows, n, false);
    measure(f, &v);
    f->e->check.incident = n;
    for (uint32_t r = 0; r < n; r++) {
        const uint32_t entity = f->data->segments[rows[r].segment].entity;
        const struct ax_ensemble_ratios ratios = ratios_of(f, r, entity);
        f->e->check.incident_above += ax_ensemble_combine(f->e->members, f->e->weights, &ratios, NULL, 0) >
                                      f->e->entities[entity].level;
    }
}

/* Levels and weights, by rows that the members did not learn from. */
static enum ax_err calibrate(struct fit *f, struct row *rows, struct ax_diag *diag)
{
    const size_t chunk = ax_ensemble_scratch(f->e, AX_ENSEMBLE_CHUNK);
    f->scratch = aligned_alloc(AX_NN_ALIGN, (chunk + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN);
    f->distances = calloc((size_t)LEVEL_ROWS * AX_ENSEMBLE_MEMBERS, sizeof *f->distances);
    enum ax_err err = f->scratch && f->distances
                          ? find_levels(f, rows, diag)
                          : ax_fail(diag, AX_NOMEM, "out of memory for an ensemble's levels");
    if (err == AX_OK && f->data->incidents)
        err = learn_weights(f, rows, diag);
    if (err == AX_OK && f->data->incidents)
        check_incidents(f, rows);
    free(f->scratch);
    free(f->distances);
    return err;
}

static enum ax_err learn(struct fit *f, struct row *rows, struct ax_diag *diag)
{
    for (uint32_t first = 0; first < f->data->segments_n; first = behind(f, first))
        scale(f, first, behind(f, first));
    uint32_t n = gather(f, 0, f->data->segments_n, TO_LEARN, rows);
    n = thin(&f->rng, rows, n, ROWS_MAX);
    uint32_t least = ROWS_MIN > 2 * f->e->spec.features ? ROWS_MIN : 2 * f->e->spec.features;
    if (n < least)
        return ax_fail(diag, AX_NOTREADY, "%u rows to learn from, %u are needed", n, least);
    f->e->rows = n;
    note_times(f, rows, n);
    const struct ax_ensemble_view v = view_of(f, rows, n, true);
    enum ax_err err = fit_members(f, &v, diag);
    return err == AX_OK ? calibrate(f, rows, diag) : err;
}

static bool mostly_flagged(const struct ax_ensemble_data *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->points_n; i++)
        n += d->marks[i] == AX_POINT_FLAGGED;
    return n > FLAGGED_SHARE_MAX * d->points_n;
}

enum ax_err ax_ensemble_fit(const struct ax_ensemble_spec *spec, const struct ax_ensemble_data *data,
                            uint64_t seed, struct ax_ensemble **out, struct ax_diag *diag)
{
    const size_t p = spec->features, most = data->points_n > ROWS_MAX ? ROWS_MAX : data->points_n;
    const size_t row = spec->points ? spec->points : AX_ENSEMBLE_POINTS;
    struct fit f = {.data = data, .env = {seed, spec->extended, data->cancelled, data->ctx}};
    *out = NULL;
    if (row > AX_ENSEMBLE_POINTS_MAX)
        return ax_fail(diag, AX_INVALID, "%zu points of a row: at most %u", row, AX_ENSEMBLE_POINTS_MAX);
    if (p == 0 || p > AX_ENSEMBLE_FEATURES_MAX || data->entities_n == 0 ||
        data->entities_n > AX_ENSEMBLE_ENTITIES_MAX)
        return ax_fail(diag, AX_INVALID, "%u features of %u entities: at most %u, and %u", spec->features,
                       data->entities_n, AX_ENSEMBLE_FEATURES_MAX, AX_ENSEMBLE_ENTITIES_MAX);
    f.all_teach = mostly_flagged(data);
    ax_rng_seed(&f.rng, seed);
    f.column = malloc(((size_t)data->points_n + 1) * sizeof *f.column);
    f.context = malloc((most + 1) * row * p * sizeof *f.context);
    f.last = malloc((most + 1) * p * sizeof *f.last);
    f.when = malloc((most + 1) * sizeof *f.when);
    struct row *rows = malloc(((size_t)data->points_n + 1) * sizeof *rows);
    enum ax_err err = f.column && f.context && f.last && f.when && rows
                          ? ax_ensemble_new(spec, data->entities_n, &f.e)
                          : AX_NOMEM;
    for (uint32_t i = 0; i < data->entities_n && err == AX_OK; i++)
        err = ax_ensemble_name(f.e, i, data->keys[i]);
    err = err == AX_OK ? learn(&f, rows, diag) : ax_fail(diag, err, "out of memory for an ensemble");
    free(f.column);
    free(f.context);
    free(f.last);
    free(f.when);
    free(rows);
    if (err == AX_OK)
        *out = f.e;
    else
        ax_ensemble_free(f.e);
    return err;
}
