/* emitting.c: an ax_emit as tests use it. */
#include "emitting.h"

#include "ax_test.h"
#include "base/metrics.h"

#include <stdio.h>

#define PATIENCE_NS (INT64_C(60) * 1000000000)

struct ax_remote_write emitting_endpoint(const char *url)
{
    return (struct ax_remote_write){
        .url = ax_str(url),
        .remote_timeout_ms = 30000,
        .protocol = AX_RW_1,
        .max_shards = 1,
        .max_samples_per_send = 100,
        .batch_send_deadline_ms = 5,
        .min_backoff_ms = 1,
        .max_backoff_ms = 10,
        .retry_on_http_429 = true,
    };
}

void emitting_resume(struct emitting *e, const struct ax_remote_write *endpoints, uint32_t n,
                     const struct ax_emit_options *options)
{
    struct ax_diag diag = {{0}};
    struct ax_emit_options o = options ? *options : (struct ax_emit_options){0};
    o.endpoints = endpoints;
    o.endpoints_n = n;
    o.dir = e->dir;
    if (!o.max_bytes)
        o.max_bytes = 1u << 30;
    if (!o.clock.now_ms)
        o.clock = ax_clock_wall();
    if (ax_emit_start(&o, &e->emit, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    e->sink = ax_emit_sink(e->emit);
}

struct emitting emitting_start(const struct ax_remote_write *endpoints, uint32_t n,
                               const struct ax_emit_options *options)
{
    struct emitting e = {0};
    scratch_make(e.dir, "outgoing");
    emitting_resume(&e, endpoints, n, options);
    return e;
}

void emitting_halt(struct emitting *e, int64_t deadline_ms)
{
    ax_emit_stop(e->emit, deadline_ms);
    e->emit = NULL;
}

void emitting_restart(struct emitting *e, int64_t deadline_ms, const struct ax_remote_write *endpoints,
                      uint32_t n, const struct ax_emit_options *options)
{
    emitting_halt(e, deadline_ms);
    emitting_resume(e, endpoints, n, options);
}

void emitting_stop(struct emitting *e, int64_t deadline_ms)
{
    emitting_halt(e, deadline_ms);
    scratch_remove(e->dir);
}

struct ax_out *emitting_open(const struct emitting *e, const char *text)
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

void emitting_put(const struct emitting *e, struct ax_out *out, int64_t t_ms, double value)
{
    e->sink.put(e->sink.ctx, out, t_ms, value);
}

void emitting_end(const struct emitting *e, struct ax_out *out, int64_t t_ms)
{
    e->sink.close(e->sink.ctx, out, t_ms);
}

void emitting_commit(struct emitting *e)
{
    struct ax_diag diag = {{0}};
    if (e->sink.commit(e->sink.ctx, ax_str("unit"), ++e->unit_ms, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

double emitting_sent(const char *url)
{
    return ax_metric_get(ax_metric(AX_M_SENT_SAMPLES, url, NULL));
}

double emitting_dropped(const char *url, const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_SEND_DROPPED, url, reason));
}

double emitting_failed(const char *url, const char *status)
{
    return ax_metric_get(ax_metric(AX_M_SEND_FAILED, url, status));
}

void emitting_await(struct ax_cell *cell, double least)
{
    int64_t until_ns = ax_mono_ns() + PATIENCE_NS;
    while (ax_metric_get(cell) < least) {
        assert_true(ax_mono_ns() < until_ns);
        ax_sleep_ns(1000000);
    }
}

void emitting_drain(const struct emitting *e)
{
    int64_t until_ns = ax_mono_ns() + PATIENCE_NS;
    while (ax_emit_pending(e->emit) > 0) {
        assert_true(ax_mono_ns() < until_ns);
        ax_sleep_ns(1000000);
    }
}
