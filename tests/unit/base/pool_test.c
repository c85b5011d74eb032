/* Blocks of the pool do not overlap, are as large and aligned as was asked for, and come again when given
 * back. */
#include "ax_test.h"
#include "base/pool.h"
#include "base/rng.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS 4000

struct block {
    unsigned char *p;
    size_t n;
};

/* Take and give back blocks of any size, each full of bytes of its own; false when one has others. */
static void *take_and_give(void *arg)
{
    struct block *v = calloc(BLOCKS, sizeof *v);
    struct ax_rng rng;
    bool sound = v != NULL;
    ax_rng_seed(&rng, (uint64_t)(uintptr_t)arg);
    for (int i = 0; sound && i < 20000; i++) {
        struct block *b = &v[ax_rng_below(&rng, BLOCKS)];
        for (size_t k = 0; b->p && k < b->n; k++)
            sound = sound && b->p[k] == (unsigned char)(b->n * 31 + k);
        ax_pool_give(b->p, b->n);
        b->n = 1 + (size_t)ax_rng_below(&rng, i % 50 ? 700 : 50000);
        b->p = ax_pool_take(b->n);
        sound = sound && b->p &&
                ((size_t)b->p & (b->n % 64 && b->n <= 32768 ? 15
                                 : b->n <= 32768            ? 63
                                                            : 15)) == 0;
        for (size_t k = 0; sound && k < b->n; k++)
            b->p[k] = (unsigned char)(b->n * 31 + k);
    }
    for (int i = 0; v && i < BLOCKS; i++)
        ax_pool_give(v[i].p, v[i].n);
    free(v);
    return sound ? arg : NULL;
}

static void blocks_do_not_overlap(void **state)
{
    (void)state;
    assert_non_null(take_and_give((void *)1));
}

static void what_is_given_back_is_idle_until_it_is_taken(void **state)
{
    (void)state;
    void *p = ax_pool_take(300);
    const size_t before = ax_pool_idle();
    ax_pool_give(p, 300);
    assert_true(ax_pool_idle() == before + 320 || ax_pool_idle() == 0); /* 0: it is malloc() */
    p = ax_pool_take(310);
    assert_int_equal(ax_pool_idle(), before);
    ax_pool_give(p, 310);
}

static void threads_share_it(void **state)
{
    (void)state;
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, (void *)(i + 2)), 0);
    for (int i = 0; i < 3; i++) {
        void *out;
        assert_int_equal(pthread_join(threads[i], &out), 0);
        assert_non_null(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_do_not_overlap),
        cmocka_unit_test(what_is_given_back_is_idle_until_it_is_taken),
        cmocka_unit_test(threads_share_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
