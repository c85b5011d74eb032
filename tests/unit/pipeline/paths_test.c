/* Paths as readers see them: whole, newest, in order, and only while their series lives. */
#include "ax_test.h"
#include "pipeline/paths.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 300

static struct ax_forecast_spec spec;
static struct ax_paths *paths;

static int start(void **state)
{
    const int64_t horizons[] = {60000, 3600000};
    (void)state;
    paths = ax_paths_new();
    assert_non_null(paths);
    return ax_forecast_spec_init(&spec, 15000, horizons, 2, NULL) != AX_OK;
}

static int stop(void **state)
{
    (void)state;
    ax_paths_free(paths);
    return 0;
}

static struct ax_path *open_path(uint32_t i)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", i);
    const struct ax_label label = {ax_str("i"), ax_str(text)};
    const struct ax_labels labels = {1, &label};
    struct ax_path *path = ax_paths_open(paths, &labels, &spec, NULL);
    assert_non_null(path);
    return path;
}

static void put(struct ax_path *path, int64_t t_ms, double value)
{
    struct ax_forecast f = {.ready = true};
    for (uint32_t i = 0; i < spec.leads_n; i++) {
        f.mean[i] = value;
        f.lower[i] = value - 1;
        f.upper[i] = value + 1;
    }
    ax_paths_put(paths, path, t_ms, &f);
}

/* What a visit saw. */
struct seen {
    uint32_t n, most;
    char order[4096];
    int64_t t_ms;
    float mean, lower, upper;
    bool torn;
};

static bool look(void *ctx, const struct ax_path_view *p)
{
    struct seen *s = ctx;
    size_t n = strlen(s->order);
    (void)snprintf(s->order + n, sizeof s->order - n, AX_STR_FMT " ", AX_STR_ARG(p->labels->v[0].value));
    s->t_ms = p->t_ms;
    s->mean = p->mean[p->n - 1];
    s->lower = p->lower[p->n - 1];
    s->upper = p->upper[p->n - 1];
    s->torn |= p->n != spec.leads_n || p->leads[p->n - 1] != 240 || p->step_ms != 15000;
    for (uint32_t i = 0; i < p->n; i++)
        s->torn |= p->mean[i] != (float)(p->t_ms % 1000) || p->upper[i] != p->mean[i] + 1;
    return ++s->n != s->most;
}

static void a_path_is_seen_when_something_was_put(void **state)
{
    (void)state;
    struct seen s = {0};
    struct ax_path *path = open_path(7);
    assert_int_equal(ax_paths_each(paths, NULL, look, &s), AX_OK);
    assert_int_equal(s.n, 0);
    put(path, 1005, 5);
    put(path, 2006, 6);
    assert_int_equal(ax_paths_each(paths, NULL, look, &s), AX_OK);
    assert_int_equal(s.n, 1);
    assert_string_equal(s.order, "7 ");
    assert_int_equal(s.t_ms, 2006);
    assert_true(s.mean == 6.0F && s.lower == 5.0F && s.upper == 7.0F && !s.torn);
    ax_paths_close(paths, path);
    s = (struct seen){0};
    assert_int_equal(ax_paths_each(paths, NULL, look, &s), AX_OK);
    assert_int_equal(s.n, 0);
    ax_paths_close(paths, NULL);
}

static void paths_are_visited_in_the_order_in_which_they_were_opened(void **state)
{
    (void)state;
    static struct ax_path *all[MANY];
    static struct seen s;
    for (uint32_t i = 0; i < MANY; i++)
        put(all[i] = open_path(i), 1000, 0);
    for (uint32_t i = 0; i < MANY; i++)
        if (i % 100) {
            ax_paths_close(paths, all[i]);
            all[i] = NULL;
        }
    struct ax_path *late = open_path(1000);
    put(late, 1000, 0);
    s = (struct seen){0};
    assert_int_equal(ax_paths_each(paths, NULL, look, &s), AX_OK);
    assert_string_equal(s.order, "0 100 200 1000 ");
    s = (struct seen){.most = 2};
    assert_int_equal(ax_paths_each(paths, NULL, look, &s), AX_OK);
    assert_int_equal(s.n, 2);
    for (uint32_t i = 0; i < MANY; i++)
        ax_paths_close(paths, all[i]);
    ax_paths_close(paths, late);
}

