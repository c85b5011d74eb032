/* Native histograms in expressions, against the answers of a Prometheus 3: tests/golden/promql/native.txt. */
#include "ax_test.h"
#include "expr/expr.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES (1u << 16)
#define TOLERANCE 1e-9
#define RESULTS_MAX 64

/* One element of an answer. */
struct expected {
    struct ax_labels labels;
    double value;
};

static struct ax_db *db;
static struct ax_matcher *any;
static struct ax_arena arena; /* labels of one answer */
static char line[LINE_MAX_BYTES];
static char question[LINE_MAX_BYTES];
static unsigned line_n, differences;

static int start(void **state)
{
    (void)state;
    const struct ax_db_options o = {.seed = 3, .retention_ms = 86400000};
    struct ax_diag diag = {{0}};
    db = ax_db_new(&o);
    assert_non_null(db);
    assert_int_equal(ax_matcher_new(AX_MATCH_RE, ax_str("__name__"), ax_str(".+"), &any, &diag), AX_OK);
    assert_true(ax_db_add_selector(db, ax_str(""), &any, 1, 0, NULL) >= 0);
    ax_arena_init(&arena, 1u << 24);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    ax_db_free(db);
    ax_matcher_free(any);
    ax_arena_done(&arena);
    return 0;
}

static void labels_of(const char *text, struct ax_labels *out)
{
    struct ax_diag diag = {{0}};
    if (text[0] == '{' && text[1] == '}') {
        *out = (struct ax_labels){0, NULL};
        return;
    }
    if (ax_labels_parse(ax_str(text), &arena, out, &diag) != AX_OK)
        fail_msg("line %u: %s: %s", line_n, text, diag.text);
}

/* Append a number or a histogram to a series. */
static void append(const struct ax_buf *key, struct ax_append *a)
{
    struct ax_diag diag = {{0}};
    a->key = ax_buf_view(key);
    ax_db_append_one(db, ax_str(""), a, NULL, &diag);
    assert_int_equal(a->fate, AX_FATE_WANTED);
    assert_int_equal(a->result.too_old + a->histogram_result.too_old + a->histogram_result.full, 0);
}

static void take_number(const struct ax_buf *key, const char *text)
{
    int64_t t, began = 0;
    uint64_t bits;
    assert_true(sscanf(text, "%" SCNd64 " %" SCNx64 " %" SCNd64, &t, &bits, &began) >= 2);
    struct ax_sample sample = {.t_ms = t};
    memcpy(&sample.value, &bits, sizeof bits);
    append(key, &(struct ax_append){.samples = &sample, .starts = &began, .n = 1});
}

static void take_histogram(const struct ax_buf *key, const char *hex)
{
    static char bytes[LINE_MAX_BYTES / 2];
    size_t n = 0;
    unsigned byte;
    for (; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
        bytes[n] = (char)byte;
    struct ax_histogram h;
    if (!ax_histogram_read((struct ax_str){bytes, n}, &h) || h.fault[0])
        fail_msg("line %u is no histogram: %s", line_n, h.fault);
    append(key, &(struct ax_append){.histograms = &h.sample, .histograms_n = 1});
}

static void differ(const char *how, double got, double want)
{
    print_error("before line %u: %s: %s: %.17g, %.17g\n", line_n, question, how, got, want);
    differences++;
}

/* An answer shows nothing of what has ended. */
static void compare(const struct ax_vector *got, struct expected *want, uint32_t want_n)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < got->n; i++) {
        const struct ax_result *r = &got->v[i];
        uint32_t k = 0;
        if (r->ended)
            continue;
        live++;
        while (k < want_n && !ax_labels_eq(&want[k].labels, r->labels))
            k++;
        if (k == want_n) {
            differ("an element too many", r->value, NAN);
            return;
        }
        double tolerance = TOLERANCE * fmax(1e-6, fabs(want[k].value));
        bool same = isnan(want[k].value)   ? isnan(r->value)
                    : isinf(want[k].value) ? r->value == want[k].value
                                           : fabs(r->value - want[k].value) <= tolerance;
        if (!same) {
            differ("another value", r->value, want[k].value);
            return;
        }
    }
    if (live != want_n)
        differ("elements are missing", live, want_n);
}

static void ask(struct expected *want, uint32_t want_n)
{
    char *text;
    int64_t t = strtoll(question, &text, 10);
    struct ax_diag diag = {{0}};
    struct ax_expr *e = NULL;
    struct ax_bound *b = NULL;
    struct ax_vector v;
    if (ax_expr_parse(ax_str(text + 1), 3600000, &e, &diag) != AX_OK)
        fail_msg("line %u: %s: %s", line_n, question, diag.text);
    assert_int_equal(ax_expr_bind(e, db, ax_str(""), NULL, &b), AX_OK);
    if (ax_bound_eval(b, t, &v, &diag) != AX_OK)
        fail_msg("line %u: %s: %s", line_n, question, diag.text);
    compare(&v, want, want_n);
    ax_bound_free(b);
    ax_expr_free(e);
}

static void answers_are_those_of_prometheus(void **state)
{
    (void)state;
    static struct expected want[RESULTS_MAX];
    uint32_t want_n = 0, asked = 0;
    struct ax_labels ls;
    struct ax_buf key;
    ax_buf_init(&key, 65536);
    FILE *file = fopen(AX_TEST_DIR "/golden/promql/native.txt", "r");
    assert_non_null(file);
    for (line_n = 1; fgets(line, sizeof line, file); line_n++) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "series ", 7) == 0) {
            ax_buf_reset(&key);
            labels_of(line + 7, &ls);
            ax_labels_key_write(&ls, &key);
        } else if (line[0] == 'v') {
            take_number(&key, line + 2);
        } else if (line[0] == 'h') {
            take_histogram(&key, line + 2);
        } else if (line[0] == '=') {
            char *value = strrchr(line, ' ');
            assert_true(want_n < RESULTS_MAX);
            *value = '\0';
            labels_of(line + 2, &want[want_n].labels);
            want[want_n++].value = strtod(value + 1, NULL);
        } else {
            if (asked++)
                ask(want, want_n);
            memcpy(question, line + 3, strlen(line + 3) + 1);
            ax_arena_reset(&arena);
            want_n = 0;
        }
    }
    ask(want, want_n);
    (void)fclose(file);
    ax_buf_done(&key);
    assert_true(asked > 500);
    assert_int_equal(differences, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_are_those_of_prometheus)};
    return cmocka_run_group_tests(tests, start, stop);
}
