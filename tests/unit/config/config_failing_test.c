/* A configuration, or a file of the doors, that is read while memory runs out: it is refused for that, and
 * nothing is left behind. */
#include "ax_test.h"
#include "config/dump.h"
#include "config/web.h"
#include "failing.h"

#include <stdlib.h>

static const char yaml[] = "global: {step: 5s, external_labels: {dc: a, b: c}, drop_labels: [x, y]}\n"
                           "remote_write:\n"
                           "- url: http://u:p@h/w\n"
                           "  headers: {X-A: b}\n"
                           "  basic_auth: {username: a, password_file: b}\n"
                           "  queue_config: {capacity: 10}\n"
                           "  write_relabel_configs: [{source_labels: [a, b], regex: '(x.*)\\d', "
                           "target_label: c, replacement: '${1}y'}]\n"
                           "remote_read: [{url: http://h/r}]\n"
                           "jobs:\n"
                           "- {name: a, expr: 'sum by (x) (rate(up{x=~\"a|b\"}[1m]))', forecast: {horizons: "
                           "[5s, 1m]}, emit: [predicted_a]}\n"
                           "- {name: b, by: [i], features: {f: up, g: down}, anomaly: {}, drift: {}}\n";

static const char web[] =
    "tls_server_config: {cert_file: a.pem, key_file: b.pem, min_version: TLS13}\n"
    "http_server_config: {headers: {X-Frame-Options: deny}}\n"
    "basic_auth_users: {a: $2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e}\n"
    "bearer_token_file: t\n";

static void a_config_without_memory_is_refused_for_that(void **state)
{
    (void)state;
    static struct ax_problems problems;
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_config *c = NULL;
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        enum ax_err err = ax_config_parse(ax_str(yaml), &c, &problems);
        failed = failing_end();
        assert_int_equal(err, failed ? AX_NOMEM : AX_OK);
        assert_true((err == AX_OK) == (c != NULL));
        ax_config_free(c);
    }
    assert_true(nth > 5);
}

static void a_config_is_shown_whole_or_not_at_all(void **state)
{
    (void)state;
    static struct ax_problems problems;
    struct ax_config *c = NULL;
    struct ax_buf out;
    assert_int_equal(ax_config_parse(ax_str(yaml), &c, &problems), AX_OK);
    for (uint32_t nth = 1, failed = 1; failed; nth++) {
        ax_buf_init(&out, 1u << 20);
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        ax_config_write(c, &out);
        failed = failing_end();
        assert_int_equal(out.err, failed ? AX_NOMEM : AX_OK);
        ax_buf_done(&out);
    }
    ax_config_free(c);
}

static void doors_without_memory_are_refused_for_that(void **state)
{
    (void)state;
    static struct ax_problems problems;
    uint32_t nth = 1;
    for (uint32_t failed = 1; failed; nth++) {
        struct ax_web_config *c = NULL;
        failing_begin(&(struct failing){.kinds = FAILING_MEMORY, .nth = nth});
        enum ax_err err = ax_web_config_parse(ax_str(web), ax_str("/etc"), &c, &problems);
        failed = failing_end();
        assert_int_equal(err, failed ? AX_NOMEM : AX_OK);
        assert_true((err == AX_OK) == (c != NULL));
        ax_web_config_free(c);
    }
    assert_true(nth > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_config_without_memory_is_refused_for_that),
        cmocka_unit_test(a_config_is_shown_whole_or_not_at_all),
        cmocka_unit_test(doors_without_memory_are_refused_for_that),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
