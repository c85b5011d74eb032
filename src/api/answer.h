/* answer.h: answers in JSON with Prometheus's envelope: {"status":"success","data":...}, or
 * {"status":"error","errorType":...,"error":...}. */
#ifndef AX_API_ANSWER_H
#define AX_API_ANSWER_H

#include "net/http_server.h"
#include "prom/labels.h"

#include <jansson.h>

/* Answer 200 with data, whose reference is taken; NULL (no memory for it) becomes 503. */
void ax_answer_json(struct ax_http_response *res, json_t *data);

/* The same with a list of warnings (texts), whose reference is taken too; an empty one is left out. */
void ax_answer_warned(struct ax_http_response *res, json_t *data, json_t *warnings);

/* Answer with a status, a type as Prometheus has them ("bad_data", "not_found", "unavailable"), and a text.
 */
void ax_answer_error(struct ax_http_response *res, int status, const char *type, const char *text);

/* The same for an error: its status, the type that goes with it, and the text of diag. */
void ax_answer_err(struct ax_http_response *res, enum ax_err err, const struct ax_diag *diag);

/* Labels as an object; NULL without memory. */
json_t *ax_labels_json(const struct ax_labels *labels);

/* A text of which the bytes may be anything: not UTF-8 becomes null. */
json_t *ax_str_json(struct ax_str s);

#endif