static enum ax_path_wish choose_odd(void *ctx, const struct ax_labels *labels)
{
    (void)ctx;
    const char last = labels->v[0].value.p[labels->v[0].value.n - 1];
    return last == '9' ? AX_PATH_STOP : (last - '0') % 2 ? AX_PATH_TAKE : AX_PATH_SKIP;
}

/* Ends the last path while its labels are looked at. */
static enum ax_path_wish end_meanwhile(void *ctx, const struct ax_labels *labels)
{
    struct ax_path **last = ctx;
    ax_paths_close(paths, *last);
    *last = NULL;
    assert_true(labels->v[0].value.n == 1);
    return AX_PATH_TAKE;
}

static bool only_the_first(void *ctx, const struct ax_path_view *p)
{
    (void)ctx;
    assert_true(ax_str_eq(p->labels->v[0].value, ax_str("0")));
    return true;
}

static void only_chosen_paths_that_are_still_there_are_visited(void **state)
{
    (void)state;
    static struct ax_path *all[MANY];
    struct seen s = {0};
    for (uint32_t i = 0; i < MANY; i++)
        put(all[i] = open_path(i), 1000, 0);
    assert_int_equal(ax_paths_each(paths, choose_odd, look, &s), AX_OK);
    assert_string_equal(s.order, "1 3 5 7 ");
    for (uint32_t i = 2; i < MANY; i++)
        ax_paths_close(paths, all[i]);
    assert_int_equal(ax_paths_each(paths, end_meanwhile, only_the_first, &all[1]), AX_OK);
    assert_null(all[1]);
    ax_paths_close(paths, all[0]);
}

#define VISITS 3 /* of each reader at least, while paths change */

/* A reader that takes its time: the pipeline publishes, and ends series, meanwhile. */
static bool publish_meanwhile(void *ctx, const struct ax_path_view *p)
{
    struct ax_path **path = ctx;
    const float before = p->mean[0];
    put(path[0], p->t_ms + 1, 99);
    ax_paths_close(paths, path[1]);
    path[1] = NULL;
    assert_true(p->mean[0] == before && p->labels->v[0].value.n == 1);
    return true;
}

static void a_reader_holds_nobody_up(void **state)
{
    (void)state;
    struct ax_path *path[] = {open_path(1), open_path(2)};
    put(path[0], 1005, 5);
    put(path[1], 1005, 5);
    assert_int_equal(ax_paths_each(paths, NULL, publish_meanwhile, path), AX_OK);
    struct seen s = {0};
    assert_int_equal(ax_paths_each(paths, NULL, look, &s), AX_OK);
    assert_int_equal(s.n, 1);
    assert_true(s.mean == 99.0F);
    ax_paths_close(paths, path[0]);
}

static atomic_bool over;

struct reader {
    struct seen seen;
    bool failed;
    _Atomic uint32_t visits;
};

static void *read_on(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(&over)) {
        r->seen.order[0] = '\0';
        r->failed |= ax_paths_each(paths, NULL, look, &r->seen) != AX_OK;
        (void)atomic_fetch_add(&r->visits, 1);
    }
    return NULL;
}

static void readers_see_whole_paths_while_they_change(void **state)
{
    (void)state;
    static struct reader readers[2];
    struct ax_path *all[100];
    pthread_t threads[2];
    for (uint32_t i = 0; i < 100; i++)
        put(all[i] = open_path(i), 1000, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    for (uint32_t round = 1;
         round < 300 || atomic_load(&readers[0].visits) < VISITS || atomic_load(&readers[1].visits) < VISITS;
         round++)
        for (uint32_t i = 0; i < 100; i++) {
            if ((round + i) % 17 == 0) {
                ax_paths_close(paths, all[i]);
                all[i] = open_path(i);
            }
            put(all[i], 1000 + round, round % 1000);
        }
    atomic_store(&over, true);
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_true(readers[i].seen.n > 0 && !readers[i].seen.torn && !readers[i].failed);
    }
    for (uint32_t i = 0; i < 100; i++)
        ax_paths_close(paths, all[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(a_path_is_seen_when_something_was_put),
        TEST(paths_are_visited_in_the_order_in_which_they_were_opened),
        TEST(only_chosen_paths_that_are_still_there_are_visited),
        TEST(a_reader_holds_nobody_up),
        TEST(readers_see_whole_paths_while_they_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
