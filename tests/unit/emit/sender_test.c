/* A sender delivers what the log holds, in order, whatever the receiver does. */
#include "ax_test.h"
#include "base/metrics.h"
#include "emit/sender.h"
#include "emitting.h"
#include "received.h"
#include "strict.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const struct answer accept[] = {{.status = 204}};
static const struct answer hang[] = {{.hang = true}};

static bool same_body(const struct got *a, const struct got *b)
{
    return a->body.n == b->body.n && memcmp(a->body.bytes, b->body.bytes, a->body.n) == 0;
}

static int64_t shared_now(const void *now_ms)
{
    return atomic_load((const _Atomic int64_t *)now_ms);
}

/* Series m{i="<first>"}, ... */
static void open_many(const struct emitting *e, struct ax_out **out, int n)
{
    char text[64];
    for (int i = 0; i < n; i++) {
        (void)snprintf(text, sizeof text, "m{i=\"%d\"}", i);
        out[i] = emitting_open(e, text);
    }
}

/* One step of n series. */
static void step(struct emitting *e, struct ax_out **out, int n, int64_t t_ms)
{
    for (int i = 0; i < n; i++)
        emitting_put(e, out[i], t_ms, (double)t_ms + i);
    emitting_commit(e);
}

static void assert_series(struct strict *r, int i, int64_t first_ms, int64_t last_ms)
{
    char text[64];
    (void)snprintf(text, sizeof text, "m{i=\"%d\"}", i);
    const struct strict_series *s = strict_find(r, text);
    assert_non_null(s);
    assert_int_equal(s->n, last_ms - first_ms + 1);
    for (uint32_t k = 0; k < s->n; k++) {
        assert_true(s->v[k].t_ms == first_ms + k);
        assert_true(s->v[k].value == (double)(first_ms + k + i));
    }
}

static void a_full_batch_leaves_at_once_and_the_rest_at_the_deadline(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.batch_send_deadline_ms = SOON_MS;
    w.max_samples_per_send = 10;
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out[25];
    open_many(&e, out, 25);
    step(&e, out, 25, 1);
    struct received first = received_read(receiver_wait(r, 2, 0)),
                    second = received_read(receiver_wait(r, 2, 1));
    assert_int_equal(first.n, 10);
    assert_int_equal(second.n, 10);
    assert_string_equal(first.v[0].series, "m{i=\"0\"}");
    assert_string_equal(second.v[9].series, "m{i=\"19\"}");
    assert_true(ax_emit_pending(e.emit) <= 15);
    emitting_stop(&e, SOON_MS);
    struct received third = received_read(receiver_wait(r, 3, 2));
    assert_int_equal(third.n, 5);
    assert_int_equal(receiver_count(r), 3);
    received_done(&first);
    received_done(&second);
    received_done(&third);
    receiver_stop(r);
}

static void what_may_pass_is_sent_again_with_the_same_bytes(void **state)
{
    (void)state;
    static const struct answer script[] = {
        {.status = 500, .body = "boom"},
        {.status = 429, .header = "Retry-After", .value = "0"},
        {.status = 408},
        {.status = 503},
        {.status = 204},
    };
    struct receiver *r = receiver_start(0, script, 5);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    emitting_put(&e, out, 1, 1);
    emitting_commit(&e);
    const struct got *first = receiver_wait(r, 5, 0);
    for (uint32_t i = 1; i < 5; i++) {
        char number[8];
        (void)snprintf(number, sizeof number, "%u", i);
        const struct got *again = receiver_wait(r, 5, i);
        assert_true(same_body(first, again));
        assert_string_equal(again->retry_attempt, number);
    }
    emitting_stop(&e, SOON_MS);
    assert_int_equal(receiver_count(r), 5);
    assert_true(emitting_sent(receiver_url(r)) == 1);
    assert_true(ax_metric_get(ax_metric(AX_M_SEND_RETRIES, receiver_url(r), NULL)) == 4);
    receiver_stop(r);
}

/* The second request must not come before what Retry-After says, in whichever way. */
static void waits_as_told(const char *retry_after, int64_t at_least_ms)
{
    const struct answer script[] = {{.status = 429, .header = "Retry-After", .value = retry_after},
                                    {.status = 204}};
    struct receiver *r = receiver_start(0, script, 2);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    emitting_put(&e, emitting_open(&e, "m"), 1, 1);
    int64_t before_ns = ax_mono_ns();
    emitting_commit(&e);
    const struct got *first = receiver_wait(r, 1, 0), *again = receiver_wait(r, 2, 1);
    assert_true(ax_mono_ns() - before_ns >= at_least_ms * 1000000);
    assert_true(same_body(first, again));
    emitting_stop(&e, SOON_MS);
    receiver_stop(r);
}

