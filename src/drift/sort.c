/* sort.c: radix sort of the bits of doubles, with where they stood. */
#include "drift/sort.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS (1u << DIGIT_BITS)
#define PASSES 6 /* of 64 bits */
#define SHORT 64 /* up to so many are sorted by insertion */

/* A value as a number that sorts as it does, and where it stood. */
struct item {
    uint64_t key;
    uint64_t at;
};

_Static_assert(2 * sizeof(struct item) == AX_DRIFT_SORT_ROOM, "two items for each value");

/* Numbers that ascend as doubles do: the sign bit is turned, and with it all others of what is negative. */
static uint64_t key_of(double v)
{
    uint64_t bits;
    v += 0.0; /* -0 is 0 */
    memcpy(&bits, &v, sizeof bits);
    return bits ^ (bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63);
}

static double value_of(uint64_t key)
{
    const uint64_t bits = key ^ (key >> 63 ? (uint64_t)1 << 63 : UINT64_MAX);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static unsigned digit_of(uint64_t key, unsigned pass)
{
    return (unsigned)(key >> (pass * DIGIT_BITS)) & (DIGITS - 1);
}

/* Turn counts into first places; false when one digit has them all, and a pass would change nothing. */
static bool first_places(uint32_t count[DIGITS], uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t d = 0; d < DIGITS; d++) {
        const uint32_t here = count[d];
        if (here == n)
            return false;
        count[d] = sum;
        sum += here;
    }
    return true;
}

static void insertion_sort(struct item *v, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const struct item x = v[i];
        uint32_t k = i;
        for (; k > 0 && v[k - 1].key > x.key; k--)
            v[k] = v[k - 1];
        v[k] = x;
    }
}

/* Sort n items with room behind them for as many; they are in what is returned. */
static struct item *sort_items(struct item *v, uint32_t n)
{
    uint32_t counts[PASSES][DIGITS];
    struct item *from = v, *to = v + n;
    if (n <= SHORT) {
        insertion_sort(v, n);
        return v;
    }
    memset(counts, 0, sizeof counts);
    for (uint32_t i = 0; i < n; i++)
        for (unsigned pass = 0; pass < PASSES; pass++)
            counts[pass][digit_of(v[i].key, pass)]++;
    for (unsigned pass = 0; pass < PASSES; pass++) {
        if (!first_places(counts[pass], n))
            continue;
        for (uint32_t i = 0; i < n; i++)
            to[counts[pass][digit_of(from[i].key, pass)]++] = from[i];
        struct item *const swap = from;
        from = to;
        to = swap;
    }
    return from;
}

static struct item *sorted_items(const double *v, uint32_t n, void *room)
{
    struct item *items = room;
    for (uint32_t i = 0; i < n; i++)
        items[i] = (struct item){key_of(v[i]), i};
    return sort_items(items, n);
}

static int ascending(const void *pa, const void *pb)
{
    double a, b;
    memcpy(&a, pa, sizeof a);
    memcpy(&b, pb, sizeof b);
    return (a > b) - (a < b);
}

void ax_drift_sort(double *v, uint32_t n, void *room)
{
    if (!room) {
        qsort(v, n, sizeof *v, ascending);
        return;
    }
    const struct item *items = sorted_items(v, n, room);
    for (uint32_t i = 0; i < n; i++)
        v[i] = value_of(items[i].key);
}

double *ax_drift_sorted(const double *v, uint32_t n, struct ax_arena *scratch)
{
    double *copy = ax_arena_array(scratch, n, sizeof *copy);
    void *room = ax_arena_array(scratch, n, AX_DRIFT_SORT_ROOM);
    if (!copy || !room)
        return NULL;
    memcpy(copy, v, n * sizeof *copy);
    ax_drift_sort(copy, n, room);
    return copy;
}

double *ax_drift_ranked(double *v, uint32_t n, struct ax_arena *scratch)
{
    double *sorted = ax_arena_array(scratch, n, sizeof *sorted);
    void *room = ax_arena_array(scratch, n, AX_DRIFT_SORT_ROOM);
    if (!sorted || !room)
        return NULL;
    const struct item *items = sorted_items(v, n, room);
    for (uint32_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && items[end].key == items[i].key; end++)
            ;
        const double place = ((double)i + (double)end) / (double)n - 1;
        for (uint32_t k = i; k < end; k++) {
            sorted[k] = value_of(items[k].key);
            v[items[k].at] = place;
        }
    }
    return sorted;
}
