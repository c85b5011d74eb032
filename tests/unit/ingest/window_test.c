/* The window for samples out of order, over a real receiver. */
#include "ax_test.h"
#include "base/metrics.h"
#include "endpoint.h"

#define WINDOW_MS 30000

static struct write_request *const req = &endpoint.req;

static int start(int64_t out_of_order_ms)
{
    const struct ax_db_options o = {.seed = 1, .out_of_order_ms = out_of_order_ms};
    return endpoint_start(&o);
}

static int start_with(void **state)
{
    (void)state;
    return start(WINDOW_MS);
}

static int start_without(void **state)
{
    (void)state;
    return start(-1);
}

static int stop(void **state)
{
    (void)state;
    return endpoint_stop();
}

/* Send samples of one series in the order given, each in a request of its own; how many are taken. */
static uint32_t send(const char *name, const int64_t *behind_ms, const int *status, uint32_t n)
{
    struct ax_sample got[8];
    for (uint32_t i = 0; i < n; i++) {
        write_series(req, PAIRS("__name__", name));
        write_sample(req, (double)behind_ms[i], NOW_MS - behind_ms[i]);
        expect_v2(status[i], status[i] == 204, 0, 0);
    }
    return kept(name, got);
}

static void samples_in_the_window_are_taken_in_any_order(void **state)
{
    (void)state;
    static const int64_t behind[] = {40000, 0, WINDOW_MS, WINDOW_MS + 1, 40000, 0, 10000};
    static const int status[] = {204, 204, 204, 400, 204, 204, 204}; /* what came twice is taken at any age */
    assert_int_equal(send(fresh(), behind, status, 7), 4);
}

static void without_a_window_samples_must_come_in_order(void **state)
{
    (void)state;
    static const int64_t behind[] = {40000, 20000, 20001, 40000, 19999, 20000, 0};
    static const int status[] = {204, 204, 400, 204, 204, 204, 204};
    assert_int_equal(send(fresh(), behind, status, 7), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(samples_in_the_window_are_taken_in_any_order, start_with, stop),
        cmocka_unit_test_setup_teardown(without_a_window_samples_must_come_in_order, start_without, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
