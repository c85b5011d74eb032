/* eval.c: selectors, functions and operations with numbers; the other kinds of node have their own files. */
#include "expr/bound.h"
#include "expr/number.h"
#include "expr/range.h"

#include <math.h>

double ax_scalar(const struct ax_node *node)
{
    switch (node->kind) {
    case AX_NODE_NUMBER:
        return node->number;
    case AX_NODE_NEGATE:
        return -ax_scalar(node->left);
    case AX_NODE_BINARY:
        return ax_operate(node->op, ax_scalar(node->left), ax_scalar(node->right));
    default:
        return NAN;
    }
}

static const struct ax_names no_names = {0};

/* Results whose labels are those of a vector or of members, slot for slot, with or without the name. */
static enum ax_err follow(struct ax_bound *b, struct ax_slots *slots, const struct ax_labels *labels,
                          bool keep_name)
{
    struct ax_labels filtered;
    if (keep_name)
        return ax_slots_add(slots, labels, ax_labels_hash(labels, b->seed));
    enum ax_err err = ax_filter(b, labels, &no_names, true, &filtered);
    return err == AX_OK ? ax_slot_append(b, slots, &filtered) : err;
}

static enum ax_err follow_members(struct ax_bound *b, struct ax_state *s, const struct ax_state *selector,
                                  bool keep_name)
{
    enum ax_err err = ax_out_room(s, selector->members_n);
    while (err == AX_OK && s->slots.n < selector->members_n)
        err = follow(b, &s->slots, ax_series_labels(selector->members[s->slots.n]), keep_name);
    return err;
}

enum ax_err ax_follow_vector(struct ax_bound *b, struct ax_state *s, const struct ax_state *in)
{
    enum ax_err err = ax_out_room(s, in->out_n);
    while (err == AX_OK && s->slots.n < in->slots.n)
        err = follow(b, &s->slots, in->slots.v[s->slots.n].labels, false);
    return err;
}

/* Is the newest sample within the lookback a stale marker? Notes how long it took to come. */
static bool has_ended(struct ax_bound *b, const struct ax_series *series)
{
    struct ax_sample v[2];
    uint32_t n = ax_db_read(b->db, series, b->t_ms - AX_LOOKBACK_MS, b->t_ms, v, 2);
    if (n == 0 || !ax_is_stale(v[n - 1].value))
        return false;
    if (n == 2 && v[1].t_ms - v[0].t_ms > b->interval_ms)
        b->interval_ms = v[1].t_ms - v[0].t_ms;
    return true;
}

/* The newest sample of a member within the lookback, or its newest histogram if that is newer. */
static enum ax_err put_newest(struct ax_bound *b, struct ax_state *s, uint32_t i)
{
    struct ax_sample newest;
    const struct ax_float_histogram *h = NULL;
    int64_t h_t_ms = 0;
    bool there = ax_db_read(b->db, s->members[i], b->t_ms - AX_LOOKBACK_MS, b->t_ms, &newest, 1) > 0;
    enum ax_err err = AX_OK;
    if (ax_series_has_histograms(s->members[i]))
        err = ax_newest_histogram(b, s->members[i], &h_t_ms, &h);
    if (h && !(there && newest.t_ms > h_t_ms)) {
        ax_out_put_histogram(s, i, h);
    } else if (there) {
        bool stale = ax_is_stale(newest.value) && has_ended(b, s->members[i]);
        ax_out_put(s, i, stale ? (double)NAN : newest.value, stale);
    }
    return err;
}

static enum ax_err eval_selector(struct ax_bound *b, const struct ax_node *node)
{
    struct ax_state *s = ax_state_of(b, node);
    enum ax_err err = follow_members(b, s, s, true);
    for (uint32_t i = 0; err == AX_OK && i < s->members_n; i++)
        err = put_newest(b, s, i);
    return err;
}

/* Take the stale markers out; returns how many samples remain. */
static uint32_t without_stale(struct ax_sample *v, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (ax_is_stale(v[i].value))
            continue;
        if (kept != i)
            v[kept] = v[i];
        kept++;
    }
    return kept;
}

