/* forest.c: growing trees, walking them row by row or in batches, and what each cut had to do with it. */
#include "anomaly/forest.h"

#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH AX_FOREST_DEPTH
#define NODES AX_FOREST_NODES
#define BATCH_MIN 4 /* fewer rows are walked one by one */
#define STATE_VERSION 1

struct ax_forest {
    uint32_t trees_n, sample, features, depth;
    double usual; /* path length of a random row */
    float paths[AX_FOREST_SAMPLE_MAX + 1];
    struct ax_forest_tree *trees;
    struct ax_forest_oblique *oblique; /* NULL unless extended */
    uint16_t (*counts)[2 * NODES];     /* rows that came to a node when it was grown; 0: there is none */
};

/* Mean path of a search in a random tree of n rows that ends without a hit: c(n) of the paper. */
static double path_of(uint32_t n)
{
    if (n < 2)
        return 0;
    if (n == 2)
        return 1;
    double harmonic = log((double)n - 1) + 0.57721566490153286061; /* Euler's constant */
    return 2 * harmonic - 2 * ((double)n - 1) / (double)n;
}

void ax_forest_free(struct ax_forest *f)
{
    if (!f)
        return;
    free(f->trees);
    free(f->oblique);
    free(f->counts);
    free(f);
}

static enum ax_err forest_new(uint32_t trees_n, uint32_t sample, uint32_t features, bool extended,
                              struct ax_forest **out)
{
    struct ax_forest *f = calloc(1, sizeof *f);
    if (!f)
        return AX_NOMEM;
    f->trees_n = trees_n;
    f->sample = sample;
    f->features = features;
    while (1u << f->depth < sample)
        f->depth++;
    f->usual = path_of(sample);
    for (uint32_t n = 0; n <= AX_FOREST_SAMPLE_MAX; n++)
        f->paths[n] = (float)path_of(n);
    f->trees = aligned_alloc(64, trees_n * sizeof *f->trees);
    f->counts = calloc(trees_n, sizeof *f->counts);
    f->oblique = extended ? aligned_alloc(64, trees_n * sizeof *f->oblique) : NULL;
    if (!f->trees || !f->counts || (extended && !f->oblique)) {
        ax_forest_free(f);
        return AX_NOMEM;
    }
    memset(f->trees, 0, trees_n * sizeof *f->trees);
    if (extended)
        memset(f->oblique, 0, trees_n * sizeof *f->oblique);
    *out = f;
    return AX_OK;
}

/* A tree that is being grown on rows[count] of x. */
struct growing {
    struct ax_forest *f;
    uint32_t tree;
    const float *x;
    struct ax_rng rng;
    uint32_t rows[AX_FOREST_SAMPLE_MAX];
};

/* A cut: what ax_forest_tree says of it. */
struct cut {
    uint32_t feature, feature2;
    float weight, weight2, threshold;
};

static float value_of(const struct cut *c, bool extended, const float *x)
{
    return extended ? c->weight * x[c->feature] + c->weight2 * x[c->feature2] : x[c->feature];
}

/* Extent of rows along a cut's direction. */
static void extent(const struct growing *g, const struct cut *c, uint32_t from, uint32_t n, float *low,
                   float *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (uint32_t i = from; i < from + n; i++) {
        float v = value_of(c, g->f->oblique != NULL, g->x + (size_t)g->rows[i] * g->f->features);
        *low = fminf(*low, v);
        *high = fmaxf(*high, v);
    }
}

/* A random feature along which the rows differ, beginning anywhere; false when they are all the same. */
static bool varying(struct growing *g, uint32_t from, uint32_t n, uint32_t *feature, float *spread)
{
    uint32_t tried[AX_FOREST_FEATURES_MAX], left = g->f->features;
    for (uint32_t i = 0; i < left; i++)
        tried[i] = i;
    while (left) {
        uint32_t at = (uint32_t)ax_rng_below(&g->rng, left);
        struct cut c = {.feature = tried[at], .feature2 = tried[at], .weight = 1};
        float low, high;
        extent(g, &c, from, n, &low, &high);
        if (low < high) {
            *feature = tried[at];
            *spread = high - low;
            return true;
        }
        tried[at] = tried[--left];
    }
    return false;
}

