/* csv_fuzz.c: any bytes as a CSV file: no crash, time never falls, errors have a text. */
#include "base/assert.h"
#include "ingest/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const paths[] = {"a.csv"};
    struct ax_csv *csv = NULL;
    struct ax_diag diag = {{0}};
    struct ax_csv_value v;
    bool end = false;
    int64_t last = INT64_MIN;
    if (n == 0)
        return 0;
    FILE *stream = fmemopen((void *)(uintptr_t)data, n, "r");
    AX_ASSERT(stream != NULL);
    enum ax_err err = ax_csv_open_streams(&stream, paths, 1, ax_str("label"), &csv, &diag);
    if (err == AX_INVALID) /* most files have no such column */
        err = (stream = fmemopen((void *)(uintptr_t)data, n, "r"))
                  ? ax_csv_open_streams(&stream, paths, 1, ax_str(""), &csv, &diag)
                  : AX_NOMEM;
    while (err == AX_OK && !end) {
        err = ax_csv_next(csv, &v, &end, &diag);
        if (err != AX_OK || end)
            break;
        AX_ASSERT(v.t_ms >= last && v.series < ax_csv_series_n(csv));
        last = v.t_ms;
    }
    AX_ASSERT(err == AX_OK || diag.text[0] != '\0');
    ax_csv_close(csv);
    return 0;
}
