/* features.h: GET /api/v1/features: the feature vectors of a job's series as they stand now.
 *
 * The vectors are those of features/features.h over the series' own windows: what a model that reads
 * features is given at this step. */
#ifndef AX_API_FEATURES_H
#define AX_API_FEATURES_H

#include "pipeline/pipeline.h"

#include <jansson.h>

/* {"definitions": [{name, unit, help}], "hash", "series": [{metric, feature, timestamp, values}]} of at most
 * limit series of a job; what is undefined is null. A new reference; NULL when there is no such job or memory
 * is out (*out_found tells which). About 0.1 ms a series, during which no step runs. */
json_t *ax_features_json(struct ax_pipeline *p, struct ax_str job, uint32_t limit, bool *out_found);

#endif
