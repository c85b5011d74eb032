/* features_request.h: the arguments that requests about features share; for the files of features.h. */
#ifndef AX_API_FEATURES_REQUEST_H
#define AX_API_FEATURES_REQUEST_H

#include "api/features_find.h"
#include "net/http_server.h"

#include <jansson.h>

/* One request. */
struct ax_features_request {
    struct ax_features_query query;
    int64_t from_ms, to_ms; /* both included; INT64_MIN and INT64_MAX where nothing is said */
    int64_t step_ms;        /* of an export: only steps that are multiples of it; 0: all */
    uint32_t limit;
    bool jsonl;
};

/* Read it; limits where nothing is said, and at most. False when an answer was given that says what is wrong.
 */
bool ax_features_request(const struct ax_http_request *req, uint32_t limit, uint32_t limit_max,
                         struct ax_features_request *out, struct ax_http_response *res);

/* GET /api/v1/features/export; ctx is the pipeline. */
void ax_features_export(void *ctx, const struct ax_http_request *req, struct ax_http_response *res);

/* GET /api/v1/features/statistics. */
void ax_features_statistics(void *ctx, const struct ax_http_request *req, struct ax_http_response *res);

/* GET /api/v1/features/definitions. */
void ax_features_definitions(void *ctx, const struct ax_http_request *req, struct ax_http_response *res);

#define AX_FEATURES_VERSION_TEXT 17

/* A version as 16 hexadecimal digits and a 0 byte. */
void ax_features_version_text(uint64_t version, char out[AX_FEATURES_VERSION_TEXT]);

/* The table of features/features.h: [{name, unit, help}]. */
json_t *ax_features_table_json(void);

#endif
