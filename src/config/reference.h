/* reference.h: docs/config.md, made from the table of keys. */
#ifndef AX_CONFIG_REFERENCE_H
#define AX_CONFIG_REFERENCE_H

#include "base/buf.h"

/* Append the reference of all keys as Markdown. */
void ax_config_reference(struct ax_buf *out);

#endif
