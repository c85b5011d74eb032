/* odd_tags.c: looking for varints that would be odd as tags. */
#include "odd_tags.h"

bool oracle_odd_tags(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t run = i;
        while (run < n && p[run] >= 0x80)
            run++;
        if (run == n || run == i)
            continue;
        bool zero = p[run] == 0;
        for (size_t k = i + 1; k < run; k++)
            zero = zero && p[k] == 0x80;
        if ((zero && p[i] < 0x88) || (run - i == 4 && p[run] > 0x0f))
            return true;
    }
    return false;
}
