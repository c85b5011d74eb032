/* One replica of each cluster is listened to, as the HA tracker of Cortex and Mimir does it. */
#include "ax_test.h"
#include "base/metrics.h"
#include "series/ha.h"

#include <stdio.h>

#define FAILOVER_MS 30000

static int64_t now_ms;

static struct ax_ha *track(uint32_t clusters_max)
{
    const struct ax_ha_options o = {.cluster_label = ax_str("cluster"),
                                    .replica_label = ax_str("__replica__"),
                                    .failover_ms = FAILOVER_MS,
                                    .clusters_max = clusters_max,
                                    .clock = ax_clock_virtual(&now_ms)};
    struct ax_ha *ha = ax_ha_new(&o);
    assert_non_null(ha);
    now_ms = 1000000;
    return ha;
}

static struct ax_ha_sender sender(const struct ax_ha *ha, const char *cluster, const char *replica)
{
    const struct ax_label v[] = {{ax_str("__name__"), ax_str("up")},
                                 {ax_str("__replica__"), ax_str(replica)},
                                 {ax_str("cluster"), ax_str(cluster)}};
    return ax_ha_sender_of(ha, ax_str(""), &(struct ax_labels){3, v});
}

static enum ax_ha_verdict hear(struct ax_ha *ha, const char *cluster, const char *replica)
{
    return ax_ha_hear(ha, sender(ha, cluster, replica));
}

static void the_first_replica_that_is_heard_is_elected(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(hear(ha, "eu", "b"), AX_HA_ELECTED);
        assert_int_equal(hear(ha, "eu", "a"), AX_HA_DUPLICATE);
        assert_int_equal(hear(ha, "eu", "c"), AX_HA_DUPLICATE);
        assert_int_equal(hear(ha, "us", "a"), AX_HA_ELECTED); /* another cluster has its own */
        assert_int_equal(hear(ha, "us", "b"), AX_HA_DUPLICATE);
        now_ms += FAILOVER_MS - 1;
    }
    ax_ha_free(ha);
}

static void another_takes_over_when_it_was_not_heard_for_the_timeout_and_stays(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    double failovers = ax_metric_get(ax_metric(AX_M_HA_FAILOVERS, NULL, NULL));
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_ELECTED);
    now_ms += FAILOVER_MS - 1;
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_DUPLICATE); /* hearing it does not prolong the other's time */
    now_ms += 1;
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_ELECTED);
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_DUPLICATE); /* back again, too late */
    assert_true(ax_metric_get(ax_metric(AX_M_HA_FAILOVERS, NULL, NULL)) == failovers + 1);
    ax_ha_free(ha);
}

static void an_elected_replica_that_was_silent_alone_goes_on(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    double failovers = ax_metric_get(ax_metric(AX_M_HA_FAILOVERS, NULL, NULL));
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_ELECTED);
    now_ms += 100 * FAILOVER_MS;
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_ELECTED);
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_DUPLICATE);
    assert_true(ax_metric_get(ax_metric(AX_M_HA_FAILOVERS, NULL, NULL)) == failovers);
    ax_ha_free(ha);
}

static void a_series_without_one_of_the_labels_has_no_sender(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    assert_int_equal(sender(ha, "", "a").cluster, 0);
    assert_int_equal(sender(ha, "eu", "").cluster, 0);
    assert_int_not_equal(sender(ha, "eu", "a").cluster, 0);
    ax_ha_free(ha);
}

static void tenants_have_clusters_of_their_own(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    const struct ax_label v[] = {{ax_str("__replica__"), ax_str("a")}, {ax_str("cluster"), ax_str("eu")}};
    struct ax_labels ls = {2, v};
    struct ax_ha_sender x = ax_ha_sender_of(ha, ax_str("x"), &ls), y = ax_ha_sender_of(ha, ax_str("y"), &ls);
    assert_int_not_equal(x.cluster, y.cluster);
    ax_ha_free(ha);
}

