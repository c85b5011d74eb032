/* Records of samples, and sections of series, from any bytes; the first byte chooses. What is read is the
 * same under every seed, in the order of refs, and reading it again changes nothing. */
#include "base/assert.h"
#include "series/journal.h"
#include "series/state.h"

#include <stdlib.h>

#define SAMPLES_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct ax_db *db;
    int selector;
};

static void open_world(struct world *w, uint64_t seed, struct ax_matcher **matcher)
{
    w->db = ax_db_new(&(struct ax_db_options){.seed = seed, .negative_max = 64});
    AX_ASSERT(w->db);
    w->selector = ax_db_add_selector(w->db, ax_str(""), matcher, 1, 3600000, NULL);
    AX_ASSERT(w->selector >= 0);
}

static enum ax_err take(struct ax_restore *r, bool section, struct ax_str body)
{
    struct ax_diag diag = {{0}};
    enum ax_err err = section ? ax_restore_section(r, body, &diag) : ax_restore_samples(r, body, &diag);
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT);
    AX_ASSERT((err == AX_OK) == (diag.text[0] == 0));
    return err;
}

/* Read the body twice. */
static void fill(struct world *w, bool section, struct ax_str body)
{
    struct ax_restore *r;
    struct ax_restore_report once, twice;
    AX_ASSERT(ax_restore_new(w->db, &r) == AX_OK);
    enum ax_err err = take(r, section, body);
    ax_restore_end(r, &once);
    AX_ASSERT(ax_restore_new(w->db, &r) == AX_OK);
    AX_ASSERT(take(r, section, body) == err);
    ax_restore_end(r, &twice);
    AX_ASSERT(once.series >= twice.series && twice.samples == 0);
}

static void compare(struct world *a, struct world *b)
{
    static struct ax_sample x[SAMPLES_MAX], y[SAMPLES_MAX];
    uint32_t n, m;
    uint64_t epoch, ref = 0;
    struct ax_series *const *u = ax_db_members(a->db, a->selector, &n, &epoch);
    struct ax_series *const *v = ax_db_members(b->db, b->selector, &m, &epoch);
    AX_ASSERT(n == m);
    for (uint32_t i = 0; i < n; i++) {
        AX_ASSERT(ax_series_ref(u[i]) == ax_series_ref(v[i]) && ax_series_ref(u[i]) > ref);
        AX_ASSERT(ax_labels_eq(ax_series_labels(u[i]), ax_series_labels(v[i])));
        uint32_t k = ax_db_read(a->db, u[i], INT64_MIN, INT64_MAX, x, SAMPLES_MAX);
        AX_ASSERT(ax_db_read(b->db, v[i], INT64_MIN, INT64_MAX, y, SAMPLES_MAX) == k);
        AX_ASSERT(k == 0 || memcmp(x, y, k * sizeof *x) == 0);
        ref = ax_series_ref(u[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ax_matcher *matcher;
    struct world a, b;
    if (size == 0)
        return 0;
    if (!matcher)
        AX_ASSERT(ax_matcher_new(AX_MATCH_RE, ax_str(AX_METRIC_NAME), ax_str("up|load.*"), &matcher, NULL) ==
                  AX_OK);
    bool section = data[0] % 2;
    struct ax_str body = {(const char *)data + 1, size - 1};
    open_world(&a, 1, &matcher);
    open_world(&b, 2, &matcher);
    fill(&a, section, body);
    fill(&b, section, body);
    compare(&a, &b);
    ax_db_free(a.db);
    ax_db_free(b.db);
    return 0;
}
