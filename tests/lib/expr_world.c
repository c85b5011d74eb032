/* expr_world.c: text in, text out. */
#include "expr_world.h"

#include "ax_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void expr_world_open(struct expr_world *w)
{
    struct ax_db_options o = {.seed = 1, .negative_max = 64, .retention_ms = 86400000};
    struct ax_diag diag = {{0}};
    *w = (struct expr_world){.db = ax_db_new(&o)};
    assert_non_null(w->db);
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str(AX_METRIC_NAME), ax_str(".+"), &w->any, &diag),
                     AX_OK);
    w->selector = ax_db_add_selector(w->db, ax_str(""), &w->any, 1, 0, NULL);
    assert_true(w->selector >= 0);
    ax_arena_init(&w->arena, 1 << 20);
}

static void append(struct expr_world *w, const char *series, struct ax_sample s)
{
    struct ax_labels ls;
    struct ax_diag diag = {{0}};
    struct ax_buf key;
    ax_arena_reset(&w->arena);
    assert_int_equal(ax_labels_parse(ax_str(series), &w->arena, &ls, &diag), AX_OK);
    ax_buf_init(&key, 65536);
    ax_labels_key_write(&ls, &key);
    assert_int_equal(ax_db_append(w->db, ax_str(""), ax_buf_view(&key), &s, 1, NULL, &diag), AX_FATE_WANTED);
    ax_buf_done(&key);
}

void expr_world_add(struct expr_world *w, const char *series, const char *samples)
{
    char value[64];
    int used = 0;
    long long t;
    for (const char *p = samples; sscanf(p, "%lld %63s%n", &t, value, &used) == 2; p += used) {
        struct ax_sample s = {t, strcmp(value, "stale") == 0 ? ax_stale() : strtod(value, NULL)};
        append(w, series, s);
    }
}

void expr_world_line(struct expr_world *w, const char *series, int64_t t_ms, int64_t step_ms, int n,
                     double first, double rise)
{
    for (int i = 0; i < n; i++)
        append(w, series, (struct ax_sample){t_ms + i * step_ms, first + i * rise});
}

void expr_world_histogram(struct expr_world *w, const char *series, const struct histogram_spec *spec)
{
    static uint8_t bytes[4096];
    struct ax_labels ls;
    struct ax_histogram h;
    struct ax_diag diag = {{0}};
    struct ax_buf key;
    ax_arena_reset(&w->arena);
    size_t n = io__prometheus__write__v2__histogram__pack(histogram_message(spec, &w->arena), bytes);
    assert_true(ax_histogram_read((struct ax_str){(const char *)bytes, n}, &h));
    assert_string_equal(h.fault, "");
    assert_int_equal(ax_labels_parse(ax_str(series), &w->arena, &ls, &diag), AX_OK);
    ax_buf_init(&key, 65536);
    ax_labels_key_write(&ls, &key);
    struct ax_append a = {.key = ax_buf_view(&key), .histograms = &h.sample, .histograms_n = 1};
    ax_db_append_one(w->db, ax_str(""), &a, NULL, &diag);
    assert_int_equal(a.fate, AX_FATE_WANTED);
    ax_buf_done(&key);
}

static int by_labels(const void *a, const void *b)
{
    const struct ax_result *x = a, *y = b;
    return ax_labels_cmp(x->labels, y->labels);
}

static void write(struct expr_world *w, const struct ax_vector *v, bool scalar)
{
    struct ax_buf out;
    struct ax_result *sorted = malloc((v->n + 1) * sizeof *sorted);
    assert_non_null(sorted);
    if (v->n)
        memcpy(sorted, v->v, v->n * sizeof *sorted);
    qsort(sorted, v->n, sizeof *sorted, by_labels);
    ax_buf_init(&out, sizeof w->text - 1);
    for (uint32_t i = 0; i < v->n; i++) {
        if (i)
            ax_buf_printf(&out, "; ");
        if (!scalar) {
            ax_labels_write(sorted[i].labels, &out);
            ax_buf_byte(&out, ' ');
        }
        if (sorted[i].ended)
            ax_buf_printf(&out, "ended");
        else if (isnan(sorted[i].value))
            ax_buf_printf(&out, "NaN");
        else
            ax_buf_printf(&out, "%.15g", sorted[i].value);
    }
    assert_int_equal(out.err, AX_OK);
    snprintf(w->text, sizeof w->text, "%.*s", (int)out.n, out.n ? (const char *)out.bytes : "");
    ax_buf_done(&out);
    free(sorted);
}

const char *expr_world_eval(struct expr_world *w, const char *expr, int64_t t_ms)
{
    struct ax_diag diag = {{0}};
    struct ax_expr *e = NULL;
    struct ax_bound *b = NULL;
    struct ax_vector v;
    enum ax_err err = ax_expr_parse(ax_str(expr), 3600000, &e, &diag);
    if (err == AX_OK)
        err = ax_expr_bind(e, w->db, ax_str(""), NULL, &b);
    if (err == AX_OK)
        err = ax_bound_eval(b, t_ms, &v, &diag);
    w->dropped = err == AX_OK ? v.dropped : 0;
    w->interval_ms = err == AX_OK ? v.interval_ms : 0;
    if (err == AX_OK)
        write(w, &v, ax_expr_is_scalar(e));
    else
        snprintf(w->text, sizeof w->text, "error: %s", diag.text);
    ax_bound_free(b);
    ax_expr_free(e);
    return w->text;
}

void expr_world_close(struct expr_world *w)
{
    ax_db_free(w->db);
    ax_matcher_free(w->any);
    ax_arena_done(&w->arena);
}
