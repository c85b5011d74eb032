/* Cells belong to the whole of their labels' values, and are shown by them. */
#include "ax_test.h"
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

#define LONG                                                                                                 \
    "http://a.example.com/0123456789012345678901234567890123456789012345678901234567890123456789012345678"   \
    "901234567890123456789012345678901234567890"

static bool shows(const char *text)
{
    struct ax_buf out;
    ax_buf_init(&out, 1 << 20);
    ax_metrics_write(&out);
    assert_int_equal(out.err, AX_OK);
    assert_true(ax_str_utf8(ax_buf_view(&out)));
    const bool found = memmem(out.bytes, out.n, text, strlen(text)) != NULL;
    ax_buf_done(&out);
    return found;
}

static void values_that_differ_at_their_ends_are_two(void **state)
{
    (void)state;
    struct ax_cell *a = ax_metric(AX_M_SEND_DROPPED, LONG "a", "too_old"),
                   *b = ax_metric(AX_M_SEND_DROPPED, LONG "b", "too_old");
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(a, ax_metric(AX_M_SEND_DROPPED, LONG "a", "too_old"));
    ax_metric_forget(AX_M_SEND_DROPPED, LONG "a");
    assert_false(shows(LONG "a\""));
    assert_true(shows(LONG "b\""));
}

static void letters_of_several_bytes_stay_whole_wherever_they_stand(void **state)
{
    (void)state;
    char name[140];
    for (size_t n = 120; n <= 134; n++) {
        memset(name, 'x', n);
        memcpy(name + n, "\xC3\xA9", 3);
        (void)ax_metric(AX_M_JOB_OUTPUT_SERIES, name, NULL);
        assert_true(shows(name));
    }
}

static void beyond_the_most_cells_the_others_are_one(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < AX_METRIC_CELLS + 10; i++) {
        (void)snprintf(name, sizeof name, "j%d", i);
        (void)ax_metric(AX_M_LATE_SAMPLES, name, NULL);
    }
    assert_ptr_equal(ax_metric(AX_M_LATE_SAMPLES, "one", NULL), ax_metric(AX_M_LATE_SAMPLES, "two", NULL));
    assert_true(shows("{for=\"other\"}"));
}

static void a_counter_without_labels_is_there_before_its_first_event(void **state)
{
    (void)state;
    assert_true(shows("\nauspex_snapshot_failures_total 0\n"));
    assert_true(shows("\nauspex_remote_write_queue_append_failures_total 0\n"));
    ax_metric_count(AX_M_SNAPSHOT_FAILURES, NULL, NULL);
    assert_true(shows("\nauspex_snapshot_failures_total 1\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_differ_at_their_ends_are_two),
        cmocka_unit_test(letters_of_several_bytes_stay_whole_wherever_they_stand),
        cmocka_unit_test(beyond_the_most_cells_the_others_are_one),
        cmocka_unit_test(a_counter_without_labels_is_there_before_its_first_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
