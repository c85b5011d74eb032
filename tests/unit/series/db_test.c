/* The database finds series by any spelling of their labels, keeps what is wanted and forgets the rest. */
#include "ax_test.h"
#include "series/db.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

#define N_MAX 8

/* Key of "name,value,name,value,..." in the order given. */
static struct ax_str key_of(struct ax_buf *buf, const char *const *pairs, uint32_t n)
{
    struct ax_label v[N_MAX];
    for (uint32_t i = 0; i < n; i++)
        v[i] = (struct ax_label){ax_str(pairs[2 * i]), ax_str(pairs[2 * i + 1])};
    ax_buf_init(buf, 65536);
    ax_labels_key_write(&(struct ax_labels){n, v}, buf);
    assert_int_equal(buf->err, AX_OK);
    return ax_buf_view(buf);
}

static enum ax_fate append(struct ax_db *db, const char *const *pairs, uint32_t n, int64_t t, double v,
                           struct ax_append_result *out)
{
    struct ax_buf buf;
    struct ax_str key = key_of(&buf, pairs, n);
    struct ax_sample s = {t, v};
    struct ax_diag diag = {{0}};
    enum ax_fate fate = ax_db_append(db, ax_str(""), key, &s, 1, out, &diag);
    ax_buf_done(&buf);
    return fate;
}

static enum ax_fate append_one(struct ax_db *db, const char *name, const char *instance, int64_t t, double v)
{
    const char *pairs[] = {AX_METRIC_NAME, name, "instance", instance};
    return append(db, pairs, 2, t, v, NULL);
}

static struct ax_matcher *name_matcher(enum ax_match_op op, const char *value)
{
    struct ax_matcher *m = NULL;
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_matcher_new(op, ax_str(AX_METRIC_NAME), ax_str(value), &m, &diag), AX_OK);
    return m;
}

static bool own(const void *ctx, const struct ax_labels *ls)
{
    (void)ctx;
    return ax_labels_get(ls, ax_str("for")).n > 0;
}

/* A database that wants the metric "up". */
struct fixture {
    struct ax_db *db;
    struct ax_matcher *matcher;
    struct ax_watch watch;
    int selector;
};

static void open_db(struct fixture *f, uint32_t series_max, uint32_t negative_max)
{
    static const struct ax_str drop[] = {{"__replica__", 11}};
    struct ax_db_options o = {.seed = 42,
                              .series_max = series_max,
                              .negative_max = negative_max,
                              .drop_labels = drop,
                              .drop_labels_n = 1,
                              .own_output = own};
    *f = (struct fixture){.db = ax_db_new(&o)};
    assert_non_null(f->db);
    f->watch.newest_ms = f->watch.evaluated_ms = INT64_MIN;
    f->watch.late = ax_metric(AX_M_LATE_SAMPLES, "db_test", NULL);
    f->matcher = name_matcher(AX_MATCH_EQ, "up");
    f->selector = ax_db_add_selector(f->db, ax_str(""), &f->matcher, 1, 60000, &f->watch);
    assert_true(f->selector >= 0);
}

static void close_db(struct fixture *f)
{
    ax_db_remove_selector(f->db, f->selector);
    ax_db_free(f->db);
    ax_matcher_free(f->matcher);
}

static uint32_t members_n(struct fixture *f)
{
    uint32_t n = 0;
    uint64_t epoch = 0;
    ax_db_members(f->db, f->selector, &n, &epoch);
    return n;
}

