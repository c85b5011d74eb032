/* url.h: URLs as they may be shown: in the configuration, in labels of metrics, in the log. */
#ifndef AX_BASE_URL_H
#define AX_BASE_URL_H

#include "base/buf.h"
#include "base/str.h"

#define AX_URL_SECRET "<secret>"

/* Append a URL in which AX_URL_SECRET stands for the password before the host and for the value of each
 * argument of the query, since tokens are passed in both. What is no URL is appended by the same rules.
 * out->err tells of memory. O(n). */
void ax_url_shown(struct ax_str url, struct ax_buf *out);

/* The same without user and password; to be freed. NULL when out of memory. */
char *ax_url_label(struct ax_str url);

#endif
