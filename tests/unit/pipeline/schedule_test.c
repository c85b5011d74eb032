/* A step is evaluated once, when its samples are in or when waiting for them has lasted long enough. */
#include "ax_test.h"
#include "pipeline/schedule.h"

#define S 1000

static int64_t t;
static uint64_t skipped;

/* Is a step due, told in t and skipped, when the clock was never set? */
static bool due(const struct ax_schedule *s, int64_t newest_ms, int64_t silent_ms, int64_t now_ms)
{
    const struct ax_moment m = {newest_ms, silent_ms, INT64_MAX, now_ms, now_ms, 0};
    return ax_schedule_due(s, &m, &t, &skipped);
}

static void nothing_is_due_before_the_first_sample(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, AX_NEVER};
    assert_false(due(&s, AX_NEVER, 0, 1000 * S));
    assert_false(due(&s, AX_NEVER, 1000 * S, 1000 * S));
}

static void a_step_is_due_when_a_sample_is_newer_than_it_by_the_delay(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    assert_false(due(&s, 174 * S + 999, 0, 180 * S));
    assert_true(due(&s, 175 * S, 0, 180 * S));
    assert_int_equal(t, 165 * S);
    assert_int_equal(skipped, 0);
}

static void a_sample_from_the_future_counts_as_now(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    assert_false(due(&s, 500 * S, 0, 174 * S));
    assert_true(due(&s, 500 * S, 0, 175 * S));
}

static void a_sample_from_the_beginning_of_time_is_as_good_as_none(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, AX_NEVER};
    const int64_t now = AX_STEP_LAG_MS + 1000 * S;
    const int64_t left_behind[] = {INT64_MIN + 1, -1000000 * S, 900 * S};
    for (size_t i = 0; i < sizeof left_behind / sizeof left_behind[0]; i++) {
        assert_false(due(&s, left_behind[i], 0, now));
        assert_true(due(&s, left_behind[i], 60 * S, now));
        assert_int_equal(t, ax_schedule_floor(now - 60 * S, 15 * S));
    }
    s.last_ms = 150 * S; /* and later as well */
    assert_false(due(&s, INT64_MIN + 1, 0, now));
}

static void a_step_without_samples_is_due_when_none_has_come_for_a_minute(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    assert_false(due(&s, 160 * S, 64 * S, 224 * S));
    assert_true(due(&s, 160 * S, 65 * S, 225 * S));
    assert_int_equal(t, 165 * S);
}

static void steps_behind_are_taken_one_by_one_and_far_ones_are_skipped(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 0, 150 * S};
    assert_true(due(&s, 300 * S, 0, 300 * S));
    assert_int_equal(t, 165 * S);
    assert_int_equal(skipped, 0);
    assert_true(due(&s, 10005 * S, 0, 10005 * S));
    assert_int_equal(t, 9705 * S);
    assert_int_equal(skipped, (9705 - 165) / 15);
}

static void steps_of_an_outage_are_taken_when_there_is_time_to_make_up_for_it(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    struct ax_moment m = {.newest_ms = 3625 * S,
                          .settled_ms = INT64_MAX,
                          .now_ms = 3630 * S,
                          .latest_ms = 3630 * S,
                          .behind_ms = AX_STEP_CATCH_UP_MS};
    assert_true(ax_schedule_due(&s, &m, &t, &skipped));
    assert_int_equal(t, 165 * S);
    assert_int_equal(skipped, 0);
    m.behind_ms = 0;
    assert_true(ax_schedule_due(&s, &m, &t, &skipped));
    assert_int_equal(t, 3315 * S);
    assert_int_equal(skipped, (3315 - 165) / 15);
}

static void hourly_steps_are_never_skipped_one_at_a_time(void **state)
{
    (void)state;
    struct ax_schedule s = {3600 * S, 0, 3600 * S};
    assert_true(due(&s, 3 * 3600 * S, 0, 3 * 3600 * S));
    assert_int_equal(t, 2 * 3600 * S);
    assert_int_equal(skipped, 0);
}

static void samples_that_are_sent_again_after_an_outage_are_waited_for(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    /* Ten minutes after the newest sample the process is back: half a minute ago. */
    assert_false(due(&s, 160 * S, 30 * S, 760 * S));
    /* What comes then moves the steps on by its own time. */
    assert_true(due(&s, 176 * S, 0, 761 * S));
    assert_int_equal(t, 165 * S);
}

static void steps_without_samples_go_on_from_the_newest_one(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    assert_false(due(&s, 160 * S, 64 * S, 860 * S)); /* the process has been back for 64 s */
    assert_true(due(&s, 160 * S, 65 * S, 861 * S));
    assert_int_equal(t, 165 * S);
    assert_int_equal(skipped, 0);
    s.last_ms = t;
    assert_false(due(&s, 160 * S, 79 * S, 875 * S));
    assert_true(due(&s, 160 * S, 80 * S, 876 * S));
    assert_int_equal(t, 180 * S);
}