static void every_spelling_of_the_labels_leads_to_one_series(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    const char *a[] = {AX_METRIC_NAME, "up", "instance", "a", "job", "x"};
    const char *b[] = {"job", "x", "instance", "a", AX_METRIC_NAME, "up"};
    const char *c[] = {AX_METRIC_NAME, "up", "__replica__", "r2", "instance", "a", "job", "x"};
    const char *d[] = {AX_METRIC_NAME, "up", "empty", "", "instance", "a", "job", "x"};
    struct ax_append_result r = {0};
    for (int64_t round = 0; round < 2; round++) {
        assert_int_equal(append(f.db, b, 3, round * 1000 + 2, 2, &r), AX_FATE_WANTED);
        assert_int_equal(append(f.db, a, 3, round * 1000 + 1, 1, &r), AX_FATE_WANTED);
        assert_int_equal(append(f.db, c, 4, round * 1000 + 2, 3, &r), AX_FATE_WANTED);
        assert_int_equal(append(f.db, d, 4, round * 1000 + 4, 4, &r), AX_FATE_WANTED);
    }
    assert_int_equal(ax_db_series_n(f.db), 1);
    assert_int_equal(r.appended, 6);
    assert_int_equal(r.duplicates, 2);
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(f.db, f.selector, &n, &epoch);
    assert_int_equal(n, 1);
    assert_int_equal(ax_series_labels(members[0])->n, 3);
    struct ax_sample out[8];
    assert_int_equal(ax_db_read(f.db, members[0], 0, 10, out, 8), 3);
    assert_true(out[1].value == 2);
    close_db(&f);
}

static uint64_t bytes_in_use(void)
{
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void spellings_without_end_take_no_memory_without_end(void **state)
{
    (void)state;
    struct fixture f;
    struct ax_append_result r = {0};
    uint64_t before = 0;
    open_db(&f, 0, 4096);
    for (int i = 0; i < 20000; i++) {
        char replica[32];
        (void)snprintf(replica, sizeof replica, "r%d", i);
        const char *pairs[] = {AX_METRIC_NAME, "up", "__replica__", replica, "instance", "a"};
        assert_int_equal(append(f.db, pairs, 3, 1000 + i, 1, &r), AX_FATE_WANTED);
        if (i == 10000)
            before = bytes_in_use();
    }
    assert_int_equal(ax_db_series_n(f.db), 1);
    assert_int_equal(r.appended, 20000);
    assert_true(bytes_in_use() < before + 600000); /* the ring doubles once */
    close_db(&f);
}

static void what_nobody_wants_goes_no_further(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    const char *mine[] = {AX_METRIC_NAME, "up", "for", "job"};
    const char *nameless[] = {"instance", "a"};
    const char *twice[] = {AX_METRIC_NAME, "up", "a", "1", "a", "2"};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(append_one(f.db, "down", "a", 1, 1), AX_FATE_UNWANTED);
        assert_int_equal(append(f.db, mine, 2, 1, 1, NULL), AX_FATE_OWN);
        assert_int_equal(append(f.db, nameless, 1, 1, 1, NULL), AX_FATE_INVALID);
        assert_int_equal(append(f.db, twice, 3, 1, 1, NULL), AX_FATE_INVALID);
    }
    struct ax_diag diag = {{0}};
    assert_int_equal(ax_db_append(f.db, ax_str(""), ax_str("\x0a\x7f"), NULL, 0, NULL, &diag),
                     AX_FATE_INVALID);
    assert_true(diag.text[0] != 0);
    assert_int_equal(ax_db_series_n(f.db), 0);
    close_db(&f);
}

