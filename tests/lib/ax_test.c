/* ax_test.c: what several tests share. */
#include "ax_test.h"

#include <math.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

void ax_assert_close(double a, double b, double tolerance)
{
    if (isnan(a) && isnan(b))
        return;
    if (a == b)
        return;
    double scale = fabs(b) > 1 ? fabs(b) : 1;
    if (!(fabs(a - b) <= tolerance * scale))
        fail_msg("%.17g is not %.17g within %g", a, b, tolerance);
}

uint32_t ax_test_rounds(uint32_t full)
{
#ifdef SANITIZED
    return full < 4 ? 1 : full / 4;
#else
    return full;
#endif
}
