/* Native histograms in the database: their way in from several threads while they are read, and when they go.
 */
#include "ax_test.h"
#include "series_world.h"

#include <pthread.h>
#include <stdio.h>

#define SERIES 8
#define ROUNDS 400
#define WRITERS 2

static struct series_world w;

static void *write_histograms(void *ctx)
{
    const int64_t *writer = ctx;
    for (int64_t t = 0; t < ROUNDS; t++) {
        for (int i = 0; i < SERIES; i++) {
            char series[64], message[160];
            struct ax_buf buf;
            (void)snprintf(series, sizeof series, "latency{instance=\"%d\"}", i);
            (void)snprintf(message, sizeof message, "%*d", (int)(20 + t % 100), i);
            const struct ax_histogram_sample h = {.t_ms = t * WRITERS + *writer, .message = ax_str(message)};
            struct ax_append a = {.key = series_world_key(&buf, series), .histograms = &h, .histograms_n = 1};
            ax_db_append_one(w.db, ax_str(""), &a, NULL, NULL);
            ax_buf_done(&buf);
            if (a.fate != AX_FATE_WANTED || a.histogram_result.appended != 1)
                return ctx;
        }
    }
    return NULL;
}

/* What is read of a member is whole and in order; returns how many. */
static uint32_t check(const struct ax_series *s, struct ax_histograms *h)
{
    struct ax_str instance = ax_labels_get(ax_series_labels(s), ax_str("instance"));
    assert_int_equal(ax_db_read_histograms(w.db, s, INT64_MIN, INT64_MAX, UINT32_MAX, h), AX_OK);
    for (uint32_t i = 0; i < h->n; i++) {
        struct ax_str m = ax_histograms_message(h, i);
        assert_true(i == 0 || h->v[i].t_ms > h->v[i - 1].t_ms);
        assert_int_equal(m.n, 20 + h->v[i].t_ms / WRITERS % 100);
        assert_int_equal(m.p[m.n - 1], instance.p[0]);
    }
    return h->n;
}

static void histograms_come_in_while_they_are_read(void **state)
{
    (void)state;
    series_world_open(&w, 1, "latency");
    pthread_t threads[WRITERS];
    int64_t writers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_histograms, &writers[i]), 0);
    }
    struct ax_histograms h = {0};
    uint32_t n = 0, members_n = 0;
    uint64_t epoch;
    while (n < SERIES * ROUNDS * WRITERS) {
        struct ax_series *const *members = ax_db_members(w.db, w.selector, &members_n, &epoch);
        n = 0;
        for (uint32_t i = 0; i < members_n; i++)
            n += ax_series_has_histograms(members[i]) ? check(members[i], &h) : 0;
    }
    for (int i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        (void)pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(members_n, SERIES);
    ax_histograms_done(&h);
    series_world_close(&w);
}

static void the_newest_of_a_range_are_read(void **state)
{
    (void)state;
    series_world_open(&w, 1, "latency");
    for (int64_t t = 10; t <= 50; t += 10)
        series_world_add_histogram(&w, "latency", t, ax_str("message"), false);
    uint32_t n;
    uint64_t epoch;
    const struct ax_series *s = ax_db_members(w.db, w.selector, &n, &epoch)[0];
    struct ax_histograms h = {0};
    assert_int_equal(ax_db_read_histograms(w.db, s, 10, 40, 2, &h), AX_OK); /* 20, 30, 40 are in it */
    assert_int_equal(h.n, 2);
    assert_int_equal(h.v[0].t_ms, 30);
    assert_int_equal(h.v[1].t_ms, 40);
    assert_int_equal(ax_db_read_histograms(w.db, s, 50, 90, 9, &h), AX_OK);
    assert_int_equal(h.n, 0);
    assert_int_equal(ax_db_read_histograms(w.db, s, 9, 10, 9, &h), AX_OK);
    assert_int_equal(h.n, 1);
    ax_histograms_done(&h);
    series_world_close(&w);
}

static void a_series_of_histograms_is_evicted_by_its_newest_one(void **state)
{
    (void)state;
    series_world_open(&w, 1, "latency");
    series_world_add(&w, "latency{kind=\"both\"}", 1000, 1);
    series_world_add_histogram(&w, "latency{kind=\"both\"}", 2000, ax_str("message"), false);
    series_world_add_histogram(&w, "latency{kind=\"native\"}", 1500, ax_str("message"), false);
    assert_int_equal(ax_db_evict(w.db, 1500), 0);
    assert_true(ax_db_histogram_bytes(w.db) > 0);
    assert_int_equal(ax_db_evict(w.db, 1501), 1);
    assert_int_equal(ax_db_series_n(w.db), 1);
    assert_int_equal(ax_db_evict(w.db, 2001), 1);
    assert_int_equal(ax_db_histogram_bytes(w.db), 0);
    series_world_close(&w);
}

static void an_arrival_is_told_to_those_who_wait(void **state)
{
    (void)state;
    series_world_open(&w, 1, "latency");
    series_world_add_histogram(&w, "latency", 5000, ax_str("message"), false);
    assert_int_equal(atomic_load(&w.watch.newest_ms), 5000);
    series_world_add_histogram(&w, "latency", 4000, ax_str("message"), false);
    assert_int_equal(atomic_load(&w.watch.newest_ms), 5000);
    series_world_add_histogram(&w, "latency", 6000, ax_str(""), true); /* an end is an arrival too */
    assert_int_equal(atomic_load(&w.watch.newest_ms), 6000);
    series_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histograms_come_in_while_they_are_read),
        cmocka_unit_test(the_newest_of_a_range_are_read),
        cmocka_unit_test(a_series_of_histograms_is_evicted_by_its_newest_one),
        cmocka_unit_test(an_arrival_is_told_to_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