static void a_new_want_finds_known_series_and_forgotten_keys(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    append_one(f.db, "up", "a", 5, 1);
    append_one(f.db, "down", "a", 5, 1);
    struct ax_matcher *any = name_matcher(AX_MATCH_RE, ".+");
    struct ax_watch watch = {.newest_ms = INT64_MIN, .evaluated_ms = INT64_MIN};
    int second = ax_db_add_selector(f.db, ax_str(""), &any, 1, 1000, &watch);
    uint32_t n = 0;
    uint64_t epoch = 0;
    ax_db_members(f.db, second, &n, &epoch);
    assert_int_equal(n, 1);
    assert_int_equal(watch.newest_ms, 5);
    assert_int_equal(append_one(f.db, "down", "a", 6, 1), AX_FATE_WANTED);
    ax_db_members(f.db, second, &n, &epoch);
    assert_int_equal(n, 2);
    assert_int_equal(watch.newest_ms, 6);
    assert_int_equal(f.watch.newest_ms, 5);
    ax_db_remove_selector(f.db, second);
    ax_matcher_free(any);
    assert_int_equal(append_one(f.db, "down", "a", 7, 1), AX_FATE_UNWANTED);
    assert_int_equal(ax_db_evict(f.db, INT64_MIN), 1);
    assert_int_equal(ax_db_series_n(f.db), 1);
    assert_int_equal(watch.newest_ms, 6);
    close_db(&f);
}

static void tenants_do_not_see_each_other(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    struct ax_buf buf;
    const char *pairs[] = {AX_METRIC_NAME, "up"};
    struct ax_str key = key_of(&buf, pairs, 1);
    struct ax_sample s = {1, 1};
    assert_int_equal(ax_db_append(f.db, ax_str("team"), key, &s, 1, NULL, NULL), AX_FATE_UNWANTED);
    int theirs = ax_db_add_selector(f.db, ax_str("team"), &f.matcher, 1, 0, NULL);
    assert_int_equal(ax_db_append(f.db, ax_str("team"), key, &s, 1, NULL, NULL), AX_FATE_WANTED);
    assert_int_equal(ax_db_append(f.db, ax_str(""), key, &s, 1, NULL, NULL), AX_FATE_WANTED);
    assert_int_equal(ax_db_series_n(f.db), 2);
    assert_int_equal(members_n(&f), 1);
    ax_db_remove_selector(f.db, theirs);
    ax_buf_done(&buf);
    close_db(&f);
}

static void the_ceiling_on_series_holds_until_one_is_evicted(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 2, 4096);
    assert_int_equal(append_one(f.db, "up", "a", 10, 1), AX_FATE_WANTED);
    assert_int_equal(append_one(f.db, "up", "b", 20, 1), AX_FATE_WANTED);
    assert_int_equal(append_one(f.db, "up", "c", 20, 1), AX_FATE_FULL);
    assert_int_equal(append_one(f.db, "up", "c", 20, 1), AX_FATE_FULL);
    assert_int_equal(append_one(f.db, "up", "a", 11, 1), AX_FATE_WANTED);
    uint32_t n = 0;
    uint64_t before = 0, after = 0;
    ax_db_members(f.db, f.selector, &n, &before);
    assert_int_equal(ax_db_evict(f.db, 15), 1);
    ax_db_members(f.db, f.selector, &n, &after);
    assert_int_equal(n, 1);
    assert_true(after != before);
    assert_int_equal(append_one(f.db, "up", "c", 20, 1), AX_FATE_WANTED);
    assert_int_equal(append_one(f.db, "up", "b", 21, 1), AX_FATE_WANTED);
    assert_int_equal(ax_db_series_n(f.db), 2);
    close_db(&f);
}

/* Is the key known to be unwanted, so that it is not read? */
static bool is_known(struct ax_db *db, const char *name, int64_t t)
{
    const char *pairs[] = {AX_METRIC_NAME, name};
    struct ax_buf buf;
    const struct ax_sample s = {t, 1};
    struct ax_append a = {.key = key_of(&buf, pairs, 1), .samples = &s, .n = 1};
    const bool known = ax_db_append_known(db, ax_str(""), &a, 1, NULL) == 1;
    ax_buf_done(&buf);
    return known;
}

