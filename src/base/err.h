/* err.h: the one error enum, and a text that travels beside it.
 *
 * A function that can fail returns enum ax_err; AX_OK is 0. Where a person will read about the
 * failure it takes a struct ax_diag too, and writes what happened and what to do about it.
 * A programmer's mistake is not an error but AX_ASSERT (base/assert.h). */
#ifndef AX_BASE_ERR_H
#define AX_BASE_ERR_H

#define AX_MUST_USE __attribute__((warn_unused_result))
#define AX_PRINTF(fmt_i, arg_i) __attribute__((format(printf, fmt_i, arg_i)))

/* Every way in which a call can end; AX_OK is 0. One table (err.def) makes enum, names and HTTP status. */
enum ax_err {
#define AX_ERR(name, http, text) AX_##name,
#include "base/err.def"
#undef AX_ERR
    AX_ERR_N
};

/* Detail of one failure, owned by the caller; text is always terminated. Init with {{0}}. */
struct ax_diag {
    char text[512];
};

/* Short constant text of an error ("over a limit"); never NULL. */
const char *ax_err_text(enum ax_err err);

/* HTTP status with which an error ends a request. */
int ax_err_http(enum ax_err err);

/* Write a text, cut at its end when it is too long; diag may be NULL. Returns 0. */
int ax_diag_write(struct ax_diag *diag, const char *fmt, ...) AX_PRINTF(2, 3);

/* Put "prefix: " before the text already there. Returns 0. */
int ax_diag_prefix(struct ax_diag *diag, const char *fmt, ...) AX_PRINTF(2, 3);

/* The error beside a text; inline, so that whoever reads the code (an analyzer too) sees that it is err. */
static inline enum ax_err ax_err_beside(enum ax_err err, int written)
{
    (void)written;
    return err;
}

/* Write a detail (diag may be NULL) and return err, so that `return ax_fail(...)` is the idiom. */
#define ax_fail(diag, err, ...) ax_err_beside(err, ax_diag_write(diag, __VA_ARGS__))

/* Put "prefix: " before the detail already there, at a boundary that knows more (a file, a job).
 * Returns err. */
#define ax_wrap(diag, err, ...) ax_err_beside(err, ax_diag_prefix(diag, __VA_ARGS__))

#endif