/* A range with native histograms. False in *out_put when nothing came of it. */
static enum ax_err put_native(struct ax_bound *b, const struct ax_node *node, struct ax_state *s,
                              uint32_t slot, const struct ax_range *r, bool *out_put)
{
    enum ax_range_value what = AX_RANGE_NOTHING;
    double value = NAN;
    struct ax_float_histogram result, *h;
    enum ax_err err = ax_range_apply_native(node->function, r, &b->range_values, &what, &value, &result);
    b->dropped += err == AX_CONFLICT;
    if (err != AX_OK || what == AX_RANGE_NOTHING)
        return err == AX_CONFLICT ? AX_OK : err;
    *out_put = true;
    if (what == AX_RANGE_NUMBER) {
        ax_out_put(s, slot, value, false);
        return AX_OK;
    }
    h = ax_arena_alloc(&b->values, sizeof *h);
    err = h ? ax_native_copy(&result, &b->values, h) : AX_NOMEM;
    if (err == AX_OK)
        ax_out_put_histogram(s, slot, h);
    return err;
}

/* The function of one member's range. */
static enum ax_err put_range(struct ax_bound *b, const struct ax_node *node, struct ax_state *s, uint32_t i,
                             struct ax_range *r)
{
    const struct ax_series *member = ax_state_of(b, node->left)->members[i];
    uint32_t n = ax_db_read(b->db, member, r->start_ms, r->end_ms, b->samples, b->samples_cap);
    int64_t last_ms = n ? b->samples[n - 1].t_ms : 0;
    bool last_stale = n && ax_is_stale(b->samples[n - 1].value), put = false;
    double value = NAN;
    r->n = without_stale(b->samples, n);
    r->h_n = 0;
    if (ax_series_has_histograms(member)) {
        enum ax_err err = ax_range_histograms(b, member, r);
        if (err == AX_OK && r->h_n)
            err = put_native(b, node, s, i, r, &put);
        if (err != AX_OK || put)
            return err;
        if (r->h_n && !(last_stale && last_ms > r->h[r->h_n - 1].t_ms))
            return AX_OK;
    }
    if (r->h_n == 0 && r->n && ax_range_apply(node->function, r, &value))
        ax_out_put(s, i, value, false);
    else if ((n == 0 || last_stale) && has_ended(b, member))
        ax_out_put(s, i, NAN, true);
    return AX_OK;
}

static enum ax_err eval_range(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *selector = ax_state_of(b, node->left);
    struct ax_state *s = ax_state_of(b, node);
    struct ax_range r = {.v = b->samples, .start_ms = b->t_ms - node->left->range_ms, .end_ms = b->t_ms};
    r.scratch = b->scratch;
    if (node->scalar[0])
        r.param = ax_scalar(node->scalar[0]);
    enum ax_err err = follow_members(b, s, selector, node->keeps_name);
    for (uint32_t i = 0; err == AX_OK && i < selector->members_n; i++)
        err = put_range(b, node, s, i, &r);
    return err == AX_OK ? ax_finish(b, s) : err;
}

static enum ax_err eval_math(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *in = ax_state_of(b, node->left);
    struct ax_state *s = ax_state_of(b, node);
    double param[2] = {0};
    for (int i = 0; i < 2 && node->scalar[i]; i++)
        param[i] = ax_scalar(node->scalar[i]);
    enum ax_err err = ax_follow_vector(b, s, in);
    /* As in Prometheus, bounds that exclude each other leave nothing. */
    if (err != AX_OK || (node->function == AX_FN_CLAMP && param[1] < param[0]))
        return err;
    for (uint32_t i = 0; i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        if (e->is_histogram)
            b->dropped++;
        else
            ax_out_put(s, e->slot, e->ended ? (double)NAN : ax_math_apply(node->function, e->value, param),
                       e->ended);
    }
    return ax_finish(b, s);
}

static enum ax_err eval_negate(struct ax_bound *b, const struct ax_node *node)
{
    const struct ax_state *in = ax_state_of(b, node->left);
    const struct ax_element minus = {.value = -1};
    struct ax_state *s = ax_state_of(b, node);
    enum ax_err err = ax_follow_vector(b, s, in);
    for (uint32_t i = 0; err == AX_OK && i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        if (e->is_histogram)
            err = ax_put_operated(b, AX_OP_MUL, s, e->slot, e, &minus);
        else
            ax_out_put(s, e->slot, e->ended ? (double)NAN : -e->value, e->ended);
    }
    return err == AX_OK ? ax_finish(b, s) : err;
}