static void an_eviction_leaves_what_is_known_of_unwanted_keys(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 1, 4096);
    const char *pairs[] = {AX_METRIC_NAME, "down"};
    assert_int_equal(append_one(f.db, "up", "a", 10, 1), AX_FATE_WANTED);
    assert_int_equal(append(f.db, pairs, 1, 10, 1, NULL), AX_FATE_UNWANTED);
    const char *full[] = {AX_METRIC_NAME, "up"};
    assert_int_equal(append(f.db, full, 1, 10, 1, NULL), AX_FATE_FULL);
    assert_true(is_known(f.db, "down", 11) && is_known(f.db, "up", 11));
    assert_int_equal(ax_db_evict(f.db, 15), 1);
    assert_true(is_known(f.db, "down", 12));
    assert_false(is_known(f.db, "up", 12)); /* there is room for it now */
    struct ax_matcher *any = name_matcher(AX_MATCH_EQ, "down");
    const int second = ax_db_add_selector(f.db, ax_str(""), &any, 1, 1000, NULL);
    assert_false(is_known(f.db, "down", 13));
    ax_db_remove_selector(f.db, second);
    ax_matcher_free(any);
    close_db(&f);
}

static void many_series_survive_evictions_of_others(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 64);
    char name[32];
    for (int64_t i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "i%d", (int)i);
        assert_int_equal(append_one(f.db, "up", name, i, 1), AX_FATE_WANTED);
        assert_int_equal(append_one(f.db, "down", name, i, 1), AX_FATE_UNWANTED);
    }
    assert_int_equal(members_n(&f), 3000);
    assert_int_equal(ax_db_evict(f.db, 1500), 1500);
    assert_int_equal(members_n(&f), 1500);
    for (int64_t i = 1500; i < 3000; i++) {
        snprintf(name, sizeof name, "i%d", (int)i);
        assert_int_equal(append_one(f.db, "up", name, i + 1, 1), AX_FATE_WANTED);
    }
    assert_int_equal(ax_db_series_n(f.db), 1500);
    close_db(&f);
}

static void late_samples_are_counted_and_the_watch_moves_forward_only(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    double before = ax_metric_get(f.watch.late);
    append_one(f.db, "up", "a", 100, 1);
    atomic_store(&f.watch.evaluated_ms, 90);
    append_one(f.db, "up", "a", 90, 1);
    append_one(f.db, "up", "a", 90, 1);
    append_one(f.db, "up", "b", 91, 1);
    assert_int_equal(f.watch.newest_ms, 100);
    assert_true(ax_metric_get(f.watch.late) - before == 1);
    close_db(&f);
}

static void the_watch_counts_how_samples_came(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    append_one(f.db, "up", "a", 100000, 1);
    append_one(f.db, "up", "a", 115000, 1);
    append_one(f.db, "up", "a", 115000, 1); /* known already */
    assert_int_equal(f.watch.samples, 2);
    assert_int_equal(f.watch.twice + f.watch.disorder, 0);
    append_one(f.db, "up", "a", 115000, 2);
    assert_int_equal(f.watch.twice, 1);
    append_one(f.db, "up", "a", 110000, 1); /* in time for its step */
    assert_int_equal(f.watch.disorder, 0);
    atomic_store(&f.watch.evaluated_ms, 115000);
    append_one(f.db, "up", "a", 105000, 1);
    assert_int_equal(f.watch.disorder, 1);
    append_one(f.db, "up", "a", -100000000, 1); /* out of reach */
    assert_int_equal(f.watch.disorder, 2);
    assert_int_equal(f.watch.twice, 1);
    assert_int_equal(f.watch.samples, 6);
    close_db(&f);
}

static void the_longest_range_and_the_slack_are_kept_and_older_samples_make_room(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    append_one(f.db, "up", "a", 0, 1);
    append_one(f.db, "up", "a", 419999, 1);
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(f.db, f.selector, &n, &epoch);
    struct ax_sample out[16];
    assert_int_equal(ax_db_read(f.db, members[0], INT64_MIN, INT64_MAX, out, 16), 2);
    for (int64_t t = 420000; t < 420007; t++)
        append_one(f.db, "up", "a", t, 1);
    assert_int_equal(ax_db_read(f.db, members[0], INT64_MIN, INT64_MAX, out, 16), 8);
    assert_int_equal(out[0].t_ms, 419999);
    close_db(&f);
}

