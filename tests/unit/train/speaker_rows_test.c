/* A row's own measure: that of the series where it is at a level, however it came there. */
#include "ax_test.h"
#include "base/rng.h"
#include "train/speaker_data.h"

#include <math.h>

#define N 400
#define STEP 60000
#define DEVIATION 0.8 /* about the mean |value| of a normal one of deviation 1 */

static const struct ax_speaker_spec spec = {
    .sequence = 4, .step_ms = STEP, .leads = {1, 5}, .leads_n = 2, .rows_max = 1000};

/* The scale of a row at the end of a series; 0: it has none. */
static double scale_of(const float *v, uint32_t n)
{
    static const struct ax_speaker_vocabulary none;
    float row[4 * 64];
    struct ax_speaker_frame frame;
    const int64_t t_ms = (int64_t)1700000000000 / STEP * STEP;
    const struct ax_speaker_past p = {
        .target = {.fine = {v, n, t_ms, STEP}, .coarse = {NULL, 0, t_ms, 5 * STEP}, .t_ms = t_ms}};
    assert_true(4 * ax_speaker_width(&spec, &none) <= sizeof row / sizeof *row);
    return ax_speaker_row(&spec, &none, &p, row, &frame) ? frame.scale : 0;
}

static void make_noise(float v[N])
{
    struct ax_rng rng;
    ax_rng_seed(&rng, 3);
    for (uint32_t i = 0; i < N; i++)
        v[i] = (float)(100 + ax_rng_normal(&rng));
}

/* It was 5 times as much and more while the level's change was in the window. */
static void a_change_of_level_is_no_part_of_the_measure(void **state)
{
    float v[N];
    (void)state;
    for (uint32_t age = 1; age < 240; age += 7) {
        make_noise(v);
        for (uint32_t i = N - age; i < N; i++)
            v[i] += 10;
        const double scale = scale_of(v, N);
        if (!(scale > 0.7 * DEVIATION && scale < 1.4 * DEVIATION))
            fail_msg("%g, %u steps after the change", scale, age);
    }
}

static void it_is_of_the_series_size_and_not_of_its_level(void **state)
{
    float v[N];
    (void)state;
    make_noise(v);
    const double one = scale_of(v, N);
    for (uint32_t i = 0; i < N; i++)
        v[i] = 1000 * (v[i] - 50);
    ax_assert_close(scale_of(v, N) / one, 1000, 1);
}

static void young_series_and_those_with_gaps_have_one_and_those_that_mostly_stand_still(void **state)
{
    float v[N];
    (void)state;
    make_noise(v);
    for (uint32_t n = 8; n < 64; n += 8)
        assert_true(scale_of(v + N - n, n) > 0.4 * DEVIATION);
    for (uint32_t i = 0; i < N; i++)
        if (i % 3)
            v[i] = NAN; /* too few in any block */
    assert_true(scale_of(v, N) > 0.7 * DEVIATION && scale_of(v, N) < 1.4 * DEVIATION);
    for (uint32_t i = 0; i < N; i++)
        v[i] = i % 100 == 99 ? 500 : 100;
    assert_true(scale_of(v, N) > 5); /* what there is of it */
    for (uint32_t i = 0; i < N; i++)
        v[i] = NAN;
    ax_assert_close(scale_of(v, N), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_of_level_is_no_part_of_the_measure),
        cmocka_unit_test(it_is_of_the_series_size_and_not_of_its_level),
        cmocka_unit_test(young_series_and_those_with_gaps_have_one_and_those_that_mostly_stand_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
