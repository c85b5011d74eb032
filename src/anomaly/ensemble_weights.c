/* ensemble_weights.c: how much each member counts, once people have said what was an incident. */
#include "anomaly/ensemble_priv.h"
#include "math/logistic.h"

#include <math.h>
#include <stdlib.h>

#define PENALTY 1.0     /* C of the regression */
#define CAUTION 10.0    /* incidents for which equal weights count as much as the ones learnt */
#define INCIDENTS_MIN 5 /* before anything is learnt of them */
#define NORMAL_MIN 20

bool ax_ensemble_can_weigh(uint32_t incidents, uint32_t abnormal, uint32_t normal)
{
    return incidents >= INCIDENTS_MIN && abnormal >= INCIDENTS_MIN && normal >= NORMAL_MIN;
}

enum ax_err ax_ensemble_weigh(uint32_t members, uint32_t incidents, uint32_t n, const double *x,
                              const bool *abnormal, double *weights)
{
    double w[AX_ENSEMBLE_MEMBERS + 1], sum = 0, of_class[2] = {0, 0};
    const double trust = incidents / (incidents + CAUTION);
    uint32_t p = 0, k = 0;
    double *weight = malloc((n + 1) * sizeof *weight);
    if (!weight)
        return AX_NOMEM;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        p += members >> m & 1;
    for (uint32_t i = 0; i < n; i++)
        of_class[abnormal[i]]++;
    for (uint32_t i = 0; i < n; i++)
        weight[i] = n / (2 * of_class[abnormal[i]]);
    enum ax_err err = ax_logistic_fit(n, p, x, abnormal, weight, PENALTY, w);
    free(weight);
    if (err != AX_OK)
        return err;
    for (uint32_t i = 0; i < p; i++)
        sum += fmax(w[i], 0); /* one that is lower in incidents says nothing, rather than the opposite */
    if (!(sum > 0))
        return AX_NUMERIC;
    for (uint32_t m = 0; m < AX_ENSEMBLE_MEMBERS; m++)
        weights[m] = members & 1u << m ? 1 - trust + trust * p * fmax(w[k++], 0) / sum : 0;
    return AX_OK;
}
