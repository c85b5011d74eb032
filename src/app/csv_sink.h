/* csv_sink.h: output series into a CSV file, `timestamp,series,value`, for backtests.
 *
 * Every sample becomes a row in the order emitted; the timestamp is Unix seconds, the series is in
 * exposition text, the end of a series (its stale marker) is a row whose value is NaN. */
#ifndef AX_APP_CSV_SINK_H
#define AX_APP_CSV_SINK_H

#include "emit/sink.h"

struct ax_csv_sink;

/* Create the file (path NULL: samples are only counted). AX_IO with a text. */
AX_MUST_USE enum ax_err ax_csv_sink_open(const char *path, struct ax_csv_sink **out, struct ax_diag *diag);

/* The sink; valid until closed. */
struct ax_sink ax_csv_sink_sink(struct ax_csv_sink *s);

/* Flush and free. AX_IO with a text when not everything could be written. NULL is fine. */
enum ax_err ax_csv_sink_close(struct ax_csv_sink *s, struct ax_diag *diag);

#endif
