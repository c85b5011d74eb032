/* log.h: one line per event, logfmt or JSON, on standard error, as Prometheus writes it.
 *
 *   ts=2026-01-02T03:04:05.678Z level=warn id=send_retry msg="..." url=... status=503
 *
 * Only boundaries log (ingest, emit, api, pipeline, app); a library function returns an error. Nothing
 * is logged per sample; a message that repeats is limited per id (see AX_LOG_EVERY_MS) and the
 * suppressed ones are counted in its next line. Thread-safe. */
#ifndef AX_BASE_LOG_H
#define AX_BASE_LOG_H

#include "base/err.h"

#include <stdint.h>

/* error: somebody must act; warn: degraded, says what is dropped; info: state changes. */
enum ax_log_level { AX_LOG_DEBUG, AX_LOG_INFO, AX_LOG_WARN, AX_LOG_ERROR };

/* key=value pairs, or one JSON object a line. */
enum ax_log_format { AX_LOG_LOGFMT, AX_LOG_JSON };

/* Lines of one id are at least this far apart at level warn and error. */
#define AX_LOG_EVERY_MS 1000

/* Least level written and the format; called once, before threads start. Default info, logfmt. */
void ax_log_setup(enum ax_log_level least, enum ax_log_format format);

/* "debug", "info", "warn", "error" to a level; AX_INVALID for any other word. */
enum ax_err ax_log_parse_level(const char *text, enum ax_log_level *out_level);

/* "logfmt", "json" to a format; AX_INVALID for any other word. */
enum ax_err ax_log_parse_format(const char *text, enum ax_log_format *out_format);

/* Write one line. id is a stable snake_case name of the event; pairs is a format string that makes
 * the message text. The line is cut at 2 KiB. */
void ax_log(enum ax_log_level level, const char *id, const char *fmt, ...) AX_PRINTF(3, 4);

#endif
