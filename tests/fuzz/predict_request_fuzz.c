/* Requests for predictions from any bytes: what is taken is within its limits, what is refused has a text. */
#include "api/predict_request.h"
#include "base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ax_predict_limits limits = {8, 4};
    struct ax_predict_request r;
    struct ax_diag diag = {{0}};
    enum ax_err err = ax_predict_request_read((struct ax_str){(const char *)data, size}, &limits, &r, &diag);
    if (err == AX_OK) {
        AX_ASSERT(r.selectors_n <= limits.selectors_max && r.horizons_n <= limits.horizons_max);
        AX_ASSERT(r.selectors_n > 0 || r.job.n > 0);
        for (uint32_t i = 0; i < r.selectors_n; i++)
            AX_ASSERT(r.selectors[i].matchers_n > 0);
        for (uint32_t i = 0; i < r.horizons_n; i++)
            AX_ASSERT(r.horizons_ms[i] > 0);
    } else {
        AX_ASSERT(diag.text[0]);
    }
    ax_predict_request_done(&r);
    return 0;
}
