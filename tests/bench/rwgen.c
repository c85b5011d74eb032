/* rwgen.c: sends a remote-write load to a server on this machine and prints what it cost the server.
 *
 * usage: rwgen URL PID VERSION [SERIES [SAMPLES_A_REQUEST [WARM_STEPS [STEPS]]]]
 * Every step (15 s of samples' time) sends one sample of each series, which look like node_exporter's: 8
 * labels with the name, every second one a counter. The first WARM_STEPS make the series known and are not
 * counted. One connection, one request at a time.
 * Output: samples per CPU second of process PID, its CPU seconds, p50 and p99 of a request in ms, MiB
 * resident. */
#include "base/clock.h"
#include "base/rng.h"
#include "net/http_client.h"
#include "prom/labels.h"
#include "prom/rw_encode.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP_MS 15000
#define REQUEST_MAX ((size_t)32 << 20)
#define DEVICES 64

struct load {
    struct ax_buf keys; /* of all series, one after another */
    struct ax_rw_run *runs;
    struct ax_sample *samples;
    uint32_t series_n, batch_n;
    struct ax_rng rng;
    struct ax_http_client *client;
    struct ax_rw_encoder encoder;
    struct ax_buf body, answer;
    int version;
    double *latency_ms;
    uint32_t requests;
};

static void die(const char *what, const struct ax_diag *diag)
{
    fprintf(stderr, "rwgen: %s: %s\n", what, diag->text);
    exit(1);
}

static void write_key(uint32_t i, struct ax_buf *out)
{
    static const char *const metrics[] = {"node_network_receive_bytes_total",
                                          "node_load1",
                                          "node_network_transmit_bytes_total",
                                          "node_memory_MemAvailable_bytes",
                                          "node_cpu_seconds_total",
                                          "node_filesystem_avail_bytes",
                                          "node_disk_io_time_seconds_total",
                                          "node_hwmon_temp_celsius"};
    char device[32], instance[64], pod[64], zone[32];
    uint32_t host = i / DEVICES, k = i % DEVICES;
    (void)snprintf(device, sizeof device, "eth%u", k);
    (void)snprintf(instance, sizeof instance, "host-%05u.prod.example.net:9100", host);
    (void)snprintf(pod, sizeof pod, "checkout-7d9c6b%04x-%05u", host & 0xffff, k);
    (void)snprintf(zone, sizeof zone, "eu-west-1%c", (char)('a' + host % 3));
    const struct ax_label v[] = {{ax_str(AX_METRIC_NAME), ax_str(metrics[k % 8])},
                                 {ax_str("availability_zone"), ax_str(zone)},
                                 {ax_str("cluster"), ax_str("prod-eu-1")},
                                 {ax_str("device"), ax_str(device)},
                                 {ax_str("instance"), ax_str(instance)},
                                 {ax_str("job"), ax_str("node")},
                                 {ax_str("pod"), ax_str(pod)},
                                 {ax_str("region"), ax_str("eu-west-1")}};
    ax_labels_key_write(&(struct ax_labels){8, v}, out);
}

static void make_series(struct load *l)
{
    size_t *ends = malloc((l->series_n + 1) * sizeof *ends);
    l->runs = calloc(l->series_n, sizeof *l->runs);
    l->samples = calloc(l->series_n, sizeof *l->samples);
    ax_buf_init(&l->keys, SIZE_MAX);
    if (!ends || !l->runs || !l->samples)
        abort();
    ends[0] = 0;
    for (uint32_t i = 0; i < l->series_n; i++) {
        write_key(i, &l->keys);
        ends[i + 1] = l->keys.n;
    }
    for (uint32_t i = 0; i < l->series_n; i++)
        l->runs[i] = (struct ax_rw_run){
            {(const char *)l->keys.bytes + ends[i], ends[i + 1] - ends[i]}, &l->samples[i], 1};
    free(ends);
}

/* The next sample of every series: counters rise, gauges wave. */
static void advance(struct load *l, uint32_t step, int64_t t_ms)
{
    for (uint32_t i = 0; i < l->series_n; i++) {
        double noise = ax_rng_double(&l->rng);
        l->samples[i].value =
            i & 1 ? 50 + 20 * sin(step / 40.0 + i) + noise : l->samples[i].value + 1e5 + floor(1e4 * noise);
        l->samples[i].t_ms = t_ms;
    }
}

