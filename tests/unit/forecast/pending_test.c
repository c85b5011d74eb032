/* A forecast that waited comes back as it was, within what its codes promise. */
#include "ax_test.h"
#include "base/rng.h"
#include "forecast/pending.h"

#include <math.h>

static struct ax_waiting sample(struct ax_rng *rng)
{
    struct ax_waiting w = {.mean = 1000 * ax_rng_normal(rng), .scale = exp(3 * ax_rng_normal(rng))};
    w.lower = w.mean - w.scale * ax_rng_double(rng) * 9;
    w.upper = w.mean + w.scale * ax_rng_double(rng) * 9;
    w.last = w.mean + 1;
    for (uint32_t m = 0; m < AX_MEMBERS; m++)
        w.pred[m] = w.mean + w.scale * 10 * ax_rng_normal(rng);
    w.pred[1] = NAN;
    w.pred[2] = -INFINITY;
    return w;
}

static void check(const struct ax_waiting *got, const struct ax_waiting *put)
{
    double rounding = 1e-6 * fabs(put->mean);
    ax_assert_close(got->mean, put->mean, rounding);
    assert_true(got->lower <= put->lower + rounding && got->upper >= put->upper - rounding);
    ax_assert_close(got->lower, put->lower, 0.004 * (put->mean - put->lower) + rounding);
    ax_assert_close(got->upper, put->upper, 0.004 * (put->upper - put->mean) + rounding);
    ax_assert_close(got->scale, put->scale, 0.004 * put->scale);
    for (uint32_t m = 0; m < AX_MEMBERS && got->heard; m++) {
        double said = put->pred[m];
        if (isnan(said))
            assert_true(isnan(got->pred[m]));
        else if (isinf(said))
            assert_true(isinf(got->pred[m]));
        else
            ax_assert_close(got->pred[m], said, 0.05 * fabs(said - put->mean) + 0.04 * put->scale);
    }
}

static void what_waited_comes_back_once_and_nearly_as_it_was(void **state)
{
    (void)state;
    const uint32_t leads[] = {1, 4, 60, 240, 512, 513, 3600};
    for (unsigned i = 0; i < sizeof leads / sizeof leads[0]; i++) {
        struct ax_pending p;
        struct ax_rng rng;
        uint32_t taken = 0, heard = 0, lead = leads[i];
        assert_true(ax_pending_init(&p, lead, AX_MEMBERS_ALL | AX_MEMBERS_GIVEN));
        for (int64_t step = 0; step < 3 * (int64_t)lead; step++) {
            ax_rng_seed(&rng, (uint64_t)step);
            struct ax_waiting put = sample(&rng), got;
            if (step >= lead && ax_pending_take(&p, step - lead, &got)) {
                ax_rng_seed(&rng, (uint64_t)(step - lead));
                struct ax_waiting was = sample(&rng);
                check(&got, &was);
                assert_true(isnan(got.last) == (lead <= AX_PENDING_NEAR));
                assert_false(ax_pending_take(&p, step - lead, &got));
                taken++;
                heard += got.heard;
            }
            ax_pending_put(&p, step, &put);
        }
        assert_int_equal(taken, (2 * lead + p.stride - 1) / p.stride);
        assert_true(heard + 1 >= (uint32_t)2 * p.word_slots && p.word_slots <= AX_WORDS_MAX);
        ax_pending_done(&p);
    }
}

static void what_is_forgotten_or_cannot_be_kept_is_not_there(void **state)
{
    (void)state;
    struct ax_pending p;
    struct ax_rng rng;
    ax_rng_seed(&rng, 1);
    struct ax_waiting w = sample(&rng), got;
    assert_true(ax_pending_init(&p, 4, AX_MEMBERS_ALL | AX_MEMBERS_GIVEN));
    assert_false(ax_pending_take(&p, 7, &got));
    ax_pending_put(&p, 7, &w);
    ax_pending_forget(&p, 7);
    assert_false(ax_pending_take(&p, 7, &got));
    w.mean = 1e300; /* no float */
    ax_pending_put(&p, 8, &w);
    assert_false(ax_pending_take(&p, 8, &got));
    ax_pending_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waited_comes_back_once_and_nearly_as_it_was),
        cmocka_unit_test(what_is_forgotten_or_cannot_be_kept_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
