/* The index finds every key it was given, by its bytes, and none that was removed. */
#include "ax_test.h"
#include "base/hash.h"
#include "base/rng.h"
#include "series/index.h"

#include <stdio.h>

#define KEYS 5000

/* The index only carries pointers to series. */
struct ax_series {
    bool gone;
};

static bool is_gone(const struct ax_series *s)
{
    return s->gone;
}

static struct ax_str key_of(char *out, size_t cap, uint32_t i)
{
    int n = snprintf(out, cap, "key-%u", i);
    return (struct ax_str){out, (size_t)n};
}

/* Few distinct low bits, so that runs are long. */
static uint64_t hash_of(struct ax_str key)
{
    return ax_hash64(key.p, key.n, 1) & ~(uint64_t)0x3f0;
}

static void keys_are_found_until_their_series_goes(void **state)
{
    (void)state;
    static struct ax_series series[KEYS];
    struct ax_index x = {0};
    struct ax_rng rng;
    char text[32];
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < KEYS; i++) {
        struct ax_str key = key_of(text, sizeof text, i);
        series[i].gone = false;
        assert_null(ax_index_find(&x, hash_of(key), ax_str("t"), key));
        assert_true(
            ax_index_add(&x, hash_of(key), ax_str("t"), key, &series[i], (struct ax_ha_sender){i, i + 1}));
    }
    for (int round = 0; round < 4; round++) {
        uint32_t live = 0;
        for (uint32_t i = 0; i < KEYS; i++)
            series[i].gone = series[i].gone || ax_rng_below(&rng, 3) == 0;
        ax_index_remove(&x, is_gone);
        for (uint32_t i = 0; i < KEYS; i++) {
            struct ax_str key = key_of(text, sizeof text, i);
            const struct ax_index_entry *e = ax_index_find(&x, hash_of(key), ax_str("t"), key);
            assert_ptr_equal(e ? e->series : NULL, series[i].gone ? NULL : &series[i]);
            assert_true(!e || (e->sender.cluster == i && e->sender.replica == i + 1));
            live += !series[i].gone;
        }
        assert_int_equal(x.n, live);
    }
    ax_index_done(&x);
}

static void equal_hashes_are_told_apart_by_bytes_and_tenant(void **state)
{
    (void)state;
    struct ax_series a = {false}, b = {false}, c = {false};
    const struct ax_ha_sender nobody = {0, 0};
    struct ax_index x = {0};
    assert_true(ax_index_add(&x, 7, ax_str(""), ax_str("ab"), &a, nobody));
    assert_true(ax_index_add(&x, 7, ax_str("a"), ax_str("b"), &b, nobody));
    assert_true(ax_index_add(&x, 7, ax_str("ab"), ax_str(""), &c, nobody));
    assert_ptr_equal(ax_index_find(&x, 7, ax_str(""), ax_str("ab"))->series, &a);
    assert_ptr_equal(ax_index_find(&x, 7, ax_str("a"), ax_str("b"))->series, &b);
    assert_ptr_equal(ax_index_find(&x, 7, ax_str("ab"), ax_str(""))->series, &c);
    assert_null(ax_index_find(&x, 7, ax_str("b"), ax_str("a")));
    ax_index_done(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_until_their_series_goes),
        cmocka_unit_test(equal_hashes_are_told_apart_by_bytes_and_tenant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
