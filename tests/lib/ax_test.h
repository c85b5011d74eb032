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

#endif
