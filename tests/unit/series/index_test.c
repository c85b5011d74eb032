/* The index finds every key it was given, by its hash, and none that was removed. */
#include "ax_test.h"
#include "base/hash.h"
#include "base/rng.h"
#include "series/index.h"

#define KEYS 5000

/* The index only carries pointers to series. */
struct ax_series {
    bool gone;
};

static bool is_gone(const struct ax_series *s)
{
    return s->gone;
}

/* Few distinct low bits, so that runs are long. */
static struct ax_hash128 hash_of(uint32_t i)
{
    struct ax_hash128 hash = ax_hash128(&i, sizeof i, 1);
    hash.lo &= ~(uint64_t)0x3f0;
    return hash;
}

static void keys_are_found_until_their_series_goes(void **state)
{
    (void)state;
    static struct ax_series series[KEYS];
    struct ax_index x = {0};
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < KEYS; i++) {
        series[i].gone = false;
        assert_null(ax_index_find(&x, hash_of(i)));
        assert_true(ax_index_add(&x, hash_of(i), &series[i], (struct ax_ha_sender){i % 2 ? i : 0, i + 1}));
    }
    for (int round = 0; round < 4; round++) {
        uint32_t live = 0;
        for (uint32_t i = 0; i < KEYS; i++)
            series[i].gone = series[i].gone || ax_rng_below(&rng, 3) == 0;
        ax_index_remove(&x, is_gone);
        for (uint32_t i = 0; i < KEYS; i++) {
            const struct ax_index_entry *e = ax_index_find(&x, hash_of(i));
            assert_ptr_equal(e ? e->series : NULL, series[i].gone ? NULL : &series[i]);
            assert_true(!e || (e->sender != NULL) == (i % 2 == 1));
            assert_true(!e || !e->sender || (e->sender->cluster == i && e->sender->replica == i + 1));
            live += !series[i].gone;
        }
        assert_int_equal(x.n, live);
    }
    ax_index_done(&x);
}

/* The series of a hash; NULL when it is unknown. */
static const struct ax_series *series_of(const struct ax_index *x, uint64_t lo, uint64_t hi)
{
    const struct ax_index_entry *e = ax_index_find(x, (struct ax_hash128){lo, hi});
    return e ? e->series : NULL;
}

static void both_halves_of_a_hash_count(void **state)
{
    (void)state;
    struct ax_series a = {false}, b = {false}, c = {false};
    const struct ax_ha_sender nobody = {0, 0};
    struct ax_index x = {0};
    assert_true(ax_index_add(&x, (struct ax_hash128){7, 0}, &a, nobody));
    assert_true(ax_index_add(&x, (struct ax_hash128){7, 1}, &b, nobody));
    assert_true(ax_index_add(&x, (struct ax_hash128){7 + 256, 1}, &c, nobody));
    assert_ptr_equal(series_of(&x, 7, 0), &a);
    assert_ptr_equal(series_of(&x, 7, 1), &b);
    assert_ptr_equal(series_of(&x, 7 + 256, 1), &c);
    assert_null(series_of(&x, 7, 2));
    ax_index_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_until_their_series_goes),
        cmocka_unit_test(both_halves_of_a_hash_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
