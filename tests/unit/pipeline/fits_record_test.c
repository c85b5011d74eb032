/* What was written of fits is read back; anything else is refused. */
#include "ax_test.h"
#include "pipeline/fits_record.h"

static const struct ax_fits_record record = {{{"job", 3}, 7, 8, -15000, {"lstm", 4}, {"cpu", 3}},
                                             {.begun = AX_FIT_DRIFT,
                                              .begun_ms = 15000,
                                              .cancelled_ms = INT64_MIN,
                                              .look_ms = 30000,
                                              .failures = 8,
                                              .drift_fits = 3,
                                              .rung = true}};

static enum ax_err read_back(const struct ax_fits_record *r, struct ax_fits_record *out)
{
    struct ax_buf b;
    ax_buf_init(&b, 1000);
    ax_fits_record_put(&b, r);
    const enum ax_err err = ax_fits_record_get(ax_buf_view(&b), out);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(ax_fits_record_get((struct ax_str){(const char *)b.bytes, n}, out), AX_CORRUPT);
    ax_buf_done(&b);
    return err;
}

static void it_is_read_as_it_was_written_and_not_when_it_is_cut(void **state)
{
    struct ax_buf b;
    struct ax_fits_record read;
    (void)state;
    ax_buf_init(&b, 1000);
    ax_fits_record_put(&b, &record);
    assert_int_equal(ax_fits_record_get(ax_buf_view(&b), &read), AX_OK);
    assert_true(ax_str_eq(read.at.job, record.at.job) && ax_str_eq(read.at.kind, record.at.kind) &&
                ax_str_eq(read.at.feature, record.at.feature));
    assert_true(read.at.generation == 7 && read.at.identity == 8 && read.at.last_ms == -15000);
    assert_true(read.fits.begun == AX_FIT_DRIFT && read.fits.begun_ms == 15000 &&
                read.fits.cancelled_ms == INT64_MIN && read.fits.look_ms == 30000 &&
                read.fits.failures == 8 && read.fits.drift_fits == 3 && read.fits.rung);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(ax_fits_record_get((struct ax_str){(const char *)b.bytes, n}, &read), AX_CORRUPT);
    ax_buf_done(&b);
}

static void what_cannot_be_is_refused(void **state)
{
    struct ax_fits_record other = record, read;
    (void)state;
    assert_int_equal(read_back(&other, &read), AX_OK);
    other.fits.failures = 9; /* the rest would be longer than any */
    assert_int_equal(read_back(&other, &read), AX_CORRUPT);
    other = record;
    other.fits.begun = AX_FIT_REASONS;
    assert_int_equal(read_back(&other, &read), AX_CORRUPT);
    other = record;
    other.fits.begun_ms = INT64_MIN; /* it is on its way, and never began */
    assert_int_equal(read_back(&other, &read), AX_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_read_as_it_was_written_and_not_when_it_is_cut),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