/* A random cut between the rows; false when there is none. */
static bool choose(struct growing *g, uint32_t from, uint32_t n, struct cut *c)
{
    float spread, spread2, low, high;
    *c = (struct cut){.weight = 1};
    if (!varying(g, from, n, &c->feature, &spread))
        return false;
    c->feature2 = c->feature;
    if (g->f->oblique && varying(g, from, n, &c->feature2, &spread2)) {
        c->weight = (float)ax_rng_normal(&g->rng) / spread;
        c->weight2 = c->feature2 == c->feature ? 0 : (float)ax_rng_normal(&g->rng) / spread2;
    }
    extent(g, c, from, n, &low, &high);
    if (g->f->oblique &&
        !isfinite(high - low)) { /* weights for a spread that is next to nothing are infinite */
        *c = (struct cut){.feature = c->feature, .feature2 = c->feature, .weight = 1};
        extent(g, c, from, n, &low, &high);
    }
    if (!(low < high))
        return false;
    c->threshold = low + (high - low) * (float)ax_rng_double(&g->rng);
    if (c->threshold >= high)
        c->threshold = low;
    return true;
}

/* Write a cut into the heap. */
static void set_cut(struct ax_forest *f, uint32_t tree, uint32_t node, const struct cut *c)
{
    f->trees[tree].feature[node] = c->feature;
    f->trees[tree].threshold[node] = c->threshold;
    if (f->oblique) {
        f->oblique[tree].feature[node] = c->feature2;
        f->oblique[tree].weight[node] = c->weight;
        f->oblique[tree].weight2[node] = c->weight2;
    }
}

static uint32_t level_of(uint32_t node)
{
    uint32_t level = 0;
    while (node >>= 1)
        level++;
    return level;
}

/* Rows from `from` come to this node. */
static void grow(struct growing *g, uint32_t node, uint32_t from, uint32_t n)
{
    struct ax_forest *f = g->f;
    struct cut c;
    f->counts[g->tree][node] = (uint16_t)n;
    if (n < 2 || level_of(node) >= f->depth || !choose(g, from, n, &c))
        return;
    set_cut(f, g->tree, node, &c);
    uint32_t left = from;
    for (uint32_t i = from; i < from + n; i++) {
        if (value_of(&c, f->oblique != NULL, g->x + (size_t)g->rows[i] * f->features) > c.threshold)
            continue;
        uint32_t row = g->rows[i];
        g->rows[i] = g->rows[left];
        g->rows[left++] = row;
    }
    grow(g, 2 * node, from, left - from);
    grow(g, 2 * node + 1, left, from + n - left);
}

/* Make leaves of what was grown: below a node without a cut all go left, and find its path length. */
static void seal(struct ax_forest *f, uint32_t tree)
{
    const struct cut none = {.threshold = INFINITY};
    const uint16_t *counts = f->counts[tree];
    for (uint32_t node = 1; node < NODES; node++)
        if (counts[2 * (size_t)node] == 0)
            set_cut(f, tree, node, &none);
    for (uint32_t leaf = NODES; leaf < 2 * NODES; leaf++) {
        uint32_t node = leaf;
        while (counts[node] == 0 && node > 1)
            node >>= 1;
        f->trees[tree].leaf[leaf - NODES] = (float)level_of(node) + f->paths[counts[node]];
    }
}

/* Different rows for a tree. */
static void draw(struct growing *g, uint32_t *all, uint32_t n)
{
    for (uint32_t i = 0; i < g->f->sample; i++) {
        uint32_t at = i + (uint32_t)ax_rng_below(&g->rng, n - i), row = all[at];
        all[at] = all[i];
        all[i] = row;
        g->rows[i] = row;
    }
}

