/* A bound expression learns its labels once: later ticks allocate nothing, new series join, evicted ones go.
 */
#include "ax_test.h"
#include "expr_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES 200

static _Atomic unsigned long allocations;

/* Count what is asked of glibc's allocator; the sanitizers bring their own, which cannot be counted so. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define UNCOUNTED
#endif
#endif
#if !defined(UNCOUNTED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    allocations++;
    return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}
#endif

/* An expression bound to a world for several ticks. */
struct ticking {
    struct ax_expr *expr;
    struct ax_bound *bound;
};

static void start(struct ticking *k, struct expr_world *w, const char *text)
{
    struct ax_diag diag = {{0}};
    if (ax_expr_parse(ax_str(text), 3600000, &k->expr, &diag) != AX_OK)
        fail_msg("%s: %s", text, diag.text);
    assert_int_equal(ax_expr_bind(k->expr, w->db, ax_str(""), NULL, &k->bound), AX_OK);
}

static struct ax_vector tick(struct ticking *k, int64_t t_ms)
{
    struct ax_vector v;
    struct ax_diag diag = {{0}};
    if (ax_bound_eval(k->bound, t_ms, &v, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    return v;
}

static void stop(struct ticking *k)
{
    ax_bound_free(k->bound);
    ax_expr_free(k->expr);
}

static double total(struct ax_vector v)
{
    double sum = 0;
    for (uint32_t i = 0; i < v.n; i++)
        sum += v.v[i].value;
    return sum;
}

static void fill(struct expr_world *w, int from, int to)
{
    char name[96];
    for (int i = from; i < to; i++) {
        snprintf(name, sizeof name, "c{i=\"%d\",le=\"%d\",g=\"%d\"}", i, i % 5, i % 10);
        expr_world_line(w, name, 0, 10000, 30, i, 10);
    }
}

static void later_ticks_allocate_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "c",
        "rate(c[1m])",
        "-rate(c[1m]) * 2",
        "sum by (g) (rate(c[1m]))",
        "quantile by (g) (0.9, c)",
        "rate(c[1m]) / on (i) c",
        "stddev(c) without (i)",
        "histogram_quantile(0.9, sum by (le) (rate(c[1m])))",
        "quantile_over_time(0.5, c[2m])",
        "last_over_time(c[1m])",
    };
    struct expr_world w;
    expr_world_open(&w);
    fill(&w, 0, SERIES);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ticking k;
        start(&k, &w, texts[i]);
        tick(&k, 100000);
        unsigned long before = allocations;
        for (int64_t t = 110000; t < 290000; t += 10000)
            assert_true(tick(&k, t).n > 0);
        if (allocations != before)
            fail_msg("%s: %lu allocations", texts[i], allocations - before);
        stop(&k);
    }
    expr_world_close(&w);
}

static void new_series_join_at_the_next_tick(void **state)
{
    (void)state;
    struct expr_world w;
    struct ticking rate, sum, ratio;
    expr_world_open(&w);
    fill(&w, 0, 3);
    start(&rate, &w, "rate(c[1m])");
    start(&sum, &w, "sum by (g) (rate(c[1m]))");
    start(&ratio, &w, "c / c");
    assert_int_equal(tick(&rate, 200000).n, 3);
    assert_int_equal(tick(&sum, 200000).n, 3);
    assert_int_equal(tick(&ratio, 200000).n, 3);
    fill(&w, 3, SERIES);
    assert_int_equal(tick(&rate, 210000).n, SERIES);
    ax_assert_close(total(tick(&sum, 210000)), SERIES, 1e-9);
    assert_int_equal(tick(&sum, 210000).n, 10);
    assert_int_equal(tick(&ratio, 210000).n, SERIES);
    stop(&rate);
    stop(&sum);
    stop(&ratio);
    expr_world_close(&w);
}

