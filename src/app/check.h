/* check.h: `auspex check FILE`: everything that is wrong with a config file, each with its place. */
#ifndef AX_APP_CHECK_H
#define AX_APP_CHECK_H

#include "base/buf.h"
#include "config/config.h"

/* ax_config_load(), and every expression is parsed; with clients, those of remote_write and remote_read are
 * made, as `serve` makes them, with the files of passwords, credentials and certificates that they name:
 * nothing is connected. What is wrong is among the problems, at its line and column in the file. max_range_ms
 * is
 * --query.max-range. */
AX_MUST_USE enum ax_err ax_check_load(const char *path, int64_t max_range_ms, bool clients,
                                      struct ax_config **out, struct ax_problems *problems);

/* Log each problem in the order of the file, under these ids (constants), and make the first error, with how
 * many more there are, the text of diag. name stands for the file; err is what the load returned. */
void ax_problems_log(const struct ax_problems *problems, const char *name, const char *error_id,
                     const char *warning_id, enum ax_err err, struct ax_diag *diag);

/* Write each problem as "FILE:LINE:COLUMN: error: text" (or "warning:"), one a line; the last line says how
 * many more there were. */
void ax_problems_write(const struct ax_problems *problems, const char *path, struct ax_buf *out);

#endif
