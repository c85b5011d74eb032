/* forest.c: from XGBoost's text to arrays, and through them. */
#include "train/forest.h"

#include "base/parse.h"
#include "config/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TREE_NODES_MAX 1024u /* of one tree: depth 8 has 511 */

void ax_forest_done(struct ax_forest *f)
{
    free(f->nodes);
    free(f->roots);
    *f = (struct ax_forest){0};
}

/* Take what comes before one of the letters in `until`, and that letter. False when none comes. */
static bool take(struct ax_str *left, char until, struct ax_str *out)
{
    const char *end = memchr(left->p, until, left->n);
    if (!end)
        return false;
    *out = (struct ax_str){left->p, (size_t)(end - left->p)};
    *left = (struct ax_str){end + 1, left->n - out->n - 1};
    return true;
}

static bool skip(struct ax_str *left, const char *word)
{
    const size_t n = strlen(word);
    if (left->n < n || memcmp(left->p, word, n) != 0)
        return false;
    *left = (struct ax_str){left->p + n, left->n - n};
    return true;
}

static bool number(struct ax_str s, uint32_t max, uint32_t *out)
{
    int64_t i;
    if (ax_parse_i64(s, &i) != AX_OK || i < 0 || i > max)
        return false;
    *out = (uint32_t)i;
    return true;
}

/* XGBoost prints as many digits as tell a float from its neighbours, so that the way over a double ends
 * there. */
static bool real(struct ax_str s, float *out)
{
    double v;
    if (ax_parse_double(s, &v) != AX_OK)
        return false;
    *out = (float)v;
    return isfinite(*out);
}

/* One line without its end: "0:[f2<0.5] yes=1,no=2,missing=1" or "1:leaf=0.1". */
static bool read_line(struct ax_str line, uint32_t features_n, uint32_t *id, struct ax_forest_node *node)
{
    struct ax_str word;
    while (line.n && line.p[0] == '\t')
        (void)skip(&line, "\t");
    if (!take(&line, ':', &word) || !number(word, TREE_NODES_MAX - 1, id))
        return false;
    if (skip(&line, "leaf=")) {
        *node = (struct ax_forest_node){.feature = AX_FOREST_LEAF};
        return real(line, &node->threshold);
    }
    return skip(&line, "[f") && take(&line, '<', &word) && number(word, features_n - 1, &node->feature) &&
           take(&line, ']', &word) && real(word, &node->threshold) && skip(&line, " yes=") &&
           take(&line, ',', &word) && number(word, TREE_NODES_MAX - 1, &node->yes) && skip(&line, "no=") &&
           take(&line, ',', &word) && number(word, TREE_NODES_MAX - 1, &node->no) &&
           skip(&line, "missing=") && number(line, TREE_NODES_MAX - 1, &node->missing);
}

/* Room for one more tree of n nodes. */
static enum ax_err make_room(struct ax_forest *f, uint32_t n)
{
    if (f->nodes_n + n > AX_FOREST_NODES_MAX)
        return AX_LIMIT;
    if (f->nodes_n + n > f->nodes_cap) {
        const uint32_t cap = 2 * f->nodes_cap + n;
        struct ax_forest_node *more = realloc(f->nodes, cap * sizeof *more);
        if (!more)
            return AX_NOMEM;
        f->nodes = more;
        f->nodes_cap = cap;
    }
    if (f->trees_n == f->trees_cap) {
        const uint32_t cap = 2 * f->trees_cap + 16;
        uint32_t *more = realloc(f->roots, cap * sizeof *more);
        if (!more)
            return AX_NOMEM;
        f->roots = more;
        f->trees_cap = cap;
    }
    return AX_OK;
}

/* Ids of children become places; a child comes after its parent. */
static bool place(const uint32_t *places, uint32_t own, uint32_t *child)
{
    *child = places[*child];
    return *child != UINT32_MAX && *child > own;
}

enum ax_err ax_forest_add(struct ax_forest *f, struct ax_str dump, uint32_t features_n, struct ax_diag *diag)
{
    struct ax_forest_node nodes[TREE_NODES_MAX];
    uint32_t places[TREE_NODES_MAX], n = 0, id;
    struct ax_str line;
    memset(places, 0xff, sizeof places);
    while (dump.n) {
        if (!take(&dump, '\n', &line)) {
            line = dump;
            dump.n = 0;
        }
        if (n == TREE_NODES_MAX || !read_line(line, features_n, &id, &nodes[n]) || places[id] != UINT32_MAX)
            return ax_fail(diag, AX_CORRUPT, "not a tree as XGBoost prints it");
        places[id] = n++;
    }
    bool whole = n > 0 && places[0] == 0;
    for (uint32_t i = 0; i < n; i++)
        if (nodes[i].feature != AX_FOREST_LEAF)
            whole = whole && place(places, i, &nodes[i].yes) && place(places, i, &nodes[i].no) &&
                    place(places, i, &nodes[i].missing);
    if (!whole)
        return ax_fail(diag, AX_CORRUPT, "a tree of which a part is missing");
    const enum ax_err err = make_room(f, n);
    if (err != AX_OK)
        return ax_fail(diag, err, "%s for a tree of %u nodes", ax_err_text(err), n);
    f->roots[f->trees_n++] = f->nodes_n;
    for (uint32_t i = 0; i < n; i++) {
        struct ax_forest_node *node = &f->nodes[f->nodes_n + i];
        *node = nodes[i];
        node->yes += f->nodes_n;
        node->no += f->nodes_n;
        node->missing += f->nodes_n;
    }
    f->nodes_n += n;
    return AX_OK;
}

