/* Blocks of powers of two do not overlap, become one again, and go back to the kernel. */
#include "ax_test.h"
#include "base/buddy.h"
#include "base/rng.h"

#include <stdbool.h>
#include <string.h>

#define BLOCKS 3000

struct block {
    unsigned char *p;
    size_t n;
};

static void fill(struct block *b)
{
    memset(b->p, (int)(b->n / AX_BUDDY_LEAST * 31 + (size_t)b->p / AX_BUDDY_LEAST) & 0xff, b->n);
}

static bool is_sound(const struct block *b)
{
    unsigned char byte = (unsigned char)(b->n / AX_BUDDY_LEAST * 31 + (size_t)b->p / AX_BUDDY_LEAST);
    for (size_t i = 0; i < b->n; i++)
        if (b->p[i] != byte)
            return false;
    return true;
}

static void blocks_are_aligned_and_do_not_overlap(void **state)
{
    (void)state;
    static struct block v[BLOCKS];
    struct ax_buddy b = {0};
    struct ax_rng rng;
    size_t taken = 0;
    ax_rng_seed(&rng, 5);
    for (int round = 0; round < 60000; round++) {
        struct block *x = &v[ax_rng_below(&rng, BLOCKS)];
        if (x->p) {
            assert_true(is_sound(x));
            ax_buddy_give(&b, x->p, x->n);
            taken -= x->n;
        }
        x->n = AX_BUDDY_LEAST << (ax_rng_below(&rng, 4) ? ax_rng_below(&rng, 4) : ax_rng_below(&rng, 10));
        x->p = ax_buddy_take(&b, x->n);
        assert_non_null(x->p);
        assert_int_equal((size_t)x->p % x->n, 0);
        fill(x);
        taken += x->n;
        assert_int_equal(b.chunks * (((size_t)2 << 20) - AX_BUDDY_MOST), taken + b.idle);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (v[i].p) {
            assert_true(is_sound(&v[i]));
            ax_buddy_give(&b, v[i].p, v[i].n);
        }
    assert_int_equal(b.chunks, 1); /* one stays */
    assert_int_equal(b.whole_chunks, 1);
}

static void what_is_outgrown_makes_room_for_those_that_grow_behind_it(void **state)
{
    (void)state;
    static struct block v[BLOCKS];
    struct ax_buddy b = {0};
    for (int i = 0; i < BLOCKS; i++)
        v[i] = (struct block){ax_buddy_take(&b, 128), 128};
    for (size_t n = 256; n <= 4096; n *= 2) {
        for (int i = 0; i < BLOCKS; i++) {
            unsigned char *p = ax_buddy_take(&b, n);
            assert_non_null(p);
            ax_buddy_give(&b, v[i].p, v[i].n);
            v[i] = (struct block){p, n};
        }
        size_t used = BLOCKS * n;
        assert_true(b.idle < used * 6 / 10 + ((size_t)2 << 20)); /* without joining it came to all of it */
    }
    for (int i = 0; i < BLOCKS; i++)
        ax_buddy_give(&b, v[i].p, v[i].n);
    assert_int_equal(b.chunks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_do_not_overlap),
        cmocka_unit_test(what_is_outgrown_makes_room_for_those_that_grow_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
