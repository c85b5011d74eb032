/* Of what was abnormal the newest episodes are kept, each with its worst step, and the nearest are found. */
#include "anomaly/episodes.h"
#include "ax_test.h"
#include "damage.h"

#include <math.h>

#define STEP 15000
#define START INT64_C(1700000010000)

static int64_t at(uint32_t step)
{
    return START + (int64_t)step * STEP;
}

static void note(struct ax_episodes *e, uint32_t step, double score, const double *shares, uint32_t n)
{
    const struct ax_verdict v = {
        .ready = true, .score = score, .direction = score > 1, .expected = 10, .lower = 8, .upper = 12};
    const bool absent[8] = {[3] = true};
    const struct ax_episode_features features = {n, shares, absent};
    ax_episodes_note(e, at(step), STEP, at(step), 10 + score, &v, shares ? &features : NULL);
}

static void an_episode_bridges_a_few_calm_steps_and_keeps_its_worst(void **state)
{
    (void)state;
    struct ax_episodes e = {0};
    static const double scores[] = {0.5, 1.5, 3, 0.9, 0.5, 0.2, 0.8, 2, 1, 1, 1, 1, 1, 1.2, 0.1};
    for (uint32_t i = 0; i < sizeof scores / sizeof scores[0]; i++)
        note(&e, i, scores[i], NULL, 0);
    assert_int_equal(e.n, 2);
    assert_true(e.v[0].begin_ms == at(1) && e.v[0].peak_ms == at(2) && e.v[0].end_ms == at(7));
    ax_assert_close((double)e.v[0].score, 3, 0);
    ax_assert_close((double)e.v[0].value, 13, 0);
    assert_true(e.v[1].begin_ms == at(13) && e.v[1].end_ms == at(13));
    assert_ptr_equal(ax_episodes_at(&e, at(4)), &e.v[0]);
    assert_null(ax_episodes_at(&e, at(0)));
    assert_null(ax_episodes_at(&e, at(10)));
}

static void an_absence_is_an_episode_of_its_own(void **state)
{
    (void)state;
    struct ax_episodes e = {0};
    note(&e, 0, 5, NULL, 0);
    const struct ax_verdict gone = {.ready = true, .absent = true, .score = 3, .direction = -1};
    for (uint32_t i = 2; i < 4; i++)
        ax_episodes_note(&e, at(i), STEP, at(0), (double)NAN, &gone, NULL);
    note(&e, 4, 2, NULL, 0);
    assert_int_equal(e.n, 3);
    assert_true(e.v[1].absent && e.v[1].absent_ms == at(1) && e.v[1].begin_ms == at(2) &&
                e.v[1].end_ms == at(3) && isnan(e.v[1].value));
    assert_true(!e.v[0].absent && !e.v[2].absent);
    assert_true(ax_episode_distance(&e.v[0], &e.v[1], STEP) > 1);
}

static void the_oldest_gives_way(void **state)
{
    (void)state;
    struct ax_episodes e = {0};
    for (uint32_t i = 0; i < 7; i++)
        note(&e, 20 * i, 2 + i, NULL, 0);
    assert_int_equal(e.n, AX_EPISODES);
    assert_true(e.v[0].begin_ms == at(20 * (7 - AX_EPISODES)) && e.v[AX_EPISODES - 1].begin_ms == at(120));
}

static void the_features_of_the_worst_step_are_named_by_their_share(void **state)
{
    (void)state;
    struct ax_episodes e = {0};
    const double early[] = {1, 0, 0, 0, 0}, worst[] = {0.1, 0.3, 0, 0.45, 0.15};
    note(&e, 0, 2, early, 5);
    note(&e, 1, 4, worst, 5);
    note(&e, 2, 3, early, 5);
    assert_int_equal(e.v[0].parts_n, 4);
    assert_int_equal(e.v[0].parts_absent, 1); /* the largest one */
    assert_true(e.v[0].part[0] == 3 && e.v[0].share[0] == 45);
    assert_true(e.v[0].part[1] == 1 && e.v[0].share[1] == 30);
    assert_true(e.v[0].part[2] == 4 && e.v[0].share[2] == 15);
}

static void what_is_like_another_is_near_to_it(void **state)
{
    (void)state;
    struct ax_episodes e = {0};
    const double disk[] = {0.9, 0.1}, net[] = {0, 1};
    note(&e, 0, 4, disk, 2);
    note(&e, 20, 4.2, disk, 2);
    note(&e, 40, 4, net, 2);
    ax_assert_close(ax_episode_distance(&e.v[0], &e.v[0], STEP), 0, 1e-6);
    assert_true(ax_episode_distance(&e.v[0], &e.v[1], STEP) < 0.1);
    assert_true(ax_episode_distance(&e.v[0], &e.v[2], STEP) > 1);
    ax_assert_close(ax_episode_distance(&e.v[0], &e.v[2], STEP), ax_episode_distance(&e.v[2], &e.v[0], STEP),
                    0);
}

static enum ax_err load(void *ctx, struct ax_str bytes)
{
    (void)ctx;
    struct ax_episodes e = {0};
    struct ax_bytes in = ax_bytes_of(bytes);
    ax_episodes_load(&e, &in);
    enum ax_err err = ax_bytes_end(&in);
    if (err == AX_OK)
        note(&e, 1000, 5, NULL, 0);
    return err;
}

static void what_was_saved_reads_back_and_damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct ax_episodes e = {0}, again = {0};
    const double shares[] = {0.6, 0.4};
    struct ax_buf a, b;
    ax_buf_init(&a, 4096);
    ax_buf_init(&b, 4096);
    for (uint32_t i = 0; i < 3; i++)
        note(&e, 20 * i, 2 + i, i ? shares : NULL, 2);
    ax_episodes_save(&e, &a);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&a));
    ax_episodes_load(&again, &in);
    assert_int_equal(ax_bytes_end(&in), AX_OK);
    ax_episodes_save(&again, &b);
    damage_assert_same(ax_buf_view(&a), ax_buf_view(&b));
    damage_check(ax_buf_view(&a), load, NULL);
    ax_buf_done(&a);
    ax_buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_episode_bridges_a_few_calm_steps_and_keeps_its_worst),
        cmocka_unit_test(an_absence_is_an_episode_of_its_own),
        cmocka_unit_test(the_oldest_gives_way),
        cmocka_unit_test(the_features_of_the_worst_step_are_named_by_their_share),
        cmocka_unit_test(what_is_like_another_is_near_to_it),
        cmocka_unit_test(what_was_saved_reads_back_and_damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
