/* What a forecast leaves of a link: headroom, time to saturation, the peak for autoscalers, and what is said
 * when nothing can be said. From node_exporter's names on. */
#include "ax_test.h"
#include "pipeline/capacity.h"
#include "prom/sample.h"
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ETH0 "device=\"eth0\",instance=\"a\",job=\"node\""
#define ETH1 "device=\"eth1\",instance=\"a\",job=\"node\""
#define LINK 125e6 /* 1 Gbit/s in bytes/s */
#define READY 100  /* steps after which forecasts are there */

/* ---- pure ---- */

static struct ax_forecast_spec spec_of(void)
{
    const int64_t horizons[] = {60000, 300000};
    struct ax_forecast_spec spec;
    assert_int_equal(ax_forecast_spec_init(&spec, 15000, horizons, 2, NULL), AX_OK);
    return spec;
}

static void saturation_is_where_the_upper_bound_crosses(void **state)
{
    (void)state;
    struct ax_forecast_spec spec = spec_of();
    double upper[AX_PATH_MAX];
    for (uint32_t i = 0; i < spec.leads_n; i++)
        upper[i] = 100 + spec.leads[i]; /* 1 a step, from 100 now */
    ax_assert_close(ax_capacity_saturation_s(&spec, 100, upper, 104), 60, 1e-12);
    ax_assert_close(ax_capacity_saturation_s(&spec, 100, upper, 104.5), 67.5, 1e-12);
    ax_assert_close(ax_capacity_saturation_s(&spec, 100, upper, 100.5), 7.5, 1e-12);
    assert_true(ax_capacity_saturation_s(&spec, 100, upper, 100) == 0);
    assert_true(ax_capacity_saturation_s(&spec, 100, upper, 120) == 300);
    assert_true(isinf(ax_capacity_saturation_s(&spec, 100, upper, 120.001)));
    /* A path that passes and comes back has passed. */
    upper[3] = 1000;
    assert_true(ax_capacity_saturation_s(&spec, 100, upper, 900) < 60);
}

static void the_peak_never_falls_and_is_never_below_the_bound(void **state)
{
    (void)state;
    const double upper[] = {3, 1, 4, 1, 5, 2}, expected[] = {3, 3, 4, 4, 5, 5};
    double peak[6];
    ax_capacity_peak(upper, 6, peak);
    assert_memory_equal(peak, expected, sizeof peak);
}

static void headroom_is_a_share_from_0_to_1(void **state)
{
    (void)state;
    ax_assert_close(ax_capacity_headroom(25, 100), 0.75, 1e-15);
    assert_true(ax_capacity_headroom(150, 100) == 0);
    assert_true(ax_capacity_headroom(-5, 100) == 1);
}

static void no_speed_is_told_from_a_link_that_is_down(void **state)
{
    (void)state;
    double c = 0;
    assert_int_equal(ax_capacity_judge(LINK, 0, &c), AX_CAPACITY_KNOWN);
    assert_true(c == LINK);
    assert_int_equal(ax_capacity_judge(-125000, 0, &c), AX_CAPACITY_UNKNOWN);
    assert_int_equal(ax_capacity_judge((double)NAN, 0, &c), AX_CAPACITY_UNKNOWN);
    assert_int_equal(ax_capacity_judge(0, 5, &c), AX_CAPACITY_DOWN);
    assert_int_equal(ax_capacity_judge(-0.0, 5, &c), AX_CAPACITY_DOWN);
    assert_int_equal(ax_capacity_judge(-125000, 5, &c), AX_CAPACITY_KNOWN);
    assert_true(c == 5);
}

/* ---- the whole way ---- */

static const char yaml[] =
    "global: {evaluation_delay: 0s}\n"
    "jobs:\n"
    "  - name: bandwidth\n"
    "    expr: rate(node_network_receive_bytes_total[1m])\n"
    "    forecast: {output: predicted_bandwidth, horizons: [1m, 5m], nonnegative: true, peak: true}\n"
    "    capacity: {expr: node_network_speed_bytes * node_network_carrier}\n";

