/* alarms.h: how good the alarms of a job are, by what people said of them.
 *
 * A lesson (pipeline/lesson.h) is a case: what it says was `missed` was abnormal, what it says was `normal`
 * was not; when it was taught the job's scores of that time, by the thresholds of before, either rose above 1
 * or did not. Precision is the share of alarms of which people spoke that were right, recall the share of
 * incidents that had one; accuracy is their harmonic mean (F1). Of times without an alarm that were normal
 * nobody speaks. The newest AX_ALARMS_MAX cases are kept. Pure; owner: the pipeline's thread. */
#ifndef AX_PIPELINE_ALARMS_H
#define AX_PIPELINE_ALARMS_H

#include "base/bytes.h"

#define AX_ALARMS_MAX 256
#define AX_ALARMS_LEAST 8 /* cases that say something: what was normal, and no alarm, does not */

/* One lesson. */
struct ax_alarm_case {
    uint64_t id;
    int64_t to_ms; /* end of its range */
    bool abnormal, alarmed;
};

/* Oldest first; zero-initialise. */
struct ax_alarms {
    uint32_t n;
    struct ax_alarm_case v[AX_ALARMS_MAX];
};

/* NaN where nothing is known. */
struct ax_alarm_score {
    double precision, recall, accuracy;
};

/* Take a case; the oldest gives way. */
void ax_alarms_add(struct ax_alarms *a, const struct ax_alarm_case *c);

/* Forget the case of a lesson, if there is one. */
void ax_alarms_forget(struct ax_alarms *a, uint64_t id);

/* Of cases that end after since_ms, of which there must be AX_ALARMS_LEAST. */
struct ax_alarm_score ax_alarms_score(const struct ax_alarms *a, int64_t since_ms);

/* Append all; read them back, what cannot be is a failure of in. */
void ax_alarms_save(const struct ax_alarms *a, struct ax_buf *out);
/* As above. */
void ax_alarms_load(struct ax_alarms *a, struct ax_bytes *in);

#endif
