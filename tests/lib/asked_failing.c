/* asked_failing.c: apart, because failing.c is linked into *_failing_test.c alone. */
#include "asked.h"
#include "ax_test.h"
#include "failing.h"

static void ask(const struct asked *a, struct ax_http_response *res)
{
    const struct ax_http_request request = {.path = ax_str(a->route.path), .body = a->body};
    ax_http_response_init(res);
    a->route.handle(a->route.ctx, &request, res);
}

void asked_without_memory(const struct asked *a)
{
    struct ax_http_response whole, res;
    ask(a, &whole);
    assert_int_equal(whole.status, 200);
    assert_true(whole.body.n > 0);
    uint32_t refused = 0;
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        ask(a, &res);
        failed = failing_end();
        if (res.status == 200 && res.body.err == AX_OK) {
            assert_int_equal(res.body.n, whole.body.n);
            assert_memory_equal(res.body.bytes, whole.body.bytes, whole.body.n);
        } else if (res.status != 503 && res.body.err != AX_NOMEM) {
            fail_msg("failure %u: %d %.*s", nth, res.status, (int)res.body.n, (const char *)res.body.bytes);
        } else {
            refused++;
        }
        ax_buf_done(&res.body);
    }
    assert_true(refused > 0);
    ax_buf_done(&whole.body);
}
