/* Time zones from any bytes: whatever is taken answers for all times, and its months follow each other. */
#include "base/assert.h"
#include "base/zone.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {-1000000000000, -1, 0, 1700000000, 1793232000, 4102444800, 1000000000000};
    struct ax_zone *z = NULL;
    struct ax_diag diag;
    if (ax_zone_read((struct ax_str){(const char *)data, size}, &z, &diag) != AX_OK) {
        AX_ASSERT(z == NULL);
        return 0;
    }
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct ax_civil c = ax_zone_civil(z, times[i]);
        AX_ASSERT(c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31 && c.hour < 24 &&
                  c.yearday < 366);
        c = (struct ax_civil){.year = c.year, .month = c.month, .day = 1};
        int64_t from = ax_zone_instant(z, &c);
        c.month++;
        AX_ASSERT(ax_zone_instant(z, &c) > from);
    }
    ax_zone_free(z);
    return 0;
}
