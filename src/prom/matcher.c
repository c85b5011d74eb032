/* matcher.c: label matchers. */
#include "prom/matcher.h"

#include "prom/regex.h"

#include <stdlib.h>

struct ax_matcher {
    enum ax_match_op op;
    struct ax_str name, value;
    struct ax_regex *re; /* NULL for = and != */
    bool empty;          /* accepts the empty value */
    char bytes[];
};

/* Without memory for it, nothing matches. */
static bool match_regex(const struct ax_matcher *m, struct ax_str value)
{
    bool matched = false;
    return ax_regex_match(m->re, value, NULL, &matched) == AX_OK && matched;
}

static bool accepts(const struct ax_matcher *m, struct ax_str value)
{
    switch (m->op) {
    case AX_MATCH_EQ:
        return ax_str_eq(m->value, value);
    case AX_MATCH_NE:
        return !ax_str_eq(m->value, value);
    case AX_MATCH_RE:
        return match_regex(m, value);
    case AX_MATCH_NRE:
        return !match_regex(m, value);
    }
    return false;
}

enum ax_err ax_matcher_new(enum ax_match_op op, struct ax_str name, struct ax_str value,
                           struct ax_matcher **out, struct ax_diag *diag)
{
    return ax_matcher_new_within(op, name, value, NULL, out, diag);
}

enum ax_err ax_matcher_new_within(enum ax_match_op op, struct ax_str name, struct ax_str value,
                                  uint64_t *memory, struct ax_matcher **out, struct ax_diag *diag)
{
    *out = NULL;
    if (name.n == 0)
        return ax_fail(diag, AX_INVALID, "a matcher needs a label name");
    if (!ax_str_utf8(name) || !ax_str_utf8(value))
        return ax_fail(diag, AX_INVALID, "a matcher's name and value must be UTF-8");
    struct ax_matcher *m = calloc(1, sizeof *m + name.n + value.n + 1);
    if (!m)
        return ax_fail(diag, AX_NOMEM, "no memory for a matcher");
    memcpy(m->bytes, name.p, name.n);
    if (value.n)
        memcpy(m->bytes + name.n, value.p, value.n);
    m->op = op;
    m->name = (struct ax_str){m->bytes, name.n};
    m->value = (struct ax_str){m->bytes + name.n, value.n};
    if (op == AX_MATCH_RE || op == AX_MATCH_NRE) {
        enum ax_err err = ax_regex_new(m->value, memory, &m->re, diag);
        if (err != AX_OK) {
            ax_matcher_free(m);
            return err;
        }
    }
    m->empty = accepts(m, (struct ax_str){"", 0});
    *out = m;
    return AX_OK;
}

void ax_matcher_free(struct ax_matcher *m)
{
    if (!m)
        return;
    ax_regex_free(m->re);
    free(m);
}

bool ax_matcher_match(const struct ax_matcher *m, const struct ax_labels *ls)
{
    struct ax_str value = ax_labels_get(ls, m->name);
    return value.n ? accepts(m, value) : m->empty;
}

uint64_t ax_matcher_steps(const struct ax_matcher *m, const struct ax_labels *ls)
{
    return m->re ? ax_regex_steps(m->re, ax_labels_get(ls, m->name).n) : 0;
}

bool ax_matcher_matches_empty(const struct ax_matcher *m)
{
    return m->empty;
}

enum ax_match_op ax_matcher_op(const struct ax_matcher *m)
{
    return m->op;
}

struct ax_str ax_matcher_name(const struct ax_matcher *m)
{
    return m->name;
}

struct ax_str ax_matcher_value(const struct ax_matcher *m)
{
    return m->value;
}
