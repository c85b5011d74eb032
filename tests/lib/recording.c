/* recording.c: a CSV with a head. */
#include "recording.h"

#include "ax_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void recording_read(const char *name, struct recording *out)
{
    char path[512], line[256];
    (void)snprintf(path, sizeof path, "%s/data/%s", AX_TEST_DIR, name);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof line, in));
    for (out->n = 0; out->n < RECORDING_ROWS && fgets(line, sizeof line, in); out->n++) {
        char *end = NULL;
        out->t_ms[out->n] = (int64_t)strtoll(line, &end, 10) * 1000;
        const char *value = end + 1;
        out->value[out->n] = strtod(value, &end);
        if (end == value)
            out->value[out->n] = (double)NAN;
        out->label[out->n] = *end == ',' && strtod(end + 1, NULL) > 0;
    }
    (void)fclose(in);
}
