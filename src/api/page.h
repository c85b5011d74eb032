/* page.h: Auspex's own page: its state at a glance, as HTML without scripts. */
#ifndef AX_API_PAGE_H
#define AX_API_PAGE_H

#include "api/api.h"

/* Append the page: what comes in, where results go and whether they are taken there, every job with its
 * state, step, series, memory and fits, what is wrong with what to do about it, and links to the rest. */
void ax_page_write(const struct ax_api *api, struct ax_buf *out);

#endif
