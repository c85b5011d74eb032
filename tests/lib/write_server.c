/* write_server.c: see write_server.h. */
#include "write_server.h"

#include "ax_test.h"
#include "prom/rw_encode.h"

#include <stdio.h>
#include <stdlib.h>

#define START_MS 1700000000000
#define STEP_MS 15000

void write_server_start(struct write_server *s, struct series_world *w, struct ax_seglog *log,
                        ax_http_handler *around)
{
    struct ax_diag diag = {{0}};
    const struct ax_receiver_options options = {.log = log, .future_max_ms = -1};
    assert_int_equal(ax_receiver_new(w->db, &options, &s->receiver, &diag), AX_OK);
    s->route = s->inner = ax_receiver_route(s->receiver);
    if (around) {
        s->route.handle = around;
        s->route.ctx = s;
    }
    const struct ax_http_options http = {.listen_address = "127.0.0.1:0"};
    if (ax_http_server_start(&http, &s->route, 1, &s->http, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u/api/v1/write", ax_http_server_port(s->http));
}

void write_server_stop(struct write_server *s)
{
    ax_http_server_stop(s->http, 1000);
    ax_receiver_free(s->receiver);
}

static struct ax_sample sample_of(uint32_t i, uint32_t k)
{
    return (struct ax_sample){START_MS + (int64_t)i * STEP_MS + k % 3, i + k / 1048576.0};
}

struct write_answer write_server_post(const char *url, int version, uint32_t i, uint32_t n)
{
    static const char *const types[] = {
        "Content-Type: application/x-protobuf",
        "Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request"};
    struct ax_rw_run *runs = calloc(n, sizeof *runs);
    struct ax_sample *samples = calloc(n, sizeof *samples);
    struct ax_buf *keys = calloc(n, sizeof *keys), body;
    struct ax_rw_encoder encoder;
    for (uint32_t k = 0; k < n; k++) {
        char series[96];
        (void)snprintf(series, sizeof series, "%s{instance=\"host-%u.example.net:9100\",job=\"node\"}",
                       k % 8 == 7 ? "other" : "load", k);
        samples[k] = sample_of(i, k);
        runs[k] = (struct ax_rw_run){series_world_key(&keys[k], series), &samples[k], 1};
    }
    ax_buf_init(&body, SIZE_MAX);
    ax_rw_encoder_init(&encoder, 32u << 20);
    assert_int_equal(ax_rw_encode(&encoder, version, runs, n, &body), AX_OK);
    const char *const headers[] = {types[version - 1], "Content-Encoding: snappy", NULL};
    struct write_answer a = write_ask(url, "POST", headers, ax_buf_view(&body));
    for (uint32_t k = 0; k < n; k++)
        ax_buf_done(&keys[k]);
    ax_buf_done(&body);
    ax_rw_encoder_done(&encoder);
    free(keys);
    free(samples);
    free(runs);
    return a;
}

void write_server_assert_kept(struct series_world *w, uint32_t i, uint32_t n)
{
    uint32_t members_n, found = 0;
    uint64_t epoch;
    struct ax_series *const *members = ax_db_members(w->db, w->selector, &members_n, &epoch);
    for (uint32_t m = 0; m < members_n; m++) {
        struct ax_str host = ax_labels_get(ax_series_labels(members[m]), ax_str("instance"));
        uint32_t k = (uint32_t)strtoul(host.p + strlen("host-"), NULL, 10);
        const struct ax_sample sent = sample_of(i, k);
        struct ax_sample kept;
        if (k < n && ax_db_read(w->db, members[m], sent.t_ms - 1, sent.t_ms, &kept, 1) == 1)
            found += ax_double_bits(kept.value) == ax_double_bits(sent.value);
    }
    if (found != n - n / 8)
        fail_msg("of request %u, answered 2xx, %u of %u samples are there", i, found, n - n / 8);
}
