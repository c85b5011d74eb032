/* A request in which an allocation or a system call fails, one after the other: it is answered 503, nothing
 * is half done that the same request again does not heal, and nothing but that request suffers. */
#include "ax_test.h"
#include "failing.h"
#include "ingest/receiver.h"
#include "net/compress.h"
#include "scratch.h"
#include "series_world.h"
#include "write_request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define SERIES 6
#define SAMPLES 3
#define NOW_MS INT64_C(1700000000000)

/* How a request is sent. */
struct way {
    const char *type, *encoding;
    bool v2;
};

static const struct way ways[] = {
    {"application/x-protobuf", "snappy", false},
    {"application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", true},
    {"application/x-protobuf", "zstd", false},
};

/* Everything that a request meets, made anew for each try. */
struct place {
    struct series_world world;
    char folder[SCRATCH_PATH];
    struct ax_seglog *log;
    struct ax_receiver *receiver;
    struct ax_http_route route;
};

static struct ax_clock fixed_clock(void)
{
    static const int64_t now_ms = NOW_MS + 60000;
    return ax_clock_virtual(&now_ms);
}

static void open_place(struct place *p)
{
    series_world_open(&p->world, 1, "wanted.*");
    scratch_make(p->folder, NULL);
    assert_int_equal(ax_seglog_open(&(struct ax_seglog_options){.dir = p->folder}, &p->log, NULL, NULL),
                     AX_OK);
    const struct ax_receiver_options o = {.log = p->log, .clock = fixed_clock()};
    assert_int_equal(ax_receiver_new(p->world.db, &o, &p->receiver, NULL), AX_OK);
    p->route = ax_receiver_route(p->receiver);
}

static void close_place(struct place *p)
{
    ax_receiver_free(p->receiver);
    ax_seglog_close(p->log);
    scratch_remove(p->folder);
    series_world_close(&p->world);
}

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    (void)at;
    const struct way *w = ctx;
    const char *v = query                                   ? NULL
                    : strcmp(name, "Content-Type") == 0     ? w->type
                    : strcmp(name, "Content-Encoding") == 0 ? w->encoding
                                                            : NULL;
    return v ? ax_str(v) : (struct ax_str){NULL, 0};
}

/* The status of the answer; 503 has to say when to come again, and why. */
static int handle(struct place *p, const struct way *w, struct ax_str body)
{
    struct ax_http_response res;
    struct way copy = *w;
    const struct ax_http_request req = {
        .path = ax_str(p->route.path), .body = body, .find = find, .ctx = &copy};
    ax_http_response_init(&res);
    p->route.handle(p->route.ctx, &req, &res);
    if (res.status == 503) {
        bool retry_after = false;
        for (uint32_t i = 0; i < res.headers_n; i++)
            retry_after |= strcmp(res.headers[i].name, "Retry-After") == 0;
        assert_true(retry_after);
        /* The text may be what there was no memory for. */
        assert_true(res.body.n > 1 || res.body.err == AX_NOMEM);
    }
    ax_buf_done(&res.body);
    return res.status;
}

/* A request with series that are wanted, and one that is not; compressed into body. */
static void make(const struct way *w, struct ax_buf *body)
{
    struct write_request r;
    char names[SERIES][16];
    write_begin(&r, 7);
    for (int i = 0; i < SERIES; i++) {
        (void)snprintf(names[i], sizeof names[i], "wanted%d", i);
        write_series(&r, (const char *const[]){"__name__", i == 2 ? "other" : names[i], "a", "b", NULL});
        for (int k = 0; k < SAMPLES; k++)
            write_sample(&r, 10 * i + k, NOW_MS + k * 1000);
    }
    write_series(&r, (const char *const[]){"__name__", "wanted_histogram", NULL});
    for (int k = 0; k < SAMPLES; k++) {
        const struct histogram_spec h = {.count = 3 + (uint64_t)k,
                                         .zero_count = 1,
                                         .zero_threshold = 1e-9,
                                         .sum = 10,
                                         .positive = {1, 2, {{0, 2}}, {1, k}},
                                         .t_ms = NOW_MS + k * 1000,
                                         .start_ms = w->v2 ? NOW_MS - 5000 : 0};
        write_histogram(&r, &h);
    }
    size_t n;
    uint8_t *bytes = w->v2 ? write_pack_v2(&r, &n) : write_pack_v1(&r, &n);
    ax_buf_init(body, 1u << 20);
    if (strcmp(w->encoding, "zstd") == 0) {
        assert_true(ax_buf_reserve(body, ZSTD_compressBound(n)));
        body->n = ZSTD_compress(body->bytes, ZSTD_compressBound(n), bytes, n, 1);
        assert_false(ZSTD_isError(body->n));
    } else {
        assert_int_equal(ax_snappy_compress((struct ax_str){(const char *)bytes, n}, body), AX_OK);
    }
    write_done(&r);
}

