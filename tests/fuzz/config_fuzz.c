/* config_fuzz.c: any bytes as a config: no crash, errors come with a problem, a good one prints and reads
 * back. */
#include "base/assert.h"
#include "config/config.h"
#include "config/dump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ax_problems problems;
    struct ax_config *c = NULL, *again = NULL;
    enum ax_err err = ax_config_parse((struct ax_str){(const char *)data, n}, &c, &problems);
    AX_ASSERT((err == AX_OK) == (c != NULL));
    AX_ASSERT(err != AX_INVALID || problems.errors_n > 0);
    if (!c)
        return 0;
    for (uint32_t i = 0; i < c->jobs_n; i++)
        for (size_t k = 0; k <= c->jobs[i].expr.text.n + 1; k++)
            AX_ASSERT(ax_text_place(&c->jobs[i].expr, k).column > 0 || c->jobs[i].expr.text.p == NULL);
    struct ax_buf text;
    ax_buf_init(&text, 8u << 20);
    ax_config_write(c, &text);
    AX_ASSERT(text.err == AX_OK);
    /* Unless a password was masked into something else, equal jobs come back. */
    err = ax_config_parse(ax_buf_view(&text), &again, &problems);
    if (err == AX_OK) {
        AX_ASSERT(again->jobs_n == c->jobs_n);
        for (uint32_t i = 0; i < c->jobs_n; i++)
            AX_ASSERT(again->jobs[i].hash == c->jobs[i].hash);
    }
    ax_config_free(again);
    ax_config_free(c);
    ax_buf_done(&text);
    return 0;
}
