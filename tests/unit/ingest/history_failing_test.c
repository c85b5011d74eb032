/* History that is read while memory runs out, on either side: all of it comes, or an error with a text, and
 * the next reading is as if nothing had been. */
#include "ax_test.h"
#include "failing.h"
#include "ingest/history.h"
#include "net/http_client.h"
#include "read_server.h"

#include <stdio.h>

#define SERIES 3
#define SAMPLES 300
#define STEP_MS 15000

struct seen {
    uint32_t samples;
    double sum;
};

static struct read_server *server;
static struct ax_remote_read config;

static int start(void **state)
{
    (void)state;
    char text[64];
    server = read_server_start();
    for (int i = 0; i < SERIES; i++) {
        (void)snprintf(text, sizeof text, "demand{instance=\"%d\"}", i);
        for (int k = 0; k < SAMPLES; k++)
            read_server_add(server, text, (int64_t)k * STEP_MS, i + k / 7.0);
    }
    config = (struct ax_remote_read){.url = ax_str(read_server_url(server)),
                                     .name = ax_str("past"),
                                     .remote_timeout_ms = 30000,
                                     .chunked_read_limit = 1u << 20};
    return 0;
}

static int stop(void **state)
{
    (void)state;
    read_server_stop(server);
    return 0;
}

static enum ax_err see(void *ctx, uint32_t query, const struct ax_read_run *run)
{
    struct seen *s = ctx;
    assert_int_equal(query, 0);
    assert_true(run->key.n > 0);
    s->samples += run->samples_n;
    for (uint32_t i = 0; i < run->samples_n; i++)
        s->sum += run->samples[i].value;
    return AX_OK;
}

/* Open, read all, close. */
static enum ax_err read_all(struct seen *s, struct ax_diag *diag)
{
    static const struct ax_read_matcher m[] = {{AX_MATCH_EQ, {"__name__", 8}, {"demand", 6}}};
    const struct ax_read_query q[] = {{0, (int64_t)SAMPLES * STEP_MS, m, 1}};
    struct ax_history *h = NULL;
    *s = (struct seen){0};
    enum ax_err err = ax_history_open(&config, &h, diag);
    assert_int_equal(err == AX_OK, h != NULL);
    if (err == AX_OK)
        err = ax_history_read(h, q, 1, see, s, diag);
    ax_history_close(h);
    return err;
}

static void all_of_it_comes_or_an_error_with_a_text(void **state)
{
    (void)state;
    for (int samples = 0; samples < 2; samples++) {
        struct seen whole, s;
        struct ax_diag diag = {{0}};
        atomic_store(&read_server_manner(server)->samples, samples);
        assert_int_equal(read_all(&whole, &diag), AX_OK);
        assert_int_equal(whole.samples, SERIES * SAMPLES);
        uint32_t refused = 0;
        for (uint32_t nth = 1, failed = 1; failed; nth++) {
            diag.text[0] = '\0';
            failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
            enum ax_err err = read_all(&s, &diag);
            failed = failing_end();
            assert_true(failed || err == AX_OK);
            refused += err != AX_OK;
            if (err == AX_OK) {
                assert_int_equal(s.samples, whole.samples);
                assert_true(s.sum == whole.sum);
            } else if ((err != AX_NOMEM && err != AX_IO) || !diag.text[0]) { /* AX_IO: the server's memory */
                fail_msg("failure %u: %d \"%s\"", nth, (int)err, diag.text);
            }
        }
        assert_true(refused > 5);
        assert_int_equal(read_all(&s, &diag), AX_OK);
        assert_true(s.sum == whole.sum);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_comes_or_an_error_with_a_text),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
