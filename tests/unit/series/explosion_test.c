/* Series without end, chosen so that they collide or not: what is wanted is served, memory stays, and the
 * work for a series stays what it was. Work is counted in places of tables that are looked at, not in time.
 */
#include "ax_test.h"
#include "series/shard.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define KNOWN_SEED 42
#define SECRET_SEED 0x6b8b4567327b23c6u

struct world {
    struct ax_db *db;
    struct ax_matcher *matcher;
};

static void open_world(struct world *w, uint64_t seed, uint32_t series_max)
{
    const struct ax_db_options o = {.seed = seed, .series_max = series_max, .negative_max = 65536};
    w->db = ax_db_new(&o);
    assert_non_null(w->db);
    assert_int_equal(ax_matcher_new(AX_MATCH_EQ, ax_str(AX_METRIC_NAME), ax_str("up"), &w->matcher, NULL),
                     AX_OK);
    assert_true(ax_db_add_selector(w->db, ax_str(""), &w->matcher, 1, 60000, NULL) >= 0);
}

static void close_world(struct world *w)
{
    ax_db_free(w->db);
    ax_matcher_free(w->matcher);
}

static uint64_t bytes_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static struct ax_str key_of(struct ax_buf *buf, const char *name, uint64_t i)
{
    char instance[32];
    (void)snprintf(instance, sizeof instance, "host-%llu", (unsigned long long)i);
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str(name)},
                                 {ax_str("instance"), ax_str(instance)}};
    ax_buf_reset(buf);
    ax_labels_key_write(&(struct ax_labels){2, v}, buf);
    return ax_buf_view(buf);
}

static enum ax_fate append(struct world *w, struct ax_buf *buf, const char *name, uint64_t i, int64_t t_ms)
{
    const struct ax_sample sample = {t_ms, 1};
    return ax_db_append(w->db, ax_str(""), key_of(buf, name, i), &sample, 1, NULL, NULL);
}

/* The same by symbols, of a request that has just this series. */
static enum ax_fate append_v2(struct world *w, struct ax_buf *buf, struct ax_seen_symbols *seen,
                              const char *name, uint64_t i, int64_t t_ms)
{
    char instance[32];
    const uint32_t refs[] = {0, 1, 2, 3};
    const struct ax_sample sample = {t_ms, 1};
    (void)snprintf(instance, sizeof instance, "host-%llu", (unsigned long long)i);
    const struct ax_str texts[] = {ax_str(AX_METRIC_NAME), ax_str(name), ax_str("instance"),
                                   ax_str(instance)};
    struct ax_append a = {
        .key = key_of(buf, name, i), .symbols = seen, .refs = refs, .refs_n = 4, .samples = &sample, .n = 1};
    assert_int_equal(ax_db_see(w->db, seen, texts, 4), AX_OK);
    ax_db_append_one(w->db, ax_str(""), &a, NULL, NULL);
    return a.fate;
}

/* Places that a look at every key of an index passes over before it finds its own, in all. */
static uint64_t detours(const struct ax_index *x)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < x->cap; i++)
        if (x->slots[i].series)
            sum += (i - (uint32_t)x->slots[i].hash.lo) & (x->cap - 1);
    return sum;
}

static void half_a_million_series_that_nobody_wants_leave_nothing_behind(void **state)
{
    (void)state;
    struct world w;
    struct ax_buf buf;
    struct ax_seen_symbols seen = {0};
    uint64_t before = 0;
    open_world(&w, SECRET_SEED, 0);
    ax_buf_init(&buf, 4096);
    for (uint64_t i = 0; i < 500000; i++) {
        enum ax_fate fate =
            i % 2 ? append(&w, &buf, "down", i, 1000) : append_v2(&w, &buf, &seen, "down", i, 1000);
        assert_int_equal(fate, AX_FATE_UNWANTED);
        if (i % 1000 == 0)
            assert_int_equal(append(&w, &buf, "up", i % 7, (int64_t)i + 1), AX_FATE_WANTED);
        if (i == 50000)
            before = bytes_in_use();
    }
    assert_true(bytes_in_use() < before + 20000); /* rings of the seven */
    assert_int_equal(ax_db_series_n(w.db), 7);
    assert_int_equal(w.db->index.n, 7);
    ax_seen_done(&seen);
    ax_buf_done(&buf);
    close_world(&w);
}

