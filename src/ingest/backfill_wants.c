/* backfill_wants.c: from expressions to queries; a selector that several expressions have is asked for once.
 */
#include "ingest/backfill_wants.h"

#include "expr/expr.h"

#include <stdlib.h>

#define ARENA_BYTES (16u << 20)

static bool same(const struct ax_read_query *a, const struct ax_read_query *b)
{
    if (a->matchers_n != b->matchers_n)
        return false;
    for (uint32_t i = 0; i < a->matchers_n; i++) {
        const struct ax_read_matcher *x = &a->matchers[i], *y = &b->matchers[i];
        if (x->op != y->op || !ax_str_eq(x->name, y->name) || !ax_str_eq(x->value, y->value))
            return false;
    }
    return true;
}

static bool add_selector(void *ctx, struct ax_matcher *const *matchers, uint32_t n, int64_t reach_ms)
{
    struct ax_backfill_wants *w = ctx;
    struct ax_read_matcher *v = ax_arena_array(&w->arena, n, sizeof *v);
    w->nomem |= !v;
    for (uint32_t i = 0; v && i < n; i++)
        v[i] = (struct ax_read_matcher){ax_matcher_op(matchers[i]), ax_matcher_name(matchers[i]),
                                        ax_matcher_value(matchers[i])};
    w->reach_ms = reach_ms > w->reach_ms ? reach_ms : w->reach_ms;
    const struct ax_read_query query = {.matchers = v, .matchers_n = n};
    for (uint32_t i = 0; v && i < w->selectors_n; i++)
        if (same(&w->selectors[i], &query))
            return true;
    if (v && w->selectors_n == w->selectors_cap) {
        uint32_t cap = w->selectors_cap ? w->selectors_cap * 2 : 8;
        struct ax_read_query *more = realloc(w->selectors, cap * sizeof *more);
        w->nomem |= !more;
        w->selectors = more ? more : w->selectors;
        w->selectors_cap = more ? cap : w->selectors_cap;
    }
    if (!w->nomem)
        w->selectors[w->selectors_n++] = query;
    return !w->nomem;
}

enum ax_err ax_backfill_wants_init(struct ax_backfill_wants *w, const struct ax_job_config *block,
                                   int64_t max_range_ms, struct ax_diag *diag)
{
    *w = (struct ax_backfill_wants){0};
    ax_arena_init(&w->arena, ARENA_BYTES);
    w->exprs = calloc(block->features_n + (size_t)1, sizeof(struct ax_expr *));
    enum ax_err err = w->exprs ? AX_OK : AX_NOMEM;
    for (uint32_t i = 0; i <= block->features_n && err == AX_OK; i++) {
        struct ax_str text = i ? block->features[i - 1].expr.text : block->expr.text;
        if (text.n == 0)
            continue;
        err = ax_expr_parse(text, max_range_ms, &w->exprs[w->exprs_n], diag);
        if (err == AX_OK)
            (void)ax_expr_each_selector(w->exprs[w->exprs_n++], add_selector, w);
    }
    if (err == AX_OK)
        w->queries = calloc(w->selectors_n + (size_t)1, sizeof *w->queries);
    if (err == AX_NOMEM || w->nomem || (err == AX_OK && !w->queries))
        return ax_fail(diag, AX_NOMEM, "out of memory");
    return err;
}

uint32_t ax_backfill_wants_queries(struct ax_backfill_wants *w, const struct ax_history *h, int64_t after_ms,
                                   int64_t until_ms)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->selectors_n && after_ms < until_ms; i++) {
        if (!ax_history_serves(h, w->selectors[i].matchers, w->selectors[i].matchers_n))
            continue;
        w->queries[n] = w->selectors[i];
        w->queries[n].start_ms = after_ms + 1;
        w->queries[n++].end_ms = until_ms;
    }
    return n;
}

void ax_backfill_wants_done(struct ax_backfill_wants *w)
{
    for (uint32_t i = 0; i < w->exprs_n; i++)
        ax_expr_free(w->exprs[i]);
    free((void *)w->exprs);
    free(w->selectors);
    free(w->queries);
    ax_arena_done(&w->arena);
}
