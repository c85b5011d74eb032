/* Matchers as remote-read requests and expressions bring them: any operator, name, value and label set,
 * parted by zeros. One that compiles ends on everything that it is asked, and so does its opposite, with the
 * opposite answer. */
#include "base/assert.h"
#include "prom/matcher.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cut off what stands before the next zero. */
static struct ax_str next(struct ax_str *rest)
{
    const char *zero = rest->n ? memchr(rest->p, 0, rest->n) : NULL;
    struct ax_str s = {rest->p, zero ? (size_t)(zero - rest->p) : rest->n};
    rest->p += s.n + (zero != NULL);
    rest->n -= s.n + (zero != NULL);
    return s;
}

static struct ax_matcher *compile(enum ax_match_op op, struct ax_str name, struct ax_str value)
{
    struct ax_matcher *m = NULL;
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_matcher_new(op, name, value, &m, &diag);
    AX_ASSERT((err == AX_OK && m) || (err == AX_INVALID && !m && diag.text[0]));
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum ax_match_op opposite[] = {AX_MATCH_NE, AX_MATCH_EQ, AX_MATCH_NRE, AX_MATCH_RE};
    if (size == 0 || size > 4096)
        return 0;
    struct ax_str rest = {(const char *)data + 1, size - 1}, name = next(&rest), value = next(&rest),
                  text = next(&rest);
    enum ax_match_op op = (enum ax_match_op)(data[0] % 4);
    struct ax_matcher *m = compile(op, name, value), *not = compile(opposite[op], name, value);
    AX_ASSERT(!m == !not );
    if (m) {
        struct ax_label labels[] = {{name, text}};
        const struct ax_labels with = {1, labels}, without = {0, NULL};
        AX_ASSERT(ax_matcher_match(m, &with) != ax_matcher_match(not, &with));
        AX_ASSERT(ax_matcher_match(m, &without) == ax_matcher_matches_empty(m));
        AX_ASSERT(ax_matcher_matches_empty(m) != ax_matcher_matches_empty(not ));
        AX_ASSERT(ax_matcher_op(m) == op && ax_str_eq(ax_matcher_value(m), value));
    }
    ax_matcher_free(m);
    ax_matcher_free(not );
    return 0;
}
