/* assert.c: the end of a process whose invariant is broken. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void ax_assert_failed(const char *text, const char *file, int line)
{
    (void)fprintf(stderr, "auspex: broken invariant at %s:%d: %s\n", file, line, text);
    abort();
}