static void a_receiver_that_says_when_is_asked_again_then(void **state)
{
    (void)state;
    char date[64];
    struct tm tm;
    struct timespec now;
    waits_as_told("1", 1000);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    time_t then = now.tv_sec + 2;
    (void)strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&then, &tm));
    waits_as_told(date, 2000 - now.tv_nsec / 1000000 - 50);
}

static void what_is_refused_is_dropped_and_counted(void **state)
{
    (void)state;
    static const struct answer script[] = {{.status = 400, .body = "out of order"}, {.status = 204}};
    struct receiver *r = receiver_start(0, script, 2);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    for (int64_t t = 1; t <= 2; t++) {
        emitting_put(&e, out, t, 1);
        emitting_commit(&e);
    }
    struct received second = received_read(receiver_wait(r, 2, 1));
    assert_int_equal(second.n, 1);
    assert_true(second.v[0].sample.t_ms == 2);
    emitting_stop(&e, SOON_MS);
    assert_true(emitting_failed(receiver_url(r), "400") == 1);
    assert_true(emitting_sent(receiver_url(r)) == 1);
    received_done(&second);
    receiver_stop(r);
}

static void one_series_that_is_refused_does_not_take_the_others_with_it(void **state)
{
    (void)state;
    enum { SERIES = 90, STEPS = 3 };
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    strict_refuse(r, "m{i=\"61\"}");
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out[SERIES];
    open_many(&e, out, SERIES);
    for (int64_t t = 1; t <= STEPS; t++)
        step(&e, out, SERIES, t);
    strict_await(r, STEPS * (SERIES - 1));
    emitting_drain(&e);
    assert_true(emitting_failed(strict_url(r), "400") == STEPS);
    assert_true(emitting_sent(strict_url(r)) == STEPS * (SERIES - 1));
    /* each step: itself, and two for each time that a part with it was halved */
    assert_in_range(strict_counts(r).requests, STEPS, STEPS * (1 + 2 * 7));
    emitting_stop(&e, SOON_MS);
    for (int i = 0; i < SERIES; i++)
        if (i != 61)
            assert_series(r, i, 1, STEPS);
    strict_stop(r);
}

static void a_receiver_that_refuses_everything_is_not_asked_without_end(void **state)
{
    (void)state;
    static const struct answer refuse[] = {{.status = 400}};
    struct receiver *r = receiver_start(0, refuse, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.max_samples_per_send = 1000;
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out[1000];
    open_many(&e, out, 1000);
    for (int64_t t = 1; t <= 5; t++)
        step(&e, out, 1000, t);
    emitting_stop(&e, SOON_MS);
    assert_true(emitting_failed(receiver_url(r), "400") == 5000);
    assert_int_equal(receiver_count(r), 3 * (1 + AX_SPLIT_REQUESTS) + 2 * (1 + AX_SPLIT_REQUESTS / 16));
    receiver_stop(r);
}

static void what_has_nothing_to_do_with_the_content_is_not_halved(void **state)
{
    (void)state;
    static const struct answer script[] = {{.status = 403}, {.status = 404}, {.status = 204}};
    struct receiver *r = receiver_start(0, script, 3);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out[10];
    open_many(&e, out, 10);
    for (int64_t t = 1; t <= 3; t++)
        step(&e, out, 10, t);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(receiver_count(r), 3);
    assert_true(emitting_failed(receiver_url(r), "403") == 10);
    assert_true(emitting_failed(receiver_url(r), "404") == 10);
    assert_true(emitting_sent(receiver_url(r)) == 10);
    receiver_stop(r);
}

static void an_answer_counts_by_its_status_whatever_becomes_of_its_body(void **state)
{
    (void)state;
    static const struct answer script[] = {{.status = 200, .body = "fi", .cut = true},
                                           {.status = 400, .body = "out of", .cut = true},
                                           {.status = 204}};
    struct receiver *r = receiver_start(0, script, 3);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "a");
    for (int i = 0; i < 3; i++) {
        emitting_put(&e, out, 1000 * (i + 1), i);
        emitting_commit(&e);
        emitting_drain(&e);
    }
    emitting_stop(&e, SOON_MS);
    assert_int_equal(receiver_count(r), 3);
    assert_true(emitting_sent(receiver_url(r)) == 2);
    assert_true(emitting_failed(receiver_url(r), "400") == 1);
    receiver_stop(r);
}

