/* ensemble.c: normalising rows, asking the members, and putting together what they say. */
#include "anomaly/ensemble_priv.h"
#include "base/hash.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 5
#define WEIGHT_MAX ((double)AX_ENSEMBLE_MEMBERS)
#define KEY_SEED 0x656e73656d626c65ULL
/* Beyond so many spreads a feature counts by its logarithm, so that one that never moved before does not
 * drown the others. */
#define STRAIGHT 5.0f
#define LEVEL_MIN 1e-6

void ax_ensemble_free(struct ax_ensemble *e)
{
    if (!e)
        return;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        if (e->models[m])
            ax_ensemble_members[m]->free(e->models[m]);
    for (uint32_t i = 0; i < e->entities_n; i++) {
        free(e->entities[i].key);
        free(e->entities[i].middle);
    }
    free(e->entities);
    ax_map_done(&e->index);
    free(e);
}

enum ax_err ax_ensemble_new(const struct ax_ensemble_spec *spec, uint32_t entities_n,
                            struct ax_ensemble **out)
{
    struct ax_ensemble *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e)
        return AX_NOMEM;
    e->spec = *spec;
    e->spec.members = spec->members ? spec->members : AX_ENSEMBLE_USUAL;
    e->spec.points = spec->points ? spec->points : AX_ENSEMBLE_POINTS;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        e->weights[m] = 1;
    e->entities = calloc(entities_n, sizeof *e->entities);
    e->entities_n = e->entities ? entities_n : 0;
    bool whole = e->entities != NULL;
    for (uint32_t i = 0; i < e->entities_n && whole; i++) {
        e->entities[i].middle = calloc(2 * (size_t)spec->features, sizeof *e->entities[i].middle);
        whole = e->entities[i].middle != NULL;
    }
    if (!whole) {
        ax_ensemble_free(e);
        return AX_NOMEM;
    }
    *out = e;
    return AX_OK;
}

enum ax_err ax_ensemble_name(struct ax_ensemble *e, uint32_t entity, struct ax_str key)
{
    struct ax_ensemble_entity *at = &e->entities[entity];
    uint64_t hash = ax_hash64(key.p, key.n, KEY_SEED);
    if (ax_map_get(&e->index, hash))
        return AX_INVALID;
    at->key = malloc(key.n + 1);
    if (!at->key)
        return AX_NOMEM;
    memcpy(at->key, key.p, key.n);
    at->key_n = (uint32_t)key.n;
    return ax_map_put(&e->index, hash, at);
}

uint32_t ax_ensemble_find(const struct ax_ensemble *e, struct ax_str key)
{
    const struct ax_ensemble_entity *at = ax_map_get(&e->index, ax_hash64(key.p, key.n, KEY_SEED));
    if (!at || at->key_n != key.n || memcmp(at->key, key.p, key.n) != 0)
        return UINT32_MAX;
    return (uint32_t)(at - e->entities);
}

uint32_t ax_ensemble_members_of(const struct ax_ensemble *e)
{
    return e->members;
}

uint32_t ax_ensemble_rows(const struct ax_ensemble *e)
{
    return e->rows;
}

const double *ax_ensemble_weights(const struct ax_ensemble *e)
{
    return e->weights;
}

const struct ax_ensemble_check *ax_ensemble_checked(const struct ax_ensemble *e)
{
    return &e->check;
}

uint32_t ax_ensemble_incidents(const struct ax_ensemble *e)
{
    return e->incidents;
}

double ax_ensemble_level(const struct ax_ensemble *e, uint32_t entity)
{
    return e->entities[entity].level;
}

void ax_ensemble_normalise(const struct ax_ensemble *e, uint32_t entity, const float *x, float *context,
                           float *last)
{
    const uint32_t p = e->spec.features;
    const float *middle = e->entities[entity].middle, *spread = middle + p;
    for (uint32_t t = 0; t < e->spec.points; t++)
        for (uint32_t i = 0; i < p; i++) {
            float z = (x[t * p + i] - middle[i]) / spread[i], size = fabsf(z);
            if (size > STRAIGHT)
                z = copysignf(STRAIGHT * (1 + logf(fminf(size, 1e30f) / STRAIGHT)), z);
            context[t * p + i] = isnan(z) ? 0 : z;
        }
    memcpy(last, context + (size_t)(e->spec.points - 1) * p, p * sizeof *last);
}

