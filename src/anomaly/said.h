/* said.h: what people said of times of one entity, for the models that learn from its past: which points are
 * known to be an incident, which to be normal, and which are no example of anything.
 *
 * The later one (ids rise) has the last word; what is revoked leaves no trace. Owner: the pipeline's thread.
 */
#ifndef AX_ANOMALY_SAID_H
#define AX_ANOMALY_SAID_H

#include "anomaly/taught.h"

#define AX_SAID_MAX 256 /* in force of one entity; another one is refused */

/* Fields are private; NULL is one of which nothing was said. */
struct ax_said;

/* Free; NULL is fine. */
void ax_said_free(struct ax_said *s);

/* Note a lesson. AX_LIMIT: there are AX_SAID_MAX; AX_NOMEM; then nothing has changed. */
AX_MUST_USE enum ax_err ax_said_add(struct ax_said **s, const struct ax_lesson_range *lesson);

/* Is the lesson of that id in force? */
bool ax_said_has(const struct ax_said *s, uint64_t id);

/* Forget the lesson of that id; false when there was none. */
bool ax_said_remove(struct ax_said *s, uint64_t id);

/* The verdict of the newest lesson that has a time in common with from_ms to to_ms, both included; 0: none.
 * O(lessons). */
enum ax_lesson_verdict ax_said_of(const struct ax_said *s, int64_t from_ms, int64_t to_ms);

/* How many of the lessons of a verdict have a time in common with that range. */
uint32_t ax_said_count(const struct ax_said *s, enum ax_lesson_verdict verdict, int64_t from_ms,
                       int64_t to_ms);

/* Append all. */
void ax_said_save(const struct ax_said *s, struct ax_buf *out);

/* Read that back. AX_CORRUPT, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_said_load(struct ax_said **s, struct ax_bytes *in);

#endif
