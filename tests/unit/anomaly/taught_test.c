/* What people say of scores moves the threshold, and only as far and as long as it should. */
#include "anomaly/taught.h"
#include "ax_test.h"
#include "damage.h"

#include <math.h>

#define STEP 15000
#define START INT64_C(1700000010000)

static int64_t at(uint32_t step)
{
    return START + (int64_t)step * STEP;
}

static struct ax_verdict verdict(double score)
{
    return (struct ax_verdict){.ready = true,
                               .score = score,
                               .severity = ax_severity_of(score),
                               .direction = score > 1 ? 1 : 0,
                               .expected = 10,
                               .lower = 8,
                               .upper = 13};
}

/* Steps from..to with a score. */
static void run(struct ax_hindsight *h, uint32_t from, uint32_t to, double score)
{
    for (uint32_t i = from; i <= to; i++) {
        struct ax_verdict v = verdict(score);
        ax_hindsight_judge(h, at(i), STEP, 10 + score, &v);
    }
}

static double judged(struct ax_hindsight *h, uint32_t step, double score)
{
    struct ax_verdict v = verdict(score);
    ax_hindsight_judge(h, at(step), STEP, 10 + score, &v);
    return v.score;
}

static enum ax_err teach(struct ax_hindsight *h, uint64_t id, enum ax_lesson_verdict verdict, uint32_t from,
                         uint32_t to)
{
    const struct ax_lesson_range lesson = {id, verdict, at(from), at(to)};
    return ax_hindsight_teach(h, &lesson, STEP);
}

static void what_was_no_anomaly_scores_at_most_1_from_then_on(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 99, 0.3);
    run(h, 100, 110, 2.7);
    run(h, 111, 200, 0.3);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 100, 110), AX_OK);
    assert_true(judged(h, 201, 2.7) <= 1);
    assert_true(judged(h, 202, 2.7) > 0.9); /* and no more than that: a larger one is an anomaly */
    assert_true(judged(h, 203, 3.0) > 1);
    ax_hindsight_free(h);
}

static void what_was_missed_scores_above_1_from_then_on(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 99, 0.3);
    run(h, 100, 110, 0.6);
    run(h, 111, 200, 0.3);
    assert_int_equal(teach(h, 1, AX_LESSON_MISSED, 100, 110), AX_OK);
    assert_true(judged(h, 201, 0.6) > 1);
    assert_true(judged(h, 202, 0.5) < 1);
    ax_hindsight_free(h);
}

static void what_was_missed_makes_no_alarms_of_what_comes_all_day(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    for (uint32_t block = 0; block < 200; block++) /* one of forty is at 0.7, ten times as high as the rest */
        run(h, block * AX_PEAK_STEPS, block * AX_PEAK_STEPS + AX_PEAK_STEPS - 1,
            block % 40 == 7 ? 0.7 : 0.07);
    assert_int_equal(teach(h, 1, AX_LESSON_MISSED, 100 * AX_PEAK_STEPS, 101 * AX_PEAK_STEPS - 1), AX_OK);
    assert_true(judged(h, 200 * AX_PEAK_STEPS, 0.7) <= 1);
    assert_true(judged(h, 200 * AX_PEAK_STEPS + 1, 0.75) > 1);
    ax_hindsight_free(h);
}

static void what_comes_more_seldom_than_one_in_fifty_does_not_keep_a_threshold_up(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    for (uint32_t block = 0; block < 200; block++)
        run(h, block * AX_PEAK_STEPS, block * AX_PEAK_STEPS + AX_PEAK_STEPS - 1,
            block == 7     ? 0.7
            : block == 120 ? 0.5
                           : 0.07);
    assert_int_equal(teach(h, 1, AX_LESSON_MISSED, 120 * AX_PEAK_STEPS, 121 * AX_PEAK_STEPS - 1), AX_OK);
    assert_true(judged(h, 200 * AX_PEAK_STEPS, 0.5) > 1);
    ax_hindsight_free(h);
}

static void a_threshold_moves_tenfold_up_and_to_a_quarter_down_at_most(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 15, 80);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 0, 15), AX_OK);
    ax_assert_close(ax_hindsight_threshold(h), 10, 1e-12);
    assert_true(ax_hindsight_forget(h, 1));
    run(h, 600, 640, 0.05);
    assert_int_equal(teach(h, 2, AX_LESSON_MISSED, 610, 630), AX_OK);
    ax_assert_close(ax_hindsight_threshold(h), 0.25, 1e-12);
    ax_hindsight_free(h);
}