/* Bytes a second of an interface at step i: a wave about 40 MB/s. */
static double traffic(uint32_t i)
{
    return 40e6 + 8e6 * sin(i * 0.05) + 1e6 * ((i * 2654435761u) % 97) / 97.0;
}

struct link {
    const char *labels;
    double counter, speed, carrier; /* NaN: node_exporter does not say */
};

static void scrape(struct rig *r, struct link *l, uint32_t i)
{
    char text[256];
    int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
    l->counter += traffic(i) * RIG_STEP / 1000;
    (void)snprintf(text, sizeof text, "node_network_receive_bytes_total{%s}", l->labels);
    (void)rig_append(r, text, t_ms, l->counter);
    (void)snprintf(text, sizeof text, "node_network_speed_bytes{%s}", l->labels);
    (void)rig_append(r, text, t_ms, l->speed);
    (void)snprintf(text, sizeof text, "node_network_carrier{%s}", l->labels);
    (void)rig_append(r, text, t_ms, l->carrier);
}

static void run(struct rig *r, struct link *l, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        scrape(r, l, i);
        rig_run_to(r, RIG_START + (int64_t)i * RIG_STEP);
    }
}

/* Newest value of an output of eth0. */
static double newest(const struct rig *r, const char *text)
{
    const struct memory_series *s = memory_find(&r->sink, text);
    if (!s || !s->n)
        fail_msg("no series %s", text);
    return s->v[s->n - 1].value;
}

#define HEADROOM "predicted_headroom_ratio{device=\"eth0\",for=\"bandwidth\",instance=\"a\",job=\"node\"}"
#define SATURATION                                                                                           \
    "predicted_saturation_seconds{device=\"eth0\",for=\"bandwidth\",instance=\"a\",job=\"node\"}"
#define OF(name, horizon)                                                                                    \
    name "{device=\"eth0\",for=\"bandwidth\",horizon=\"" horizon "\",instance=\"a\",job=\"node\"}"
#define NOT_READY(device, reason)                                                                            \
    "prediction_ready{device=\"" device "\",for=\"bandwidth\",instance=\"a\",job=\"node\",reason=\"" reason  \
    "\"}"

static void headroom_and_peak_follow_from_the_upper_bound(void **state)
{
    (void)state;
    struct rig r;
    struct link l = {ETH0, 1e9, LINK, 1};
    rig_init(&r, yaml);
    run(&r, &l, 0, 300);
    double near = newest(&r, OF("predicted_bandwidth_peak", "1m")),
           far = newest(&r, OF("predicted_bandwidth_peak", "5m"));
    assert_true(far >= near);
    assert_true(near >= newest(&r, OF("predicted_bandwidth_upper", "1m")));
    assert_true(far >= newest(&r, OF("predicted_bandwidth_upper", "5m")));
    ax_assert_close(newest(&r, HEADROOM), 1 - far / LINK, 1e-9);
    assert_true(isinf(newest(&r, SATURATION))); /* 80 % of the link are far */
    rig_done(&r);
}

static void cold_start_says_that_it_is_not_ready_and_guesses_nothing(void **state)
{
    (void)state;
    struct rig r;
    struct link l = {ETH0, 1e9, LINK, 1};
    rig_init(&r, yaml);
    run(&r, &l, 0, 6);
    assert_true(newest(&r, NOT_READY("eth0", "warming_up")) == 0);
    assert_null(memory_find(&r.sink, HEADROOM));
    assert_null(memory_find(&r.sink, SATURATION));
    assert_null(memory_find(&r.sink, OF("predicted_bandwidth_peak", "1m")));
    run(&r, &l, 6, READY);
    assert_non_null(memory_find(&r.sink, SATURATION));
    assert_true(
        ax_is_stale(newest(&r, NOT_READY("eth0", "warming_up")))); /* it is ready now: the series ends */
    rig_done(&r);
}