static void assert_histograms_there(struct place *p, const struct ax_series *s, bool v2)
{
    struct ax_histograms h = {0};
    assert_int_equal(ax_db_read_histograms(p->world.db, s, INT64_MIN, INT64_MAX, UINT32_MAX, &h), AX_OK);
    assert_int_equal(h.n, SAMPLES + v2); /* and one where the counter began */
    for (uint32_t i = 0; i < h.n; i++)
        assert_true(h.v[i].t_ms == (v2 && i == 0 ? NOW_MS - 5000 : NOW_MS + (i - v2) * 1000));
    ax_histograms_done(&h);
}

static void assert_all_there(struct place *p, bool v2)
{
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(p->world.db, p->world.selector, &n, &epoch);
    assert_int_equal(n, SERIES);
    for (uint32_t i = 0; i < n; i++) {
        struct ax_sample got[16];
        struct ax_str name = ax_labels_get(ax_series_labels(members[i]), ax_str(AX_METRIC_NAME));
        if (name.p[6] == '_') {
            assert_histograms_there(p, members[i], v2);
            continue;
        }
        assert_int_equal(ax_db_read(p->world.db, members[i], INT64_MIN, INT64_MAX, got, 16), SAMPLES);
        for (int k = 0; k < SAMPLES; k++) {
            assert_true(got[k].t_ms == NOW_MS + k * 1000);
            assert_true(got[k].value == 10 * (name.p[6] - '0') + k);
        }
    }
}

/* Run a request with its nth call of these kinds failing, then as it should; returns whether one failed. */
static bool try(const struct way *w, struct failing plan)
{
    struct place p;
    struct ax_buf body;
    open_place(&p);
    make(w, &body);
    failing_begin(&plan);
    int status = handle(&p, w, ax_buf_view(&body));
    bool failed = failing_end() > 0;
    if (status != 204 && status != 503)
        fail_msg("call %u of kinds %x fails: %d", plan.nth, plan.kinds, status);
    if (!failed)
        assert_int_equal(status, 204);
    if (status == 204)
        assert_all_there(&p, w->v2);
    assert_int_equal(handle(&p, w, ax_buf_view(&body)), 204);
    assert_all_there(&p, w->v2);
    ax_buf_done(&body);
    close_place(&p);
    return failed;
}

static void a_request_without_memory_is_healed_by_the_same_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        uint32_t nth = 1;
        while (try(&ways[i], (struct failing){.kinds = FAILING_MEMORY, .nth = nth}))
            nth++;
        assert_true(nth > 10);
    }
}

static void a_request_that_the_log_cannot_take_is_healed_by_the_same_again(void **state)
{
    (void)state;
    static const int errors[] = {ENOSPC, EIO, EROFS};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        uint32_t nth = 1;
        while (try(&ways[0], (struct failing){.kinds = FAILING_IO, .nth = nth, .error = errors[i]}))
            nth++;
        nth = 1;
        while (try(&ways[0],
                   (struct failing){.kinds = FAILING_IO, .nth = nth, .error = errors[i], .partial = true}))
            nth++;
        assert_true(nth > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_without_memory_is_healed_by_the_same_again),
        cmocka_unit_test(a_request_that_the_log_cannot_take_is_healed_by_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
