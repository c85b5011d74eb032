/* page.h: Auspex's own page: its state at a glance, as HTML without scripts. */
#ifndef AX_API_PAGE_H
#define AX_API_PAGE_H

#include "base/buf.h"
#include "pipeline/pipeline.h"

/* Append the page: every job with its step, targets, readiness and memory, and links to the rest. */
void ax_page_write(struct ax_pipeline *p, const struct ax_db *db, struct ax_buf *out);

#endif