float ax_forest_run(const struct ax_forest *f, const float *row)
{
    float sum = 0;
    for (uint32_t t = 0; t < f->trees_n; t++) {
        const struct ax_forest_node *node = &f->nodes[f->roots[t]];
        while (node->feature != AX_FOREST_LEAF) {
            const float x = row[node->feature];
            node = &f->nodes[isnan(x) ? node->missing : x < node->threshold ? node->yes : node->no];
        }
        sum += node->threshold;
    }
    return sum;
}

void ax_forest_write(const struct ax_forest *f, float *nodes, float *roots)
{
    for (uint32_t i = 0; i < f->nodes_n; i++, nodes += AX_FOREST_NODE) {
        const struct ax_forest_node *node = &f->nodes[i];
        const bool leaf = node->feature == AX_FOREST_LEAF;
        nodes[0] = node->threshold;
        nodes[1] = leaf ? 0 : (float)(node->yes - i);
        nodes[2] = leaf ? 0 : (float)(node->no - i);
        nodes[3] = leaf ? 0 : (float)(node->missing - i);
        nodes[4] = leaf ? -1 : (float)node->feature;
    }
    for (uint32_t t = 0; t < f->trees_n; t++)
        roots[t] = (float)f->roots[t];
}

/* A whole number from 1 to max. */
static bool step_of(float v, uint32_t max, uint32_t *out)
{
    if (!(v >= 1 && v <= (float)max) || floorf(v) < v)
        return false;
    *out = (uint32_t)v;
    return true;
}

/* Node i of a tree that ends before node `end`. */
static bool read_node(const float *v, uint32_t i, uint32_t end, uint32_t features_n,
                      struct ax_forest_node *node)
{
    uint32_t yes, no, missing, feature;
    *node = (struct ax_forest_node){.threshold = v[0], .feature = AX_FOREST_LEAF};
    if (!isfinite(v[0]))
        return false;
    if (v[4] < 0)
        return true;
    if (!step_of(v[1], end - 1 - i, &yes) || !step_of(v[2], end - 1 - i, &no) ||
        !step_of(v[3], end - 1 - i, &missing) || !step_of(v[4] + 1, features_n, &feature))
        return false;
    *node = (struct ax_forest_node){v[0], i + yes, i + no, i + missing, feature - 1};
    return true;
}

/* The places of the roots: the first node is one, and each tree ends where the next one begins. */
static bool read_roots(const float *v, uint32_t trees_n, uint32_t nodes_n, uint32_t *roots)
{
    for (uint32_t t = 0; t < trees_n; t++) {
        uint32_t after;
        if (!step_of(v[t] + 1, nodes_n, &after))
            return false;
        roots[t] = after - 1;
        if (t == 0 ? roots[t] != 0 : roots[t] <= roots[t - 1])
            return false;
    }
    return (trees_n == 0) == (nodes_n == 0);
}

/* The nodes first..end of one tree. */
static bool read_tree(struct ax_forest *f, const float *nodes, uint32_t first, uint32_t end,
                      uint32_t features_n)
{
    bool sound = end - first <= TREE_NODES_MAX;
    for (uint32_t i = first; i < end && sound; i++)
        sound = read_node(nodes + (size_t)i * AX_FOREST_NODE, i, end, features_n, &f->nodes[i]);
    return sound;
}

enum ax_err ax_forest_read(struct ax_forest *f, const float *nodes, uint32_t nodes_n, const float *roots,
                           uint32_t trees_n, uint32_t features_n)
{
    if (nodes_n > AX_FOREST_NODES_MAX || trees_n > AX_TREES_ROUNDS_MAX)
        return AX_CORRUPT;
    f->nodes = malloc(nodes_n * sizeof *f->nodes);
    f->roots = malloc(trees_n * sizeof *f->roots);
    if ((nodes_n && !f->nodes) || (trees_n && !f->roots)) {
        ax_forest_done(f);
        return AX_NOMEM;
    }
    bool sound = read_roots(roots, trees_n, nodes_n, f->roots);
    for (uint32_t t = 0; t < trees_n && sound; t++)
        sound = read_tree(f, nodes, f->roots[t], t + 1 < trees_n ? f->roots[t + 1] : nodes_n, features_n);
    if (!sound) {
        ax_forest_done(f);
        return AX_CORRUPT;
    }
    f->nodes_n = f->nodes_cap = nodes_n;
    f->trees_n = f->trees_cap = trees_n;
    return AX_OK;
}