static void a_change_of_speed_counts_at_the_next_step(void **state)
{
    (void)state;
    struct rig r;
    struct link l = {ETH0, 1e9, LINK, 1};
    rig_init(&r, yaml);
    run(&r, &l, 0, READY);
    double wide = newest(&r, HEADROOM);
    assert_true(wide > 0.4);
    l.speed = newest(&r, OF("predicted_bandwidth_peak", "5m")) * 0.95 / 0.8;
    run(&r, &l, READY, READY + 1);
    double peak = newest(&r, OF("predicted_bandwidth_peak", "5m"));
    double left = 1 - peak / l.speed;
    ax_assert_close(newest(&r, HEADROOM), left > 0 ? left : 0, 1e-9);
    assert_true(newest(&r, SATURATION) < 300);
    l.speed = LINK / 1000;
    run(&r, &l, READY + 1, READY + 2);
    assert_true(newest(&r, HEADROOM) == 0 && newest(&r, SATURATION) == 0);
    rig_done(&r);
}

static void a_link_that_is_down_ends_both_series_with_a_reason(void **state)
{
    (void)state;
    struct rig r;
    struct link l = {ETH0, 1e9, LINK, 1};
    rig_init(&r, yaml);
    run(&r, &l, 0, READY);
    l.carrier = 0;
    run(&r, &l, READY, READY + 1);
    assert_true(ax_is_stale(newest(&r, HEADROOM)) && ax_is_stale(newest(&r, SATURATION)));
    assert_true(newest(&r, NOT_READY("eth0", "link_down")) == 0);
    l.carrier = 1;
    l.speed = -125000; /* node_exporter's -1 Mbit/s: the driver does not know */
    run(&r, &l, READY + 1, READY + 2);
    assert_true(ax_is_stale(newest(&r, NOT_READY("eth0", "link_down"))));
    assert_true(newest(&r, NOT_READY("eth0", "no_capacity")) == 0);
    assert_true(ax_is_stale(newest(&r, HEADROOM)));
    l.speed = LINK;
    run(&r, &l, READY + 2, READY + 3);
    assert_true(ax_is_stale(newest(&r, NOT_READY("eth0", "no_capacity"))));
    assert_true(newest(&r, HEADROOM) > 0);
    rig_done(&r);
}

static void a_renamed_interface_begins_anew_and_the_old_name_ends(void **state)
{
    (void)state;
    struct rig r;
    struct link l = {ETH0, 1e9, LINK, 1};
    rig_init(&r, yaml);
    run(&r, &l, 0, READY);
    l.labels = ETH1;
    run(&r, &l, READY, READY + 6);
    assert_true(newest(&r, NOT_READY("eth1", "warming_up")) == 0);
    assert_int_equal(memory_count(&r.sink, "predicted_saturation_seconds{device=\"eth1\""), 0);
    run(&r, &l, READY + 6, READY + 60);
    assert_true(ax_is_stale(newest(&r, HEADROOM)) && ax_is_stale(newest(&r, SATURATION)));
    assert_true(ax_is_stale(newest(&r, OF("predicted_bandwidth_peak", "1m"))));
    run(&r, &l, READY + 60, 2 * READY);
    assert_int_equal(memory_count(&r.sink, "predicted_saturation_seconds{device=\"eth1\""), 1);
    rig_done(&r);
}

static void a_counter_that_is_reset_makes_neither_holes_nor_floods(void **state)
{
    (void)state;
    struct rig r;
    struct link l = {ETH0, 9e9, LINK, 1};
    rig_init(&r, yaml);
    for (uint32_t i = 0; i < 400; i += 20) {
        run(&r, &l, i, i + 20);
        l.counter = 0; /* the machine was started again, or the driver loaded */
    }
    for (uint32_t i = 0; i < r.sink.n; i++) {
        const struct memory_series *s = &r.sink.v[i];
        bool forecast = strncmp(s->text, "predicted_bandwidth", 19) == 0;
        for (uint32_t k = 0; forecast && k < s->n; k++)
            if (!ax_is_stale(s->v[k].value))
                assert_true(s->v[k].value >= 0 && s->v[k].value < 80e6);
    }
    rig_done(&r);
}

