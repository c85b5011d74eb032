/* Output series reach receivers as the remote-write specifications say, whatever the receivers answer. */
#include "ax_test.h"
#include "base/metrics.h"
#include "config/relabel.h"
#include "emitting.h"
#include "received.h"
#include "strict.h"

#include <pthread.h>
#include <stdio.h>

static const struct answer accept[] = {{.status = 204}};
static const struct answer accept2[] = {
    {.status = 204, .header = "X-Prometheus-Remote-Write-Samples-Written", .value = "1"}};

/* Is the request's i-th sample this one? */
static void assert_sample(const struct received *r, uint32_t i, const char *series, int64_t t_ms,
                          double value)
{
    assert_true(i < r->n);
    assert_string_equal(r->v[i].series, series);
    assert_true(r->v[i].sample.t_ms == t_ms);
    assert_true(ax_double_bits(r->v[i].sample.value) == ax_double_bits(value));
}

static void a_series_arrives_in_order_and_ends_with_a_stale_marker(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.batch_send_deadline_ms = SOON_MS;
    struct emitting e = emitting_start(&w, 1, NULL);
    static const double values[] = {1.5, -0.0, 0.0};
    struct ax_out *out = emitting_open(&e, "m{a=\"1\"}");
    for (int i = 0; i < 3; i++) {
        emitting_put(&e, out, 1000 * (i + 1), values[i]);
        emitting_commit(&e);
    }
    emitting_end(&e, out, 4000);
    emitting_commit(&e);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(receiver_count(r), 4); /* no request has two samples of one series */
    for (uint32_t i = 0; i < 4; i++) {
        const struct got *g = receiver_wait(r, 4, i);
        struct received got = received_read(g);
        assert_int_equal(got.n, 1);
        assert_sample(&got, 0, "m{a=\"1\"}", 1000 * (i + 1), i < 3 ? values[i] : ax_stale());
        assert_string_equal(g->user_agent, "Auspex/" AX_VERSION);
        assert_string_equal(g->expect, "");
        assert_string_equal(g->retry_attempt, "");
        received_done(&got);
    }
    assert_true(emitting_sent(receiver_url(r)) == 4);
    receiver_stop(r);
}

static void version_2_is_spoken_where_it_is_understood(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept2, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.protocol = AX_RW_2;
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *a = emitting_open(&e, "m{i=\"a\",job=\"x\"}"),
                  *b = emitting_open(&e, "m{i=\"b\",job=\"x\"}");
    emitting_put(&e, a, 1, 1);
    emitting_put(&e, b, 1, 2);
    emitting_commit(&e);
    (void)receiver_wait(r, 1, 0);
    emitting_end(&e, a, 2);
    emitting_commit(&e);
    emitting_stop(&e, SOON_MS);
    uint32_t samples = 0;
    for (uint32_t i = 0; i < receiver_count(r); i++) {
        struct received got = received_read(receiver_wait(r, 1, i));
        assert_string_equal(receiver_wait(r, 1, i)->version, "2.0.0");
        samples += got.n;
        received_done(&got);
    }
    assert_int_equal(samples, 3);
    receiver_stop(r);
}

static void version_2_falls_back(const struct answer *script, uint32_t n)
{
    struct receiver *r = receiver_start(0, script, n);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    w.protocol = AX_RW_2;
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    emitting_put(&e, out, 1, 1);
    emitting_commit(&e);
    struct received first = received_read(receiver_wait(r, 2, 0)),
                    again = received_read(receiver_wait(r, 2, 1));
    assert_string_equal(receiver_wait(r, 1, 0)->version, "2.0.0");
    assert_string_equal(receiver_wait(r, 2, 1)->version, "0.1.0");
    assert_string_equal(receiver_wait(r, 2, 1)->retry_attempt, "");
    assert_sample(&first, 0, "m", 1, 1);
    assert_sample(&again, 0, "m", 1, 1);
    emitting_put(&e, out, 2, 2);
    emitting_commit(&e);
    assert_string_equal(receiver_wait(r, 3, 2)->version, "0.1.0"); /* remembered */
    emitting_stop(&e, SOON_MS);
    assert_true(emitting_sent(receiver_url(r)) == 2);
    received_done(&first);
    received_done(&again);
    receiver_stop(r);
}