static size_t aligned(size_t bytes)
{
    return (bytes + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN;
}

/* Bytes of a chunk's context, last points, distances and one member's distances. */
static void measure(const struct ax_ensemble *e, uint32_t n, size_t bytes[4])
{
    const size_t p = e->spec.features;
    bytes[0] = aligned((size_t)n * e->spec.points * p * sizeof(float));
    bytes[1] = aligned(n * p * sizeof(float));
    bytes[2] = aligned((size_t)n * AX_ENSEMBLE_MEMBERS * sizeof(double));
    bytes[3] = aligned(n * sizeof(double));
}

size_t ax_ensemble_scratch(const struct ax_ensemble *e, uint32_t n)
{
    size_t bytes[4], most = 0;
    n = n < AX_ENSEMBLE_CHUNK ? n : AX_ENSEMBLE_CHUNK;
    measure(e, n, bytes);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++) {
        size_t own = e->models[m] ? ax_ensemble_members[m]->scratch(e->models[m], e->spec.features, n) : 0;
        most = own > most ? own : most;
    }
    return bytes[0] + bytes[1] + bytes[2] + bytes[3] + aligned(most);
}

void ax_ensemble_distances(const struct ax_ensemble *e, const struct ax_ensemble_view *v, void *scratch,
                           double *raw, double *distances)
{
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++) {
        if (!e->models[m])
            continue;
        ax_ensemble_members[m]->score(e->models[m], v, scratch, raw);
        for (uint32_t r = 0; r < v->n; r++)
            distances[r * AX_ENSEMBLE_MEMBERS + m] = raw[r];
    }
}

/* A chunk's places in the scratch. */
struct places {
    float *context, *last;
    double *distances, *raw;
    void *own;
};

static struct places places_of(const struct ax_ensemble *e, uint32_t n, void *scratch)
{
    size_t bytes[4];
    char *at = scratch;
    measure(e, n, bytes);
    struct places p = {.context = (float *)scratch};
    p.last = (float *)(void *)(at += bytes[0]);
    p.distances = (double *)(void *)(at += bytes[1]);
    p.raw = (double *)(void *)(at += bytes[2]);
    p.own = at + bytes[3];
    return p;
}

void ax_ensemble_score(const struct ax_ensemble *e, uint32_t n, const uint32_t *entity, const float *x,
                       void *scratch, struct ax_ensemble_ratios *out)
{
    const size_t p = e->spec.features, width = e->spec.points * p;
    for (uint32_t from = 0, rows; from < n; from += rows) {
        rows = n - from < AX_ENSEMBLE_CHUNK ? n - from : AX_ENSEMBLE_CHUNK;
        struct places at = places_of(e, rows, scratch);
        for (uint32_t r = 0; r < rows; r++)
            ax_ensemble_normalise(e, entity[from + r], x + (from + r) * width, at.context + r * width,
                                  at.last + r * p);
        const struct ax_ensemble_view v = {rows, e->spec.features, e->spec.points, at.context, at.last, NULL};
        ax_ensemble_distances(e, &v, at.own, at.raw, at.distances);
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
                out[from + r].v[m] = e->models[m] ? at.distances[r * AX_ENSEMBLE_MEMBERS + m] /
                                                        e->entities[entity[from + r]].levels[m]
                                                  : 0;
    }
}

double ax_ensemble_combine(uint32_t members, const double *weights, const struct ax_ensemble_ratios *ratios,
                           const double *more, uint32_t n)
{
    double sum = 0, voices = n;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        if (members & 1u << m) {
            double weight = weights ? weights[m] : 1;
            sum += weight * log1p(ratios->v[m]);
            voices += weight;
        }
    for (uint32_t i = 0; i < n; i++)
        sum += log1p(more[i]);
    return voices > 0 ? expm1(sum / voices) : 0;
}

