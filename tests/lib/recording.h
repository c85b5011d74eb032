/* recording.h: a recorded series of tests/data: lines of timestamp, value and, in some, label. */
#ifndef AX_TEST_RECORDING_H
#define AX_TEST_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#define RECORDING_ROWS 2100

/* One series. */
struct recording {
    uint32_t n;
    int64_t t_ms[RECORDING_ROWS];
    double value[RECORDING_ROWS]; /* NaN: none */
    bool label[RECORDING_ROWS];   /* it is abnormal */
};

/* Read the first RECORDING_ROWS rows of a file below tests/data, which must be there. */
void recording_read(const char *name, struct recording *out);

#endif
