/* A disk that is full or fails delays what is sent, and loses nothing; the steady state takes no memory. */
#include "ax_test.h"
#include "base/metrics.h"
#include "emit/feed.h"
#include "emitting.h"
#include "failing.h"
#include "strict.h"

#include <errno.h>
#include <stdio.h>

static enum ax_err commit(const struct emitting *e, int64_t t_ms, struct ax_diag *diag)
{
    return e->sink.commit(e->sink.ctx, ax_str("unit"), t_ms, diag);
}

static void put_two(const struct emitting *e, struct ax_out *a, struct ax_out *b, int64_t t_ms)
{
    emitting_put(e, a, t_ms, (double)t_ms);
    emitting_put(e, b, t_ms, (double)-t_ms);
}

static void what_a_full_disk_does_not_take_is_committed_again(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *a = emitting_open(&e, "a"), *b = emitting_open(&e, "b");
    struct ax_diag diag = {{0}};
    struct ax_cell *failures = ax_metric(AX_M_QUEUE_FAILURES, NULL, NULL);
    double before = ax_metric_get(failures);
    for (int64_t t = 1; t <= 5; t++) {
        put_two(&e, a, b, t);
        if (t == 4)
            emitting_end(&e, b, 5);
        strict_await(r, (uint64_t)(t - 1) * 2); /* the sender has nothing to write meanwhile, */
        emitting_drain(&e);                     /* nor to note */
        failing_begin(&(struct failing){
            .kinds = FAILING_WRITE, .nth = 1, .times = UINT32_MAX, .error = ENOSPC, .partial = t % 2 == 0});
        for (int again = 0; again < 3; again++) {
            assert_int_equal(commit(&e, t, &diag), AX_IO);
            assert_non_null(strstr(diag.text, "No space left"));
        }
        assert_true(failing_end() > 0);
        assert_int_equal(commit(&e, t, &diag), AX_OK);
        assert_int_equal(commit(&e, t, &diag), AX_OK); /* nothing was put: nothing happens */
        if (t == 4)
            break;
    }
    assert_true(ax_metric_get(failures) == before + 4 * 3);
    emitting_restart(&e, SOON_MS, &w, 1, NULL);
    emitting_stop(&e, SOON_MS);
    const struct strict_series *s = strict_find(r, "b");
    assert_int_equal(strict_counts(r).samples, 9);
    assert_int_equal(strict_counts(r).broken, 0);
    assert_int_equal(s->n, 5);
    assert_true(ax_is_stale(s->v[4].value) && s->v[4].t_ms == 5);
    strict_stop(r);
}

static void nothing_is_sent_before_it_is_noted_what_was(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    w.max_samples_per_send = 1;
    strict_be(r, STRICT_AWAY);
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *a = emitting_open(&e, "a"), *b = emitting_open(&e, "b");
    for (int64_t t = 1; t <= 3; t++) {
        put_two(&e, a, b, t);
        emitting_commit(&e);
    }
    while (strict_counts(r).requests == 0)
        ax_sleep_ns(1000000);
    failing_begin(&(struct failing){.kinds = FAILING_WRITE, .nth = 1, .times = UINT32_MAX, .error = EIO});
    strict_be(r, STRICT_WELL);
    strict_await(r, 1);
    while (failing_calls() < 2) /* it tried to note that, and once more */
        ax_sleep_ns(1000000);
    assert_int_equal(strict_counts(r).samples, 1);
    (void)failing_end();
    strict_await(r, 6);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(strict_counts(r).broken, 0);
    strict_stop(r);
}

static void a_start_that_fails_says_why_and_harms_nothing(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    struct ax_diag diag = {{0}};
    strict_be(r, STRICT_AWAY);
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *a = emitting_open(&e, "a"), *b = emitting_open(&e, "b");
    for (int64_t t = 1; t <= 3; t++) {
        put_two(&e, a, b, t);
        emitting_commit(&e);
    }
    emitting_halt(&e, 0);
    const unsigned kinds[] = {FAILING_OPEN, FAILING_READ, FAILING_WRITE | FAILING_SYNC, FAILING_MEMORY};
    const struct ax_emit_options options = {
        .endpoints = &w, .endpoints_n = 1, .dir = e.dir, .max_bytes = 1u << 20, .clock = ax_clock_wall()};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        uint32_t failed = 1;
        for (uint32_t nth = 1; failed; nth++) {
            struct ax_emit *emit = NULL;
            failing_begin(&(struct failing){.kinds = kinds[i], .nth = nth, .error = EIO});
            enum ax_err err = ax_emit_start(&options, &emit, &diag);
            if (err != AX_OK)
                assert_true((err == AX_IO || err == AX_NOMEM) && diag.text[0]);
            failed = failing_end();
            assert_true(failed || err == AX_OK);
            ax_emit_stop(emit, 0);
        }
    }
    strict_be(r, STRICT_WELL);
    emitting_resume(&e, &w, 1, NULL);
    strict_await(r, 6);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(strict_counts(r).broken, 0);
    strict_stop(r);
}

