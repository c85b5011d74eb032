/* changes.h: bytes told as what has changed since other bytes: a zstd frame that has those as its prefix,
 * with a checksum. For state that is much the same as a moment ago, though parts of it have moved. Not
 * thread-safe.
 */
#ifndef AX_STORE_CHANGES_H
#define AX_STORE_CHANGES_H

#include "base/buf.h"

#define AX_CHANGES_MAX (16u << 20) /* neither may be longer */

struct ax_changes;

/* AX_NOMEM. */
AX_MUST_USE enum ax_err ax_changes_new(struct ax_changes **out);

/* NULL is fine. */
void ax_changes_free(struct ax_changes *c);

/* Put into out, instead of what it holds, what makes `now` of `before`. False when that is no shorter than
 * `now`, or there is no memory for it; out is then not to be relied upon. About 1.5 ns a byte. */
bool ax_changes_tell(struct ax_changes *c, struct ax_str before, struct ax_str now, struct ax_buf *out);

/* Make the n bytes of `now` again. AX_CORRUPT: these are not the changes of it, or `before` is another one.
 */
AX_MUST_USE enum ax_err ax_changes_apply(struct ax_changes *c, struct ax_str before, struct ax_str changes,
                                         uint8_t *now, size_t n);

#endif
