/* err.c: texts and statuses of the error table, and the printing of details. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *ax_err_text(enum ax_err err)
{
    static const char *const texts[] = {
#define AX_ERR(name, http, text) text,
#include "base/err.def"
#undef AX_ERR
    };
    return (unsigned)err < AX_ERR_N ? texts[err] : "unknown error";
}

int ax_err_http(enum ax_err err)
{
    static const int statuses[] = {
#define AX_ERR(name, http, text) http,
#include "base/err.def"
#undef AX_ERR
    };
    return (unsigned)err < AX_ERR_N ? statuses[err] : 500;
}

int ax_diag_write(struct ax_diag *diag, const char *fmt, ...)
{
    if (!diag)
        return 0;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(diag->text, sizeof diag->text, fmt, args);
    va_end(args);
    return 0;
}

int ax_diag_prefix(struct ax_diag *diag, const char *fmt, ...)
{
    if (!diag)
        return 0;
    char old[sizeof diag->text];
    memcpy(old, diag->text, sizeof old);
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(diag->text, sizeof diag->text, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof diag->text)
        (void)snprintf(diag->text + n, sizeof diag->text - (size_t)n, ": %s", old);
    return 0;
}
