/* Expressions read from any bytes: never a crash; what parses can be bound and evaluated over a few series.
 */
#include "base/assert.h"
#include "expr/expr.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A database with some series of the names that the corpus uses. */
static struct ax_db *make_db(void)
{
    static const char *const series[] = {
        "up{instance=\"a\",job=\"x\"}",
        "up{instance=\"b\",job=\"x\"}",
        "c_total{instance=\"a\"}",
        "c_total{instance=\"b\"}",
        "h_bucket{instance=\"a\",le=\"1\"}",
        "h_bucket{instance=\"a\",le=\"2\"}",
        "h_bucket{instance=\"a\",le=\"+Inf\"}",
        "{\"if.rx|kbps\",instance=\"a\"}",
    };
    static struct ax_matcher *any;
    struct ax_db_options options = {.seed = 1, .negative_max = 64, .ring_samples_max = 64};
    struct ax_db *db = ax_db_new(&options);
    AX_ASSERT(db && ax_matcher_new(AX_MATCH_RE, ax_str(AX_METRIC_NAME), ax_str(".+"), &any, NULL) == AX_OK);
    AX_ASSERT(ax_db_add_selector(db, ax_str(""), &any, 1, 3600000, NULL) >= 0);
    for (size_t i = 0; i < sizeof series / sizeof series[0]; i++) {
        struct ax_arena arena;
        struct ax_labels ls;
        struct ax_buf key;
        ax_arena_init(&arena, 1 << 16);
        ax_buf_init(&key, 1 << 16);
        AX_ASSERT(ax_labels_parse(ax_str(series[i]), &arena, &ls, NULL) == AX_OK);
        ax_labels_key_write(&ls, &key);
        for (int64_t t = 0; t < 40; t++) {
            struct ax_sample s = {t * 10000, t % 17 == 9 ? ax_stale() : (double)(t * t % 31)};
            AX_ASSERT(ax_db_append(db, ax_str(""), ax_buf_view(&key), &s, 1, NULL, NULL) == AX_FATE_WANTED);
        }
        ax_buf_done(&key);
        ax_arena_done(&arena);
    }
    return db;
}

static void evaluate(const struct ax_expr *e, struct ax_db *db)
{
    struct ax_bound *b = NULL;
    struct ax_diag diag;
    struct ax_vector v;
    AX_ASSERT(ax_expr_bind(e, db, ax_str(""), NULL, &b) == AX_OK);
    for (int64_t t = 85000; t < 800000; t += 200000) {
        enum ax_err err = ax_bound_eval(b, t, &v, &diag);
        AX_ASSERT(err == AX_OK || err == AX_CONFLICT);
        AX_ASSERT(!ax_expr_is_scalar(e) || v.n == 1);
    }
    ax_bound_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct ax_db *db;
    struct ax_expr *e = NULL;
    struct ax_diag diag = {{0}};
    if (!db)
        db = make_db();
    enum ax_err err = ax_expr_parse((struct ax_str){(const char *)data, size}, 3600000, &e, &diag);
    AX_ASSERT(err == AX_OK || diag.text[0]);
    if (err == AX_OK)
        evaluate(e, db);
    ax_expr_free(e);
    return 0;
}
