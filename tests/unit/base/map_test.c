/* A map behaves as a plain array of slots would, whatever the order of puts and removals. */
#include "ax_test.h"
#include "base/map.h"
#include "base/rng.h"

#define KEYS 200

static void a_map_agrees_with_an_array_over_random_operations(void **state)
{
    (void)state;
    static int things[KEYS];
    void *model[KEYS] = {NULL};
    struct ax_map m = {0};
    struct ax_rng rng;
    ax_rng_seed(&rng, 42);
    for (int op = 0; op < 20000; op++) {
        uint64_t k = ax_rng_below(&rng, KEYS);
        uint64_t key = k << 32; /* equal low bits: only the spreading tells them apart */
        if (ax_rng_below(&rng, 2)) {
            assert_int_equal(ax_map_put(&m, key, &things[k]), AX_OK);
            model[k] = &things[k];
        } else {
            assert_ptr_equal(ax_map_remove(&m, key), model[k]);
            model[k] = NULL;
        }
    }
    uint32_t n = 0, walked = 0, cursor = 0;
    for (uint64_t k = 0; k < KEYS; k++) {
        assert_ptr_equal(ax_map_get(&m, k << 32), model[k]);
        n += model[k] != NULL;
    }
    assert_int_equal(m.n, n);
    while (ax_map_next(&m, &cursor))
        walked++;
    assert_int_equal(walked, n);
    ax_map_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_map_agrees_with_an_array_over_random_operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
