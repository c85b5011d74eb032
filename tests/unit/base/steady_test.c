/* The latest that it can be goes on as it was for some hours when a clock is set back, and the earliest when
 * it is set ahead. */
#include "ax_test.h"
#include "base/steady.h"

#define HOUR INT64_C(3600000)

struct hands {
    int64_t wall_ms, mono_ms;
};

static int64_t wall_of(const void *ctx)
{
    return ((const struct hands *)ctx)->wall_ms;
}

static int64_t mono_of(const void *ctx)
{
    return ((const struct hands *)ctx)->mono_ms;
}

static struct ax_clock clock_of(const struct hands *h)
{
    return (struct ax_clock){.now_ms = wall_of, .ctx = h, .mono_ms = mono_of};
}

static void pass(struct hands *h, int64_t ms)
{
    h->wall_ms += ms;
    h->mono_ms += ms;
}

static void it_follows_a_clock_that_goes_forward(void **state)
{
    (void)state;
    struct hands h = {1000 * HOUR, 5};
    struct ax_steady s;
    ax_steady_init(&s, clock_of(&h));
    assert_int_equal(ax_steady_now(&s), h.wall_ms);
    pass(&h, 12345);
    assert_int_equal(ax_steady_now(&s), h.wall_ms);
    h.wall_ms += HOUR;
    assert_int_equal(ax_steady_now(&s), h.wall_ms);
    ax_steady_done(&s);
}

static void it_goes_on_when_the_clock_is_set_back(void **state)
{
    (void)state;
    struct hands h = {1000 * HOUR, 5};
    struct ax_steady s;
    ax_steady_init(&s, clock_of(&h));
    h.wall_ms -= HOUR;
    for (int64_t passed = 0; passed < AX_STEADY_MS; passed += 60000, pass(&h, 60000))
        assert_int_equal(ax_steady_now(&s), h.wall_ms + HOUR);
    ax_steady_done(&s);
}

static void a_clock_that_stays_where_it_was_set_is_believed(void **state)
{
    (void)state;
    struct hands h = {1000 * HOUR, 5};
    struct ax_steady s;
    ax_steady_init(&s, clock_of(&h));
    pass(&h, HOUR);
    h.wall_ms -= HOUR;
    for (int64_t passed = 0; passed <= 2 * AX_STEADY_MS; passed += 60000, pass(&h, 60000))
        (void)ax_steady_now(&s);
    assert_int_equal(ax_steady_now(&s), h.wall_ms);
    h.wall_ms -= HOUR; /* the same when nobody has asked for a day */
    pass(&h, 24 * HOUR);
    assert_int_equal(ax_steady_now(&s), h.wall_ms);
    ax_steady_done(&s);
}

static void the_earliest_goes_on_when_the_clock_is_set_ahead(void **state)
{
    (void)state;
    struct hands h = {1000 * HOUR, 5};
    struct ax_steady s;
    ax_steady_init(&s, clock_of(&h));
    pass(&h, 12345);
    assert_int_equal(ax_steady_early(&s), h.wall_ms);
    h.wall_ms += HOUR;
    for (int64_t passed = 0; passed < AX_STEADY_MS - HOUR; passed += 60000, pass(&h, 60000))
        assert_int_equal(ax_steady_early(&s), h.wall_ms - HOUR);
    h.wall_ms -= HOUR;
    assert_int_equal(ax_steady_early(&s), h.wall_ms);
    h.wall_ms -= HOUR; /* what is set back is followed */
    assert_int_equal(ax_steady_early(&s), h.wall_ms);
    h.wall_ms += 3 * HOUR; /* and what stays as it was set is believed */
    for (int64_t passed = 0; passed <= 2 * AX_STEADY_MS; passed += 60000, pass(&h, 60000))
        (void)ax_steady_early(&s);
    assert_int_equal(ax_steady_early(&s), h.wall_ms);
    ax_steady_done(&s);
}

static void it_can_be_asked_as_a_clock(void **state)
{
    (void)state;
    struct hands h = {1000 * HOUR, 5};
    struct ax_steady s;
    ax_steady_init(&s, clock_of(&h));
    struct ax_clock clock = ax_steady_clock(&s);
    struct ax_clock early = ax_steady_early_clock(&s);
    h.wall_ms -= HOUR;
    assert_int_equal(ax_clock_now(&clock), 1000 * HOUR);
    assert_int_equal(ax_clock_mono(&clock), 5);
    h.wall_ms += 2 * HOUR;
    assert_int_equal(ax_clock_now(&early), 999 * HOUR);
    assert_int_equal(ax_clock_mono(&early), 5);
    ax_steady_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_follows_a_clock_that_goes_forward),
        cmocka_unit_test(it_goes_on_when_the_clock_is_set_back),
        cmocka_unit_test(a_clock_that_stays_where_it_was_set_is_believed),
        cmocka_unit_test(the_earliest_goes_on_when_the_clock_is_set_ahead),
        cmocka_unit_test(it_can_be_asked_as_a_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
