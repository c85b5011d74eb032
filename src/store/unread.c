/* unread.c: one place that names the types. */
#include "store/unread.h"

#include "base/log.h"
#include "base/metrics.h"

void ax_wal_unread(enum ax_wal_record type)
{
    static const char *const names[] = {
        [AX_WAL_SAMPLES] = "samples", [AX_WAL_STEP] = "step",           [AX_WAL_SWAP] = "swap",
        [AX_WAL_LESSON] = "lesson",   [AX_WAL_ELECTIONS] = "elections", [AX_WAL_ERASE] = "erase",
        [AX_WAL_FITS] = "fits"};
    ax_metric_count(AX_M_REPLAY_SKIPPED, names[type], NULL);
    ax_log(
        AX_LOG_ERROR, "record_unread",
        "a record of the log (%s) makes no sense, though its checksum is right, and was passed over: another "
        "version has written it, or wrongly",
        names[type]);
}
