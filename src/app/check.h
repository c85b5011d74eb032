/* check.h: `auspex check FILE`: everything that is wrong with a config file, each with its place. */
#ifndef AX_APP_CHECK_H
#define AX_APP_CHECK_H

#include "base/buf.h"
#include "config/config.h"

/* Parse every expression of a config and add what is wrong, at its line and column in the file, to problems.
 * max_range_ms is --query.max-range. AX_INVALID when an error was added; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_check_expressions(const struct ax_config *c, int64_t max_range_ms,
                                             struct ax_problems *problems);

/* Write each problem as "FILE:LINE:COLUMN: error: text" (or "warning:"), one a line; the last line says how
 * many more there were. */
void ax_problems_write(const struct ax_problems *problems, const char *path, struct ax_buf *out);

#endif