#define RUN 100 /* longer than what is looked up together */

static void known_keys_are_appended_together_in_their_order(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    struct ax_buf keys[RUN];
    struct ax_sample samples[RUN];
    struct ax_append v[RUN];
    for (uint32_t i = 0; i < RUN; i++) {
        /* Ten wanted series, each in two spellings, and ten that nobody wants. */
        char instance[16];
        snprintf(instance, sizeof instance, "i%u", i % 10);
        const char *spellings[3][6] = {{AX_METRIC_NAME, "up", "instance", instance, "", ""},
                                       {"__replica__", "b", "instance", instance, AX_METRIC_NAME, "up"},
                                       {AX_METRIC_NAME, "down", "instance", instance, "", ""}};
        uint32_t kind = i / 10 % 3;
        samples[i] = (struct ax_sample){i < 70 ? 1000 + i : 1000, i};
        v[i] = (struct ax_append){
            .key = key_of(&keys[i], spellings[kind], kind == 1 ? 3 : 2), .samples = &samples[i], .n = 1};
        const struct ax_sample first = {1, 0};
        (void)ax_db_append(f.db, ax_str(""), v[i].key, &first, 1, NULL, NULL);
    }
    assert_int_equal(ax_db_append_known(f.db, ax_str(""), v, RUN, NULL), RUN);
    for (uint32_t i = 0; i < RUN; i++) {
        bool wanted = i / 10 % 3 != 2, duplicate = i >= 70 && i % 10 == 0;
        assert_int_equal(v[i].fate, wanted ? AX_FATE_WANTED : AX_FATE_UNWANTED);
        if (i >= 70 && !duplicate)
            continue; /* the first of these is new to its series, the others are there already */
        assert_int_equal(v[i].result.appended, wanted && !duplicate);
        assert_int_equal(v[i].result.duplicates, wanted && duplicate);
    }
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(f.db, f.selector, &n, &epoch);
    assert_int_equal(n, 10);
    struct ax_sample out[16];
    for (uint32_t k = 0; k < n; k++) {
        uint32_t got = ax_db_read(f.db, members[k], 999, INT64_MAX, out, 16);
        assert_true(got >= 5);
        for (uint32_t i = 1; i < got; i++) /* the first of two at one time stays */
            assert_true(out[i].value == (double)(out[i].t_ms - 1000));
    }
    for (uint32_t i = 0; i < RUN; i++)
        ax_buf_done(&keys[i]);
    close_db(&f);
}

static void a_run_stops_before_the_first_unknown_key(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    append_one(f.db, "up", "a", 1, 1);
    const char *known[] = {AX_METRIC_NAME, "up", "instance", "a"};
    const char *unknown[] = {AX_METRIC_NAME, "up", "instance", "b"};
    struct ax_buf a, b;
    const struct ax_sample s[] = {{2, 2}, {3, 3}};
    struct ax_str key = key_of(&a, known, 2), other = key_of(&b, unknown, 2);
    struct ax_append v[] = {{.key = key, .samples = &s[0], .n = 1},
                            {.key = other, .samples = &s[0], .n = 1},
                            {.key = key, .samples = &s[1], .n = 1}};
    assert_int_equal(ax_db_append_known(f.db, ax_str(""), v, 3, NULL), 1);
    assert_int_equal(v[0].result.appended, 1);
    assert_int_equal(v[2].result.appended, 0);
    assert_int_equal(ax_db_series_n(f.db), 1);
    assert_int_equal(ax_db_append_known(f.db, ax_str(""), v + 1, 0, NULL), 0);
    assert_int_equal(ax_db_append(f.db, ax_str(""), other, v[1].samples, 1, NULL, NULL), AX_FATE_WANTED);
    assert_int_equal(ax_db_append_known(f.db, ax_str(""), v + 1, 2, NULL), 2);
    assert_int_equal(v[1].result.duplicates, 1);
    assert_int_equal(v[2].result.appended, 1);
    ax_buf_done(&a);
    ax_buf_done(&b);
    close_db(&f);
}