static void version_2_falls_back_on_415_on_400_and_on_2xx_that_wrote_nothing(void **state)
{
    (void)state;
    static const struct answer unsupported[] = {{.status = 415}, {.status = 204}};
    static const struct answer invalid[] = {{.status = 400}, {.status = 204}};
    static const struct answer silent[] = {{.status = 204}};
    version_2_falls_back(unsupported, 2);
    version_2_falls_back(invalid, 2);
    version_2_falls_back(silent, 1);
}

static void a_sample_that_is_not_newer_is_dropped(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m"), *twin = emitting_open(&e, "m");
    emitting_put(&e, out, 10, 1);
    emitting_put(&e, twin, 10, 2);
    emitting_put(&e, out, 9, 3);
    emitting_end(&e, twin, 20); /* the other handle keeps the series open: no marker */
    emitting_end(&e, out, 10);  /* a marker after the last sample */
    out = emitting_open(&e, "m");
    emitting_put(&e, out, 11, 4); /* the receiver has this time already */
    emitting_put(&e, out, 12, 5);
    emitting_commit(&e);
    emitting_end(&e, out, INT64_MIN); /* a stop without an end: no marker */
    emitting_commit(&e);
    emitting_restart(&e, SOON_MS, &w, 1, NULL);
    out = emitting_open(&e, "m"); /* nor is this forgotten by a restart */
    emitting_put(&e, out, 12, 6);
    emitting_put(&e, out, 13, 7);
    emitting_commit(&e);
    emitting_stop(&e, SOON_MS);
    static const struct ax_sample expected[] = {{10, 1}, {11, 0}, {12, 5}, {13, 7}};
    assert_int_equal(receiver_count(r), 4);
    for (uint32_t i = 0; i < 4; i++) {
        struct received got = received_read(receiver_wait(r, 4, i));
        assert_sample(&got, 0, "m", expected[i].t_ms, i == 1 ? ax_stale() : expected[i].value);
        received_done(&got);
    }
    assert_true(emitting_dropped(receiver_url(r), "out_of_order") == 4);
    receiver_stop(r);
}

static void every_endpoint_relabels_for_itself(void **state)
{
    (void)state;
    struct ax_str name = ax_str("__name__");
    const struct ax_relabel_spec rules[] = {
        {.action = AX_RELABEL_KEEP, .source_labels = &name, .source_labels_n = 1, .regex = ax_str("a.*")},
        {.action = AX_RELABEL_LABELDROP, .regex = ax_str("secret")}};
    struct receiver *plain = receiver_start(0, accept, 1), *ruled = receiver_start(0, accept, 1);
    struct ax_remote_write w[2] = {emitting_endpoint(receiver_url(plain)),
                                   emitting_endpoint(receiver_url(ruled))};
    w[0].batch_send_deadline_ms = w[1].batch_send_deadline_ms = SOON_MS;
    w[1].relabel_spec = rules;
    w[1].relabel_n = 2;
    struct emitting e = emitting_start(w, 2, NULL);
    emitting_put(&e, emitting_open(&e, "ab{secret=\"1\",x=\"2\"}"), 1, 1);
    emitting_put(&e, emitting_open(&e, "b"), 1, 2);
    emitting_commit(&e);
    emitting_stop(&e, SOON_MS);
    struct received all = received_read(receiver_wait(plain, 1, 0)),
                    some = received_read(receiver_wait(ruled, 1, 0));
    assert_int_equal(all.n, 2);
    assert_int_equal(some.n, 1);
    assert_sample(&some, 0, "ab{x=\"2\"}", 1, 1);
    assert_true(emitting_dropped(receiver_url(ruled), "relabelled") == 1);
    received_done(&all);
    received_done(&some);
    receiver_stop(plain);
    receiver_stop(ruled);
}

