/* Output series reach receivers as the remote-write specifications say, whatever the receivers answer. */
#include "ax_test.h"
#include "base/metrics.h"
#include "config/relabel.h"
#include "emit/emit.h"
#include "received.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define SOON_MS 30000 /* a deadline that no passing test waits for */

static const struct answer accept[] = {{.status = 204}};
static const struct answer accept2[] = {
    {.status = 204, .header = "X-Prometheus-Remote-Write-Samples-Written", .value = "1"}};

/* An endpoint with pauses short enough for a test. */
static struct ax_remote_write endpoint(const char *url)
{
    return (struct ax_remote_write){
        .url = ax_str(url),
        .remote_timeout_ms = 30000,
        .protocol = AX_RW_1,
        .capacity = 1000,
        .max_shards = 1,
        .max_samples_per_send = 100,
        .batch_send_deadline_ms = 5,
        .min_backoff_ms = 1,
        .max_backoff_ms = 10,
        .retry_on_http_429 = true,
    };
}

struct emitting {
    struct ax_emit *emit;
    struct ax_sink sink;
};

static struct emitting start(const struct ax_remote_write *endpoints, uint32_t n)
{
    struct ax_diag diag = {{0}};
    struct emitting e = {0};
    if (ax_emit_start(endpoints, n, ax_clock_wall(), &e.emit, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    e.sink = ax_emit_sink(e.emit);
    return e;
}

static struct ax_out *open_series(const struct emitting *e, const char *text)
{
    struct ax_arena arena;
    struct ax_labels labels;
    ax_arena_init(&arena, 65536);
    assert_int_equal(ax_labels_parse(ax_str(text), &arena, &labels, NULL), AX_OK);
    struct ax_out *out = e->sink.open(e->sink.ctx, &labels);
    assert_non_null(out);
    ax_arena_done(&arena);
    return out;
}

static void put(const struct emitting *e, struct ax_out *out, int64_t t_ms, double value)
{
    e->sink.put(e->sink.ctx, out, t_ms, value);
}

static void end(const struct emitting *e, struct ax_out *out, int64_t t_ms)
{
    e->sink.close(e->sink.ctx, out, t_ms);
}

static double dropped(const char *url, const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_SEND_DROPPED, url, reason));
}

static double failed(const char *url, const char *status)
{
    return ax_metric_get(ax_metric(AX_M_SEND_FAILED, url, status));
}

static double sent(const char *url)
{
    return ax_metric_get(ax_metric(AX_M_SENT_SAMPLES, url, NULL));
}

/* Is the request's i-th sample this one? */
static void assert_sample(const struct received *r, uint32_t i, const char *series, int64_t t_ms,
                          double value)
{
    assert_true(i < r->n);
    assert_string_equal(r->v[i].series, series);
    assert_true(r->v[i].sample.t_ms == t_ms);
    assert_true(ax_double_bits(r->v[i].sample.value) == ax_double_bits(value));
}

static bool same_body(const struct got *a, const struct got *b)
{
    return a->body.n == b->body.n && memcmp(a->body.bytes, b->body.bytes, a->body.n) == 0;
}

static void a_series_arrives_in_order_and_ends_with_a_stale_marker(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.batch_send_deadline_ms = SOON_MS;
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m{a=\"1\"}");
    put(&e, out, 1000, 1.5);
    put(&e, out, 2000, -0.0);
    put(&e, out, 3000, 0.0);
    end(&e, out, 4000);
    assert_true(ax_emit_pending(e.emit) == 4);
    ax_emit_stop(e.emit, SOON_MS);
    const struct got *g = receiver_wait(r, 1, 0);
    struct received got = received_read(g);
    assert_int_equal(got.n, 4);
    assert_sample(&got, 0, "m{a=\"1\"}", 1000, 1.5);
    assert_sample(&got, 1, "m{a=\"1\"}", 2000, -0.0);
    assert_sample(&got, 2, "m{a=\"1\"}", 3000, 0.0);
    assert_sample(&got, 3, "m{a=\"1\"}", 4000, ax_stale());
    assert_string_equal(g->user_agent, "Auspex/" AX_VERSION);
    assert_string_equal(g->expect, "");
    assert_string_equal(g->retry_attempt, "");
    assert_int_equal(receiver_count(r), 1);
    assert_true(sent(receiver_url(r)) == 4);
    received_done(&got);
    receiver_stop(r);
}