/* Takes those whose instance is "a", and has more series come meanwhile, which takes the exclusive lock. */
static bool choose_a(void *ctx, const struct ax_labels *labels)
{
    static int more;
    char instance[16];
    snprintf(instance, sizeof instance, "new%d", more++);
    assert_int_equal(append_one(ctx, "up", instance, 1000, 1), AX_FATE_WANTED);
    return ax_str_eq(ax_labels_get(labels, ax_str("instance")), ax_str("a"));
}

/* Takes who has come too late to be asked before; the others are not asked again. */
static bool choose_late(void *ctx, const struct ax_labels *labels)
{
    const struct ax_str instance = ax_labels_get(labels, ax_str("instance"));
    (void)ctx;
    assert_true(instance.n > 1);
    return ax_str_eq(instance, ax_str("late"));
}

static void who_chooses_what_is_forgotten_keeps_nobody_waiting(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    for (int i = 0; i < 3; i++)
        append_one(f.db, "up", i == 0 ? "a" : i == 1 ? "b" : "c", 1000, 1);
    struct ax_db_asked *asked = ax_db_ask(f.db, choose_a, f.db);
    assert_int_equal(append_one(f.db, "up", "late", 1000, 1), AX_FATE_WANTED);
    assert_int_equal(ax_db_clear(f.db, asked, choose_late, NULL), 2);
    ax_db_asked_free(asked);
    uint32_t n = 0;
    uint64_t epoch = 0;
    struct ax_series *const *members = ax_db_members(f.db, f.selector, &n, &epoch);
    struct ax_sample out[4];
    assert_true(n >= 6); /* those that came meanwhile may have been asked about too */
    for (uint32_t i = 0; i < n; i++) {
        const struct ax_str instance = ax_labels_get(ax_series_labels(members[i]), ax_str("instance"));
        const bool a = ax_str_eq(instance, ax_str("a")) || ax_str_eq(instance, ax_str("late"));
        assert_int_equal(ax_db_read(f.db, members[i], 0, 2000, out, 4), a ? 0 : 1);
    }
    assert_int_equal(append_one(f.db, "up", "a", 500, 2), AX_FATE_WANTED); /* nothing stands in its way */
    assert_int_equal(ax_db_read(f.db, members[0], 0, 2000, out, 4), 1);
    close_db(&f);
}

struct feeder {
    struct ax_db *db;
    int id;
};

/* Feeds a run of shared series, as far as they are known. */
static void feed_run(struct ax_db *db, int64_t t_ms)
{
    struct ax_buf keys[5];
    struct ax_append v[5];
    const struct ax_sample s = {t_ms, 1};
    for (uint32_t i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "i%" PRId64, (t_ms / 1000 + i) % 97);
        const char *pairs[] = {"instance", name, AX_METRIC_NAME, "up"};
        v[i] = (struct ax_append){.key = key_of(&keys[i], pairs, 2), .samples = &s, .n = 1};
    }
    assert_true(ax_db_append_known(db, ax_str(""), v, 5, NULL) <= 5);
    for (uint32_t i = 0; i < 5; i++)
        ax_buf_done(&keys[i]);
}

/* Feeds shared and private series, in two spellings, and keys that nobody wants. */
static void *feed(void *arg)
{
    const struct feeder *f = arg;
    char name[32];
    for (int i = 0; i < 4000; i++) {
        snprintf(name, sizeof name, "i%d", i % 97);
        const char *pairs[] = {"instance", name, AX_METRIC_NAME, i % 5 ? "up" : "down", "__replica__", "r"};
        append(f->db, pairs, i % 3 ? 3 : 2, 1000 * i + f->id, 1, NULL);
        snprintf(name, sizeof name, "f%d_%d", f->id, i % 211);
        append_one(f->db, "up", name, 1000 * i, 1);
        feed_run(f->db, 1000 * i + 10 + f->id);
    }
    return NULL;
}