/* Each of the first calls that a step of new series makes, on any thread, fails once while senders run: they
 * go on, and all of it arrives once. */
static void run_with_failures(unsigned kinds, enum strict_mood mood)
{
    enum { STEPS = 40, SERIES = 4 };
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_diag diag;
    char text[32];
    uint32_t failed = 0;
    strict_be(r, mood);
    for (uint32_t nth = 1; nth <= STEPS; nth++) {
        for (int i = 0; i < SERIES; i++) {
            (void)snprintf(text, sizeof text, "m{i=\"%d\",step=\"%u\"}", i, nth);
            emitting_put(&e, emitting_open(&e, text), nth, i);
        }
        failing_begin(&(struct failing){.kinds = kinds, .nth = nth, .error = EIO});
        for (int again = 0; commit(&e, nth, &diag) != AX_OK; again++)
            assert_true(again < 3);
        strict_await(r, (uint64_t)nth * SERIES);
        failed += failing_end();
    }
    emitting_stop(&e, SOON_MS);
    assert_true(failed > 0);
    assert_int_equal(strict_counts(r).samples, STEPS * SERIES);
    assert_int_equal(strict_counts(r).broken, 0);
    strict_stop(r);
}

static void senders_go_on_whatever_fails_under_them(void **state)
{
    (void)state;
    run_with_failures(FAILING_MEMORY, STRICT_WELL);
    run_with_failures(FAILING_MEMORY, STRICT_DOUBTFUL);
    run_with_failures(FAILING_OPEN | FAILING_READ, STRICT_WELL);
    run_with_failures(FAILING_WRITE | FAILING_SYNC | FAILING_TRUNCATE, STRICT_DOUBTFUL);
}

static void the_steady_state_takes_no_memory(void **state)
{
    (void)state;
    enum { SERIES = 1000, STEPS = 50 };
    struct emitting e = emitting_start(NULL, 0, NULL);
    static struct ax_out *out[SERIES];
    static const uint64_t from[AX_LANES];
    char text[32];
    for (int i = 0; i < SERIES; i++) {
        (void)snprintf(text, sizeof text, "m{i=\"%d\"}", i);
        out[i] = emitting_open(&e, text);
    }
    for (int64_t t = 1; t <= 2 * STEPS; t++) {
        if (t == STEPS)
            failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
        for (int i = 0; i < SERIES; i++)
            emitting_put(&e, out[i], t, i);
        emitting_commit(&e);
    }
    assert_int_equal(failing_calls(), 0);
    (void)failing_end();
    emitting_halt(&e, 0);

    struct ax_seglog *log;
    struct ax_feed f;
    const struct ax_feed_sample *sample;
    struct ax_diag diag;
    uint64_t samples = 0;
    assert_int_equal(ax_seglog_open(&(struct ax_seglog_options){.dir = e.dir}, &log, NULL, &diag), AX_OK);
    const struct ax_feed_options options = {.log = log, .lanes_n = AX_LANES, .from = from};
    assert_int_equal(ax_feed_init(&f, &options), AX_OK);
    for (enum ax_feed_state next; (next = ax_feed_peek(&f, &sample, &diag)) != AX_FEED_END;)
        if (next == AX_FEED_SAMPLE) {
            ax_feed_take(&f);
            if (++samples == STEPS * SERIES)
                failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = UINT32_MAX});
        }
    assert_int_equal(failing_calls(), 0);
    (void)failing_end();
    assert_int_equal(samples, 2 * STEPS * SERIES);
    ax_feed_done(&f);
    ax_seglog_close(log);
    scratch_remove(e.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_full_disk_does_not_take_is_committed_again),
        cmocka_unit_test(nothing_is_sent_before_it_is_noted_what_was),
        cmocka_unit_test(a_start_that_fails_says_why_and_harms_nothing),
        cmocka_unit_test(senders_go_on_whatever_fails_under_them),
        cmocka_unit_test(the_steady_state_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
