/* The outgoing log knows after a restart what it must know, in segments that can each be read alone. */
#include "ax_test.h"
#include "emit/outgoing.h"
#include "emit/unit.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_MS 60000

struct log {
    char dir[SCRATCH_PATH];
    struct ax_outs outs;
    struct ax_outgoing *o;
};

static void open_log(struct log *l, uint64_t max_bytes)
{
    struct ax_diag diag;
    const struct ax_outgoing_options options = {.dir = l->dir, .max_bytes = max_bytes};
    assert_int_equal(ax_outs_init(&l->outs, 1), AX_OK);
    if (ax_outgoing_open(&options, &l->outs, &l->o, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void close_log(struct log *l)
{
    ax_outgoing_close(l->o);
    ax_outs_done(&l->outs);
}

static struct ax_out *series(struct log *l, int i)
{
    char key[300];
    (void)snprintf(key, sizeof key, "%0250d", i);
    return ax_outs_find(&l->outs, ax_str(key));
}

/* Append a unit with one sample at t_ms of each of the series [first, end). */
static void append(struct log *l, const char *unit, int64_t t_ms, int first, int end)
{
    static struct ax_put puts[1000];
    struct ax_diag diag;
    uint32_t n = 0;
    for (int i = first; i < end; i++) {
        struct ax_out *out = series(l, i);
        ax_outs_saw(&l->outs, out, t_ms);
        puts[n++] = (struct ax_put){.out = out, .t_ms = t_ms, .value = i};
    }
    if (ax_outgoing_append(l->o, ax_str(unit), t_ms, puts, n, &diag) != AX_OK)
        fail_msg("%s", diag.text);
}

static void what_was_appended_is_known_after_a_restart(void **state)
{
    (void)state;
    struct log l;
    scratch_make(l.dir, "outgoing");
    open_log(&l, 1u << 30);
    assert_false(ax_outgoing_has(l.o, ax_str("a"), 1));
    append(&l, "a", 1000, 0, 10);
    append(&l, "b", 500, 20, 22);
    append(&l, "a", 2000, 0, 5);
    for (int life = 0; life < 3; life++) {
        assert_true(ax_outgoing_has(l.o, ax_str("a"), 2000) && ax_outgoing_has(l.o, ax_str("a"), 1));
        assert_false(ax_outgoing_has(l.o, ax_str("a"), 2001) || ax_outgoing_has(l.o, ax_str("c"), 1));
        assert_true(ax_outgoing_has(l.o, ax_str("b"), 500) && !ax_outgoing_has(l.o, ax_str("b"), 501));
        assert_true(ax_outgoing_total(l.o) == 17);
        assert_true(series(&l, 4)->last_ms == 2000 && series(&l, 9)->last_ms == 1000);
        assert_true(series(&l, 21)->last_ms == 500 && l.outs.newest_ms == 2000);
        close_log(&l);
        open_log(&l, 1u << 30);
    }
    close_log(&l);
    scratch_remove(l.dir);
}

static void each_segment_can_be_read_alone(void **state)
{
    (void)state;
    struct log l;
    scratch_make(l.dir, "outgoing");
    open_log(&l, 1u << 20);
    append(&l, "long ago", 7, 0, 1);
    for (int64_t t = 1; t <= 400; t++)
        append(&l, "a", t * 1000, 0, 50);
    assert_in_range(scratch_count(l.dir, ".log"), 2, 10);

    struct ax_seglog_reader *r;
    struct ax_seglog_record record;
    struct ax_diag diag;
    struct ax_unit u;
    struct ax_str text;
    int64_t t_ms;
    double value;
    uint32_t segments = 0, samples = 0;
    for (uint64_t at = 0; at < ax_outgoing_end(l.o);) {
        assert_int_equal(ax_seglog_reader_new(ax_outgoing_log(l.o), at, &r), AX_OK);
        uint32_t keys = 0, long_ago = 0;
        bool first = true;
        for (; ax_seglog_read(r, &record, &diag) == AX_OK; first = false) {
            assert_int_equal(ax_unit_read(record.body, &u), AX_OK);
            if (u.first && !first)
                break;
            assert_true(u.first == first && u.numbered == keys);
            while (ax_unit_next_mark(&u, &text, &t_ms))
                long_ago += ax_str_eq(text, ax_str("long ago")) && t_ms == 7;
            while (ax_unit_next_key(&u, &text))
                assert_int_equal(text.n, 250);
            keys = u.numbered;
            for (uint32_t number; ax_unit_next_sample(&u, &number, &t_ms, &value); samples++)
                assert_true(number < keys);
            at = record.end;
        }
        assert_int_equal(keys, 50);
        assert_true(long_ago == (segments > 0)); /* in the first one it is there itself */
        segments++;
        ax_seglog_reader_free(r);
    }
    assert_int_equal(samples, 400 * 50 + 1);
    assert_int_equal(segments, scratch_count(l.dir, ".log"));
    close_log(&l);
    scratch_remove(l.dir);
}

static void segments_grow_with_the_keys_that_they_must_repeat(void **state)
{
    (void)state;
    struct log l;
    scratch_make(l.dir, "outgoing");
    open_log(&l, 1u << 20);
    uint64_t bytes = 0;
    for (int64_t t = 1; t <= 200; t++) {
        append(&l, "a", t * 1000, 0, 1000); /* 250 kB of keys, 11 kB of samples */
        bytes = ax_outgoing_end(l.o);
    }
    assert_true(bytes < 200 * 1000 * 16);
    close_log(&l);
    scratch_remove(l.dir);
}

static void what_is_old_and_read_is_cut_and_the_rest_still_known(void **state)
{
    (void)state;
    struct log l;
    scratch_make(l.dir, "outgoing");
    open_log(&l, 1u << 30);
    close_log(&l);
    open_log(&l, 1u << 20); /* segments of 64 KiB */
    append(&l, "long ago", 7, 500, 501);
    for (int64_t t = 1; t <= 30; t++) {
        for (int k = 0; k < 60; k++)
            append(&l, "a", t * MINUTE_MS + k * 1000, 0, 20);
        append(&l, "b", t * MINUTE_MS, 100 + (int)t, 101 + (int)t); /* each minute another series */
        ax_outgoing_cut(l.o, ax_outgoing_end(l.o) - 1000);          /* so far everybody has come */
    }
    size_t segments = scratch_count(l.dir, ".log");
    assert_in_range(segments, 2, 6);
    ax_outgoing_cut(l.o, 0); /* somebody has read nothing */
    assert_int_equal(scratch_count(l.dir, ".log"), segments);
    close_log(&l);
    open_log(&l, 1u << 20);
    assert_true(ax_outgoing_has(l.o, ax_str("long ago"), 7) && !ax_outgoing_has(l.o, ax_str("long ago"), 8));
    for (int t = 21; t <= 30; t++) /* the last ten minutes */
        assert_true(series(&l, 100 + t)->last_ms == t * MINUTE_MS);
    assert_true(series(&l, 101)->last_ms == INT64_MIN);
    close_log(&l);
    scratch_remove(l.dir);
}

static void a_queue_that_is_small_keeps_no_more_than_its_size(void **state)
{
    (void)state;
    struct log l;
    scratch_make(l.dir, "outgoing");
    open_log(&l, 1u << 20);
    for (int64_t t = 1; t <= 5000; t++) {
        append(&l, "a", t, 0, 50); /* all within ten minutes */
        ax_outgoing_cut(l.o, UINT64_MAX);
    }
    assert_true(ax_outgoing_end(l.o) > 2u << 20);
    assert_true(ax_outgoing_end(l.o) - ax_seglog_begin(ax_outgoing_log(l.o)) < (1u << 20) + (1u << 17));
    close_log(&l);
    scratch_remove(l.dir);
}

static void damage_costs_what_it_hits(void **state)
{
    (void)state;
    struct log l;
    scratch_make(l.dir, "outgoing");
    open_log(&l, 1u << 20);
    append(&l, "a", 1000, 0, 1);
    close_log(&l);
    open_log(&l, 1u << 20);
    append(&l, "a", 2000, 0, 1);
    append(&l, "a", 3000, 1, 2); /* its record is hit, */
    append(&l, "a", 4000, 0, 3);
    close_log(&l);

    char name[SCRATCH_PATH], path[SCRATCH_PATH];
    size_t n;
    scratch_name(name, l.dir, ".log", 1);
    scratch_in(path, l.dir, name);
    uint8_t *bytes = scratch_read(path, &n);
    uint8_t *hit = memmem(bytes, n, "0001", 4);
    assert_non_null(hit);
    *hit ^= 0xff;
    scratch_write(path, bytes, n);
    free(bytes);

    open_log(&l, 1u << 20);
    assert_true(ax_outgoing_has(l.o, ax_str("a"), 4000));
    assert_true(series(&l, 0)->last_ms == 4000 && series(&l, 2)->last_ms == 4000);
    assert_true(series(&l, 1)->last_ms == INT64_MIN); /* and with it the name of a number */
    assert_true(ax_outgoing_total(l.o) == 6);
    close_log(&l);
    scratch_remove(l.dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_known_after_a_restart),
        cmocka_unit_test(each_segment_can_be_read_alone),
        cmocka_unit_test(segments_grow_with_the_keys_that_they_must_repeat),
        cmocka_unit_test(what_is_old_and_read_is_cut_and_the_rest_still_known),
        cmocka_unit_test(a_queue_that_is_small_keeps_no_more_than_its_size),
        cmocka_unit_test(damage_costs_what_it_hits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