static void samples_too_old_are_dropped_and_the_rest_is_made_anew(void **state)
{
    (void)state;
    static const struct answer script[] = {{.status = 503, .hang = true}, {.status = 204}};
    struct receiver *r = receiver_start(0, script, 2);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.sample_age_limit_ms = 60000;
    _Atomic int64_t now_ms = 1000000;
    const struct ax_emit_options options = {.clock = {.now_ms = shared_now, .ctx = &now_ms}};
    struct emitting e = emitting_start(&w, 1, &options);
    emitting_put(&e, emitting_open(&e, "a"), now_ms - 60001, 1); /* too old already */
    emitting_put(&e, emitting_open(&e, "b"), now_ms - 60000, 2); /* just not */
    emitting_put(&e, emitting_open(&e, "c"), now_ms, 3);
    emitting_commit(&e);
    struct received first = received_read(receiver_wait(r, 1, 0));
    assert_int_equal(first.n, 2);
    assert_true(emitting_dropped(receiver_url(r), "too_old") == 1);
    atomic_store(&now_ms, 1000001);
    receiver_release(r);
    struct received second = received_read(receiver_wait(r, 2, 1));
    assert_int_equal(second.n, 1);
    assert_string_equal(second.v[0].series, "c");
    emitting_stop(&e, SOON_MS);
    assert_true(emitting_dropped(receiver_url(r), "too_old") == 2);
    assert_true(emitting_sent(receiver_url(r)) == 1);
    received_done(&first);
    received_done(&second);
    receiver_stop(r);
}

static void a_receiver_that_hangs_is_given_up_and_does_not_hold_up_another(void **state)
{
    (void)state;
    enum { SERIES = 20, STEPS = 200 };
    struct receiver *slow = receiver_start(0, hang, 1);
    struct strict *quick = strict_start(0);
    struct ax_remote_write w[2] = {emitting_endpoint(receiver_url(slow)),
                                   emitting_endpoint(strict_url(quick))};
    w[0].remote_timeout_ms = 200;
    struct emitting e = emitting_start(w, 2, NULL);
    struct ax_out *out[SERIES];
    open_many(&e, out, SERIES);
    for (int64_t t = 1; t <= STEPS; t++)
        step(&e, out, SERIES, t);
    strict_await(quick, SERIES * STEPS);
    const struct got *first = receiver_wait(slow, 3, 0);
    for (uint32_t i = 1; i < 3; i++)
        assert_true(same_body(first, receiver_wait(slow, 3, i)));
    emitting_stop(&e, 0);
    for (int i = 0; i < SERIES; i++)
        assert_series(quick, i, 1, STEPS);
    receiver_stop(slow);
    strict_stop(quick);
}

static void a_receiver_that_was_away_for_long_gets_everything_in_order(void **state)
{
    (void)state;
    enum { SERIES = 50, STEPS = 2000 };
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    w.max_shards = 3;
    strict_be(r, STRICT_AWAY);
    struct emitting e = emitting_start(&w, 1, &(struct ax_emit_options){.max_bytes = 8u << 20});
    struct ax_out *out[SERIES];
    open_many(&e, out, SERIES);
    for (int64_t t = 1; t <= STEPS; t++)
        step(&e, out, SERIES, t);
    while (ax_emit_pending(e.emit) != SERIES * STEPS) /* known once the senders have begun */
        ax_sleep_ns(1000000);
    assert_true(scratch_count(e.dir, ".log") > 1);
    emitting_restart(&e, 0, &w, 1, NULL);
    assert_true(strict_counts(r).samples == 0);
    strict_be(r, STRICT_WELL);
    strict_await(r, SERIES * STEPS);
    emitting_drain(&e);
    emitting_stop(&e, SOON_MS);
    for (int i = 0; i < SERIES; i++)
        assert_series(r, i, 1, STEPS);
    assert_int_equal(strict_counts(r).broken + strict_counts(r).doubled, 0);
    strict_stop(r);
}