static void a_full_batch_leaves_at_once_and_the_rest_at_the_deadline(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.batch_send_deadline_ms = SOON_MS;
    w.max_samples_per_send = 10;
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m");
    for (int64_t t = 1; t <= 25; t++)
        put(&e, out, t, (double)t);
    struct received first = received_read(receiver_wait(r, 2, 0)),
                    second = received_read(receiver_wait(r, 2, 1));
    assert_int_equal(first.n, 10);
    assert_int_equal(second.n, 10);
    assert_sample(&first, 0, "m", 1, 1);
    assert_sample(&second, 9, "m", 20, 20);
    end(&e, out, INT64_MIN); /* a stop without an end: no marker */
    ax_emit_stop(e.emit, SOON_MS);
    struct received third = received_read(receiver_wait(r, 3, 2));
    assert_int_equal(third.n, 5);
    assert_sample(&third, 4, "m", 25, 25);
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
    struct ax_remote_write w = endpoint(receiver_url(r));
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m");
    put(&e, out, 1, 1);
    const struct got *first = receiver_wait(r, 5, 0);
    for (uint32_t i = 1; i < 5; i++) {
        char number[8];
        (void)snprintf(number, sizeof number, "%u", i);
        const struct got *again = receiver_wait(r, 5, i);
        assert_true(same_body(first, again));
        assert_string_equal(again->retry_attempt, number);
    }
    ax_emit_stop(e.emit, SOON_MS);
    assert_int_equal(receiver_count(r), 5);
    assert_true(sent(receiver_url(r)) == 1);
    assert_true(ax_metric_get(ax_metric(AX_M_SEND_RETRIES, receiver_url(r), NULL)) == 4);
    receiver_stop(r);
}

static void what_is_refused_is_dropped_and_counted(void **state)
{
    (void)state;
    static const struct answer script[] = {{.status = 400, .body = "out of order"}, {.status = 204}};
    struct receiver *r = receiver_start(0, script, 2);
    struct ax_remote_write w = endpoint(receiver_url(r));
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m");
    put(&e, out, 1, 1);
    (void)receiver_wait(r, 1, 0);
    put(&e, out, 2, 2);
    struct received second = received_read(receiver_wait(r, 2, 1));
    assert_int_equal(second.n, 1);
    assert_sample(&second, 0, "m", 2, 2);
    ax_emit_stop(e.emit, SOON_MS);
    assert_true(failed(receiver_url(r), "400") == 1);
    assert_true(sent(receiver_url(r)) == 1);
    received_done(&second);
    receiver_stop(r);
}

static void version_2_is_spoken_where_it_is_understood(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept2, 1);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.protocol = AX_RW_2;
    struct emitting e = start(&w, 1);
    struct ax_out *a = open_series(&e, "m{i=\"a\",job=\"x\"}"), *b = open_series(&e, "m{i=\"b\",job=\"x\"}");
    put(&e, a, 1, 1);
    put(&e, b, 1, 2);
    (void)receiver_wait(r, 1, 0);
    end(&e, a, 2);
    ax_emit_stop(e.emit, SOON_MS);
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
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.protocol = AX_RW_2;
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m");
    put(&e, out, 1, 1);
    struct received first = received_read(receiver_wait(r, 2, 0)),
                    again = received_read(receiver_wait(r, 2, 1));
    assert_string_equal(receiver_wait(r, 1, 0)->version, "2.0.0");
    assert_string_equal(receiver_wait(r, 2, 1)->version, "0.1.0");
    assert_string_equal(receiver_wait(r, 2, 1)->retry_attempt, "");
    assert_sample(&first, 0, "m", 1, 1);
    assert_sample(&again, 0, "m", 1, 1);
    put(&e, out, 2, 2);
    assert_string_equal(receiver_wait(r, 3, 2)->version, "0.1.0"); /* remembered */
    ax_emit_stop(e.emit, SOON_MS);
    assert_true(sent(receiver_url(r)) == 2);
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

static int64_t shared_now(const void *now_ms)
{
    return atomic_load((const _Atomic int64_t *)now_ms);
}

