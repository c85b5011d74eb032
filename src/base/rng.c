/* rng.c: xoshiro256** and what is drawn from it. */
#include "base/rng.h"

#include "base/assert.h"

#include <math.h>

__extension__ typedef unsigned __int128 ax_u128;

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

void ax_rng_seed(struct ax_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix64(&seed);
}

uint64_t ax_rng_u64(struct ax_rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t ax_rng_below(struct ax_rng *rng, uint64_t n)
{
    AX_ASSERT(n > 0);
    for (;;) {
        ax_u128 m = (ax_u128)ax_rng_u64(rng) * n;
        uint64_t low = (uint64_t)m;
        if (low >= n || low >= -n % n)
            return (uint64_t)(m >> 64);
    }
}

double ax_rng_double(struct ax_rng *rng)
{
    return (double)(ax_rng_u64(rng) >> 11) * 0x1.0p-53;
}

double ax_rng_normal(struct ax_rng *rng)
{
    for (;;) {
        double u = 2.0 * ax_rng_double(rng) - 1.0;
        double v = 2.0 * ax_rng_double(rng) - 1.0;
        double r = u * u + v * v;
        if (r > 0.0 && r < 1.0)
            return u * sqrt(-2.0 * log(r) / r);
    }
}
