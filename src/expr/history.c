/* history.c: what an expression needs of the past: its selectors, and the samples that they select. */
#include "expr/bound.h"

static bool visit_node(const struct ax_node *node, ax_selector_visit *visit, void *ctx)
{
    if (!node)
        return true;
    if (node->kind == AX_NODE_SELECTOR) {
        int64_t reach_ms = node->range_ms > 0 ? node->range_ms : AX_LOOKBACK_MS;
        if (!visit(ctx, node->matchers, node->matchers_n, reach_ms))
            return false;
    }
    return visit_node(node->left, visit, ctx) && visit_node(node->right, visit, ctx);
}

bool ax_expr_each_selector(const struct ax_expr *e, ax_selector_visit *visit, void *ctx)
{
    return visit_node(e->root, visit, ctx);
}

struct ax_matcher *const *ax_expr_as_selector(const struct ax_expr *e, uint32_t *n)
{
    const struct ax_node *root = e->root;
    if (root->kind != AX_NODE_SELECTOR || root->range_ms > 0)
        return NULL;
    *n = root->matchers_n;
    return root->matchers;
}

enum ax_err ax_bound_copy(struct ax_bound *b, int64_t after_ms, int64_t until_ms, struct ax_db *to)
{
    struct ax_buf key;
    enum ax_err err = AX_OK;
    ax_buf_init(&key, SIZE_MAX);
    for (uint32_t i = 0; i < b->expr->nodes_n && err == AX_OK; i++) {
        uint32_t n = 0;
        uint64_t epoch;
        struct ax_series *const *members = NULL;
        if (b->states[i].selector >= 0)
            members = ax_db_members(b->db, b->states[i].selector, &n, &epoch);
        for (uint32_t k = 0; k < n && err == AX_OK; k++) {
            uint32_t samples_n =
                ax_db_read(b->db, members[k], after_ms, until_ms, b->samples, b->samples_cap);
            ax_buf_reset(&key);
            ax_labels_key_write(ax_series_labels(members[k]), &key);
            err = key.err;
            if (err == AX_OK && samples_n)
                (void)ax_db_append(to, ax_str(""), ax_buf_view(&key), b->samples, samples_n, NULL, NULL);
        }
    }
    ax_buf_done(&key);
    return err;
}
