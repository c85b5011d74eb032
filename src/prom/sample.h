/* sample.h: one sample, and the stale marker, whose bits are data.
 *
 * The marker is a signalling NaN: arithmetic and conversions through float change its bits, so it is
 * compared and copied as 64 bits. Any other NaN is an ordinary value. */
#ifndef AX_PROM_SAMPLE_H
#define AX_PROM_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* t_ms: Unix milliseconds. */
struct ax_sample {
    int64_t t_ms;
    double value;
};

#define AX_STALE_BITS 0x7ff0000000000002u

/* Bits of a double. */
static inline uint64_t ax_double_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* The stale marker. */
static inline double ax_stale(void)
{
    uint64_t bits = AX_STALE_BITS;
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Is it the stale marker (and not just some NaN)? */
static inline bool ax_is_stale(double v)
{
    return ax_double_bits(v) == AX_STALE_BITS;
}

#endif