static void traffic_that_dies_away_is_never_forecast_below_zero(void **state)
{
    (void)state;
    struct rig r;
    char text[128];
    rig_init(&r, yaml);
    (void)snprintf(text, sizeof text, "node_network_receive_bytes_total{%s}", ETH0);
    double counter = 1e9;
    for (uint32_t i = 0; i < 400; i++) {
        counter += i < 300 ? 6e8 * (1 - i / 300.0) : 0;
        (void)rig_append(&r, text, RIG_START + (int64_t)i * RIG_STEP, counter);
        rig_run_to(&r, RIG_START + (int64_t)i * RIG_STEP);
    }
    uint32_t seen = 0;
    for (uint32_t i = 0; i < r.sink.n; i++) {
        const struct memory_series *s = &r.sink.v[i];
        for (uint32_t k = 0; strncmp(s->text, "predicted_bandwidth", 19) == 0 && k < s->n; k++, seen++)
            assert_true(ax_is_stale(s->v[k].value) || s->v[k].value >= 0);
    }
    assert_true(seen > 1000);
    rig_done(&r);
}

static void a_value_stands_in_and_labels_choose_what_joins(void **state)
{
    (void)state;
    struct rig r;
    rig_init(&r, "global: {evaluation_delay: 0s}\n"
                 "jobs:\n"
                 "  - name: load\n"
                 "    expr: load{}\n"
                 "    forecast: {horizons: [1m]}\n"
                 "    capacity: {expr: cpus, on: [host], value: 1000, share: 0.5}\n");
    for (uint32_t i = 0; i < READY; i++) {
        int64_t t_ms = RIG_START + (int64_t)i * RIG_STEP;
        (void)rig_append(&r, "load{host=\"a\",kind=\"x\"}", t_ms, 60 + (i % 3));
        (void)rig_append(&r, "load{host=\"b\",kind=\"x\"}", t_ms, 60 + (i % 3));
        (void)rig_append(&r, "cpus{host=\"a\",rack=\"1\"}", t_ms, 100);
        rig_run_to(&r, t_ms);
    }
    double a = newest(&r, "predicted_headroom_ratio{for=\"load\",host=\"a\",kind=\"x\",source=\"load\"}");
    double b = newest(&r, "predicted_headroom_ratio{for=\"load\",host=\"b\",kind=\"x\",source=\"load\"}");
    assert_true(a > 0.3 && a < 0.4 && b > 0.93 && b < 0.94);
    assert_true(
        newest(&r, "predicted_saturation_seconds{for=\"load\",host=\"a\",kind=\"x\",source=\"load\"}") == 0);
    assert_true(isinf(
        newest(&r, "predicted_saturation_seconds{for=\"load\",host=\"b\",kind=\"x\",source=\"load\"}")));
    rig_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saturation_is_where_the_upper_bound_crosses),
        cmocka_unit_test(the_peak_never_falls_and_is_never_below_the_bound),
        cmocka_unit_test(headroom_is_a_share_from_0_to_1),
        cmocka_unit_test(no_speed_is_told_from_a_link_that_is_down),
        cmocka_unit_test(headroom_and_peak_follow_from_the_upper_bound),
        cmocka_unit_test(cold_start_says_that_it_is_not_ready_and_guesses_nothing),
        cmocka_unit_test(a_change_of_speed_counts_at_the_next_step),
        cmocka_unit_test(a_link_that_is_down_ends_both_series_with_a_reason),
        cmocka_unit_test(a_renamed_interface_begins_anew_and_the_old_name_ends),
        cmocka_unit_test(a_counter_that_is_reset_makes_neither_holes_nor_floods),
        cmocka_unit_test(traffic_that_dies_away_is_never_forecast_below_zero),
        cmocka_unit_test(a_value_stands_in_and_labels_choose_what_joins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
