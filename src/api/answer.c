/* answer.c: JSON into answers. */
#include "api/answer.h"

#include "api/json.h"

#include <stdlib.h>

static void put(struct ax_http_response *res, json_t *root)
{
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    if (!text) {
        ax_http_text(res, 503, "out of memory");
        return;
    }
    res->content_type = "application/json";
    ax_buf_str(&res->body, ax_str(text));
    free(text);
}

void ax_answer_json(struct ax_http_response *res, json_t *data)
{
    put(res, json_pack("{s:s, s:o}", "status", "success", "data", data));
}

void ax_answer_warned(struct ax_http_response *res, json_t *data, json_t *warnings)
{
    if (json_array_size(warnings) == 0) {
        json_decref(warnings);
        ax_answer_json(res, data);
        return;
    }
    put(res, json_pack("{s:s, s:o, s:o}", "status", "success", "data", data, "warnings", warnings));
}

void ax_answer_error(struct ax_http_response *res, int status, const char *type, const char *text)
{
    res->status = status;
    res->content_type = "application/json";
    ax_buf_str(&res->body, ax_str("{\"status\":\"error\",\"errorType\":"));
    ax_json_str(&res->body, ax_str(type));
    ax_buf_str(&res->body, ax_str(",\"error\":"));
    ax_json_str(&res->body, ax_str(text)); /* which quotes what was sent, perhaps cut within a character */
    ax_buf_byte(&res->body, '}');
}

void ax_answer_err(struct ax_http_response *res, enum ax_err err, const struct ax_diag *diag)
{
    int status = ax_err_http(err);
    const char *type = status == 404   ? "not_found"
                       : status == 409 ? "conflict"
                       : status == 403 ? "forbidden"
                       : status == 503 ? "unavailable"
                       : status >= 500 ? "internal"
                                       : "bad_data";
    ax_answer_error(res, status, type, diag->text[0] ? diag->text : ax_err_text(err));
}

json_t *ax_labels_json(const struct ax_labels *labels)
{
    json_t *metric = json_object();
    for (uint32_t i = 0; metric && i < labels->n; i++) {
        const struct ax_str name = labels->v[i].name;
        (void)json_object_setn_new(metric, name.p, name.n, ax_str_json(labels->v[i].value));
    }
    return metric;
}

json_t *ax_str_json(struct ax_str s)
{
    json_t *text = json_stringn(s.n ? s.p : "", s.n);
    return text ? text : json_null();
}
