/* damage.c: prefixes and flips, each in memory of its own. */
#include "damage.h"

#include "ax_test.h"

#include <stdlib.h>

static enum ax_err try_copy(struct ax_str bytes, size_t n, size_t wrong_at, uint8_t wrong, damage_try *try,
                            void *ctx)
{
    char *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n)
        memcpy(copy, bytes.p, n);
    if (wrong)
        copy[wrong_at] = (char)(copy[wrong_at] ^ wrong);
    enum ax_err err = try(ctx, (struct ax_str){copy, n});
    free(copy);
    return err;
}

void damage_check(struct ax_str bytes, damage_try *try, void *ctx)
{
    assert_int_equal(try_copy(bytes, bytes.n, 0, 0, try, ctx), AX_OK);
    for (size_t n = 0; n < bytes.n; n++)
        if (try_copy(bytes, n, 0, 0, try, ctx) != AX_CORRUPT)
            fail_msg("the first %zu of %zu bytes were taken for the whole", n, bytes.n);
    for (size_t i = 0; i < bytes.n; i++)
        for (unsigned k = 0; k < 2; k++) {
            enum ax_err err = try_copy(bytes, bytes.n, i, (uint8_t)(k ? 0xFF : 1u << i % 8), try, ctx);
            if (err != AX_OK && err != AX_CORRUPT)
                fail_msg("byte %zu wrong: %s", i, ax_err_text(err));
        }
}

void damage_assert_same(struct ax_str a, struct ax_str b)
{
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
}
