/* What is fed into a report comes out in its table, its JSON and its page. */
#include "app/report.h"
#include "ax_test.h"
#include "ingest/csv.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t horizons[] = {60000, 300000};

/* Two jobs: one with two series, forecast by their last value and scored by its error; one with a drifting
 * feature and no forecast. Values are those of a recording. */
static struct ax_report *filled(void)
{
    static const char *const paths[] = {AX_TEST_DIR "/data/replay/ingress-01.csv",
                                        AX_TEST_DIR "/data/replay/ingress-05.csv"};
    const struct ax_report_job jobs[] = {
        {ax_str("bandwidth"), ax_str("predicted_bandwidth"), horizons, 2, 0.9},
        {ax_str("node <x>"), ax_str(""), NULL, 0, 0.9}};
    struct ax_report *r = ax_report_new(ax_str("auspex.yml & recordings"), jobs, 2);
    struct ax_csv *csv = NULL;
    struct ax_csv_value v;
    struct ax_diag diag = {{0}};
    double past[2][8] = {{0}};
    uint32_t seen[2] = {0, 0}, series[2];
    bool end = false;
    assert_non_null(r);
    if (ax_csv_open(paths, 2, ax_str("label"), &csv, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    for (uint32_t i = 0; i < 2; i++)
        series[i] = ax_report_series(r, 0, ax_csv_labels(csv, i));
    uint32_t entity = ax_report_series(r, 1, ax_csv_labels(csv, 0));
    for (;;) {
        assert_int_equal(ax_csv_next(csv, &v, &end, &diag), AX_OK);
        if (end)
            break;
        double *p = past[v.series], width = 0.02 * v.value;
        uint32_t n = seen[v.series]++;
        for (uint32_t h = 0; h < 2 && n >= 5; h++) {
            double f = p[(n - (h ? 5 : 1)) % 8];
            struct ax_forecast_outcome o = {
                v.t_ms - horizons[h], v.t_ms, v.value, f, f - width, f + width, f, f + width};
            ax_report_outcome(r, 0, series[v.series], h, &o);
            ax_report_confidence(r, 0, h, fmin(1, 0.5 + n % 50 / 100.0), fabs(f - v.value) < 0.01 * v.value);
        }
        double last = n ? p[(n - 1) % 8] : v.value, score = fabs(v.value - last) / (0.03 * last);
        struct ax_report_score s = {v.t_ms, score, v.value, last, last * 0.97, last * 1.03, v.label};
        ax_report_score(r, 0, series[v.series], &s);
        if (v.series == 0 && n % 10 == 0) {
            ax_report_score(r, 1, entity, &s);
            ax_report_drift(r, 1, ax_str("cpu"), ax_str("ks"), v.t_ms, 0.1 + n / 4000.0);
            ax_report_drift(r, 1, ax_str("cpu"), ax_str("psi"), v.t_ms, 0.05 + fabs(sin(n / 200.0)));
            ax_report_drift(r, 1, ax_str("memory"), ax_str("ks"), v.t_ms, 0.1);
        }
        p[n % 8] = v.value;
    }
    ax_csv_close(csv);
    return r;
}

/* The text of a writer, terminated. */
static const char *written(void (*write)(struct ax_report *, struct ax_buf *), struct ax_report *r,
                           struct ax_buf *buf)
{
    ax_buf_init(buf, 64u << 20);
    write(r, buf);
    ax_buf_byte(buf, 0);
    assert_int_equal(buf->err, AX_OK);
    return (const char *)buf->bytes;
}

static void the_table_names_what_it_shows(void **state)
{
    (void)state;
    struct ax_report *r = filled();
    struct ax_buf buf;
    const char *text = written(ax_report_table, r, &buf);
    static const char *const parts[] = {"job bandwidth, 2 series\n",
                                        "forecast predicted_bandwidth",
                                        "median over the series",
                                        "pooled WAPE",
                                        "\n        1m       2 ",
                                        "\n        5m       2 ",
                                        "prediction_confidence  said",
                                        "came true",
                                        "alarms/week",
                                        "precision",
                                        "job node <x>, 1 series",
                                        "cpu                              psi"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!strstr(text, parts[i]))
            fail_msg("no \"%s\" in\n%s", parts[i], text);
    assert_null(strstr(text, "memory ran out"));
    ax_buf_done(&buf);
    ax_report_free(r);
}

static double number_at(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void the_json_holds_every_number(void **state)
{
    (void)state;
    struct ax_report *r = filled();
    struct ax_buf buf;
    json_t *root = json_loads(written(ax_report_json, r, &buf), 0, NULL);
    assert_non_null(root);
    assert_true(json_is_true(json_object_get(root, "complete")));
    const json_t *job = json_array_get(json_object_get(root, "jobs"), 0);
    const json_t *all = json_object_get(job, "series");
    assert_int_equal(json_array_size(all), 2);
    const json_t *one = json_array_get(json_object_get(json_object_get(job, "forecast"), "horizons"), 0);
    double wapes[2], n = 0;
    for (size_t i = 0; i < 2; i++) {
        const json_t *m = json_object_get(json_object_get(json_array_get(all, i), "forecast"), "1m");
        wapes[i] = number_at(m, "wape");
        n += number_at(m, "n");
        ax_assert_close(number_at(m, "skill_last_value"), 0, 1e-12); /* it is the last value */
    }
    ax_assert_close(number_at(json_object_get(one, "median"), "wape"), (wapes[0] + wapes[1]) / 2, 1e-9);
    ax_assert_close(number_at(one, "n"), n, 0);
    double pooled = number_at(one, "pooled_wape");
    assert_true(pooled > fmin(wapes[0], wapes[1]) && pooled < fmax(wapes[0], wapes[1]));
    const json_t *reliability = json_object_get(json_object_get(job, "forecast"), "reliability");
    assert_int_equal(json_array_size(reliability), 5); /* 0.5 to 0.99 was said */
    for (size_t i = 0; i < 5; i++) {
        const json_t *bin = json_array_get(reliability, i);
        ax_assert_close(number_at(bin, "confidence"), 0.545 + 0.1 * (double)i, 0.01);
        assert_in_range((uint64_t)(100 * number_at(bin, "within")), 0, 100);
        assert_true(number_at(bin, "n") > 0);
    }
    assert_true(number_at(json_object_get(job, "anomaly"), "labelled") > 1000);
    assert_int_equal(
        json_array_size(json_object_get(json_array_get(json_object_get(root, "jobs"), 1), "drift")), 3);
    json_decref(root);
    ax_buf_done(&buf);
    ax_report_free(r);
}

static void the_page_stands_alone(void **state)
{
    (void)state;
    struct ax_report *r = filled();
    struct ax_buf buf;
    const char *text = written(ax_report_html, r, &buf);
    static const char *const without[] = {"<script", "http://",  "https://", "src=", "@import",
                                          "url(",    "node <x>", "nan",      "inf,"};
    static const char *const with[] = {"<!doctype html>", "node &lt;x&gt;",  "auspex.yml &amp; recordings",
                                       "Reliability",     "Drift over time", "prefers-color-scheme:dark",
                                       "</html>"};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++)
        if (strstr(text, without[i]))
            fail_msg("\"%s\" in the page", without[i]);
    for (size_t i = 0; i < sizeof with / sizeof with[0]; i++)
        if (!strstr(text, with[i]))
            fail_msg("no \"%s\" in the page", with[i]);
    const char *keep = getenv("AX_WRITE_REPORT");
    if (keep) {
        FILE *file = fopen(keep, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
        assert_int_equal(fclose(file), 0);
    }
    ax_buf_done(&buf);
    ax_report_free(r);
}

static void an_empty_report_is_written_too(void **state)
{
    (void)state;
    const struct ax_report_job job = {ax_str("a"), ax_str("predicted_a"), horizons, 2, 0.9};
    struct ax_report *r = ax_report_new(ax_str(""), &job, 1);
    struct ax_buf buf;
    assert_non_null(strstr(written(ax_report_table, r, &buf), "job a, 0 series"));
    assert_non_null(strstr((char *)buf.bytes, "further apart than the job's step?"));
    ax_buf_done(&buf);
    json_t *root = json_loads(written(ax_report_json, r, &buf), 0, NULL);
    assert_non_null(root);
    json_decref(root);
    ax_buf_done(&buf);
    assert_non_null(strstr(written(ax_report_html, r, &buf), "</html>"));
    ax_buf_done(&buf);
    ax_report_free(r);
}

static void series_are_found_again_among_many(void **state)
{
    (void)state;
    const struct ax_report_job job = {ax_str("a"), ax_str("predicted_a"), horizons, 2, 0.9};
    struct ax_report *r = ax_report_new(ax_str(""), &job, 1);
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 1000; i++) {
            char value[16];
            (void)snprintf(value, sizeof value, "%u", i);
            struct ax_label label = {ax_str("i"), ax_str(value)};
            struct ax_labels ls = {1, &label};
            assert_int_equal(ax_report_series(r, 0, &ls), i);
        }
    ax_report_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_names_what_it_shows),
        cmocka_unit_test(the_json_holds_every_number),
        cmocka_unit_test(the_page_stands_alone),
        cmocka_unit_test(an_empty_report_is_written_too),
        cmocka_unit_test(series_are_found_again_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