static void who_falls_too_far_behind_loses_the_oldest_and_no_disk_is_filled(void **state)
{
    (void)state;
    enum { SERIES = 50, STEPS = 4000 };
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    strict_be(r, STRICT_AWAY);
    const struct ax_emit_options options = {.max_bytes = 1u << 20};
    struct emitting e = emitting_start(&w, 1, &options);
    struct ax_out *out[SERIES];
    open_many(&e, out, SERIES);
    struct ax_cell *full = ax_metric(AX_M_SEND_DROPPED, strict_url(r), "queue_full");
    struct ax_cell *bytes = ax_metric(AX_M_QUEUE_BYTES, strict_url(r), NULL);
    for (int64_t t = 1; t < STEPS; t++)
        step(&e, out, SERIES, t);
    while (ax_metric_get(bytes) > (double)options.max_bytes)
        ax_sleep_ns(1000000);
    step(&e, out, SERIES, STEPS);
    assert_true(scratch_count(e.dir, ".log") < 20); /* of 64 KiB each, of which the samples would fill 33 */
    strict_be(r, STRICT_WELL);
    emitting_drain(&e);
    assert_true(ax_metric_get(bytes) == 0);
    emitting_stop(&e, SOON_MS);
    double lost = ax_metric_get(full);
    assert_true(lost > 0 && emitting_sent(strict_url(r)) + lost == SERIES * STEPS);
    for (int i = 0; i < SERIES; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "m{i=\"%d\"}", i);
        const struct strict_series *s = strict_find(r, text);
        assert_true(s->n > 0 && s->v[s->n - 1].t_ms == STEPS); /* the newest are there, without a hole */
        for (uint32_t k = 1; k < s->n; k++)
            assert_true(s->v[k].t_ms == s->v[k - 1].t_ms + 1);
    }
    strict_stop(r);
}

static void series_that_relabelling_makes_one_do_not_send_one_time_twice(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    const struct ax_relabel_spec rule = {.action = AX_RELABEL_LABELDROP, .regex = ax_str("i")};
    w.relabel_spec = &rule;
    w.relabel_n = 1;
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out[2];
    open_many(&e, out, 2);
    step(&e, out, 2, 1);
    emitting_put(&e, out[1], 2, 5); /* one goes on where the other ended */
    emitting_commit(&e);
    emitting_stop(&e, SOON_MS);
    const struct strict_series *s = strict_find(r, "m");
    assert_int_equal(s->n, 2);
    assert_true(s->v[0].value == 1 && s->v[1].value == 5);
    assert_true(emitting_dropped(strict_url(r), "out_of_order") == 1);
    assert_int_equal(strict_counts(r).broken + strict_counts(r).doubled, 0);
    strict_stop(r);
}

static void what_is_too_large_for_one_request_is_sent_in_parts(void **state)
{
    (void)state;
    enum { SERIES = 40, PADDING = 800000 };
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    char *padding = calloc(1, PADDING + 1), name[16];
    memset(padding, 'x', PADDING);
    for (int i = 0; i < SERIES; i++) {
        (void)snprintf(name, sizeof name, "m%d", i);
        struct ax_label pairs[] = {{ax_str(AX_METRIC_NAME), ax_str(name)}, {ax_str("p"), {padding, PADDING}}};
        struct ax_labels labels = {2, pairs};
        emitting_put(&e, e.sink.open(e.sink.ctx, &labels), 1, i);
    }
    emitting_commit(&e);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(receiver_count(r), 2);
    assert_true(emitting_sent(receiver_url(r)) == SERIES);
    free(padding);
    receiver_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_batch_leaves_at_once_and_the_rest_at_the_deadline),
        cmocka_unit_test(what_may_pass_is_sent_again_with_the_same_bytes),
        cmocka_unit_test(a_receiver_that_says_when_is_asked_again_then),
        cmocka_unit_test(what_is_refused_is_dropped_and_counted),
        cmocka_unit_test(one_series_that_is_refused_does_not_take_the_others_with_it),
        cmocka_unit_test(a_receiver_that_refuses_everything_is_not_asked_without_end),
        cmocka_unit_test(what_has_nothing_to_do_with_the_content_is_not_halved),
        cmocka_unit_test(an_answer_counts_by_its_status_whatever_becomes_of_its_body),
        cmocka_unit_test(samples_too_old_are_dropped_and_the_rest_is_made_anew),
        cmocka_unit_test(a_receiver_that_hangs_is_given_up_and_does_not_hold_up_another),
        cmocka_unit_test(a_receiver_that_was_away_for_long_gets_everything_in_order),
        cmocka_unit_test(who_falls_too_far_behind_loses_the_oldest_and_no_disk_is_filled),
        cmocka_unit_test(series_that_relabelling_makes_one_do_not_send_one_time_twice),
        cmocka_unit_test(what_is_too_large_for_one_request_is_sent_in_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
