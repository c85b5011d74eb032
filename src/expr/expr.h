/* expr.h: the streaming subset of PromQL in which jobs are written.
 *
 * Semantics are those of Prometheus 3: ranges open on the left, rate and increase extrapolated with
 * counter resets, stale markers, 5 min lookback, metric names dropped where Prometheus drops them,
 * one-to-one vector matching, duplicates are errors. Native histograms are values beside numbers as far as a
 * number comes out in the end. Checked against a real Prometheus by
 * tests/e2e/promql. A parsed expression is immutable; a bound one is evaluated by one thread. */
#ifndef AX_EXPR_EXPR_H
#define AX_EXPR_EXPR_H

#include "series/db.h"

#define AX_LOOKBACK_MS 300000

#define AX_EXPR_REGEX_MEMORY                                                                                 \
    ((uint64_t)16 << 20) /* of all regular expressions of one expression, compiled                           \
                          */

struct ax_expr;

/* Parse text. max_range_ms bounds ranges (--query.max-range). On failure AX_INVALID with
 * "column N: ..." in diag, which names a recording rule as the way out for what PromQL has and this
 * subset has not. */
AX_MUST_USE enum ax_err ax_expr_parse(struct ax_str text, int64_t max_range_ms, struct ax_expr **out,
                                      struct ax_diag *diag);

/* The same with so much memory for its regular expressions, compiled, which is lowered by what they took
 * (prom/regex.h). AX_INVALID also where it is not enough. */
AX_MUST_USE enum ax_err ax_expr_parse_within(struct ax_str text, int64_t max_range_ms, uint64_t *memory,
                                             struct ax_expr **out, struct ax_diag *diag);

/* Free; NULL is fine. No bound expression may use it any more. */
void ax_expr_free(struct ax_expr *e);

/* Do its results keep the metric's name? (Then outputs carry `source`.) */
bool ax_expr_keeps_name(const struct ax_expr *e);

/* Is its result a number and not a vector? */
bool ax_expr_is_scalar(const struct ax_expr *e);

/* Is it one instant selector and nothing else? */
bool ax_expr_is_selector(const struct ax_expr *e);

/* One selector of an expression: its matchers, and for how long before a step it wants samples (a range, or
 * the lookback). Return false to see no more of them. */
typedef bool ax_selector_visit(void *ctx, struct ax_matcher *const *matchers, uint32_t n, int64_t reach_ms);

/* Visit the selectors, in the order of the text; false when the visitor has seen enough. */
bool ax_expr_each_selector(const struct ax_expr *e, ax_selector_visit *visit, void *ctx);

/* When the whole expression is one selector without a range: its matchers, which live as long as e; NULL when
 * it is anything else. */
struct ax_matcher *const *ax_expr_as_selector(const struct ax_expr *e, uint32_t *n);

/* One element of an instant vector. */
struct ax_result {
    const struct ax_labels *labels; /* without __name__ where PromQL drops it */
    uint64_t id;                    /* seeded hash of the labels; equal labels, equal id */
    double value;
    bool ended; /* no value: the input ended with a stale marker at or before T. PromQL shows nothing here */
};

/* A vector, valid until the next evaluation of the same bound expression or the next ax_db_evict(). */
struct ax_vector {
    uint32_t n;
    const struct ax_result *v;
    uint32_t dropped; /* native histograms that are no numbers in the end, or that cannot be combined */
    int64_t
        interval_ms; /* of the inputs that have ended, from the last sample to the stale marker: the longest;
                        0 when none has. One scrape that failed is made up for after as long again */
};

struct ax_bound;

/* Bind to a database: adds the selectors. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_expr_bind(const struct ax_expr *e, struct ax_db *db, struct ax_str tenant,
                                     struct ax_watch *watch, struct ax_bound **out);

/* Remove the selectors and free. NULL is fine. */
void ax_bound_free(struct ax_bound *b);

/* Append the samples with after_ms < t <= until_ms of everything that the selectors select to another
 * database. As ax_bound_eval() it is for the thread that evaluates. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_bound_copy(struct ax_bound *b, int64_t after_ms, int64_t until_ms,
                                      struct ax_db *to);

/* Evaluate at t_ms. A scalar expression gives one element without labels. AX_CONFLICT with a text when
 * PromQL would refuse (duplicate label sets, many-to-many). In the steady state allocates nothing:
 * labels of results are made once per member and kept. Cost: linear in members and samples in range. */
AX_MUST_USE enum ax_err ax_bound_eval(struct ax_bound *b, int64_t t_ms, struct ax_vector *out,
                                      struct ax_diag *diag);

#endif