static void samples_too_old_are_dropped_and_the_rest_is_made_anew(void **state)
{
    (void)state;
    static const struct answer script[] = {{.status = 503, .hang = true}, {.status = 204}};
    struct receiver *r = receiver_start(0, script, 2);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.sample_age_limit_ms = 60000;
    w.batch_send_deadline_ms = SOON_MS;
    w.max_samples_per_send = 3;
    _Atomic int64_t now_ms = 1000000;
    struct ax_diag diag = {{0}};
    struct emitting e = {0};
    assert_int_equal(
        ax_emit_start(&w, 1, (struct ax_clock){.now_ms = shared_now, .ctx = &now_ms}, &e.emit, &diag), AX_OK);
    e.sink = ax_emit_sink(e.emit);
    put(&e, open_series(&e, "a"), now_ms - 60001, 1); /* too old already */
    put(&e, open_series(&e, "b"), now_ms - 60000, 2); /* just not */
    put(&e, open_series(&e, "c"), now_ms, 3);
    struct received first = received_read(receiver_wait(r, 1, 0));
    assert_int_equal(first.n, 2);
    assert_true(dropped(receiver_url(r), "too_old") == 1);
    atomic_store(&now_ms, 1000001);
    receiver_release(r);
    struct received second = received_read(receiver_wait(r, 2, 1));
    assert_int_equal(second.n, 1);
    assert_sample(&second, 0, "c", 1000000, 3);
    ax_emit_stop(e.emit, SOON_MS);
    assert_true(dropped(receiver_url(r), "too_old") == 2);
    assert_true(sent(receiver_url(r)) == 1);
    received_done(&first);
    received_done(&second);
    receiver_stop(r);
}

static void a_full_queue_drops_its_oldest_and_never_blocks(void **state)
{
    (void)state;
    static const struct answer hang[] = {{.hang = true}};
    struct receiver *r = receiver_start(0, hang, 1);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.capacity = 10;
    w.max_samples_per_send = 1;
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m");
    put(&e, out, 1, 1);
    (void)receiver_wait(r, 1, 0); /* it hangs with this one */
    for (int64_t t = 2; t < 102; t++)
        put(&e, out, t, 1);
    assert_true(ax_emit_pending(e.emit) == 11);
    assert_true(dropped(receiver_url(r), "queue_full") == 90);
    ax_emit_stop(e.emit, 0); /* the request in flight is aborted */
    assert_true(dropped(receiver_url(r), "queue_full") + dropped(receiver_url(r), "shutdown") == 101);
    assert_true(ax_metric_get(ax_metric(AX_M_QUEUE_SAMPLES, receiver_url(r), NULL)) == 0);
    receiver_stop(r);
}

static void a_slow_endpoint_does_not_hold_up_another(void **state)
{
    (void)state;
    static const struct answer hang[] = {{.hang = true}};
    struct receiver *slow = receiver_start(0, hang, 1), *quick = receiver_start(0, accept, 1);
    struct ax_remote_write w[2] = {endpoint(receiver_url(slow)), endpoint(receiver_url(quick))};
    struct emitting e = start(w, 2);
    struct ax_out *out = open_series(&e, "m");
    put(&e, out, 1, 1);
    (void)receiver_wait(slow, 1, 0);
    put(&e, out, 2, 2);
    uint32_t samples = 0;
    for (uint32_t i = 0; samples < 2; i++) {
        struct received got = received_read(receiver_wait(quick, i + 1, i));
        samples += got.n;
        received_done(&got);
    }
    ax_emit_stop(e.emit, 0);
    receiver_stop(slow);
    receiver_stop(quick);
}

static void an_endpoint_that_comes_back_gets_what_waited(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    uint16_t port = receiver_port(r);
    struct ax_remote_write w = endpoint("");
    char url[64];
    (void)snprintf(url, sizeof url, "%s", receiver_url(r));
    w.url = ax_str(url);
    receiver_stop(r); /* connections are refused now */
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m");
    for (int64_t t = 1; t <= 5; t++)
        put(&e, out, t, 1);
    struct ax_cell *retries = ax_metric(AX_M_SEND_RETRIES, url, NULL);
    while (ax_metric_get(retries) < 3)
        ax_sleep_ns(1000000);
    r = receiver_start(port, accept, 1);
    ax_emit_stop(e.emit, SOON_MS);
    uint32_t samples = 0;
    for (uint32_t i = 0; i < receiver_count(r); i++) {
        struct received got = received_read(receiver_wait(r, 1, i));
        samples += got.n;
        received_done(&got);
    }
    assert_int_equal(samples, 5);
    receiver_stop(r);
}