/* A vector and a number, in either order. */
static enum ax_err eval_with_number(struct ax_bound *b, const struct ax_node *node)
{
    bool number_left = node->left->type == AX_TYPE_SCALAR;
    const struct ax_state *in = ax_state_of(b, number_left ? node->right : node->left);
    const struct ax_element number = {.value = ax_scalar(number_left ? node->left : node->right)};
    struct ax_state *s = ax_state_of(b, node);
    enum ax_err err = ax_follow_vector(b, s, in);
    for (uint32_t i = 0; err == AX_OK && i < in->out_n; i++) {
        const struct ax_element *e = &in->out[i];
        const struct ax_element *left = number_left ? &number : e, *right = number_left ? e : &number;
        if (e->is_histogram)
            err = ax_put_operated(b, node->op, s, e->slot, left, right);
        else
            ax_out_put(s, e->slot, e->ended ? (double)NAN : ax_operate(node->op, left->value, right->value),
                       e->ended);
    }
    return err == AX_OK ? ax_finish(b, s) : err;
}

/* Evaluate the operands that are vectors. */
static enum ax_err eval_operands(struct ax_bound *b, const struct ax_node *node)
{
    enum ax_err err = AX_OK;
    if (node->left && node->left->type == AX_TYPE_VECTOR)
        err = ax_eval_vector(b, node->left);
    if (err == AX_OK && node->right && node->right->type == AX_TYPE_VECTOR)
        err = ax_eval_vector(b, node->right);
    return err;
}

enum ax_err ax_eval_vector(struct ax_bound *b, const struct ax_node *node)
{
    enum ax_err err = eval_operands(b, node);
    if (err != AX_OK)
        return err;
    switch (node->kind) {
    case AX_NODE_SELECTOR:
        return eval_selector(b, node);
    case AX_NODE_CALL:
        if (node->function == AX_FN_HISTOGRAM_QUANTILE)
            return ax_eval_histogram(b, node);
        if (node->function >= AX_FN_HISTOGRAM_COUNT && node->function <= AX_FN_HISTOGRAM_AVG)
            return ax_eval_native(b, node);
        return node->left->type == AX_TYPE_RANGE ? eval_range(b, node) : eval_math(b, node);
    case AX_NODE_AGGREGATE:
        return ax_eval_aggregate(b, node);
    case AX_NODE_NEGATE:
        return eval_negate(b, node);
    case AX_NODE_BINARY:
        if (node->left->type == AX_TYPE_VECTOR && node->right->type == AX_TYPE_VECTOR)
            return ax_eval_match(b, node);
        return eval_with_number(b, node);
    case AX_NODE_NUMBER:
        break;
    }
    return AX_OK;
}

/* Mark the classes of live elements; two of one class are an error. */
static enum ax_err mark_live(struct ax_bound *b, struct ax_state *s)
{
    for (uint32_t i = 0; i < s->out_n; i++) {
        uint32_t class = s->slots.v[s->out[i].slot].class;
        if (s->out[i].ended)
            continue;
        if (s->seen[class] == b->tick) {
            struct ax_buf text;
            ax_buf_init(&text, 300);
            ax_labels_write(s->slots.v[class].labels, &text);
            ax_fail(b->diag, AX_CONFLICT,
                    "two results have the same labels " AX_STR_FMT "; aggregate, or select one metric",
                    AX_STR_ARG(ax_buf_view(&text)));
            ax_buf_done(&text);
            return AX_CONFLICT;
        }
        s->seen[class] = b->tick;
    }
    return AX_OK;
}

enum ax_err ax_finish(struct ax_bound *b, struct ax_state *s)
{
    if (!s->slots.duplicates)
        return AX_OK;
    enum ax_err err = ax_room(&s->seen, &s->seen_cap, s->slots.n, sizeof *s->seen);
    if (err == AX_OK)
        err = mark_live(b, s);
    if (err != AX_OK)
        return err;
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->out_n; i++) {
        uint64_t *seen = &s->seen[s->slots.v[s->out[i].slot].class];
        if (s->out[i].ended && *seen == b->tick)
            continue;
        *seen = b->tick;
        s->out[n++] = s->out[i];
    }
    s->out_n = n;
    return AX_OK;
}
