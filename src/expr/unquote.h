/* unquote.h: the escapes of PromQL's strings, which are those of Go. */
#ifndef AX_EXPR_UNQUOTE_H
#define AX_EXPR_UNQUOTE_H

#include "base/arena.h"
#include "base/err.h"

/* Resolve the escapes of what stands between two quotes (\a \b \f \n \r \t \v \\, the quote itself, \ooo,
 * \xhh, \uhhhh, \Uhhhhhhhh). AX_INVALID with the offending byte in *bad_at; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_unquote(struct ax_str raw, char quote, struct ax_arena *arena, struct ax_str *out,
                                   size_t *bad_at);

#endif
