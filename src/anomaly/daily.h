/* daily.h: which of the flagged times of an entity's past come back at the same time of day, so that they are
 * how things are: a backup, a batch job, a nightly restart.
 *
 * A time recurs when on AX_DAILY_DAYS different days something was flagged within a quarter of an hour of
 * that time of day. What was flagged for more than AX_DAILY_RUN_MS without a break counts for no time of day:
 * an incident does not become usual by lasting. Days are those of UTC. Pure. */
#ifndef AX_ANOMALY_DAILY_H
#define AX_ANOMALY_DAILY_H

#include <stdbool.h>
#include <stdint.h>

#define AX_DAILY_DAYS 3
#define AX_DAILY_RUN_MS (3 * INT64_C(3600000))
#define AX_DAILY_SLOTS 288 /* of 5 min */

/* Fields are private; zero-initialise. */
struct ax_daily {
    uint64_t days[AX_DAILY_SLOTS]; /* a bit for each day, modulo 64 */
    int64_t first, last;           /* slots of the run that goes on, since the epoch */
    bool runs;
};

/* Note a time, flagged or not, and what goes before it from the time that was noted last; times rise. O(1)
 * amortised. */
void ax_daily_note(struct ax_daily *d, int64_t t_ms, bool flagged);

/* All was noted: a run that goes on ends. */
void ax_daily_end(struct ax_daily *d);

/* Does what was flagged at that time recur? */
bool ax_daily_recurs(const struct ax_daily *d, int64_t t_ms);

#endif