static void who_is_in_a_hurry_leaves_what_waits_in_the_log(void **state)
{
    (void)state;
    static atomic_bool hurry;
    const struct ax_remote_write nobody = emitting_endpoint("http://127.0.0.1:1/write");
    struct emitting e = emitting_start(&nobody, 1, &(struct ax_emit_options){.hurry = &hurry});
    struct ax_out *out = emitting_open(&e, "x{a=\"1\"}");
    emitting_put(&e, out, 1000, 1);
    emitting_commit(&e);
    atomic_store(&hurry, true);
    emitting_halt(&e, INT64_C(3600000)); /* an hour */
    emitting_resume(&e, &nobody, 1, NULL);
    assert_true(ax_emit_pending(e.emit) == 1);
    emitting_stop(&e, 0);
}

static void a_bad_endpoint_is_refused_with_a_text(void **state)
{
    (void)state;
    struct ax_emit *emit = NULL;
    struct ax_diag diag = {{0}};
    struct ax_remote_write w = emitting_endpoint("http://127.0.0.1:1/write");
    w.http.who.auth_credentials_file = ax_str("/nonexistent/token");
    char dir[SCRATCH_PATH];
    scratch_make(dir, "outgoing");
    const struct ax_emit_options options = {
        .endpoints = &w, .endpoints_n = 1, .dir = dir, .max_bytes = 1u << 20, .clock = ax_clock_wall()};
    assert_int_equal(ax_emit_start(&options, &emit, &diag), AX_INVALID);
    scratch_remove(dir);
    assert_non_null(strstr(diag.text, "/nonexistent/token"));
    assert_null(emit);
}

#define ROUNDS 300

/* What the pipeline's thread does while another reloads. */
static void *emit_from_a_thread(void *ctx)
{
    struct emitting *e = ctx;
    char name[64];
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(name, sizeof name, "m{i=\"%d\"}", i % 50);
        struct ax_out *out = emitting_open(e, name);
        emitting_put(e, out, 1000 + i, i);
        emitting_end(e, out, INT64_MIN);
        emitting_commit(e);
    }
    return NULL;
}

static void a_reload_loses_and_doubles_nothing_while_a_thread_emits(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w[3] = {emitting_endpoint(strict_url(r)), w[0], w[0]};
    w[0].max_shards = 2;
    w[1].max_shards = 5;
    w[2].max_samples_per_send = 3;
    struct emitting e = emitting_start(w, 1, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, emit_from_a_thread, &e), 0);
    struct ax_diag diag;
    for (int i = 1; i <= 20; i++)
        assert_int_equal(ax_emit_reload(e.emit, &w[i % 3], 1, &diag), AX_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    strict_await(r, ROUNDS);
    emitting_stop(&e, SOON_MS);
    assert_int_equal(strict_counts(r).samples, ROUNDS);
    assert_int_equal(strict_counts(r).broken + strict_counts(r).doubled, 0);
    strict_stop(r);
}

