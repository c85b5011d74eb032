/* features.h: what models see, for people and programs: vectors, their past, statistics, definitions.
 *
 *   GET /api/v1/features?match[]=          vectors as they stand after the newest step
 *   GET /api/v1/features/export            the same for each step of a time that is kept
 *       ?match[]=&from=&to=&step=&format=csv|jsonl
 *   GET /api/v1/features/statistics?match[]=&from=&to=   of the values of each feature, over series and time
 *   GET /api/v1/features/definitions       what each feature is, its version, its status
 *
 * All take `match[]` (or `match`; up to 16, of which a series has to meet one), `job` and `limit` (of series;
 * of an export: rows). The features of a job are those of its expressions; of each series of one,
 * features/features.h has a vector more. A vector of a step is made of the past up to that step alone, as far
 * as the fine window still holds it: `steps` says how many. JSON answers have Prometheus's envelope. */
#ifndef AX_API_FEATURES_H
#define AX_API_FEATURES_H

#include "net/http_server.h"
#include "pipeline/pipeline.h"

#define AX_FEATURES_ROUTES 4

/* Fill AX_FEATURES_ROUTES routes. */
void ax_features_routes(struct ax_pipeline *p, struct ax_http_route *out);

#endif
