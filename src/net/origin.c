/* origin.c: three headers compared. */
#include "net/origin.h"

#include <strings.h>

/* Host and port of an origin: what follows "scheme://"; empty when there is no such thing, as in "null". */
static struct ax_str authority(struct ax_str origin)
{
    for (size_t i = 0; i + 2 < origin.n; i++)
        if (memcmp(origin.p + i, "://", 3) == 0)
            return (struct ax_str){origin.p + i + 3, origin.n - i - 3};
    return (struct ax_str){"", 0};
}

bool ax_origin_foreign(struct ax_str site, struct ax_str origin, struct ax_str host)
{
    if (site.n)
        return !ax_str_eq(site, ax_str("same-origin")) && !ax_str_eq(site, ax_str("none"));
    if (!origin.n)
        return false;
    const struct ax_str from = authority(origin);
    return from.n == 0 || from.n != host.n || strncasecmp(from.p, host.p, from.n) != 0;
}