static void a_unit_that_is_there_already_is_not_queued_again(void **state)
{
    (void)state;
    struct strict *r = strict_start(0);
    struct ax_remote_write w = emitting_endpoint(strict_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_diag diag;
    for (int life = 0; life < 3; life++) {
        struct ax_out *out = emitting_open(&e, "m"), *other = emitting_open(&e, "n");
        for (int64_t t = 1; t <= 5; t++) {
            emitting_put(&e, out, t, (double)t);
            assert_int_equal(e.sink.commit(e.sink.ctx, ax_str("a"), t, &diag), AX_OK);
            emitting_put(&e, other, t, (double)-t);
            assert_int_equal(e.sink.commit(e.sink.ctx, ax_str("b"), t, &diag), AX_OK);
        }
        emitting_end(&e, out, 6);
        assert_int_equal(e.sink.commit(e.sink.ctx, ax_str("a"), 6, &diag), AX_OK);
        emitting_restart(&e, SOON_MS, &w, 1, NULL);
    }
    emitting_stop(&e, SOON_MS);
    assert_int_equal(strict_counts(r).samples, 11);
    assert_int_equal(strict_counts(r).broken, 0);
    assert_true(emitting_dropped(strict_url(r), "out_of_order") == 0); /* it was not even looked at */
    const struct strict_series *m = strict_find(r, "m");
    assert_int_equal(m->n, 6);
    assert_true(ax_is_stale(m->v[5].value));
    assert_int_equal(strict_find(r, "n")->n, 5);
    strict_stop(r);
}

/* The endpoint as it stands once it has refused so many samples, or accepted one of such a time. */
static struct ax_endpoint_view wait_for_view(const struct emitting *e, uint64_t refused, double newest_s)
{
    struct ax_endpoint_view v = {.waiting = 0};
    const int64_t until_ns = ax_mono_ns() + (int64_t)SOON_MS * 1000000;
    do {
        assert_true(ax_emit_endpoint(e->emit, 0, &v));
        assert_true(ax_mono_ns() < until_ns);
    } while (v.refused < refused || v.newest_s < newest_s || (newest_s > 0 && v.trouble[0]));
    return v;
}

static void who_takes_nothing_is_shown_with_why_and_what_to_look_at(void **state)
{
    (void)state;
    static const struct answer script[] = {
        {.status = 404, .body = "not here"}, {.status = 400, .body = "out of order sample"}, {.status = 204}};
    struct receiver *r = receiver_start(0, script, 3);
    struct ax_remote_write w = emitting_endpoint(receiver_url(r));
    struct emitting e = emitting_start(&w, 1, NULL);
    struct ax_out *out = emitting_open(&e, "m");
    struct ax_endpoint_view v = wait_for_view(&e, 0, 0);
    assert_string_equal(v.url, receiver_url(r));
    assert_string_equal(v.trouble, "");
    static const char *const advice[] = {"--web.enable-remote-write-receiver", "another auspex"};
    for (uint32_t i = 0; i < 2; i++) {
        emitting_put(&e, out, i + 1, 1);
        emitting_commit(&e);
        v = wait_for_view(&e, i + 1, 0);
        assert_non_null(strstr(v.trouble, script[i].body));
        assert_non_null(strstr(v.trouble, advice[i]));
        assert_true(v.newest_s == 0);
    }
    emitting_put(&e, out, 3000, 1);
    emitting_commit(&e);
    v = wait_for_view(&e, 2, 3);
    assert_string_equal(v.trouble, "");
    assert_int_equal(v.refused, 2);
    assert_false(ax_emit_endpoint(e.emit, 1, &v));
    emitting_stop(&e, SOON_MS);
    receiver_stop(r);
}

static void who_cannot_be_reached_is_shown_too(void **state)
{
    (void)state;
    struct ax_remote_write w = emitting_endpoint("http://127.0.0.1:1/api/v1/write");
    struct emitting e = emitting_start(&w, 1, NULL);
    emitting_put(&e, emitting_open(&e, "m"), 1, 1);
    emitting_commit(&e);
    struct ax_endpoint_view v = {.waiting = 0};
    const int64_t until_ns = ax_mono_ns() + (int64_t)SOON_MS * 1000000;
    while (!v.trouble[0] && ax_mono_ns() < until_ns)
        assert_true(ax_emit_endpoint(e.emit, 0, &v));
    assert_non_null(strstr(v.trouble, "are host and port right?"));
    emitting_stop(&e, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_arrives_in_order_and_ends_with_a_stale_marker),
        cmocka_unit_test(version_2_is_spoken_where_it_is_understood),
        cmocka_unit_test(version_2_falls_back_on_415_on_400_and_on_2xx_that_wrote_nothing),
        cmocka_unit_test(a_sample_that_is_not_newer_is_dropped),
        cmocka_unit_test(every_endpoint_relabels_for_itself),
        cmocka_unit_test(who_is_in_a_hurry_leaves_what_waits_in_the_log),
        cmocka_unit_test(a_bad_endpoint_is_refused_with_a_text),
        cmocka_unit_test(a_reload_loses_and_doubles_nothing_while_a_thread_emits),
        cmocka_unit_test(a_unit_that_is_there_already_is_not_queued_again),
        cmocka_unit_test(who_takes_nothing_is_shown_with_why_and_what_to_look_at),
        cmocka_unit_test(who_cannot_be_reached_is_shown_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