static void a_cluster_too_many_is_refused_until_one_was_silent_for_long(void **state)
{
    (void)state;
    struct ax_ha *ha = track(3);
    for (int i = 0; i < 3; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(hear(ha, name, "a"), AX_HA_ELECTED);
    }
    assert_int_equal(hear(ha, "c3", "a"), AX_HA_FULL);
    now_ms += 1800000;
    assert_int_equal(hear(ha, "c0", "a"), AX_HA_ELECTED);
    assert_int_equal(hear(ha, "c3", "a"), AX_HA_FULL);
    now_ms += 1;
    assert_int_equal(hear(ha, "c3", "b"), AX_HA_ELECTED);
    assert_int_equal(hear(ha, "c3", "a"), AX_HA_DUPLICATE);
    assert_int_equal(hear(ha, "c0", "b"), AX_HA_DUPLICATE); /* it was heard, so it kept its place */
    assert_true(ax_metric_get(ax_metric(AX_M_HA_CLUSTERS, NULL, NULL)) == 3);
    ax_ha_free(ha);
}

static struct ax_ha *restart(struct ax_ha *before, const struct ax_buf *saved)
{
    struct ax_ha *ha = track(8);
    ax_ha_free(before);
    now_ms = 2000000;
    assert_int_equal(ax_ha_load(ha, ax_buf_view(saved)), AX_OK);
    return ha;
}

static void elections_last(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    struct ax_buf all;
    ax_buf_init(&all, 4096);
    (void)hear(ha, "eu", "a");
    (void)hear(ha, "us", "b");
    now_ms += FAILOVER_MS;
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_ELECTED);
    ax_ha_save(ha, &all);
    ha = restart(ha, &all);
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_DUPLICATE);
    assert_int_equal(hear(ha, "us", "a"), AX_HA_DUPLICATE); /* a start counts as heard */
    now_ms += FAILOVER_MS - 1;
    assert_int_equal(hear(ha, "us", "a"), AX_HA_DUPLICATE);
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_ELECTED);
    now_ms++;
    assert_int_equal(hear(ha, "us", "a"), AX_HA_ELECTED);
    ax_ha_free(ha);
    ax_buf_done(&all);
}

static void news_are_told_until_they_last_and_the_latest_counts(void **state)
{
    (void)state;
    struct ax_ha *ha = track(8);
    struct ax_buf first, second, both;
    uint64_t until, again;
    ax_buf_init(&first, 4096);
    ax_buf_init(&second, 4096);
    ax_buf_init(&both, 4096);
    assert_false(ax_ha_has_news(ha));
    (void)hear(ha, "eu", "a");
    assert_true(ax_ha_has_news(ha));
    ax_ha_save_news(ha, &first, &until);
    ax_ha_save_news(ha, &both, &again); /* another thread does the same */
    assert_true(until == again && first.n == both.n);
    now_ms += FAILOVER_MS;
    (void)hear(ha, "eu", "b");
    ax_ha_saved(ha, until);
    ax_ha_saved(ha, again);
    assert_true(ax_ha_has_news(ha)); /* of what came meanwhile */
    ax_ha_save_news(ha, &second, &until);
    ax_ha_saved(ha, until);
    assert_false(ax_ha_has_news(ha));
    (void)hear(ha, "eu", "b");
    assert_false(ax_ha_has_news(ha));
    ha = restart(ha, &second);
    assert_int_equal(ax_ha_load(ha, ax_buf_view(&first)), AX_OK); /* older than what is known */
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_DUPLICATE);
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_ELECTED);
    for (size_t n = 0; n < second.n; n++) {
        enum ax_err err = ax_ha_load(ha, (struct ax_str){(const char *)second.bytes, n});
        assert_true(n == 1 ? err == AX_OK : err == AX_CORRUPT);
    }
    ax_ha_free(ha);
    ax_buf_done(&first);
    ax_buf_done(&second);
    ax_buf_done(&both);
}