static void the_later_of_two_lessons_has_the_last_word(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 40, 3);
    run(h, 100, 140, 0.5);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 10, 20), AX_OK);
    assert_int_equal(teach(h, 2, AX_LESSON_MISSED, 110, 120), AX_OK);
    assert_true(ax_hindsight_threshold(h) < 0.5);
    assert_true(ax_hindsight_forget(h, 2));
    assert_true(ax_hindsight_threshold(h) > 3);
    assert_true(ax_hindsight_forget(h, 1));
    ax_assert_close(ax_hindsight_threshold(h), 1, 0);
    assert_false(ax_hindsight_forget(h, 1));
    ax_hindsight_free(h);
}

static void of_a_time_that_is_too_long_ago_or_still_to_come_nothing_is_learnt(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 0, 10), AX_NOTFOUND);
    run(h, 0, 10, 5);
    run(h, 11, 11 + AX_PEAKS * AX_PEAK_STEPS, 0.2);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 0, 10), AX_NOTFOUND);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 10000, 10010), AX_NOTFOUND);
    ax_assert_close(ax_hindsight_threshold(h), 1, 0);
    ax_hindsight_free(h);
}

static void a_gap_of_any_length_leaves_no_old_score_behind(void **state)
{
    (void)state;
    for (uint32_t gap = 1; gap < 3 * AX_PEAKS * AX_PEAK_STEPS; gap += 677) {
        struct ax_hindsight *h = ax_hindsight_new(0);
        run(h, 0, 5, 9);
        run(h, 5 + gap + AX_PEAK_STEPS, 5 + gap + AX_PEAK_STEPS, 0.2);
        double low, high;
        assert_true(ax_peaks_read(&h->peaks, at(5 + gap + AX_PEAK_STEPS), at(5 + gap + AX_PEAK_STEPS), STEP,
                                  &low, &high));
        assert_true(low <= 0.2 && high >= 0.2 && high < 0.21);
        ax_hindsight_free(h);
    }
}

static void so_many_lessons_are_kept_and_the_next_is_refused(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 15, 2);
    for (uint32_t i = 0; i < AX_LESSONS_MAX; i++)
        assert_int_equal(teach(h, i + 1, AX_LESSON_NORMAL, 0, 15), AX_OK);
    assert_int_equal(teach(h, 99, AX_LESSON_NORMAL, 0, 15), AX_LIMIT);
    ax_hindsight_free(h);
}

static void the_band_and_the_severity_follow_the_threshold(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 15, 2);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 0, 15), AX_OK);
    double threshold = ax_hindsight_threshold(h);
    struct ax_verdict v = verdict(2);
    ax_hindsight_judge(h, at(16), STEP, 12, &v);
    ax_assert_close(v.lower, 10 - 2 * threshold, 1e-12);
    ax_assert_close(v.upper, 10 + 3 * threshold, 1e-12);
    assert_int_equal(v.severity, AX_NORMAL);
    assert_int_equal(v.direction, 0);
    ax_hindsight_free(h);
}

/* Thresholds of a quarter, of ten. */
static struct ax_hindsight *taught(enum ax_lesson_verdict verdict)
{
    struct ax_hindsight *h = ax_hindsight_new(0);
    run(h, 0, 15, verdict == AX_LESSON_MISSED ? 0.01 : 80);
    assert_int_equal(teach(h, 1, verdict, 0, 15), AX_OK);
    return h;
}

static double judged_as(struct ax_hindsight *h, struct ax_verdict v)
{
    ax_hindsight_judge(h, at(16), STEP, 10, &v);
    assert_int_equal(v.severity, ax_severity_of(v.score));
    return v.score;
}

static void what_the_guards_do_not_ask_for_stays_so_whatever_was_missed(void **state)
{
    (void)state;
    struct ax_hindsight *h = taught(AX_LESSON_MISSED);
    struct ax_verdict v = verdict(1);
    ax_assert_close(judged_as(h, v), 4, 1e-12);
    v.unasked = true;
    ax_assert_close(judged_as(h, v), 1, 0);
    ax_hindsight_free(h);
}

static void what_is_abnormal_by_itself_stays_so_whatever_was_taught(void **state)
{
    (void)state;
    static const enum ax_lesson_verdict verdicts[] = {AX_LESSON_MISSED, AX_LESSON_NORMAL};
    for (uint32_t i = 0; i < 2; i++) {
        struct ax_hindsight *h = taught(verdicts[i]);
        struct ax_verdict v = verdict(3);
        v.least = 3;
        ax_assert_close(judged_as(h, v), 3, 0);
        v.score = 8; /* it deviates as well: that is what people spoke of */
        ax_assert_close(judged_as(h, v), verdicts[i] == AX_LESSON_MISSED ? 32 : 3, 1e-12);
        ax_hindsight_free(h);
    }
}

