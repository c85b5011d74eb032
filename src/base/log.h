/* log.h: one line per event, logfmt or JSON, on standard error, as Prometheus writes it.
 *
 *   ts=2026-01-02T03:04:05.678Z level=warn id=send_retry msg="..." url=... status=503
 *
 * Only boundaries log (ingest, emit, api, pipeline, app); a library function returns an error. Nothing
 * is logged per sample; what repeats is limited (see AX_LOG_BURST) per id, or per id and subject, and the
 * suppressed lines are counted in the next one. Lines are UTF-8 whatever the message holds. Thread-safe. */
#ifndef AX_BASE_LOG_H
#define AX_BASE_LOG_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* error: somebody must act; warn: degraded, says what is dropped; info: state changes. */
enum ax_log_level { AX_LOG_DEBUG, AX_LOG_INFO, AX_LOG_WARN, AX_LOG_ERROR };

/* key=value pairs, or one JSON object a line. */
enum ax_log_format { AX_LOG_LOGFMT, AX_LOG_JSON };

/* At level warn and error so many lines of one id and subject may come at once; then one each
 * AX_LOG_EVERY_MS, and the rest come back at that pace. */
#define AX_LOG_BURST 10
#define AX_LOG_EVERY_MS 60000

/* So many subjects are told apart at a time; one has its place until its lines are earned back. Those for
 * which there is no place share the limit of their id. */
#define AX_LOG_SUBJECTS 256

/* Least level written and the format; called once, before threads start. Default info, logfmt. */
void ax_log_setup(enum ax_log_level least, enum ax_log_format format);

/* "debug", "info", "warn", "error" to a level; AX_INVALID for any other word. */
enum ax_err ax_log_parse_level(const char *text, enum ax_log_level *out_level);

/* "logfmt", "json" to a format; AX_INVALID for any other word. */
enum ax_err ax_log_parse_format(const char *text, enum ax_log_format *out_format);

/* How much of its allowance an id has used up; zero-initialise. */
struct ax_log_limit {
    int64_t spent_ms; /* each line spends AX_LOG_EVERY_MS; the time at which all is earned back */
    uint64_t suppressed;
};

/* May a line be written at this time, which does not run backwards? Tells how many were suppressed since the
 * last one. Pure. */
bool ax_log_admit(struct ax_log_limit *limit, int64_t now_ms, uint64_t *suppressed);

/* Write one line. id is a stable snake_case name of the event, which lives as long as the program; fmt makes
 * the message, which is cut at 1 KiB. */
void ax_log(enum ax_log_level level, const char *id, const char *fmt, ...) AX_PRINTF(3, 4);

/* The same of one subject among several, an endpoint or a job, whose lines do not hold back those of another.
 * The message names it. */
void ax_log_about(enum ax_log_level level, const char *id, struct ax_str subject, const char *fmt, ...)
    AX_PRINTF(4, 5);

#endif