static void a_cluster_that_gave_way_and_came_back_is_elected_anew(void **state)
{
    (void)state;
    struct ax_ha *ha = track(1);
    struct ax_buf before, after;
    uint64_t until;
    ax_buf_init(&before, 4096);
    ax_buf_init(&after, 4096);
    assert_int_equal(hear(ha, "eu", "a"), AX_HA_ELECTED);
    now_ms += FAILOVER_MS;
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_ELECTED);
    ax_ha_save_news(ha, &before, &until);
    ax_ha_saved(ha, until);
    now_ms += 1800001;
    assert_int_equal(hear(ha, "us", "a"), AX_HA_ELECTED); /* takes its place */
    now_ms += 1800001;
    assert_int_equal(hear(ha, "eu", "c"), AX_HA_ELECTED);
    ax_ha_save_news(ha, &after, &until);
    ha = restart(ha, &before);
    assert_int_equal(ax_ha_load(ha, ax_buf_view(&after)), AX_OK);
    assert_int_equal(hear(ha, "eu", "b"), AX_HA_DUPLICATE);
    assert_int_equal(hear(ha, "eu", "c"), AX_HA_ELECTED);
    /* What comes after a start is later than all that was read. */
    now_ms += 10 * 1800001LL;
    struct ax_buf last;
    ax_buf_init(&last, 4096);
    for (int i = 0; i < 8; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(hear(ha, name, "a"), AX_HA_ELECTED);
    }
    now_ms += 1800001;
    assert_int_equal(hear(ha, "eu", "d"), AX_HA_ELECTED);
    ax_ha_save_news(ha, &last, &until);
    ha = restart(ha, &before);
    assert_int_equal(ax_ha_load(ha, ax_buf_view(&after)), AX_OK);
    assert_int_equal(ax_ha_load(ha, ax_buf_view(&last)), AX_OK);
    assert_int_equal(hear(ha, "eu", "c"), AX_HA_DUPLICATE);
    ax_ha_free(ha);
    ax_buf_done(&before);
    ax_buf_done(&after);
    ax_buf_done(&last);
}

static void a_cluster_that_took_the_place_of_another_has_it_after_a_start(void **state)
{
    (void)state;
    struct ax_ha *ha = track(2), *again = track(2);
    struct ax_buf snapshot, news, newer;
    uint64_t until;
    ax_buf_init(&snapshot, 4096);
    ax_buf_init(&news, 4096);
    ax_buf_init(&newer, 4096);
    (void)hear(ha, "eu", "a");
    (void)hear(ha, "us", "a");
    ax_ha_save(ha, &snapshot);
    ax_ha_save_news(ha, &news, &until);
    ax_ha_saved(ha, until);
    now_ms += 1800001;
    (void)hear(ha, "us", "a");
    assert_int_equal(hear(ha, "asia", "b"), AX_HA_ELECTED); /* eu gives way */
    ax_buf_reset(&news);
    ax_ha_save_news(ha, &news, &until);
    ax_ha_saved(ha, until);
    assert_int_equal(ax_ha_load(again, ax_buf_view(&snapshot)), AX_OK);
    assert_int_equal(ax_ha_load(again, ax_buf_view(&news)), AX_OK);
    assert_int_equal(hear(again, "asia", "b"), AX_HA_ELECTED);
    assert_int_equal(hear(again, "asia", "a"), AX_HA_DUPLICATE);
    assert_int_equal(hear(again, "us", "b"), AX_HA_DUPLICATE);
    assert_int_equal(hear(again, "eu", "a"), AX_HA_FULL);
    ax_ha_free(again);
    /* A snapshot that is newer than the news: what came back since stays. */
    now_ms += 1800001;
    (void)hear(ha, "us", "a");
    assert_int_equal(hear(ha, "eu", "c"), AX_HA_ELECTED); /* asia gives way */
    ax_ha_save(ha, &newer);
    again = track(2);
    assert_int_equal(ax_ha_load(again, ax_buf_view(&newer)), AX_OK);
    assert_int_equal(ax_ha_load(again, ax_buf_view(&news)), AX_OK);
    assert_int_equal(hear(again, "eu", "c"), AX_HA_ELECTED);
    assert_int_equal(hear(again, "us", "a"), AX_HA_ELECTED);
    assert_int_equal(hear(again, "asia", "b"), AX_HA_FULL);
    ax_ha_free(again);
    ax_ha_free(ha);
    ax_buf_done(&snapshot);
    ax_buf_done(&news);
    ax_buf_done(&newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_replica_that_is_heard_is_elected),
        cmocka_unit_test(another_takes_over_when_it_was_not_heard_for_the_timeout_and_stays),
        cmocka_unit_test(an_elected_replica_that_was_silent_alone_goes_on),
        cmocka_unit_test(a_series_without_one_of_the_labels_has_no_sender),
        cmocka_unit_test(tenants_have_clusters_of_their_own),
        cmocka_unit_test(a_cluster_too_many_is_refused_until_one_was_silent_for_long),
        cmocka_unit_test(elections_last),
        cmocka_unit_test(a_cluster_that_gave_way_and_came_back_is_elected_anew),
        cmocka_unit_test(news_are_told_until_they_last_and_the_latest_counts),
        cmocka_unit_test(a_cluster_that_took_the_place_of_another_has_it_after_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