static void a_sample_that_is_not_newer_is_dropped(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.batch_send_deadline_ms = SOON_MS;
    struct emitting e = start(&w, 1);
    struct ax_out *out = open_series(&e, "m"), *twin = open_series(&e, "m");
    put(&e, out, 10, 1);
    put(&e, twin, 10, 2);
    put(&e, out, 9, 3);
    end(&e, twin, 20); /* the other handle keeps the series open: no marker */
    end(&e, out, 10);  /* a marker after the last sample */
    out = open_series(&e, "m");
    put(&e, out, 11, 4); /* the receiver has this time already */
    put(&e, out, 12, 5);
    ax_emit_stop(e.emit, SOON_MS);
    struct received got = received_read(receiver_wait(r, 1, 0));
    assert_int_equal(got.n, 3);
    assert_sample(&got, 0, "m", 10, 1);
    assert_sample(&got, 1, "m", 11, ax_stale());
    assert_sample(&got, 2, "m", 12, 5);
    assert_true(dropped(receiver_url(r), "out_of_order") == 3);
    received_done(&got);
    receiver_stop(r);
}

static struct ax_relabel rule(enum ax_relabel_action action, const struct ax_str *source, const char *regex,
                              struct ax_arena *arena)
{
    struct ax_relabel out;
    struct ax_relabel_spec spec = {
        .action = action, .source_labels = source, .source_labels_n = source ? 1 : 0, .regex = ax_str(regex)};
    assert_int_equal(ax_relabel_init(&out, &spec, arena, NULL), AX_OK);
    return out;
}

static void every_endpoint_relabels_for_itself(void **state)
{
    (void)state;
    struct ax_arena arena;
    ax_arena_init(&arena, 1u << 20);
    struct ax_str name = ax_str("__name__");
    struct ax_relabel rules[] = {rule(AX_RELABEL_KEEP, &name, "a.*", &arena),
                                 rule(AX_RELABEL_LABELDROP, NULL, "secret", &arena)};
    struct receiver *plain = receiver_start(0, accept, 1), *ruled = receiver_start(0, accept, 1);
    struct ax_remote_write w[2] = {endpoint(receiver_url(plain)), endpoint(receiver_url(ruled))};
    w[0].batch_send_deadline_ms = w[1].batch_send_deadline_ms = SOON_MS;
    w[1].relabel = rules;
    w[1].relabel_n = 2;
    struct emitting e = start(w, 2);
    put(&e, open_series(&e, "ab{secret=\"1\",x=\"2\"}"), 1, 1);
    put(&e, open_series(&e, "b"), 1, 2);
    ax_emit_stop(e.emit, SOON_MS);
    struct received all = received_read(receiver_wait(plain, 1, 0)),
                    some = received_read(receiver_wait(ruled, 1, 0));
    assert_int_equal(all.n, 2);
    assert_int_equal(some.n, 1);
    assert_sample(&some, 0, "ab{x=\"2\"}", 1, 1);
    assert_true(dropped(receiver_url(ruled), "relabelled") == 1);
    received_done(&all);
    received_done(&some);
    receiver_stop(plain);
    receiver_stop(ruled);
    ax_arena_done(&arena);
}

