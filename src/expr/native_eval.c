/* native_eval.c: native histograms in the tree: read from the series, operated on, reduced to numbers. */
#include "expr/bound.h"
#include "expr/number.h"

#include <math.h>

void ax_out_put_histogram(struct ax_state *s, uint32_t slot, const struct ax_float_histogram *h)
{
    s->out[s->out_n++] = (struct ax_element){.histogram = h, .slot = slot, .is_histogram = true};
}

/* The i-th message that was read, as a value. AX_INVALID leaves it out. */
static enum ax_err read_value(struct ax_bound *b, uint32_t i, struct ax_arena *arena,
                              struct ax_float_histogram *out)
{
    enum ax_err err = ax_float_histogram_read(ax_histograms_message(&b->messages, i), arena, out);
    b->dropped += err == AX_INVALID;
    return err;
}

enum ax_err ax_newest_histogram(struct ax_bound *b, const struct ax_series *series, int64_t *out_t_ms,
                                const struct ax_float_histogram **out)
{
    *out = NULL;
    enum ax_err err =
        ax_db_read_histograms(b->db, series, b->t_ms - AX_LOOKBACK_MS, b->t_ms, 1, &b->messages);
    if (err != AX_OK || b->messages.n == 0)
        return err;
    struct ax_float_histogram *h = ax_arena_alloc(&b->values, sizeof *h);
    err = h ? read_value(b, 0, &b->values, h) : AX_NOMEM;
    if (err == AX_OK) {
        *out = h;
        *out_t_ms = b->messages.v[0].t_ms;
    }
    return err == AX_INVALID ? AX_OK : err;
}

enum ax_err ax_range_histograms(struct ax_bound *b, const struct ax_series *series, struct ax_range *r)
{
    r->h_n = 0;
    ax_arena_reset(&b->range_values);
    enum ax_err err = ax_db_read_histograms(b->db, series, r->start_ms, r->end_ms, UINT32_MAX, &b->messages);
    if (err == AX_OK)
        err = ax_room(&b->points, &b->points_cap, b->messages.n, sizeof *b->points);
    for (uint32_t i = 0; err == AX_OK && i < b->messages.n; i++) {
        struct ax_histogram_point *p = &b->points[r->h_n];
        p->t_ms = b->messages.v[i].t_ms;
        err = read_value(b, i, &b->range_values, &p->h);
        r->h_n += err == AX_OK;
        if (err == AX_INVALID)
            err = AX_OK;
    }
    r->h = b->points;
    return err;
}

/* A histogram times or by a number. */
static enum ax_err scale(struct ax_bound *b, const struct ax_float_histogram *h, double number, bool divide,
                         struct ax_float_histogram *out)
{
    enum ax_err err = ax_native_copy(h, &b->values, out);
    if (err != AX_OK)
        return err;
    if (divide)
        ax_native_divide(out, number);
    else
        ax_native_multiply(out, number);
    return AX_OK;
}

/* AX_CONFLICT when PromQL has no result for it. */
static enum ax_err operate(struct ax_bound *b, enum ax_operator op, const struct ax_element *left,
                           const struct ax_element *right, struct ax_float_histogram *out)
{
    if (left->is_histogram && right->is_histogram) {
        if (op != AX_OP_ADD && op != AX_OP_SUB)
            return AX_CONFLICT;
        enum ax_err err = ax_native_copy(left->histogram, &b->values, out);
        return err == AX_OK ? ax_native_add(out, right->histogram, op == AX_OP_ADD ? 1 : -1, &b->values)
                            : err;
    }
    if (op == AX_OP_MUL && right->is_histogram)
        return scale(b, right->histogram, left->value, false, out);
    if ((op == AX_OP_MUL || op == AX_OP_DIV) && left->is_histogram)
        return scale(b, left->histogram, right->value, op == AX_OP_DIV, out);
    return AX_CONFLICT;
}

enum ax_err ax_put_operated(struct ax_bound *b, enum ax_operator op, struct ax_state *s, uint32_t slot,
                            const struct ax_element *left, const struct ax_element *right)
{
    struct ax_float_histogram *h = ax_arena_alloc(&b->values, sizeof *h);
    enum ax_err err = h ? operate(b, op, left, right, h) : AX_NOMEM;
    if (err == AX_CONFLICT) {
        b->dropped++;
        return AX_OK;
    }
    if (err != AX_OK)
        return err;
    ax_native_compact(h);
    ax_out_put_histogram(s, slot, h);
    return AX_OK;
}

static double reduce(enum ax_function f, const struct ax_float_histogram *h)
{
    return f == AX_FN_HISTOGRAM_COUNT ? h->count : f == AX_FN_HISTOGRAM_SUM ? h->sum : h->sum / h->count;
}

enum ax_err ax_eval_native(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *in = ax_state_of(b, node->left);
    struct ax_state *s = ax_state_of(b, node);
    enum ax_err err = ax_follow_vector(b, s, in);
    for (uint32_t i = 0; err == AX_OK && i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        if (e->ended)
            ax_out_put(s, e->slot, NAN, true);
        else if (e->is_histogram)
            ax_out_put(s, e->slot, reduce(node->function, e->histogram), false);
    }
    return err == AX_OK ? ax_finish(b, s) : err;
}