void ax_ensemble_explain(const struct ax_ensemble *e, uint32_t entity, const float *x,
                         const struct ax_ensemble_ratios *ratios, void *scratch, double *share)
{
    const uint32_t p = e->spec.features;
    struct places at = places_of(e, 1, scratch);
    double parts[AX_ENSEMBLE_FEATURES_MAX], all = 0, beyond = 0;
    ax_ensemble_normalise(e, entity, x, at.context, at.last);
    const struct ax_ensemble_view one = {1, p, e->spec.points, at.context, at.last, NULL};
    memset(share, 0, p * sizeof *share);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        beyond += fmax(ratios->v[m] - 1, 0);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++) {
        double weight = e->weights[m] * (beyond > 0 ? fmax(ratios->v[m] - 1, 0) : ratios->v[m]), sum = 0;
        if (!e->models[m] || !(weight > 0))
            continue;
        ax_ensemble_members[m]->explain(e->models[m], &one, at.own, parts);
        for (uint32_t i = 0; i < p; i++)
            sum += parts[i];
        for (uint32_t i = 0; i < p && sum > 0; i++)
            share[i] += weight * parts[i] / sum;
        all += sum > 0 ? weight : 0;
    }
    for (uint32_t i = 0; i < p && all > 0; i++)
        share[i] /= all;
}

double ax_ensemble_deviation(const struct ax_ensemble *e, uint32_t entity, const float *x, uint32_t feature,
                             double *usual)
{
    double most = 0;
    *usual = (double)e->entities[entity].middle[feature];
    for (uint32_t t = 0; t < e->spec.points; t++) {
        double deviation = (double)x[t * e->spec.features + feature] - *usual;
        if (fabs(deviation) > fabs(most)) /* not so of NaN */
            most = deviation;
    }
    return most;
}

void ax_ensemble_save(const struct ax_ensemble *e, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, e->spec.features);
    ax_put_u64(out, e->spec.features_hash);
    ax_put_u32(out, e->spec.members);
    ax_put_varint(out, e->spec.points);
    ax_put_u8(out, e->spec.extended);
    ax_put_i64(out, e->spec.point_ms);
    ax_put_f64(out, e->spec.false_alarm_rate);
    ax_put_u32(out, e->members);
    ax_put_varint(out, e->rows);
    ax_put_varint(out, e->incidents);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        ax_put_f64(out, e->weights[m]);
    ax_put_varint(out, e->entities_n);
    for (uint32_t i = 0; i < e->entities_n; i++) {
        const struct ax_ensemble_entity *at = &e->entities[i];
        ax_put_str(out, (struct ax_str){at->key, at->key_n});
        ax_put_f32s(out, at->middle, 2 * e->spec.features);
        for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
            ax_put_f64(out, at->levels[m]);
        ax_put_f64(out, at->level);
    }
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        if (e->models[m])
            ax_ensemble_members[m]->save(e->models[m], out);
}

static enum ax_err entity_load(struct ax_ensemble *e, uint32_t i, struct ax_bytes *in)
{
    struct ax_ensemble_entity *at = &e->entities[i];
    const uint32_t p = e->spec.features;
    struct ax_str key = ax_get_str(in);
    ax_get_f32s_in(in, at->middle, 2 * p, -FLT_MAX, FLT_MAX, false);
    for (uint32_t k = 0; k < p && in->err == AX_OK; k++)
        if (!(at->middle[p + k] > 0))
            ax_bytes_fail(in);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        at->levels[m] = ax_get_f64_in(in, LEVEL_MIN, DBL_MAX);
    at->level = ax_get_f64_in(in, LEVEL_MIN, DBL_MAX);
    if (in->err != AX_OK)
        return in->err;
    enum ax_err err = ax_ensemble_name(e, i, key);
    return err == AX_INVALID ? ax_bytes_fail(in) : err;
}