static void evicted_series_are_forgotten(void **state)
{
    (void)state;
    struct expr_world w;
    struct ticking sum, ratio, name;
    expr_world_open(&w);
    fill(&w, 0, 20);
    expr_world_line(&w, "c{i=\"young\",g=\"x\"}", 600000, 10000, 5, 7, 0);
    start(&sum, &w, "count by (g) (c)");
    start(&ratio, &w, "c - c");
    start(&name, &w, "c");
    assert_int_equal(tick(&sum, 290000).n, 10);
    assert_int_equal(tick(&ratio, 290000).n, 20);
    assert_int_equal(tick(&name, 290000).n, 20);
    assert_int_equal(ax_db_evict(w.db, 600000), 20);
    assert_int_equal(tick(&sum, 610000).n, 1);
    assert_int_equal(tick(&ratio, 610000).n, 1);
    struct ax_vector v = tick(&name, 610000);
    assert_int_equal(v.n, 1);
    assert_true(ax_str_eq(ax_labels_get(v.v[0].labels, ax_str("i")), ax_str("young")));
    fill(&w, 0, 20);
    assert_int_equal(tick(&sum, 290000).n, 10);
    stop(&sum);
    stop(&ratio);
    stop(&name);
    expr_world_close(&w);
}

static void equal_labels_have_equal_ids_in_all_expressions(void **state)
{
    (void)state;
    struct expr_world w;
    struct ticking a, b;
    expr_world_open(&w);
    fill(&w, 0, 1);
    start(&a, &w, "rate(c[1m])");
    start(&b, &w, "sum by (i, le, g) (c)");
    struct ax_vector va = tick(&a, 200000), vb = tick(&b, 200000);
    assert_int_equal(va.n, 1);
    assert_int_equal(vb.n, 1);
    assert_true(va.v[0].id == vb.v[0].id);
    assert_true(ax_labels_eq(va.v[0].labels, vb.v[0].labels));
    stop(&a);
    stop(&b);
    expr_world_close(&w);
}

static void a_watch_follows_the_samples_of_an_expression(void **state)
{
    (void)state;
    struct expr_world w;
    struct ax_watch watch = {.newest_ms = INT64_MIN, .evaluated_ms = INT64_MIN};
    struct ax_expr *e = NULL;
    struct ax_bound *b = NULL;
    expr_world_open(&w);
    fill(&w, 0, 1);
    assert_int_equal(ax_expr_parse(ax_str("rate(c[1m]) / d"), 3600000, &e, NULL), AX_OK);
    assert_int_equal(ax_expr_bind(e, w.db, ax_str(""), &watch, &b), AX_OK);
    assert_int_equal(watch.newest_ms, 290000);
    expr_world_add(&w, "d", "300000 1");
    assert_int_equal(watch.newest_ms, 300000);
    expr_world_add(&w, "unrelated", "400000 1");
    assert_int_equal(watch.newest_ms, 300000);
    ax_bound_free(b);
    expr_world_add(&w, "d", "500000 1");
    assert_int_equal(watch.newest_ms, 300000);
    ax_expr_free(e);
    expr_world_close(&w);
}

/* Writes samples of its own series and of shared ones. */
static void *feed(void *arg)
{
    struct ax_db *db = arg;
    for (int i = 0; i < 6000; i++) {
        char instance[32];
        struct ax_buf key;
        int n = snprintf(instance, sizeof instance, "%d", i % 300);
        struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str("c")}, {ax_str("i"), {instance, (size_t)n}}};
        struct ax_sample sample = {10000 + 100 * i, i};
        ax_buf_init(&key, 4096);
        ax_labels_key_write(&(struct ax_labels){2, v}, &key);
        if (ax_db_append(db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, NULL) != AX_FATE_WANTED)
            abort();
        ax_buf_done(&key);
    }
    return NULL;
}

/* Meaningful under -DAX_SANITIZE=thread. */
static void ticks_run_while_samples_come_in(void **state)
{
    (void)state;
    struct expr_world w;
    struct ticking k;
    pthread_t threads[2];
    expr_world_open(&w);
    start(&k, &w, "rate(c[5m]) / on (i) c");
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, feed, w.db);
    for (int64_t t = 10000; t < 610000; t += 5000) {
        tick(&k, t);
        if (t % 50000 == 0)
            ax_db_evict(w.db, t - 300000);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(tick(&k, 609900).n, 300);
    stop(&k);
    expr_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(later_ticks_allocate_nothing),
        cmocka_unit_test(new_series_join_at_the_next_tick),
        cmocka_unit_test(evicted_series_are_forgotten),
        cmocka_unit_test(equal_labels_have_equal_ids_in_all_expressions),
        cmocka_unit_test(a_watch_follows_the_samples_of_an_expression),
        cmocka_unit_test(ticks_run_while_samples_come_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