static void series_beyond_the_ceiling_leave_nothing_behind(void **state)
{
    (void)state;
    struct world w;
    struct ax_buf buf;
    struct ax_seen_symbols seen = {0};
    uint64_t before = 0;
    open_world(&w, SECRET_SEED, 1000);
    ax_buf_init(&buf, 4096);
    for (uint64_t i = 0; i < 100000; i++) {
        enum ax_fate fate =
            i % 2 ? append(&w, &buf, "up", i, 1000) : append_v2(&w, &buf, &seen, "up", i, 1000);
        assert_int_equal(fate, i < 1000 ? AX_FATE_WANTED : AX_FATE_FULL);
        if (i == 10000)
            before = bytes_in_use();
    }
    assert_true(bytes_in_use() <= before);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(append(&w, &buf, "up", i, 2000), AX_FATE_WANTED);
    ax_seen_done(&seen);
    ax_buf_done(&buf);
    close_world(&w);
}

static void the_work_for_a_series_does_not_grow_with_their_number(void **state)
{
    (void)state;
    struct world w;
    struct ax_buf buf;
    open_world(&w, SECRET_SEED, 0);
    ax_buf_init(&buf, 4096);
    for (uint32_t n = 1; n <= 100000; n++) {
        assert_int_equal(append(&w, &buf, "up", n, 1000), AX_FATE_WANTED);
        if (n == 1000 || n == 10000 || n == 100000)
            assert_true(detours(&w.db->index) < 3 * (uint64_t)n);
    }
    ax_buf_done(&buf);
    close_world(&w);
}

#define CHOSEN 1000u

/* Numbers of series whose keys have one home in a table of 2,048 places under the known seed. */
static void choose(uint64_t out[CHOSEN])
{
    struct ax_buf buf;
    struct ax_key_hash known;
    ax_key_hash_init(&known, KNOWN_SEED);
    ax_buf_init(&buf, 4096);
    uint32_t n = 0;
    for (uint64_t i = 0; n < CHOSEN; i++) {
        struct ax_str key = key_of(&buf, "up", i);
        if (ax_key_hash(&known, key.p, key.n).lo % 2048 == 7)
            out[n++] = i;
    }
    ax_buf_done(&buf);
}

static void keys_that_collide_under_a_known_seed_do_not_under_a_secret_one(void **state)
{
    (void)state;
    static uint64_t chosen[CHOSEN];
    struct ax_buf buf;
    choose(chosen);
    ax_buf_init(&buf, 4096);
    uint64_t sum[2];
    for (int i = 0; i < 2; i++) {
        struct world w;
        open_world(&w, i ? SECRET_SEED : KNOWN_SEED, 0);
        for (uint32_t k = 0; k < CHOSEN; k++)
            assert_int_equal(append(&w, &buf, "up", chosen[k], 1000), AX_FATE_WANTED);
        sum[i] = detours(&w.db->index);
        assert_int_equal(ax_db_series_n(w.db), CHOSEN); /* slow or not, none is taken for another */
        for (uint32_t k = 0; k < CHOSEN; k++)
            assert_int_equal(append(&w, &buf, "up", chosen[k], 2000), AX_FATE_WANTED);
        close_world(&w);
    }
    assert_true(sum[0] > CHOSEN * CHOSEN / 3); /* the attack is one */
    assert_true(sum[1] < 3 * CHOSEN);
    ax_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_a_million_series_that_nobody_wants_leave_nothing_behind),
        cmocka_unit_test(series_beyond_the_ceiling_leave_nothing_behind),
        cmocka_unit_test(the_work_for_a_series_does_not_grow_with_their_number),
        cmocka_unit_test(keys_that_collide_under_a_known_seed_do_not_under_a_secret_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
