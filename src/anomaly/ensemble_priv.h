/* ensemble_priv.h: the inside of an ensemble, shared by the files that implement anomaly/ensemble.h. */
#ifndef AX_ANOMALY_ENSEMBLE_PRIV_H
#define AX_ANOMALY_ENSEMBLE_PRIV_H

#include "anomaly/ensemble_member.h"
#include "base/map.h"
#include "nn/kernels.h"

#define AX_ENSEMBLE_CHUNK 64 /* rows that are normalised and scored at once */

/* What an entity has of its own: floats middle[p], spread[p] in the ensemble's block; levels. */
struct ax_ensemble_entity {
    char *key;
    uint32_t key_n;
    float *middle; /* spread follows */
    double levels[AX_ENSEMBLE_MEMBERS], level;
};

/* See anomaly/ensemble.h. */
struct ax_ensemble {
    struct ax_ensemble_spec spec;
    uint32_t members, rows, entities_n;
    uint32_t incidents; /* that taught the weights; 0: they are 1 */
    double weights[AX_ENSEMBLE_MEMBERS];
    void *models[AX_ENSEMBLE_MEMBERS];
    struct ax_ensemble_entity *entities;
    struct ax_map index; /* hash of the key to index + 1 */
    struct ax_ensemble_check check;
};

/* One of so many entities, without models, all numbers zero. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_ensemble_new(const struct ax_ensemble_spec *spec, uint32_t entities_n,
                                        struct ax_ensemble **out);

/* Give an entity its key. AX_NOMEM; AX_INVALID when another one has it. */
AX_MUST_USE enum ax_err ax_ensemble_name(struct ax_ensemble *e, uint32_t entity, struct ax_str key);

/* Rows as members see them, from rows as they came. */
void ax_ensemble_normalise(const struct ax_ensemble *e, uint32_t entity, const float *x, float *context,
                           float *last);

/* Distances of normalised rows, [n][AX_ENSEMBLE_MEMBERS]; raw is scratch for n doubles. */
void ax_ensemble_distances(const struct ax_ensemble *e, const struct ax_ensemble_view *v, void *scratch,
                           double *raw, double *distances);

/* Is that enough to learn weights of: incidents, rows in them, and rows outside? */
bool ax_ensemble_can_weigh(uint32_t incidents, uint32_t abnormal, uint32_t normal);

/* Learn weights from rows x[n][members], ln(1 + ratio) of those that there are: coefficients of a logistic
 * regression with classes that count alike, not below 0, drawn towards equal weights while incidents are few.
 * AX_NUMERIC: they say nothing; AX_NOMEM; then weights are as before. */
AX_MUST_USE enum ax_err ax_ensemble_weigh(uint32_t members, uint32_t incidents, uint32_t n, const double *x,
                                          const bool *abnormal, double *weights);

#endif