enum ax_err ax_forest_fit(const struct ax_forest_spec *spec, uint32_t features, uint32_t n, const float *x,
                          struct ax_forest **out, struct ax_diag *diag)
{
    uint32_t trees = spec->trees ? spec->trees : 100, sample = spec->sample ? spec->sample : 256;
    if (trees > AX_FOREST_TREES_MAX || sample > AX_FOREST_SAMPLE_MAX || features == 0 ||
        features > AX_FOREST_FEATURES_MAX || n < 2)
        return ax_fail(
            diag, AX_INVALID,
            "a forest of %u trees of %u rows on %u rows of %u features: at most %u, %u, at least 2, and at "
            "most %u",
            trees, sample, n, features, AX_FOREST_TREES_MAX, AX_FOREST_SAMPLE_MAX, AX_FOREST_FEATURES_MAX);
    sample = sample < n ? sample : n;
    uint32_t *all = malloc(n * sizeof *all);
    struct growing *g = malloc(sizeof *g);
    struct ax_forest *f = NULL;
    enum ax_err err = all && g ? forest_new(trees, sample, features, spec->extended, &f) : AX_NOMEM;
    if (err == AX_OK) {
        *g = (struct growing){.f = f, .x = x};
        ax_rng_seed(&g->rng, spec->seed);
        for (uint32_t i = 0; i < n; i++)
            all[i] = i;
        for (; g->tree < trees; g->tree++) {
            draw(g, all, n);
            grow(g, 1, 0, sample);
            seal(f, g->tree);
        }
        *out = f;
    }
    free(all);
    free(g);
    return err == AX_OK ? AX_OK : ax_fail(diag, err, "out of memory for a forest");
}

/* Which node a row goes to. */
static uint32_t next_of(const struct ax_forest *f, uint32_t tree, uint32_t node, const float *x)
{
    const struct ax_forest_tree *t = &f->trees[tree];
    float v = x[t->feature[node]];
    if (f->oblique) {
        const struct ax_forest_oblique *o = &f->oblique[tree];
        v = o->weight[node] * v + o->weight2[node] * x[o->feature[node]];
    }
    return 2 * node + (v > t->threshold[node]);
}

static float sum_of(const struct ax_forest *f, const float *x)
{
    float sum = 0;
    for (uint32_t tree = 0; tree < f->trees_n; tree++) {
        uint32_t node = 1;
        for (uint32_t level = 0; level < DEPTH; level++)
            node = next_of(f, tree, node, x);
        sum += f->trees[tree].leaf[node - NODES];
    }
    return sum;
}

static double score_of(const struct ax_forest *f, double sum)
{
    return exp2(-sum / (f->trees_n * f->usual));
}

/* As many rows as the kernels take at once; missing ones are zeros. */
static void score_block(const struct ax_forest *f, const struct ax_forest_kernels *k, uint32_t n,
                        const float *x, double *score)
{
    _Alignas(64) float turned[AX_FOREST_FEATURES_MAX * AX_FOREST_ROWS_MAX], sums[AX_FOREST_ROWS_MAX];
    if (n < k->rows)
        memset(turned, 0, (size_t)f->features * k->rows * sizeof *turned);
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t i = 0; i < f->features; i++)
            turned[i * k->rows + r] = x[(size_t)r * f->features + i];
    k->walk(f->trees, f->oblique, f->trees_n, turned, sums);
    for (uint32_t r = 0; r < n; r++)
        score[r] = score_of(f, (double)sums[r]);
}

void ax_forest_score(const struct ax_forest *f, const struct ax_forest_kernels *k, uint32_t n, const float *x,
                     double *score)
{
    while (n >= BATCH_MIN) {
        uint32_t rows = n < k->rows ? n : k->rows;
        score_block(f, k, rows, x, score);
        x += (size_t)rows * f->features;
        score += rows;
        n -= rows;
    }
    for (; n; n--, x += f->features)
        *score++ = score_of(f, (double)sum_of(f, x));
}

/* Give what a cut took off the expected path to its features: to two of them by their part in the sum. */
static void give(const struct ax_forest *f, uint32_t tree, uint32_t node, const float *x, double gain,
                 double *share)
{
    uint32_t feature = f->trees[tree].feature[node];
    if (!f->oblique) {
        share[feature] += gain;
        return;
    }
    const struct ax_forest_oblique *o = &f->oblique[tree];
    double a = fabs((double)(o->weight[node] * x[feature]));
    double b = fabs((double)(o->weight2[node] * x[o->feature[node]]));
    double part = a + b > 0 ? a / (a + b) : 0.5;
    share[feature] += gain * part;
    share[o->feature[node]] += gain * (1 - part);
}

