/* damage.h: what a reader of saved state must survive: bytes that are cut short, and bytes that are wrong. */
#ifndef AX_TEST_DAMAGE_H
#define AX_TEST_DAMAGE_H

#include "base/bytes.h"

/* Load the bytes into a fresh object; when that went well use it for a while; free it. Returns what the load
 * said, AX_CORRUPT also when bytes were left over. */
typedef enum ax_err damage_try(void *ctx, struct ax_str bytes);

/* Fails the test unless the bytes load, every shorter prefix of them is refused with AX_CORRUPT, and so are
 * they with any one byte wrong, unless they load. Memory is that of the bytes exactly, for ASan to see. */
void damage_check(struct ax_str bytes, damage_try *try, void *ctx);

/* Fails the test unless two views hold the same bytes. */
void damage_assert_same(struct ax_str a, struct ax_str b);

#endif
