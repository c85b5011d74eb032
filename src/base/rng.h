/* rng.h: seeded random numbers, reproducible on every machine; never a global generator.
 *
 * xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47,
 * 2021), seeded by splitmix64 as its authors recommend. */
#ifndef AX_BASE_RNG_H
#define AX_BASE_RNG_H

#include <stdint.h>

/* State of one generator; owned by its user, not shared between threads. */
struct ax_rng {
    uint64_t s[4];
};

/* Start a sequence; the same seed gives the same sequence. */
void ax_rng_seed(struct ax_rng *rng, uint64_t seed);

/* 64 random bits. */
uint64_t ax_rng_u64(struct ax_rng *rng);

/* Uniform in [0, n); n > 0. Without modulo bias (Lemire, 2019). */
uint64_t ax_rng_below(struct ax_rng *rng, uint64_t n);

/* Uniform in [0, 1) with 53 bits. */
double ax_rng_double(struct ax_rng *rng);

/* Standard normal (polar method). */
double ax_rng_normal(struct ax_rng *rng);

#endif
