/* Feeds share a log: each sample goes to one of them, under the labels of the endpoint, from where it was. */
#include "ax_test.h"
#include "emit/feed.h"
#include "emit/outgoing.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>

#define SERIES 100
#define URL "http://feed.test/w"

struct log {
    char dir[SCRATCH_PATH];
    struct ax_outs outs;
    struct ax_outgoing *o;
};

static void open_log(struct log *l)
{
    struct ax_diag diag;
    const struct ax_outgoing_options options = {.dir = l->dir, .max_bytes = 1u << 20};
    assert_int_equal(ax_outs_init(&l->outs, 1), AX_OK);
    if (ax_outgoing_open(&options, &l->outs, &l->o, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void close_log(struct log *l)
{
    ax_outgoing_close(l->o);
    ax_outs_done(&l->outs);
}

/* One sample of each of n series m{i="<number>",parity="<number % 2>"}. */
static void append(struct log *l, int64_t t_ms, int n)
{
    struct ax_put puts[SERIES];
    struct ax_diag diag;
    for (int i = 0; i < n; i++) {
        char number[16];
        struct ax_buf key;
        (void)snprintf(number, sizeof number, "%d", i);
        struct ax_label pairs[] = {{ax_str(AX_METRIC_NAME), ax_str("m")},
                                   {ax_str("i"), ax_str(number)},
                                   {ax_str("parity"), ax_str(i % 2 ? "1" : "0")}};
        struct ax_labels labels = {3, pairs};
        ax_buf_init(&key, 1000);
        ax_labels_key_write(&labels, &key);
        puts[i] = (struct ax_put){.out = ax_outs_find(&l->outs, ax_buf_view(&key)), .t_ms = t_ms, .value = i};
        ax_outs_saw(&l->outs, puts[i].out, t_ms);
        ax_buf_done(&key);
    }
    if (ax_outgoing_append(l->o, ax_str("unit"), t_ms, puts, (uint32_t)n, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static struct ax_feed_options options_of(const struct log *l, uint32_t first_lane, uint32_t lanes_n,
                                         const uint64_t *from)
{
    return (struct ax_feed_options){.log = ax_outgoing_log(l->o),
                                    .first_lane = first_lane,
                                    .lanes_n = lanes_n,
                                    .from = from,
                                    .url = URL,
                                    .relabelled = ax_metric(AX_M_SEND_DROPPED, URL, "relabelled"),
                                    .damaged = ax_metric(AX_M_SEND_DROPPED, URL, "damaged")};
}

/* Take the next sample; false at the end of the log. */
static bool take(struct ax_feed *f, struct ax_feed_sample *out)
{
    const struct ax_feed_sample *sample;
    struct ax_diag diag;
    for (;;) {
        enum ax_feed_state state = ax_feed_peek(f, &sample, &diag);
        if (state == AX_FEED_SEGMENT)
            continue;
        assert_int_not_equal(state, AX_FEED_FAILED);
        if (state == AX_FEED_END)
            return false;
        *out = *sample;
        ax_feed_take(f);
        return true;
    }
}

static void every_sample_goes_to_one_feed_in_order(void **state)
{
    (void)state;
    struct log l;
    static const uint64_t from[AX_LANES];
    scratch_make(l.dir, "outgoing");
    open_log(&l);
    for (int64_t t = 1; t <= 200; t++)
        append(&l, t, SERIES);
    assert_true(scratch_count(l.dir, ".log") > 1);
    static int64_t next[SERIES];
    for (int i = 0; i < SERIES; i++)
        next[i] = 1;
    uint32_t lane = 0, feeds = 0;
    for (; lane < AX_LANES; feeds++) {
        uint32_t n = feeds < 3 ? 20 : AX_LANES - lane, samples = 0;
        const struct ax_feed_options options = options_of(&l, lane, n, from);
        struct ax_feed f;
        struct ax_feed_sample s;
        uint64_t at = 0;
        assert_int_equal(ax_feed_init(&f, &options), AX_OK);
        for (; take(&f, &s); samples++) {
            struct ax_str key = {s.series->key, s.series->key_n};
            assert_true(ax_feed_lane(key) >= lane && ax_feed_lane(key) < lane + n);
            assert_true(s.t_ms == next[(int)s.value]++);
            assert_true(s.at >= at && s.count == (uint64_t)(s.t_ms - 1) * SERIES + (uint64_t)s.value);
            at = s.at + 1;
        }
        assert_true(samples > 0 && f.at == ax_outgoing_end(l.o) && f.count == 200 * SERIES);
        ax_feed_done(&f);
        lane += n;
    }
    for (int i = 0; i < SERIES; i++)
        assert_true(next[i] == 201);
    close_log(&l);
    scratch_remove(l.dir);
}

static void a_feed_goes_on_at_any_sample_and_follows_the_log(void **state)
{
    (void)state;
    struct log l;
    uint64_t from[AX_LANES] = {0};
    struct ax_feed f;
    struct ax_feed_sample s;
    scratch_make(l.dir, "outgoing");
    open_log(&l);
    for (int64_t t = 1; t <= 3; t++)
        append(&l, t, SERIES);
    for (int broken_off = 1; broken_off < 3 * SERIES; broken_off += 7) {
        struct ax_feed_options options = options_of(&l, 0, AX_LANES, from);
        assert_int_equal(ax_feed_init(&f, &options), AX_OK);
        for (int i = 0; i < broken_off; i++)
            assert_true(take(&f, &s));
        uint64_t there[AX_LANES];
        for (uint32_t i = 0; i < AX_LANES; i++)
            there[i] = f.at;
        ax_feed_done(&f);
        options.from = there;
        assert_int_equal(ax_feed_init(&f, &options), AX_OK);
        for (int i = broken_off; i < 3 * SERIES; i++) {
            assert_true(take(&f, &s));
            assert_true(s.t_ms == 1 + i / SERIES && s.value == i % SERIES);
        }
        assert_false(take(&f, &s));
        ax_feed_done(&f);
    }
    const struct ax_feed_options options = options_of(&l, 0, AX_LANES, from);
    assert_int_equal(ax_feed_init(&f, &options), AX_OK);
    while (take(&f, &s))
        continue;
    append(&l, 4, 2);
    assert_true(take(&f, &s) && s.t_ms == 4 && s.value == 0);
    assert_true(take(&f, &s) && s.t_ms == 4 && s.value == 1);
    assert_false(take(&f, &s));
    ax_feed_done(&f);
    close_log(&l);
    scratch_remove(l.dir);
}

static void lanes_that_are_further_are_passed_over_until_there(void **state)
{
    (void)state;
    struct log l;
    uint64_t from[AX_LANES] = {0};
    struct ax_feed f;
    struct ax_feed_sample s;
    scratch_make(l.dir, "outgoing");
    open_log(&l);
    append(&l, 1, SERIES);
    uint64_t middle = ax_outgoing_end(l.o);
    append(&l, 2, SERIES);
    for (uint32_t i = 0; i < AX_LANES; i += 2)
        from[i] = middle;
    const struct ax_feed_options options = options_of(&l, 0, AX_LANES, from);
    assert_int_equal(ax_feed_init(&f, &options), AX_OK);
    uint32_t first = 0, second = 0;
    while (take(&f, &s)) {
        first += s.t_ms == 1;
        second += s.t_ms == 2;
        if (s.t_ms == 1)
            assert_int_equal(ax_feed_lane((struct ax_str){s.series->key, s.series->key_n}) % 2, 1);
    }
    assert_true(first > 0 && first < SERIES && second == SERIES);
    ax_feed_done(&f);
    close_log(&l);
    scratch_remove(l.dir);
}

static void rules_drop_and_join_series(void **state)
{
    (void)state;
    struct log l;
    static const uint64_t from[AX_LANES];
    struct ax_feed f;
    struct ax_feed_sample s;
    struct ax_arena arena;
    struct ax_relabel rules[2];
    struct ax_str parity = ax_str("parity");
    const struct ax_relabel_spec specs[] = {
        {.action = AX_RELABEL_DROP, .source_labels = &parity, .source_labels_n = 1, .regex = ax_str("1")},
        {.action = AX_RELABEL_LABELDROP, .regex = ax_str("i|parity")}};
    ax_arena_init(&arena, 1u << 20);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ax_relabel_init(&rules[i], &specs[i], &arena, NULL), AX_OK);
    scratch_make(l.dir, "outgoing");
    open_log(&l);
    append(&l, 1, 10);
    struct ax_feed_options options = options_of(&l, 0, AX_LANES, from);
    options.rules = rules;
    options.rules_n = 2;
    double before = ax_metric_get(options.relabelled);
    assert_int_equal(ax_feed_init(&f, &options), AX_OK);
    const struct ax_feed_series *one = NULL;
    for (int i = 0; i < 10; i += 2) {
        assert_true(take(&f, &s) && s.value == i);
        assert_true(!one || s.series == one); /* of all that are left one series was made */
        one = s.series;
    }
    assert_false(take(&f, &s));
    assert_true(ax_metric_get(options.relabelled) == before + 5);
    ax_feed_done(&f);
    close_log(&l);
    scratch_remove(l.dir);
    ax_arena_done(&arena);
}

/* Spoil the n-th place of the newest segment at which these bytes stand. */
static void spoil(const struct log *l, const char *bytes, int nth)
{
    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t n;
    scratch_name(name, l->dir, ".log", scratch_count(l->dir, ".log") - 1);
    scratch_in(path, l->dir, name);
    uint8_t *all = scratch_read(path, &n), *hit = all;
    for (int i = 0; i < nth; i++) {
        hit = memmem(hit, n - (size_t)(hit - all), bytes, strlen(bytes));
        assert_non_null(hit);
        hit++;
    }
    hit[-1] ^= 0xff;
    scratch_write(path, all, n);
    free(all);
}

static void what_damage_takes_is_counted_and_the_rest_is_there(void **state)
{
    (void)state;
    struct log l;
    static const uint64_t from[AX_LANES];
    struct ax_feed f;
    struct ax_feed_sample s;
    scratch_make(l.dir, "outgoing");
    open_log(&l);
    append(&l, 1, 10);
    append(&l, 2, 20); /* this record is lost, and with it ten names */
    append(&l, 3, 30);
    spoil(&l, "unit", 3); /* the first record has the name twice */
    const struct ax_feed_options options = options_of(&l, 0, AX_LANES, from);
    double before = ax_metric_get(options.damaged);
    assert_int_equal(ax_feed_init(&f, &options), AX_OK);
    for (int i = 0; i < 10; i++)
        assert_true(take(&f, &s) && s.t_ms == 1 && s.value == i);
    for (int i = 0; i < 30; i == 9 ? i = 20 : i++)
        assert_true(take(&f, &s) && s.t_ms == 3 && s.value == i);
    assert_false(take(&f, &s));
    assert_true(ax_metric_get(options.damaged) == before + 20 + 10);
    ax_feed_done(&f);
    close_log(&l);
    scratch_remove(l.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_goes_to_one_feed_in_order),
        cmocka_unit_test(a_feed_goes_on_at_any_sample_and_follows_the_log),
        cmocka_unit_test(lanes_that_are_further_are_passed_over_until_there),
        cmocka_unit_test(rules_drop_and_join_series),
        cmocka_unit_test(what_damage_takes_is_counted_and_the_rest_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
