/* dump.h: the effective config as YAML: every key with the value in force. */
#ifndef AX_CONFIG_DUMP_H
#define AX_CONFIG_DUMP_H

#include "base/buf.h"
#include "config/config.h"

/* Append the whole config. Secrets, headers' values and passwords in URLs show as <secret>; otherwise what
 * is written reads back as an equal config. The buffer's sticky error says when it did not fit. */
void ax_config_write(const struct ax_config *c, struct ax_buf *out);

/* Append one job's block alone (what its hash is made of). */
void ax_config_write_job(const struct ax_job_config *job, struct ax_buf *out);

#endif