static void a_step_that_is_late_waits_until_none_of_its_time_arrives(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    struct ax_moment m = {
        .newest_ms = 190 * S, .settled_ms = 150 * S, .now_ms = 195 * S, .latest_ms = 195 * S};
    assert_true(ax_schedule_due(&s, &m, &t, &skipped)); /* it is not: others are as late as ever */
    m.now_ms = m.latest_ms = 195 * S + 1;
    assert_false(ax_schedule_due(&s, &m, &t, &skipped));
    m.settled_ms = 165 * S - 1;
    assert_false(ax_schedule_due(&s, &m, &t, &skipped));
    m.settled_ms = 165 * S;
    assert_true(ax_schedule_due(&s, &m, &t, &skipped));
    assert_int_equal(t, 165 * S);
}

/* A job with a sample each second and a clock that is set as it goes: the steps that are taken. */
struct world {
    struct ax_schedule s;
    struct ax_arrivals arrivals;
    int64_t time_ms;             /* the true one, which the samples have */
    int64_t clock_ms, latest_ms; /* ahead of it by so much; latest_ms never falls, as ax_steady_now() */
    int64_t newest_ms;
    uint32_t steps, skips;
};

/* Take what is due; no step is taken twice. */
static void take(struct world *w, int64_t oldest_ms)
{
    w->latest_ms = w->clock_ms > w->latest_ms ? w->clock_ms : w->latest_ms;
    ax_arrivals_look(&w->arrivals, w->newest_ms, oldest_ms, w->time_ms);
    const struct ax_moment m = {.newest_ms = w->newest_ms,
                                .silent_ms = w->arrivals.silent_ms,
                                .settled_ms = ax_arrivals_settled(&w->arrivals),
                                .now_ms = w->time_ms + w->clock_ms,
                                .latest_ms = w->time_ms + w->latest_ms};
    while (ax_schedule_due(&w->s, &m, &t, &skipped)) {
        assert_true(t > w->s.last_ms);
        assert_true(t <= w->time_ms); /* nothing is said of a time that has not come */
        w->s.last_ms = t;
        w->steps++;
        w->skips += (uint32_t)skipped;
    }
}

/* So many seconds pass, with samples or without. */
static void pass(struct world *w, int seconds, bool samples)
{
    for (int i = 0; i < seconds; i++) {
        w->time_ms += S;
        w->newest_ms = samples ? w->time_ms : w->newest_ms;
        take(w, samples ? w->time_ms : INT64_MAX);
    }
}

static void begin(struct world *w)
{
    *w = (struct world){.s = {15 * S, 10 * S, AX_NEVER}, .time_ms = 1700000010 * INT64_C(1000)};
    ax_arrivals_init(&w->arrivals, AX_LOOK_MS, w->s.delay_ms);
    pass(w, 60, true);
    w->steps = 0;
}

static void a_clock_that_steps_back_stops_no_step(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.clock_ms = -3600 * S;
    pass(&w, 600, true);
    assert_int_equal(w.steps, 40);
    w.clock_ms = 0;
    pass(&w, 600, true);
    assert_int_equal(w.steps, 80);
    assert_int_equal(w.skips, 0);
}

static void a_clock_that_steps_forward_skips_no_step(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.clock_ms = 3600 * S;
    pass(&w, 600, true);
    assert_in_range(w.steps, 38, 40); /* they look late, and wait a little longer */
    w.clock_ms = 0;                   /* and back */
    pass(&w, 600, true);
    assert_int_equal(w.steps, 80);
    assert_int_equal(w.skips, 0);
}

static void a_silence_under_a_clock_that_is_ahead_goes_on_in_the_samples_time(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.clock_ms = 3600 * S;
    pass(&w, 600, false);
    assert_in_range(w.steps, 36, 40);
    pass(&w, 600, true); /* none of the hour is taken yet */
    assert_in_range(w.steps, 78, 80);
    assert_int_equal(w.skips, 0);
}

static void a_silence_under_a_clock_that_is_behind_waits_for_it(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.clock_ms = -3600 * S;
    pass(&w, 200, false);
    assert_int_equal(w.steps, 0);
    w.clock_ms = 0;
    pass(&w, 1, false);
    assert_in_range(w.steps, 9, 13);
    assert_int_equal(w.skips, 0);
}

static void a_clock_that_steps_a_day_ahead_is_believed_when_nothing_comes(void **state)
{
    (void)state;
    struct ax_schedule s = {15 * S, 10 * S, 150 * S};
    assert_true(due(&s, 160 * S, 60 * S, 86400 * S));
    assert_int_equal(t, ax_schedule_floor(86340 * S, 15 * S) - AX_STEP_BEHIND_MS);
}

