/* ax_test.h: cmocka with its prerequisites in the right order, and what several tests share. */
#ifndef AX_TEST_H
#define AX_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka needs the four above first. */
#include <cmocka.h>

/* Fails with both values unless |a - b| <= tolerance * max(1, |b|); two NaN are equal. */
void ax_assert_close(double a, double b, double tolerance);

/* How often something random is repeated: full times, or, since a sanitizer makes it three to ten times as
 * slow and looks for something else, a quarter of that (at least once). */
uint32_t ax_test_rounds(uint32_t full);

#endif
