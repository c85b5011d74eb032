/* health.c: the formula of health.h. */
#include "pipeline/health.h"

#include <math.h>

#define CRITICAL 20.0
#define WARNING 5.0
#define ACCURACY_ENOUGH 0.8
#define SHARE_HIGH 0.3
#define LATENCY_ENOUGH 0.5

double ax_health_score(const struct ax_health *h)
{
    const int critical =
        !h->ready + h->drifted[AX_DRIFT_CONCEPT] + h->drifted[AX_DRIFT_ACCURACY] + (h->skill < 0);
    const int warnings =
        (h->data_share > SHARE_HIGH) + h->drifted[AX_DRIFT_TARGET] + h->drifted[AX_DRIFT_PREDICTION];
    double score = 100 - CRITICAL * critical - WARNING * warnings;
    if (h->accuracy < ACCURACY_ENOUGH)
        score -= CRITICAL * (ACCURACY_ENOUGH - h->accuracy) / ACCURACY_ENOUGH;
    if (h->latency > LATENCY_ENOUGH)
        score -= CRITICAL * fmin((h->latency - LATENCY_ENOUGH) / LATENCY_ENOUGH, 1);
    return fmax(score, 0);
}
