/* Pairs of Prometheus servers over a real receiver: one replica of a cluster is taken, the other is answered
 * as if it were, and takes over when the first falls silent. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"

#include <stdio.h>

#define FAILOVER_MS 30000

static struct write_request *const req = &endpoint.req;

static int start(void **state)
{
    (void)state;
    const struct ax_ha_options ha = {.cluster_label = ax_str("cluster"),
                                     .replica_label = ax_str("__replica__"),
                                     .failover_ms = FAILOVER_MS,
                                     .clusters_max = 20,
                                     .clock = ax_clock_virtual(&endpoint.now_ms)};
    const struct ax_db_options o = {.seed = 1, .series_max = 1000, .ha = &ha};
    return endpoint_start(&o);
}

static int stop(void **state)
{
    (void)state;
    return endpoint_stop();
}

static double dropped(const char *reason)
{
    return ax_metric_get(ax_metric(AX_M_DROPPED_SAMPLES, reason, NULL));
}

/* One sample of a series of a cluster that no other test has. */
static void say(const char *name, const char *replica, double value)
{
    write_series(req, PAIRS("__name__", name, "cluster", name, "__replica__", replica, "instance", "a"));
    write_sample(req, value, endpoint.now_ms);
}

static void a_loser_is_answered_as_if_it_were_taken(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const char *name = fresh();
        double duplicates = dropped("ha_duplicate");
        struct ax_sample got[8];
        for (int i = 0; i < 4; i++) {
            endpoint.now_ms += 15000;
            say(name, "a", i);
            write_exemplar(req, 1, endpoint.now_ms, PAIRS("trace_id", "x"));
            if (version == 1)
                expect_v1(204);
            else
                expect_v2(204, 1, 0, 1);
            endpoint.now_ms += 1;
            say(name, "b", 100 + i);
            write_exemplar(req, 1, endpoint.now_ms, PAIRS("trace_id", "x"));
            if (version == 1)
                expect_v1(204);
            else
                expect_v2(204, 1, 0, 1); /* nothing written would be told to its operator as a loss */
        }
        assert_int_equal(kept(name, got), 4);
        for (int i = 0; i < 4; i++)
            assert_true(got[i].value == i);
        assert_true(dropped("ha_duplicate") == duplicates + 4);
    }
}

static void the_replica_label_is_gone_and_the_cluster_stays(void **state)
{
    (void)state;
    const char *name = fresh();
    uint32_t before = ax_db_series_n(endpoint.db), n = 0;
    uint64_t epoch = 0;
    say(name, "a", 1);
    expect_v2(204, 1, 0, 0);
    endpoint.now_ms += FAILOVER_MS;
    say(name, "b", 2);
    expect_v2(204, 1, 0, 0);
    assert_int_equal(ax_db_series_n(endpoint.db), before + 1);
    struct ax_series *const *members = ax_db_members(endpoint.db, endpoint.selector, &n, &epoch);
    const struct ax_labels *ls = ax_series_labels(members[n - 1]);
    assert_int_equal(ls->n, 3);
    assert_int_equal(ax_labels_get(ls, ax_str("__replica__")).n, 0);
    assert_true(ax_str_eq(ax_labels_get(ls, ax_str("cluster")), ax_str(name)));
}

static void the_other_replica_takes_over_and_keeps_its_place(void **state)
{
    (void)state;
    const char *name = fresh();
    struct ax_sample got[8];
    static const struct {
        const char *replica;
        int64_t after_ms;
        bool taken;
    } steps[] = {{"a", 0, true},  {"b", 15000, false}, {"b", 14999, false}, {"b", 1, true},
                 {"a", 1, false}, {"b", 29000, true},  {"a", 29999, false}, {"a", 1, true}};
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        endpoint.now_ms += steps[i].after_ms;
        say(name, steps[i].replica, (double)i);
        expect_v2(204, 1, 0, 0);
        n += steps[i].taken;
        assert_int_equal(kept(name, got), n);
        assert_true(!steps[i].taken || got[n - 1].value == (double)i);
    }
}