static void senders_that_catch_up_at_different_paces_are_all_waited_for(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    int64_t away_ms = w.time_ms, first_ms = away_ms, second_ms = away_ms;
    w.time_ms += 120 * S; /* the process was down for two minutes */
    ax_arrivals_init(&w.arrivals, AX_LOOK_MS, w.s.delay_ms);
    for (int i = 0; i < 30; i++) { /* of two connections one is back at once, the other takes its time */
        w.time_ms += S;
        first_ms = w.time_ms;
        int64_t oldest_ms = second_ms + S;
        second_ms = second_ms + 5 * S < w.time_ms ? second_ms + 5 * S : w.time_ms;
        w.newest_ms = first_ms;
        take(&w, oldest_ms);
        assert_true(w.s.last_ms <= second_ms);
    }
    assert_int_equal(second_ms, w.time_ms);
    pass(&w, 60, true);
    assert_true(w.s.last_ms >= w.time_ms - 40 * S);
    assert_int_equal(w.skips, 0);
}

static struct ax_arrivals arrivals(int64_t window_ms)
{
    struct ax_arrivals a;
    ax_arrivals_init(&a, AX_LOOK_MS, window_ms);
    return a;
}

static void silence_is_counted_from_the_first_look(void **state)
{
    (void)state;
    struct ax_arrivals a = arrivals(10 * S);
    const int64_t newest[] = {7, 7, 7, 8}, now[] = {1000 * S, 1001 * S, 1003 * S, 1004 * S},
                  silent[] = {0, S, 3 * S, 0};
    for (size_t i = 0; i < 4; i++) {
        ax_arrivals_look(&a, newest[i], INT64_MAX, now[i]);
        assert_int_equal(a.silent_ms, silent[i]);
    }
    ax_arrivals_look(&a, 8, INT64_MAX, 1007 * S);
    ax_arrivals_excuse(&a);
    ax_arrivals_look(&a, 8, INT64_MAX, 1009 * S);
    assert_int_equal(a.silent_ms, 0);
}

static void what_passed_while_the_process_stood_still_is_nobodys_silence(void **state)
{
    (void)state;
    struct ax_arrivals a = arrivals(10 * S);
    ax_arrivals_look(&a, 7, INT64_MAX, 1000 * S);
    ax_arrivals_look(&a, 7, INT64_MAX, 5000 * S);
    assert_int_equal(a.silent_ms, AX_LOOK_MS);
    ax_arrivals_look(&a, 7, INT64_MAX, 4000 * S);
    assert_int_equal(a.silent_ms, AX_LOOK_MS);
}

static void what_arrived_is_remembered_for_the_window(void **state)
{
    (void)state;
    struct ax_arrivals a = arrivals(10 * S);
    assert_int_equal(ax_arrivals_settled(&a), INT64_MAX);
    ax_arrivals_look(&a, 900, 500, 1000 * S);
    for (int64_t now = 1001 * S; now < 1010 * S; now += S) {
        ax_arrivals_look(&a, 900, 700, now);
        assert_int_equal(ax_arrivals_settled(&a), 499);
    }
    for (int64_t now = 1010 * S; now < 1040 * S; now += S) {
        ax_arrivals_look(&a, 900, INT64_MAX, now);
        assert_true(now > 1020 * S || ax_arrivals_settled(&a) == (now < 1020 * S ? 499 : INT64_MAX));
    }
    assert_int_equal(ax_arrivals_settled(&a), INT64_MAX);
    a = arrivals(0);
    ax_arrivals_look(&a, 900, 500, 1000 * S);
    assert_int_equal(ax_arrivals_settled(&a), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_due_before_the_first_sample),
        cmocka_unit_test(a_step_is_due_when_a_sample_is_newer_than_it_by_the_delay),
        cmocka_unit_test(a_sample_from_the_future_counts_as_now),
        cmocka_unit_test(a_sample_from_the_beginning_of_time_is_as_good_as_none),
        cmocka_unit_test(a_step_without_samples_is_due_when_none_has_come_for_a_minute),
        cmocka_unit_test(steps_behind_are_taken_one_by_one_and_far_ones_are_skipped),
        cmocka_unit_test(steps_of_an_outage_are_taken_when_there_is_time_to_make_up_for_it),
        cmocka_unit_test(hourly_steps_are_never_skipped_one_at_a_time),
        cmocka_unit_test(samples_that_are_sent_again_after_an_outage_are_waited_for),
        cmocka_unit_test(steps_without_samples_go_on_from_the_newest_one),
        cmocka_unit_test(a_step_that_is_late_waits_until_none_of_its_time_arrives),
        cmocka_unit_test(a_clock_that_steps_back_stops_no_step),
        cmocka_unit_test(a_clock_that_steps_forward_skips_no_step),
        cmocka_unit_test(a_silence_under_a_clock_that_is_ahead_goes_on_in_the_samples_time),
        cmocka_unit_test(a_silence_under_a_clock_that_is_behind_waits_for_it),
        cmocka_unit_test(a_clock_that_steps_a_day_ahead_is_believed_when_nothing_comes),
        cmocka_unit_test(senders_that_catch_up_at_different_paces_are_all_waited_for),
        cmocka_unit_test(silence_is_counted_from_the_first_look),
        cmocka_unit_test(what_passed_while_the_process_stood_still_is_nobodys_silence),
        cmocka_unit_test(what_arrived_is_remembered_for_the_window),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
