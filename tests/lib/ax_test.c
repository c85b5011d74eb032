/* ax_test.c: comparison of numbers with a message that shows them. */
#include "ax_test.h"

#include <math.h>

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
