/* models_print.h: the answers of api/models.h as text for a terminal. */
#ifndef AX_APP_MODELS_PRINT_H
#define AX_APP_MODELS_PRINT_H

#include "base/err.h"
#include "base/str.h"

/* Print an answer of status 200 to standard output, or to the file `out` where the verb writes one.
 * AX_CORRUPT with a text when the answer is not what it should be, AX_IO. */
typedef enum ax_err ax_models_print(struct ax_str answer, const char *out, struct ax_diag *diag);

/* Print the warnings of an answer to standard error. */
void ax_models_print_warnings(struct ax_str answer);

/* One for each kind of answer: a table of versions. */
ax_models_print ax_models_print_list;
/* As it is: a card, or JSON. */
ax_models_print ax_models_print_text;
/* Two versions side by side. */
ax_models_print ax_models_print_compare;
/* What a change has led to. */
ax_models_print ax_models_print_ref;
/* That a fit was asked for. */
ax_models_print ax_models_print_asked;
/* That one was called off. */
ax_models_print ax_models_print_cancelled;
ax_models_print ax_models_print_baseline;
/* The exported version, into a file. */
ax_models_print ax_models_print_export;
/* The audit log. */
ax_models_print ax_models_print_audit;
/* What was found right. */
ax_models_print ax_models_print_verify;

/* The text of an answer of another status. Returns the error that goes with it. */
enum ax_err ax_models_error(struct ax_str answer, int status, struct ax_diag *diag);

#endif
