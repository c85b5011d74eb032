/* features.c: what it costs to show what models see.
 *
 * usage: features
 * A job of 10,000 series, one of them with a full window of 960 steps.
 *
 * Output, a line each "what median worst budget", in ms of CPU time of the handler: the vector of that one
 * series, found among all by a selector, and its whole past as CSV. */
#include "api/features.h"

#include "base/clock.h"
#include "nowhere.h"
#include "series/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERIES 10000
#define STEP_MS 15000
#define START_MS INT64_C(1700000010000)
#define ALL_STEPS 20 /* the newest, of all series */
#define REPEATS 50

static struct ax_diag diag;

static void check(enum ax_err err)
{
    if (err == AX_OK)
        return;
    (void)fprintf(stderr, "features: %s\n", diag.text);
    exit(1);
}

static struct ax_pipeline *make(struct ax_db *db, int64_t *now_ms)
{
    static const char yaml[] =
        "global: {evaluation_delay: 0s}\njobs: [{name: load, expr: load, drift: {}}]\n";
    static struct ax_problems problems;
    struct ax_config *config = NULL;
    check(ax_config_parse(ax_str(yaml), &config, &problems));
    struct ax_pipeline *p = ax_pipeline_new(&(struct ax_pipeline_options){
        .db = db, .sink = nowhere(), .clock = ax_clock_virtual(now_ms), .max_range_ms = 3600000, .seed = 42});
    check(p ? ax_pipeline_load(p, config, &diag) : AX_NOMEM);
    return p;
}

static void append(struct ax_db *db, uint32_t series, int64_t t_ms)
{
    char instance[16];
    struct ax_buf key;
    const struct ax_sample sample = {t_ms, (double)((t_ms / STEP_MS * 7919 + series) % 101)};
    (void)snprintf(instance, sizeof instance, "node%05u", series);
    const struct ax_label v[] = {{ax_str("__name__"), ax_str("load")},
                                 {ax_str("instance"), ax_str(instance)}};
    const struct ax_labels ls = {2, v};
    ax_buf_init(&key, 4096);
    ax_labels_key_write(&ls, &key);
    if (ax_db_append(db, ax_str(""), ax_buf_view(&key), &sample, 1, NULL, &diag) == AX_FATE_INVALID)
        exit(1);
    ax_buf_done(&key);
}

static struct ax_str find(void *ctx, bool query, const char *name, uint32_t at)
{
    (void)ctx;
    return query && at == 0 && strcmp(name, "match[]") == 0 ? ax_str("{instance=\"node07000\"}")
                                                            : (struct ax_str){NULL, 0};
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, const struct ax_http_route *route, double budget)
{
    static double ms[REPEATS];
    const struct ax_http_request req = {.path = ax_str(route->path), .find = find};
    for (int i = 0; i < REPEATS; i++) {
        struct ax_http_response res;
        ax_http_response_init(&res);
        const int64_t start_ns = ax_thread_cpu_ns();
        route->handle(route->ctx, &req, &res);
        ms[i] = (double)(ax_thread_cpu_ns() - start_ns) / 1e6;
        if (res.status != 200 || res.body.n < 500)
            exit(1);
        ax_buf_done(&res.body);
    }
    qsort(ms, REPEATS, sizeof *ms, by_size);
    (void)printf("%-28s %10.2f %10.2f %8.0f\n", what, ms[REPEATS / 2], ms[REPEATS - 1], budget);
}

int main(void)
{
    int64_t now_ms = START_MS;
    struct ax_http_route routes[AX_FEATURES_ROUTES];
    struct ax_db *db = ax_db_new(&(struct ax_db_options){
        .seed = 7, .series_max = 2 * SERIES, .negative_max = 16, .retention_ms = 360000});
    check(db ? AX_OK : AX_NOMEM);
    struct ax_pipeline *p = make(db, &now_ms);
    for (uint32_t step = 0; step < AX_WINDOW_FINE; step++) {
        const int64_t t_ms = START_MS + (int64_t)step * STEP_MS;
        append(db, 7000, t_ms);
        for (uint32_t i = 0; i < SERIES && step >= AX_WINDOW_FINE - ALL_STEPS; i++)
            if (i != 7000)
                append(db, i, t_ms);
        now_ms = t_ms;
        (void)ax_pipeline_run_due(p);
    }
    ax_features_routes(p, routes);
    (void)printf("%-28s %10s %10s %8s\n", "features, CPU", "median ms", "worst ms", "budget");
    measure("vector, one of 10,000", &routes[0], 10);
    measure("export, 960 steps of it", &routes[1], 1000);
    ax_pipeline_free(p);
    ax_db_free(db);
    return 0;
}
