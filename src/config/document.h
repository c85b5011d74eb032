/* document.h: a file's text as one YAML document, walked by a reader.
 *
 * Used by what has a table of keys: config.c and web.c. One thread. */
#ifndef AX_CONFIG_DOCUMENT_H
#define AX_CONFIG_DOCUMENT_H

#include "base/buf.h"
#include "config/reader.h"

/* Takes what it needs out of the document: root is NULL when the file is empty. Problems go to the reader's
 * list, lack of memory into its nomem. */
typedef void ax_document_fn(void *ctx, struct ax_reader *r, yaml_node_t *root);

/* Parse text (UTF-8, at most 1 MiB, one document) and hand it to take, whose structs point into arena.
 * problems is emptied first. AX_INVALID when there is an error among the problems; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_document_parse(struct ax_str yaml, struct ax_arena *arena,
                                          struct ax_problems *problems, ax_document_fn *take, void *ctx);

/* Read a file into out (initialised here, to be ended by the caller also after an error), one byte more than
 * a document may have at most. AX_IO with a problem that says why; AX_NOMEM. */
AX_MUST_USE enum ax_err ax_document_load(const char *path, struct ax_buf *out, struct ax_problems *problems);

#endif
