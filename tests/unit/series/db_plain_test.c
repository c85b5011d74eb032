/* Samples that go the plain way end where the long way takes them, in rings, log and what is told. */
#include "ax_test.h"
#include "base/rng.h"
#include "scratch.h"
#include "series/trail.h"
#include "series_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define START_MS 1700000000000
#define ROUNDS 1500u

/* The i-th of some series: most are wanted, some by nobody. */
static const char *name_of(uint64_t i, char room[48])
{
    (void)snprintf(room, 48, "%s{instance=\"%u\"}", i % 4 ? "up" : "down", (unsigned)i);
    return room;
}

/* A run of plain series and the memory of their labels, which lies in one request. */
struct run {
    struct ax_plain_series v[AX_PLAIN_RUN];
    struct ax_buf labels;
    uint64_t series[AX_PLAIN_RUN];
    uint32_t n;
};

static void make_run(struct run *r, struct ax_rng *rng, int64_t now_ms)
{
    size_t ends[AX_PLAIN_RUN + 1] = {0};
    char room[48];
    ax_buf_reset(&r->labels);
    r->n = 1 + (uint32_t)ax_rng_below(rng, AX_PLAIN_RUN);
    uint64_t first = ax_rng_below(rng, 60);
    for (uint32_t i = 0; i < r->n; i++) {
        struct ax_buf key;
        r->series[i] = ax_rng_below(rng, 16) ? first + i : ax_rng_below(rng, 80); /* now and then one twice */
        ax_buf_str(&r->labels, series_world_key(&key, name_of(r->series[i], room)));
        ends[i + 1] = r->labels.n;
        ax_buf_done(&key);
        int64_t late = ax_rng_below(rng, 10) ? 0 : (int64_t)ax_rng_below(rng, 100000);
        r->v[i] = (struct ax_plain_series){.sample = {now_ms - late, (double)ax_rng_below(rng, 1000)}};
    }
    for (uint32_t i = 0; i < AX_PLAIN_BEHIND; i++)
        ax_buf_byte(&r->labels, 0);
    for (uint32_t i = 0; i < r->n; i++) {
        r->v[i].labels = r->labels.bytes + ends[i];
        r->v[i].labels_n = (uint32_t)(ends[i + 1] - ends[i]);
    }
}

static void what_goes_the_plain_way_is_kept_told_and_logged_as_by_the_long_one(void **state)
{
    (void)state;
    struct series_world plain, alone, again;
    struct ax_seglog *log = test_log(scratch_folder);
    struct ax_diag diag = {{0}};
    struct ax_rng rng;
    struct run r;
    uint32_t taken = 0, left = 0;
    ax_rng_seed(&rng, 11);
    ax_buf_init(&r.labels, 1u << 20);
    series_world_open(&plain, 1, "up");
    series_world_open(&alone, 1, "up");
    struct ax_plain_result result = {0};
    struct ax_trail_cursor cursor = {0};
    for (uint32_t round = 0; round < ROUNDS; round++) {
        char room[48];
        make_run(&r, &rng, START_MS + round * 1000);
        ax_db_append_plain(plain.db, ax_str(""), NULL, &cursor, r.v, r.n, &plain.journal, &result);
        taken += result.ingested + result.unwanted;
        for (uint32_t i = 0; i < r.n; i++) {
            struct ax_sample s = r.v[i].sample;
            (void)series_world_add(&alone, name_of(r.series[i], room), s.t_ms, s.value);
            if (result.unread & 1u << i)
                (void)series_world_add(&plain, name_of(r.series[i], room), s.t_ms, s.value);
            left += result.unread >> i & 1;
        }
        assert_int_equal(result.own + result.replica, 0);
        assert_int_equal(ax_journal_append(&plain.journal, plain.db, log, &diag), AX_OK);
        ax_journal_reset(&alone.journal);
    }
    assert_true(taken > 5 * left && left > 500);
    series_world_assert_same(&plain, &alone);
    assert_true(atomic_load(&plain.watch.newest_ms) == atomic_load(&alone.watch.newest_ms));
    struct ax_restore_report report;
    series_world_open(&again, 2, "up");
    series_world_replay(&again, log, &report);
    series_world_assert_same(&plain, &again);
    series_world_close(&again);
    series_world_close(&alone);
    series_world_close(&plain);
    ax_seglog_close(log);
    ax_buf_done(&r.labels);
}

#define FEEDERS 3
#define FEEDS 400u

/* A thread that feeds. */
struct feeder {
    struct ax_db *db;
    uint64_t seed;
    atomic_bool *over;
};

static void *feed(void *arg)
{
    const struct feeder *f = arg;
    struct ax_rng rng;
    struct run r;
    struct ax_plain_result result = {0};
    struct ax_trail_cursor cursor = {0};
    ax_rng_seed(&rng, f->seed);
    ax_buf_init(&r.labels, 1u << 20);
    for (uint32_t round = 0; round < FEEDS; round++) {
        make_run(&r, &rng, START_MS + round * 1000);
        ax_db_append_plain(f->db, ax_str(""), NULL, &cursor, r.v, r.n, NULL, &result);
        uint32_t taken = result.ingested + result.unwanted;
        assert_int_equal(taken + (uint32_t)__builtin_popcount(result.unread), r.n);
        for (uint32_t i = 0; i < r.n; i++) {
            struct ax_append a = {
                .key = {(const char *)r.v[i].labels, r.v[i].labels_n}, .samples = &r.v[i].sample, .n = 1};
            if (result.unread & 1u << i)
                ax_db_append_one(f->db, ax_str(""), &a, NULL, NULL);
        }
    }
    ax_buf_done(&r.labels);
    atomic_store(f->over, true);
    return arg;
}

static bool every_second(void *ctx, const struct ax_labels *labels)
{
    (void)labels;
    bool *yes = ctx;
    *yes = !*yes;
    return *yes;
}

static void threads_feed_while_one_forgets_reads_and_evicts(void **state)
{
    (void)state;
    struct series_world w;
    struct feeder feeders[FEEDERS];
    pthread_t threads[FEEDERS];
    atomic_bool over = false;
    struct ax_sample out[64];
    bool yes = false;
    series_world_open(&w, 1, "up");
    for (uint32_t i = 0; i < FEEDERS; i++) {
        feeders[i] = (struct feeder){w.db, i, &over};
        assert_int_equal(pthread_create(&threads[i], NULL, feed, &feeders[i]), 0);
    }
    for (int round = 0; !atomic_load(&over); round++) {
        uint32_t n;
        uint64_t epoch;
        struct ax_series *const *members = ax_db_members(w.db, w.selector, &n, &epoch);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t got = ax_db_read(w.db, members[i], INT64_MIN, INT64_MAX, out, 64);
            for (uint32_t k = 1; k < got; k++)
                assert_true(out[k - 1].t_ms < out[k].t_ms);
        }
        struct ax_db_asked *asked = ax_db_ask(w.db, every_second, &yes);
        (void)ax_db_clear(w.db, asked, every_second, &yes);
        ax_db_asked_free(asked);
        if (round % 4 == 0)
            (void)ax_db_evict(w.db, INT64_MIN + 1);
    }
    for (uint32_t i = 0; i < FEEDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    series_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_goes_the_plain_way_is_kept_told_and_logged_as_by_the_long_one,
                                        scratch_begin, scratch_end),
        cmocka_unit_test(threads_feed_while_one_forgets_reads_and_evicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
