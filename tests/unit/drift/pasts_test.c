/* A reference that is made of a copy is the one that would have been made of the pool, bit for bit, whatever
 * became of the pool meanwhile. */
#include "ax_test.h"
#include "base/rng.h"
#include "drift/pasts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS 40
#define FINE 700
#define COARSE 500
#define STEP 4 /* steps of a point of the coarse past */

static const struct ax_drift_spec spec = {.reference_n = 320, .current_n = 80};
static float fine[MEMBERS][FINE], coarse[MEMBERS][COARSE];

/* Series as they come: with gaps, of one value, with one value only, short ones, some without a past before.
 */
static void fill(struct ax_drift_pool *pool, uint64_t seed)
{
    struct ax_rng rng;
    ax_rng_seed(&rng, seed);
    *pool = (struct ax_drift_pool){.n = 0};
    for (uint32_t i = 0; i < MEMBERS; i++) {
        const uint32_t what = (uint32_t)(ax_rng_double(&rng) * 8);
        const uint32_t n = what == 0 ? (uint32_t)(ax_rng_double(&rng) * FINE) : FINE;
        for (uint32_t k = 0; k < FINE; k++)
            fine[i][k] = what == 1                               ? 7
                         : what == 2 && k != FINE - 30           ? NAN
                         : what == 3 && ax_rng_double(&rng) < .5 ? NAN
                                                                 : (float)(i + ax_rng_normal(&rng));
        for (uint32_t k = 0; k < COARSE; k++)
            coarse[i][k] = (float)(i + sin(k * 0.03) + 0.1 * ax_rng_normal(&rng));
        const struct ax_drift_member m = {ax_rng_u64(&rng), fine[i] + (FINE - n), n,
                                          what == 4 ? NULL : coarse[i], what == 4 ? 0 : COARSE - i};
        ax_drift_pool_offer(pool, &m);
    }
}

static void a_reference_of_a_copy_is_that_of_the_pool(void **state)
{
    struct ax_drift_pool pool;
    struct ax_arena scratch;
    struct ax_buf direct, later;
    struct ax_drift_reference *r = malloc(sizeof *r);
    (void)state;
    assert_non_null(r);
    ax_arena_init(&scratch, SIZE_MAX);
    ax_buf_init(&direct, 1u << 22);
    ax_buf_init(&later, 1u << 22);
    for (uint32_t coarse_steps = 0; coarse_steps <= STEP; coarse_steps += STEP) {
        struct ax_drift_pasts *pasts = ax_drift_pasts_new(&spec);
        assert_non_null(pasts);
        for (uint64_t seed = 0; seed < 30; seed++) {
            const char name[] = {'f', (char)('0' + seed), 0};
            fill(&pool, seed);
            ax_arena_reset(&scratch);
            assert_int_equal(ax_drift_reference_make(&spec, &pool, coarse_steps, &scratch, r), AX_OK);
            ax_drift_references_add(&direct, ax_str(name), r);
            assert_int_equal(ax_drift_pasts_add(pasts, ax_str(name), &pool, coarse_steps, UINT64_MAX), AX_OK);
        }
        memset(fine, 0, sizeof fine); /* the series have gone on */
        memset(coarse, 0, sizeof coarse);
        assert_int_equal(ax_drift_pasts_n(pasts), 30);
        assert_true(ax_drift_pasts_bytes(pasts) > 0);
        for (uint32_t i = 0; i < 30; i++)
            assert_int_equal(ax_drift_pasts_make(pasts, i, &scratch, &later), AX_OK);
        ax_drift_pasts_free(pasts);
    }
    assert_true(direct.n > 30000 && direct.n == later.n);
    assert_memory_equal(direct.bytes, later.bytes, direct.n);
    ax_buf_done(&direct);
    ax_buf_done(&later);
    ax_arena_done(&scratch);
    free(r);
}

static void of_too_little_there_is_no_reference(void **state)
{
    struct ax_drift_pool pool = {.n = 1, .members = {{.id = 1, .v = fine[0], .n = 20}}};
    struct ax_drift_pasts *pasts = ax_drift_pasts_new(&spec);
    struct ax_arena scratch;
    struct ax_buf bytes;
    (void)state;
    assert_non_null(pasts);
    ax_arena_init(&scratch, SIZE_MAX);
    ax_buf_init(&bytes, 1u << 20);
    assert_int_equal(ax_drift_pasts_add(pasts, ax_str("short"), &pool, 0, UINT64_MAX), AX_OK);
    pool.members[0] = (struct ax_drift_member){.id = 1}; /* of nothing at all */
    assert_int_equal(ax_drift_pasts_add(pasts, ax_str("nothing"), &pool, 0, UINT64_MAX), AX_OK);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(ax_drift_pasts_make(pasts, i, &scratch, &bytes), AX_OK);
    assert_int_equal(bytes.n, 0);
    assert_int_equal(ax_drift_pasts_add(pasts, ax_str("much"), &pool, 0, ax_drift_pasts_bytes(pasts)),
                     AX_LIMIT);
    assert_int_equal(ax_drift_pasts_n(pasts), 2); /* those that there was room for */
    ax_drift_pasts_free(pasts);
    ax_drift_pasts_free(NULL);
    ax_buf_done(&bytes);
    ax_arena_done(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reference_of_a_copy_is_that_of_the_pool),
        cmocka_unit_test(of_too_little_there_is_no_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