double ax_forest_explain(const struct ax_forest *f, const float *x, double *share)
{
    double path = 0, total = 0;
    memset(share, 0, f->features * sizeof *share);
    for (uint32_t tree = 0; tree < f->trees_n; tree++) {
        const uint16_t *counts = f->counts[tree];
        uint32_t node = 1, level = 0;
        for (; level < f->depth; level++) {
            uint32_t next = next_of(f, tree, node, x);
            if (counts[2 * (size_t)node] == 0)
                break;
            double expected = (double)f->paths[counts[node]], left = (double)f->paths[counts[next]];
            give(f, tree, node, x, expected - 1 - left, share);
            node = next;
        }
        path += level + (double)f->paths[counts[node]];
    }
    for (uint32_t i = 0; i < f->features; i++) {
        share[i] = fmax(share[i], 0);
        total += share[i];
    }
    for (uint32_t i = 0; i < f->features && total > 0; i++)
        share[i] /= total;
    return path / f->trees_n;
}

void ax_forest_save(const struct ax_forest *f, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_put_varint(out, f->trees_n);
    ax_put_varint(out, f->sample);
    ax_put_varint(out, f->features);
    ax_put_u8(out, f->oblique != NULL);
    for (uint32_t tree = 0; tree < f->trees_n; tree++) {
        for (uint32_t node = 1; node < 2 * NODES; node++)
            ax_put_varint(out, f->counts[tree][node]);
        for (uint32_t node = 1; node < NODES; node++) {
            if (f->counts[tree][2 * (size_t)node] == 0)
                continue;
            ax_put_varint(out, f->trees[tree].feature[node]);
            ax_put_f32(out, f->trees[tree].threshold[node]);
            if (f->oblique) {
                ax_put_varint(out, f->oblique[tree].feature[node]);
                ax_put_f32(out, f->oblique[tree].weight[node]);
                ax_put_f32(out, f->oblique[tree].weight2[node]);
            }
        }
    }
}

/* Rows of a node are those of its children, each of which has one; below a leaf there are none. */
static bool is_whole(const struct ax_forest *f, uint32_t tree)
{
    const uint16_t *counts = f->counts[tree];
    if (counts[1] != f->sample)
        return false;
    for (uint32_t node = 1; node < NODES; node++) {
        uint32_t left = counts[2 * (size_t)node], right = counts[2 * (size_t)node + 1];
        if ((left || right) &&
            (!left || !right || left + right != counts[node] || level_of(node) >= f->depth))
            return false;
    }
    return true;
}

static void tree_load(struct ax_forest *f, uint32_t tree, struct ax_bytes *in)
{
    for (uint32_t node = 1; node < 2 * NODES; node++)
        f->counts[tree][node] = (uint16_t)ax_get_count(in, f->sample);
    if (in->err == AX_OK && !is_whole(f, tree))
        ax_bytes_fail(in);
    for (uint32_t node = 1; node < NODES && in->err == AX_OK; node++) {
        struct cut c = {.weight = 1};
        if (f->counts[tree][2 * (size_t)node] == 0)
            continue;
        c.feature = ax_get_count(in, f->features - 1);
        c.threshold = ax_get_f32_in(in, -FLT_MAX, FLT_MAX);
        if (f->oblique) {
            c.feature2 = ax_get_count(in, f->features - 1);
            c.weight = ax_get_f32_in(in, -FLT_MAX, FLT_MAX);
            c.weight2 = ax_get_f32_in(in, -FLT_MAX, FLT_MAX);
        }
        set_cut(f, tree, node, &c);
    }
    if (in->err == AX_OK)
        seal(f, tree);
}

enum ax_err ax_forest_load(struct ax_bytes *in, uint32_t features, struct ax_forest **out)
{
    struct ax_forest *f = NULL;
    *out = NULL;
    ax_get_version(in, STATE_VERSION);
    uint32_t trees = ax_get_count(in, AX_FOREST_TREES_MAX), sample = ax_get_count(in, AX_FOREST_SAMPLE_MAX);
    bool fits = ax_get_count(in, AX_FOREST_FEATURES_MAX) == features, extended = ax_get_bool(in);
    if (in->err != AX_OK || trees == 0 || sample < 2 || features == 0 || !fits)
        return ax_bytes_fail(in);
    enum ax_err err = forest_new(trees, sample, features, extended, &f);
    if (err != AX_OK)
        return err;
    for (uint32_t tree = 0; tree < trees && in->err == AX_OK; tree++)
        tree_load(f, tree, in);
    if (in->err != AX_OK) {
        ax_forest_free(f);
        return in->err;
    }
    *out = f;
    return AX_OK;
}