static void post(struct load *l, bool counted)
{
    const struct ax_rw_headers names = ax_rw_headers(l->version);
    const struct ax_http_field headers[] = {
        {ax_str("Content-Type"), ax_str(names.content_type)},
        {ax_str("Content-Encoding"), ax_str(names.content_encoding)},
        {ax_str("X-Prometheus-Remote-Write-Version"), ax_str(names.version)}};
    struct ax_diag diag = {{0}};
    struct ax_http_reply reply = {.body = &l->answer};
    if (ax_http_post(l->client, ax_buf_view(&l->body), headers, 3, &reply, &diag) != AX_OK)
        die("cannot post", &diag);
    if (reply.status / 100 != 2) {
        fprintf(stderr, "rwgen: status %d: %.*s\n", reply.status, (int)l->answer.n,
                l->answer.n ? (const char *)l->answer.bytes : "");
        exit(1);
    }
    if (counted)
        l->latency_ms[l->requests++] = (double)reply.duration_ns / 1e6;
}

static void send_step(struct load *l, bool counted)
{
    struct ax_diag diag = {{0}};
    for (uint32_t i = 0; i < l->series_n; i += l->batch_n) {
        uint32_t n = l->series_n - i < l->batch_n ? l->series_n - i : l->batch_n;
        ax_buf_reset(&l->body);
        enum ax_err err = ax_rw_encode(&l->encoder, l->version, l->runs + i, n, &l->body);
        if (err != AX_OK)
            die("cannot encode", &diag);
        post(l, counted);
    }
}

static double cpu_seconds(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        abort();
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mib(int pid)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (in)
        fclose(in);
    return (double)kib / 1024;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static uint32_t argument(int argc, char **argv, int i, uint32_t otherwise)
{
    return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : otherwise;
}

static void done(struct load *l)
{
    ax_http_client_free(l->client);
    ax_rw_encoder_done(&l->encoder);
    ax_buf_done(&l->keys);
    ax_buf_done(&l->body);
    ax_buf_done(&l->answer);
    free(l->runs);
    free(l->samples);
    free(l->latency_ms);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: rwgen URL PID VERSION [SERIES [SAMPLES_A_REQUEST [WARM_STEPS [STEPS]]]]\n");
        return 2;
    }
    struct ax_diag diag = {{0}};
    int pid = (int)strtol(argv[2], NULL, 10);
    struct load l = {.version = (int)strtol(argv[3], NULL, 10),
                     .series_n = argument(argc, argv, 4, 50000),
                     .batch_n = argument(argc, argv, 5, 2000)};
    uint32_t warm = argument(argc, argv, 6, 4), steps = argument(argc, argv, 7, 30);
    clockid_t clock;
    if (clock_getcpuclockid(pid, &clock) != 0 || l.batch_n == 0 || l.series_n == 0 || steps == 0) {
        fprintf(stderr, "rwgen: no process %d, or nothing to send\n", pid);
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    ax_rng_seed(&l.rng, 1);
    ax_rw_encoder_init(&l.encoder, REQUEST_MAX);
    ax_buf_init(&l.body, REQUEST_MAX);
    ax_buf_init(&l.answer, 4096);
    make_series(&l);
    l.latency_ms = calloc((size_t)steps * (l.series_n / l.batch_n + 1), sizeof *l.latency_ms);
    if (!l.latency_ms)
        abort();
    const struct ax_http_client_options options = {.url = ax_str(argv[1]), .timeout_ms = 60000};
    if (ax_http_client_new(&options, &l.client, &diag) != AX_OK)
        die(argv[1], &diag);

    struct ax_clock wall = ax_clock_wall();
    int64_t start_ms = ax_clock_now(&wall) - (int64_t)(warm + steps) * STEP_MS;
    double before = 0;
    for (uint32_t s = 0; s < warm + steps; s++) {
        if (s == warm)
            before = cpu_seconds(clock);
        advance(&l, s, start_ms + (int64_t)s * STEP_MS);
        send_step(&l, s >= warm);
    }
    double cpu = cpu_seconds(clock) - before;
    qsort(l.latency_ms, l.requests, sizeof *l.latency_ms, by_value);
    printf("%.0f %.3f %.2f %.2f %.1f\n", (double)l.series_n * steps / cpu, cpu, l.latency_ms[l.requests / 2],
           l.latency_ms[(size_t)(l.requests * 0.99)], resident_mib(pid));
    done(&l);
    return 0;
}