static void a_reload_moves_what_waits_and_keeps_what_is_unchanged(void **state)
{
    (void)state;
    static const struct answer hang_then_accept[] = {{.hang = true}, {.status = 204}};
    struct receiver *kept = receiver_start(0, accept, 1), *changed = receiver_start(0, hang_then_accept, 2);
    struct ax_remote_write before[2] = {endpoint(receiver_url(kept)), endpoint(receiver_url(changed))};
    struct emitting e = start(before, 2);
    struct ax_out *out = open_series(&e, "m");
    put(&e, out, 1, 1);
    (void)receiver_wait(changed, 1, 0);
    put(&e, out, 2, 2);

    struct ax_diag diag = {{0}};
    struct ax_remote_write broken = endpoint("gopher://127.0.0.1/");
    assert_int_equal(ax_emit_reload(e.emit, &broken, 1, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "gopher"));

    struct ax_remote_write after[2] = {endpoint(receiver_url(changed)), before[0]};
    after[0].http.auth_credentials = ax_str("token");
    assert_int_equal(ax_emit_reload(e.emit, after, 2, &diag), AX_OK);
    put(&e, out, 3, 3);
    ax_emit_stop(e.emit, SOON_MS);
    int64_t next = 1;
    for (uint32_t i = 1; i < receiver_count(changed); i++) {
        const struct got *g = receiver_wait(changed, 1, i);
        assert_string_equal(g->authorization, "Bearer token");
        struct received got = received_read(g);
        for (uint32_t k = 0; k < got.n; k++)
            assert_true(got.v[k].sample.t_ms == next++);
        received_done(&got);
    }
    assert_true(next == 4);
    assert_true(sent(receiver_url(kept)) == 3);
    receiver_stop(kept);
    receiver_stop(changed);
}

static void a_bad_endpoint_is_refused_with_a_text(void **state)
{
    (void)state;
    struct ax_emit *emit = NULL;
    struct ax_diag diag = {{0}};
    struct ax_remote_write w = endpoint("http://127.0.0.1:1/write");
    w.http.auth_credentials_file = ax_str("/nonexistent/token");
    assert_int_equal(ax_emit_start(&w, 1, ax_clock_wall(), &emit, &diag), AX_INVALID);
    assert_non_null(strstr(diag.text, "/nonexistent/token"));
    assert_null(emit);
}

#define THREADS 4
#define ROUNDS 300

static void *emit_from_a_thread(void *ctx)
{
    const struct emitting *e = ctx;
    char name[64];
    for (int i = 0; i < ROUNDS; i++) {
        (void)snprintf(name, sizeof name, "m{i=\"%d\"}", i % 50);
        struct ax_out *out = open_series(e, name);
        put(e, out, 1000 + i, i);
        end(e, out, INT64_MIN);
    }
    return NULL;
}

static void threads_share_it_with_a_reload(void **state)
{
    (void)state;
    struct receiver *r = receiver_start(0, accept, 1);
    struct ax_remote_write w = endpoint(receiver_url(r));
    w.max_shards = 2;
    w.capacity = 100000;
    struct emitting e = start(&w, 1);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, emit_from_a_thread, &e), 0);
    struct ax_remote_write other = w;
    other.remote_timeout_ms++;
    struct ax_diag diag;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ax_emit_reload(e.emit, i % 2 ? &w : &other, 1, &diag), AX_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    ax_emit_stop(e.emit, SOON_MS);
    double dropped_n = dropped(receiver_url(r), "out_of_order");
    assert_true(sent(receiver_url(r)) + dropped_n >= THREADS * ROUNDS);
    receiver_stop(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_arrives_in_order_and_ends_with_a_stale_marker),
        cmocka_unit_test(a_full_batch_leaves_at_once_and_the_rest_at_the_deadline),
        cmocka_unit_test(what_may_pass_is_sent_again_with_the_same_bytes),
        cmocka_unit_test(what_is_refused_is_dropped_and_counted),
        cmocka_unit_test(version_2_is_spoken_where_it_is_understood),
        cmocka_unit_test(version_2_falls_back_on_415_on_400_and_on_2xx_that_wrote_nothing),
        cmocka_unit_test(samples_too_old_are_dropped_and_the_rest_is_made_anew),
        cmocka_unit_test(a_full_queue_drops_its_oldest_and_never_blocks),
        cmocka_unit_test(a_slow_endpoint_does_not_hold_up_another),
        cmocka_unit_test(an_endpoint_that_comes_back_gets_what_waited),
        cmocka_unit_test(a_sample_that_is_not_newer_is_dropped),
        cmocka_unit_test(every_endpoint_relabels_for_itself),
        cmocka_unit_test(a_reload_moves_what_waits_and_keeps_what_is_unchanged),
        cmocka_unit_test(a_bad_endpoint_is_refused_with_a_text),
        cmocka_unit_test(threads_share_it_with_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
