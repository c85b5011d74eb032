/* expr_world.h: a database written as text, and expressions evaluated over it into text. */
#ifndef EXPR_WORLD_H
#define EXPR_WORLD_H

#include "expr/expr.h"
#include "write_request.h"

/* One database in which every series is wanted. */
struct expr_world {
    struct ax_db *db;
    struct ax_matcher *any;
    int selector;
    struct ax_arena arena;
    char text[4096];     /* of the last evaluation */
    uint32_t dropped;    /* native histograms that it left out */
    int64_t interval_ms; /* before the ends that it met */
};

/* Open an empty world. */
void expr_world_open(struct expr_world *w);

/* Add samples to a series in exposition syntax: "t_ms value" pairs with blanks between; the value may be
 * stale. */
void expr_world_add(struct expr_world *w, const char *series, const char *samples);

/* Add samples every step_ms from t_ms on. */
void expr_world_line(struct expr_world *w, const char *series, int64_t t_ms, int64_t step_ms, int n,
                     double first, double rise);

/* Add a native histogram to a series. */
void expr_world_histogram(struct expr_world *w, const char *series, const struct histogram_spec *spec);

/* Evaluate at t_ms: elements sorted, as `labels value` with 15 digits joined by "; ", the value "ended" for
 * what has ended; a number alone for a scalar; "error: ..." when it cannot be parsed or evaluated. */
const char *expr_world_eval(struct expr_world *w, const char *expr, int64_t t_ms);

/* Close it. */
void expr_world_close(struct expr_world *w);

#endif