static void an_abnormality_scores_once_it_has_lasted_whatever_was_missed(void **state)
{
    (void)state;
    for (uint32_t k = 0; k < 2; k++) {
        struct ax_hindsight *h = ax_hindsight_new(5);
        double score = 3;
        if (k == 1) {
            run(h, 0, 15, 0.5);
            assert_int_equal(teach(h, 1, AX_LESSON_MISSED, 0, 15), AX_OK);
            score = 0.9;
        }
        assert_true(judged(h, 20, score) <= 1); /* a spike alone never does */
        assert_true(judged(h, 21, 0.1) <= 1);
        for (uint32_t i = 1; i <= 20; i++)
            assert_int_equal(judged(h, 21 + i, score) > 1, i >= 5);
        ax_hindsight_free(h);
    }
}

static void of_a_score_that_hardly_moved_it_is_learnt_that_it_was_missed(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0);
    double low, high;
    run(h, 0, 40, 0);
    assert_true(ax_peaks_read(&h->peaks, at(3), at(9), STEP, &low, &high));
    assert_true(low == 0 && high == 1.0 / 64);
    assert_int_equal(teach(h, 1, AX_LESSON_MISSED, 3, 9), AX_OK);
    ax_assert_close(ax_hindsight_threshold(h), AX_TAUGHT_LEAST, 0);
    ax_hindsight_free(h);
}

static enum ax_err load(void *ctx, struct ax_str bytes)
{
    (void)ctx;
    struct ax_hindsight *h = ax_hindsight_new(0);
    struct ax_bytes in = ax_bytes_of(bytes);
    enum ax_err err = ax_hindsight_load(h, &in);
    if (err == AX_OK)
        err = ax_bytes_end(&in);
    if (err == AX_OK) {
        run(h, 0, 40, 0.4);
        (void)teach(h, 7, AX_LESSON_MISSED, 0, 40);
    }
    ax_hindsight_free(h);
    return err;
}

static void what_was_saved_says_the_same_and_damage_is_refused_or_harmless(void **state)
{
    (void)state;
    struct ax_hindsight *h = ax_hindsight_new(0), *again = ax_hindsight_new(0);
    struct ax_buf bytes, bytes_again;
    ax_buf_init(&bytes, 4096);
    ax_buf_init(&bytes_again, 4096);
    run(h, 0, 15, 2);
    assert_int_equal(teach(h, 1, AX_LESSON_NORMAL, 0, 15), AX_OK);
    ax_hindsight_save(h, &bytes);
    struct ax_bytes in = ax_bytes_of(ax_buf_view(&bytes));
    assert_int_equal(ax_hindsight_load(again, &in), AX_OK);
    ax_hindsight_save(again, &bytes_again);
    damage_assert_same(ax_buf_view(&bytes), ax_buf_view(&bytes_again));
    ax_assert_close(judged(h, 20, 2.5), judged(again, 20, 2.5), 0);
    damage_check(ax_buf_view(&bytes), load, NULL);
    ax_buf_done(&bytes);
    ax_buf_done(&bytes_again);
    ax_hindsight_free(h);
    ax_hindsight_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_no_anomaly_scores_at_most_1_from_then_on),
        cmocka_unit_test(what_was_missed_scores_above_1_from_then_on),
        cmocka_unit_test(what_was_missed_makes_no_alarms_of_what_comes_all_day),
        cmocka_unit_test(what_comes_more_seldom_than_one_in_fifty_does_not_keep_a_threshold_up),
        cmocka_unit_test(a_threshold_moves_tenfold_up_and_to_a_quarter_down_at_most),
        cmocka_unit_test(the_later_of_two_lessons_has_the_last_word),
        cmocka_unit_test(of_a_time_that_is_too_long_ago_or_still_to_come_nothing_is_learnt),
        cmocka_unit_test(a_gap_of_any_length_leaves_no_old_score_behind),
        cmocka_unit_test(so_many_lessons_are_kept_and_the_next_is_refused),
        cmocka_unit_test(the_band_and_the_severity_follow_the_threshold),
        cmocka_unit_test(what_the_guards_do_not_ask_for_stays_so_whatever_was_missed),
        cmocka_unit_test(what_is_abnormal_by_itself_stays_so_whatever_was_taught),
        cmocka_unit_test(an_abnormality_scores_once_it_has_lasted_whatever_was_missed),
        cmocka_unit_test(of_a_score_that_hardly_moved_it_is_learnt_that_it_was_missed),
        cmocka_unit_test(what_was_saved_says_the_same_and_damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