static void who_takes_over_may_repeat_times_that_have_a_value(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const char *name = fresh();
        struct ax_sample got[8];
        for (int i = 0; i < 2; i++) { /* rules are evaluated at the same times everywhere */
            endpoint.now_ms += i ? FAILOVER_MS : 0;
            write_series(req, PAIRS("__name__", name, "cluster", name, "__replica__", i ? "b" : "a"));
            write_sample(req, i, NOW_MS);
            if (version == 1)
                expect_v1(204);
            else
                expect_v2(204, 1, 0, 0);
        }
        assert_int_equal(kept(name, got), 1);
        assert_true(got[0].value == 0);
    }
}

static void series_of_both_replicas_in_one_request_are_judged_one_by_one(void **state)
{
    (void)state;
    char first[32];
    (void)snprintf(first, sizeof first, "%s", fresh());
    const char *second = fresh();
    for (int i = 0; i < 3; i++) {
        endpoint.now_ms += 1000;
        say(first, "a", i);
        say(second, "b", i);
        say(first, "b", 100);
        say(second, "a", 100);
        write_series(req, PAIRS("__name__", first, "instance", "alone")); /* of no cluster */
        write_sample(req, i, endpoint.now_ms);
        expect_v2(204, 5, 0, 0);
    }
    struct ax_sample got[8];
    assert_int_equal(kept(second, got), 3);
    for (int i = 0; i < 3; i++)
        assert_true(got[i].value == i);
}

static void a_series_that_only_the_loser_has_is_not_made(void **state)
{
    (void)state;
    const char *name = fresh();
    say(name, "a", 1);
    expect_v2(204, 1, 0, 0);
    uint32_t n = ax_db_series_n(endpoint.db);
    for (int i = 0; i < 3; i++) {
        write_series(req, PAIRS("__name__", "prometheus_ready", "cluster", name, "__replica__", "b"));
        write_sample(req, 1, endpoint.now_ms);
        expect_v2(204, 1, 0, 0);
    }
    assert_int_equal(ax_db_series_n(endpoint.db), n);
}

static void a_replica_under_changing_names_is_told_apart(void **state)
{
    (void)state;
    const char *name = fresh();
    struct ax_sample got[8];
    say(name, "pod-0", 0);
    expect_v2(204, 1, 0, 0);
    for (int i = 1; i < 40; i++) { /* more names than are remembered of a series */
        char replica[16];
        (void)snprintf(replica, sizeof replica, "pod-%d", i);
        say(name, replica, i);
        expect_v2(204, 1, 0, 0);
    }
    assert_int_equal(kept(name, got), 1);
    endpoint.now_ms += FAILOVER_MS;
    say(name, "pod-39", 39);
    expect_v2(204, 1, 0, 0);
    say(name, "pod-38", 38);
    expect_v2(204, 1, 0, 0);
    assert_int_equal(kept(name, got), 2);
    assert_true(got[1].value == 39);
}

static void a_cluster_too_many_is_refused_with_what_to_do(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        say(fresh(), "a", 1);
        (void)endpoint_send(2);
    }
    double clusters = dropped("ha_clusters");
    say(fresh(), "a", 1);
    struct write_answer a = endpoint_send(2);
    write_assert_status(&a, 400);
    write_assert_says(&a, "global.ha_tracker.max_clusters");
    assert_int_equal(a.samples, 0);
    assert_true(dropped("ha_clusters") == clusters + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loser_is_answered_as_if_it_were_taken),
        cmocka_unit_test(the_replica_label_is_gone_and_the_cluster_stays),
        cmocka_unit_test(the_other_replica_takes_over_and_keeps_its_place),
        cmocka_unit_test(who_takes_over_may_repeat_times_that_have_a_value),
        cmocka_unit_test(series_of_both_replicas_in_one_request_are_judged_one_by_one),
        cmocka_unit_test(a_series_that_only_the_loser_has_is_not_made),
        cmocka_unit_test(a_replica_under_changing_names_is_told_apart),
        cmocka_unit_test(a_cluster_too_many_is_refused_with_what_to_do), /* last: it fills the table */
    };
    return cmocka_run_group_tests(tests, start, stop);
}