/* What stands before the entities; whether the job asks for it. */
static enum ax_err head_load(const struct ax_ensemble_spec *spec, struct ax_bytes *in,
                             struct ax_ensemble *head, struct ax_diag *diag)
{
    const uint32_t all = (1u << AX_ENSEMBLE_MEMBERS) - 1;
    ax_get_version(in, STATE_VERSION);
    head->spec = *spec;
    head->spec.features = ax_get_count(in, AX_ENSEMBLE_FEATURES_MAX);
    head->spec.features_hash = ax_get_u64(in);
    head->spec.members = ax_get_u32(in);
    head->spec.points = ax_get_count(in, AX_ENSEMBLE_POINTS_MAX);
    head->spec.extended = ax_get_bool(in);
    head->spec.point_ms = ax_get_i64(in);
    head->spec.false_alarm_rate = ax_get_f64_in(in, 0, 1);
    head->members = ax_get_u32(in);
    head->rows = ax_get_count(in, UINT32_MAX);
    head->incidents = ax_get_count(in, UINT32_MAX);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        head->weights[m] = ax_get_f64_in(in, 0, WEIGHT_MAX);
    head->entities_n = ax_get_count(in, AX_ENSEMBLE_ENTITIES_MAX);
    if (in->err != AX_OK || head->members == 0 || (head->members & ~head->spec.members) ||
        head->entities_n == 0 || (head->spec.members & ~all) || head->spec.points == 0 ||
        head->entities_n > ax_bytes_left(in) / (sizeof(double) * AX_ENSEMBLE_MEMBERS))
        return ax_fail(diag, ax_bytes_fail(in), "an ensemble's artifact is damaged");
    if (head->spec.features != spec->features || head->spec.features_hash != spec->features_hash)
        return ax_fail(diag, AX_CONFLICT, "the ensemble learnt other features than the job has");
    if (head->spec.members != (spec->members ? spec->members : AX_ENSEMBLE_USUAL) ||
        head->spec.points != (spec->points ? spec->points : AX_ENSEMBLE_POINTS) ||
        head->spec.extended != spec->extended)
        return ax_fail(diag, AX_CONFLICT, "the ensemble has other members than the job asks for");
    if (head->spec.point_ms != spec->point_ms)
        return ax_fail(diag, AX_CONFLICT,
                       "the ensemble learnt points of %lld ms, those of the job are of %lld",
                       (long long)head->spec.point_ms, (long long)spec->point_ms);
    if (head->spec.false_alarm_rate < spec->false_alarm_rate ||
        head->spec.false_alarm_rate > spec->false_alarm_rate)
        return ax_fail(diag, AX_CONFLICT,
                       "the ensemble's levels are for a false alarm rate of %g, the job asks for %g",
                       head->spec.false_alarm_rate, spec->false_alarm_rate);
    return AX_OK;
}

enum ax_err ax_ensemble_load(const struct ax_ensemble_spec *spec, struct ax_str bytes,
                             struct ax_ensemble **out, struct ax_diag *diag)
{
    struct ax_bytes in = ax_bytes_of(bytes);
    struct ax_ensemble head, *e;
    *out = NULL;
    enum ax_err err = head_load(spec, &in, &head, diag);
    const struct ax_ensemble_shape shape = {head.spec.features, head.spec.points};
    if (err != AX_OK)
        return err;
    err = ax_ensemble_new(&head.spec, head.entities_n, &e);
    if (err != AX_OK)
        return ax_fail(diag, err, "out of memory for an ensemble");
    e->members = head.members;
    e->rows = head.rows;
    e->incidents = head.incidents;
    memcpy(e->weights, head.weights, sizeof e->weights);
    for (uint32_t i = 0; i < e->entities_n && err == AX_OK; i++)
        err = entity_load(e, i, &in);
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS && err == AX_OK; m++)
        if (e->members & 1u << m)
            err = ax_ensemble_members[m]->load(&in, &shape, &e->models[m]);
    if (err == AX_OK)
        err = ax_bytes_end(&in);
    if (err != AX_OK) {
        ax_ensemble_free(e);
        return ax_fail(diag, err, "an ensemble's artifact cannot be read: %s", ax_err_text(err));
    }
    *out = e;
    return AX_OK;
}
