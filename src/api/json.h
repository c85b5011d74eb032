/* json.h: JSON written straight into a buffer, for answers with thousands of numbers. Any thread. */
#ifndef AX_API_JSON_H
#define AX_API_JSON_H

#include "base/buf.h"
#include "prom/labels.h"

/* Append a string with its quotes; what is no UTF-8 becomes U+FFFD. */
void ax_json_str(struct ax_buf *out, struct ax_str s);

/* Append a number with nine significant digits, which tell any float from the next; null when it is not
 * finite. */
void ax_json_number(struct ax_buf *out, double v);

/* Append Unix time in seconds, from milliseconds. */
void ax_json_time(struct ax_buf *out, int64_t t_ms);

/* Append a label set as an object; name stands for its metric's name (n 0: there is none). */
void ax_json_labels(struct ax_buf *out, const struct ax_labels *ls, struct ax_str name);

#endif
