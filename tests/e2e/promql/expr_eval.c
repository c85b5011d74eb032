/* expr_eval: evaluates expressions over samples, both read from a file, for the comparison with Prometheus.
 *
 * usage: expr_eval FILE
 *
 * Lines, tab between their parts:
 *   S  labels             the samples that follow are of this series (exposition syntax)
 *   V  t_ms  bits         a sample; the 64 bits of its value in hexadecimal, so that stale markers survive
 *   Q  t_ms  expression   evaluate; consecutive lines with one expression share a bound one
 * For each Q one line of JSON: {"error": text}, {"scalar": "value"} or {"vector": [[{labels}, "value"],
 * ...]}. */
#include "base/parse.h"
#include "expr/expr.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define RANGE_MAX_MS 7200000

/* What lives from line to line. */
struct run {
    struct ax_db *db;
    struct ax_buf key;
    struct ax_arena arena;
    char *text; /* of the bound expression */
    struct ax_expr *expr;
    struct ax_bound *bound;
    struct ax_diag diag;
};

static void die(const char *what, const char *line)
{
    fprintf(stderr, "expr_eval: %s: %s\n", what, line);
    exit(2);
}

static json_t *json_text(struct ax_str s)
{
    json_t *text = json_stringn(s.p, s.n);
    return text ? text : json_string("");
}

static json_t *json_value(double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.17g", v);
    return json_string(text);
}

static void read_series(struct run *r, const char *labels)
{
    struct ax_labels ls;
    ax_arena_reset(&r->arena);
    if (ax_labels_parse(ax_str(labels), &r->arena, &ls, &r->diag) != AX_OK)
        die(r->diag.text, labels);
    ax_buf_reset(&r->key);
    ax_labels_key_write(&ls, &r->key);
}

static void read_sample(struct run *r, const char *line)
{
    char *end = NULL;
    struct ax_sample s = {.t_ms = strtoll(line, &end, 10)};
    uint64_t bits = strtoull(end, NULL, 16);
    memcpy(&s.value, &bits, sizeof bits);
    if (ax_db_append(r->db, ax_str(""), ax_buf_view(&r->key), &s, 1, NULL, &r->diag) != AX_FATE_WANTED)
        die("the sample is not taken", line);
}

static void unbind(struct run *r)
{
    ax_bound_free(r->bound);
    ax_expr_free(r->expr);
    free(r->text);
    r->bound = NULL;
    r->expr = NULL;
    r->text = NULL;
}

static enum ax_err bind(struct run *r, const char *text)
{
    unbind(r);
    enum ax_err err = ax_expr_parse(ax_str(text), RANGE_MAX_MS, &r->expr, &r->diag);
    if (err == AX_OK)
        err = ax_expr_bind(r->expr, r->db, ax_str(""), NULL, &r->bound);
    if (err == AX_OK)
        r->text = strdup(text);
    return err;
}

static json_t *json_labels(const struct ax_labels *ls)
{
    json_t *object = json_object();
    for (uint32_t i = 0; i < ls->n; i++) {
        char *name = strndup(ls->v[i].name.p, ls->v[i].name.n);
        json_object_set_new(object, name, json_text(ls->v[i].value));
        free(name);
    }
    return object;
}

static json_t *answer(struct run *r, int64_t t_ms, const char *text)
{
    struct ax_vector v;
    enum ax_err err = r->text && strcmp(r->text, text) == 0 ? AX_OK : bind(r, text);
    if (err == AX_OK)
        err = ax_bound_eval(r->bound, t_ms, &v, &r->diag);
    if (err != AX_OK)
        return json_pack("{s:o}", "error", json_string(r->diag.text));
    if (ax_expr_is_scalar(r->expr))
        return json_pack("{s:o}", "scalar", json_value(v.v[0].value));
    json_t *rows = json_array();
    for (uint32_t i = 0; i < v.n; i++) {
        if (!v.v[i].ended)
            json_array_append_new(rows,
                                  json_pack("[o,o]", json_labels(v.v[i].labels), json_value(v.v[i].value)));
    }
    return json_pack("{s:o}", "vector", rows);
}

static void read_line(struct run *r, char *line)
{
    line[strcspn(line, "\n")] = 0;
    char *rest = line + 2;
    if (line[0] == 'S') {
        read_series(r, rest);
    } else if (line[0] == 'V') {
        read_sample(r, rest);
    } else if (line[0] == 'Q') {
        char *text = NULL;
        int64_t t_ms = strtoll(rest, &text, 10);
        json_t *json = answer(r, t_ms, text + 1);
        char *out = json_dumps(json, JSON_COMPACT);
        puts(out);
        free(out);
        json_decref(json);
    } else {
        die("no such line", line);
    }
}

int main(int argc, char **argv)
{
    FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!in)
        die("usage", "expr_eval FILE");
    struct ax_db_options options = {
        .seed = 7, .ring_samples_max = 1u << 17, .negative_max = 64, .retention_ms = 86400000};
    struct run r = {.db = ax_db_new(&options)};
    struct ax_matcher *any = NULL;
    if (!r.db || ax_matcher_new(AX_MATCH_RE, ax_str(AX_METRIC_NAME), ax_str(".+"), &any, &r.diag) != AX_OK ||
        ax_db_add_selector(r.db, ax_str(""), &any, 1, 0, NULL) < 0)
        die("no database", "");
    ax_arena_init(&r.arena, 1 << 20);
    ax_buf_init(&r.key, 1 << 20);
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, in) > 1)
        read_line(&r, line);
    unbind(&r);
    free(line);
    ax_buf_done(&r.key);
    ax_arena_done(&r.arena);
    ax_db_free(r.db);
    ax_matcher_free(any);
    fclose(in);
    return 0;
}