/* Meaningful under -DAX_SANITIZE=thread. */
static void threads_feed_while_one_reads_evicts_and_changes_wants(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 256);
    struct ax_matcher *any = name_matcher(AX_MATCH_RE, "up|down");
    struct feeder feeders[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        feeders[i] = (struct feeder){f.db, i};
        pthread_create(&threads[i], NULL, feed, &feeders[i]);
    }
    struct ax_sample out[64];
    for (int round = 0; round < 50; round++) {
        struct ax_watch watch = {.newest_ms = INT64_MIN, .evaluated_ms = INT64_MIN};
        int second = ax_db_add_selector(f.db, ax_str(""), &any, 1, 1000, &watch);
        uint32_t n = 0;
        uint64_t epoch = 0;
        struct ax_series *const *members = ax_db_members(f.db, second, &n, &epoch);
        for (uint32_t i = 0; i < n; i++)
            ax_db_read(f.db, members[i], INT64_MIN, INT64_MAX, out, 64);
        ax_db_remove_selector(f.db, second);
        ax_db_evict(f.db, round * 60000);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(ax_db_series_n(f.db) > 0);
    ax_matcher_free(any);
    close_db(&f);
}

static void new_series_are_refused_while_they_are_not_wanted_and_known_ones_go_on(void **state)
{
    (void)state;
    struct fixture f;
    open_db(&f, 0, 4096);
    assert_int_equal(append_one(f.db, "up", "known", 1000, 1), AX_FATE_WANTED);
    ax_db_refuse_new(f.db, true);
    for (int i = 0; i < 2; i++) /* judged, then remembered */
        assert_int_equal(append_one(f.db, "up", "new", 1000, 1), AX_FATE_FULL);
    assert_int_equal(append_one(f.db, "up", "known", 2000, 2), AX_FATE_WANTED);
    assert_int_equal(append_one(f.db, "down", "new", 1000, 1), AX_FATE_UNWANTED);
    assert_int_equal(ax_db_series_n(f.db), 1);
    ax_db_refuse_new(f.db, false);
    assert_int_equal(append_one(f.db, "up", "new", 1000, 1), AX_FATE_WANTED);
    assert_int_equal(ax_db_series_n(f.db), 2);
    close_db(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_of_the_labels_leads_to_one_series),
        cmocka_unit_test(spellings_without_end_take_no_memory_without_end),
        cmocka_unit_test(what_nobody_wants_goes_no_further),
        cmocka_unit_test(a_new_want_finds_known_series_and_forgotten_keys),
        cmocka_unit_test(tenants_do_not_see_each_other),
        cmocka_unit_test(the_ceiling_on_series_holds_until_one_is_evicted),
        cmocka_unit_test(new_series_are_refused_while_they_are_not_wanted_and_known_ones_go_on),
        cmocka_unit_test(an_eviction_leaves_what_is_known_of_unwanted_keys),
        cmocka_unit_test(many_series_survive_evictions_of_others),
        cmocka_unit_test(late_samples_are_counted_and_the_watch_moves_forward_only),
        cmocka_unit_test(the_watch_counts_how_samples_came),
        cmocka_unit_test(the_longest_range_and_the_slack_are_kept_and_older_samples_make_room),
        cmocka_unit_test(known_keys_are_appended_together_in_their_order),
        cmocka_unit_test(a_run_stops_before_the_first_unknown_key),
        cmocka_unit_test(who_chooses_what_is_forgotten_keeps_nobody_waiting),
        cmocka_unit_test(threads_feed_while_one_reads_evicts_and_changes_wants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
