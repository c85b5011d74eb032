/* parse.h: numbers, durations and sizes as a person writes them; whole text or error; no locale. */
#ifndef AX_BASE_PARSE_H
#define AX_BASE_PARSE_H

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

/* A float: decimal, exponent, hex, Inf/NaN in any case, sign. AX_INVALID unless all of s is one. */
AX_MUST_USE enum ax_err ax_parse_double(struct ax_str s, double *out);

/* A decimal integer. AX_INVALID unless all of s is one and fits. */
AX_MUST_USE enum ax_err ax_parse_i64(struct ax_str s, int64_t *out);

/* The same of digits alone, up to UINT64_MAX. */
AX_MUST_USE enum ax_err ax_parse_u64(struct ax_str s, uint64_t *out);

/* Prometheus's duration ("1h30m", "15s", "500ms", "0"; units ms s m h d w y in falling order) to
 * milliseconds. AX_INVALID otherwise. */
AX_MUST_USE enum ax_err ax_parse_duration(struct ax_str s, int64_t *out_ms);

/* A time as Prometheus's API reads it: Unix seconds with a fraction ("1700000000.5"), or RFC 3339
 * ("2026-01-02T03:04:05.678Z", "...+01:00"), to Unix milliseconds. AX_INVALID otherwise, and before the year
 * 1 or after 9999. */
AX_MUST_USE enum ax_err ax_parse_time(struct ax_str s, int64_t *out_ms);

/* Bytes: "512", "64KiB", "32MB" (powers of 1024 for both, as Prometheus's flags read them). */
AX_MUST_USE enum ax_err ax_parse_bytes(struct ax_str s, uint64_t *out_bytes);

/* Milliseconds as Prometheus prints a duration ("1h30m", "15s", "0s"). Cuts at cap bytes. */
void ax_format_duration(int64_t ms, char *out, size_t cap);

/* A time as ax_parse_time() reads it, in UTC ("2026-01-02T03:04:05Z", with ".678" when there are
 * milliseconds). At least 32 bytes; empty for a year that has not four digits. */
void ax_format_time(int64_t ms, char *out, size_t cap);

/* Shortest text that reads back as the same double; "NaN", "+Inf", "-Inf". At least 32 bytes. */
void ax_format_double(double v, char *out, size_t cap);

#endif
