/* erasing.h: which output series a selector means that somebody wants erased, and the note that it is under
 * way, by which a start after a kill goes on with it.
 *
 * A selector speaks of the labels of inputs, which outputs keep: one that an output's own label has taken the
 * name of is looked for as exported_<name>, and there alone, but for those by which a selector speaks of
 * outputs
 * (`for`, and `source` beside it). What else an output has of its own, or of external labels, cannot be told
 * from a label of its input and is matched as it stands: of what is meant nothing is left out. Pure but for
 * the file of the note (<dir>/erase). */
#ifndef AX_EMIT_ERASING_H
#define AX_EMIT_ERASING_H

#include "expr/expr.h"

/* A selector that was read; free with ax_erasing_done(). */
struct ax_erasing {
    struct ax_expr *expr;
    struct ax_matcher *const *matchers;
    uint32_t n;
};

/* Read one. AX_INVALID with a text: it is none, or asks for a metric's name; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_erasing_init(struct ax_erasing *e, struct ax_str selector, struct ax_diag *diag);

/* Free what it holds. */
void ax_erasing_done(struct ax_erasing *e);

/* Does it mean the output series of these labels? erasing: a struct ax_erasing. */
bool ax_erasing_takes(void *erasing, const struct ax_labels *labels);

/* Note that it is under way; on the disk when it returns. AX_INVALID: it is too long; AX_IO, AX_NOMEM; with a
 * text. */
AX_MUST_USE enum ax_err ax_erasing_note(const char *dir, struct ax_str selector, struct ax_diag *diag);

/* Append the selector that was noted to out. AX_NOTFOUND: none was. AX_IO with a text, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_erasing_noted(const char *dir, struct ax_buf *out, struct ax_diag *diag);

/* It is done. AX_IO with a text. */
AX_MUST_USE enum ax_err ax_erasing_forget(const char *dir, struct ax_diag *diag);

#endif
