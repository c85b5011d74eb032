/* record_fuzz.c: any bytes as a small record of the log: a swap, what is known of fits, a lesson; which of
 * them, the first byte says.
 *
 * Refused, or what was read is read again from what is written of it, and is written alike. */
#include "base/assert.h"
#include "pipeline/fits_record.h"
#include "pipeline/lesson_record.h"
#include "pipeline/swap_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

union record {
    struct ax_swap swap;
    struct ax_fits_record fits;
    struct ax_lesson_record lesson;
};

static enum ax_err get(unsigned what, struct ax_str body, union record *out)
{
    return what == 0   ? ax_swap_get(body, &out->swap)
           : what == 1 ? ax_fits_record_get(body, &out->fits)
                       : ax_lesson_record_get(body, &out->lesson);
}

static void put(unsigned what, const union record *r, struct ax_buf *out)
{
    if (what == 0)
        ax_swap_put(out, &r->swap);
    else if (what == 1)
        ax_fits_record_put(out, &r->fits);
    else
        ax_lesson_record_put(out, &r->lesson);
}

/* What whoever takes it relies on. */
static void check(unsigned what, const union record *r)
{
    if (what == 0) {
        const struct ax_roles *roles = &r->swap.roles;
        AX_ASSERT(roles->phase < AX_PHASES && roles->share <= 100);
        AX_ASSERT((roles->phase == AX_PHASE_NONE) == ax_role_is_empty(&roles->shadow));
    } else if (what == 1) {
        AX_ASSERT(r->fits.fits.begun < AX_FIT_REASONS);
    } else {
        AX_ASSERT(r->lesson.lesson.range.verdict <= AX_LESSON_EXCLUDED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    union record one, again;
    struct ax_buf first, second;
    if (n == 0 || n > 65536)
        return 0;
    const unsigned what = data[0] % 3;
    const enum ax_err err = get(what, (struct ax_str){(const char *)data + 1, n - 1}, &one);
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT);
    if (err != AX_OK)
        return 0;
    check(what, &one);
    ax_buf_init(&first, 1u << 20);
    ax_buf_init(&second, 1u << 20);
    put(what, &one, &first);
    AX_ASSERT(first.err == AX_OK && get(what, ax_buf_view(&first), &again) == AX_OK);
    put(what, &again, &second);
    AX_ASSERT(ax_str_eq(ax_buf_view(&first), ax_buf_view(&second)));
    ax_buf_done(&first);
    ax_buf_done(&second);
    return 0;
}
