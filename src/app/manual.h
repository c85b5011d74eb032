/* manual.h: the manual page auspex(1), made of what --help says, so that it says the same. It is what
 * `auspex --help-man` prints, in the macros of man(7). */
#ifndef AX_APP_MANUAL_H
#define AX_APP_MANUAL_H

#include <stdio.h>

/* Text within a line, as it stands: nothing of it is taken for a macro. */
void ax_manual_text(const char *text, FILE *to);

/* A term and what it means. */
void ax_manual_item(const char *term, const char *text, FILE *to);

/* What is before the commands: its name, synopsis and description. */
void ax_manual_begin(FILE *to);

/* What is behind them: signals, exit status, files and where to read on. */
void ax_manual_end(FILE *to);

#endif
