/* The effective config reads back as itself, and shows no secret. */
#include "ax_test.h"
#include "config/dump.h"

static const char yaml[] =
    "global: {external_labels: {dc: \"a\\\"b\"}, drop_labels: []}\n"
    "remote_write:\n"
    "- url: http://u:hunter2@h/w\n"
    "  headers: {X-Token: hunter2}\n"
    "  authorization: {credentials: hunter2}\n"
    "  write_relabel_configs: [{source_labels: [a], regex: 'x\\d', action: drop}]\n"
    "- url: http://h/2\n"
    "  oauth2: {client_id: c, client_secret: hunter2, token_url: 'http://u:hunter2@t',\n"
    "    endpoint_params: {a: hunter2}}\n"
    "  tls_config: {cert: pem, key: hunter2}\n"
    "  proxy_url: http://p\n"
    "  proxy_connect_header: {X-One: [hunter2, hunter2], X-Two: hunter2}\n"
    "remote_read: [{url: http://h/r}]\n"
    "jobs:\n"
    "- {name: a, expr: 'up{x=\"\\\\\"}', forecast: {}, emit: [predicted_a]}\n"
    "- {name: b, by: [i], features: {f: up}, anomaly: {}, drift: {}}\n";

static struct ax_str written(const char *text, struct ax_buf *buf)
{
    static struct ax_problems problems;
    struct ax_config *c = NULL;
    if (ax_config_parse(ax_str(text), &c, &problems) != AX_OK)
        fail_msg("%u:%u %s\n%s", problems.v[0].place.line, problems.v[0].place.column, problems.v[0].text,
                 text);
    ax_buf_init(buf, 1u << 20);
    ax_config_write(c, buf);
    ax_buf_byte(buf, 0);
    assert_int_equal(buf->err, AX_OK);
    ax_config_free(c);
    return ax_buf_view(buf);
}

static void what_is_written_reads_back_as_the_same(void **state)
{
    (void)state;
    struct ax_buf once, twice;
    struct ax_str first = written(yaml, &once);
    struct ax_str second = written(first.p, &twice);
    assert_string_equal(first.p, second.p);
    assert_non_null(strstr(first.p, "horizons: [1m, 5m, 15m, 1h]"));
    assert_non_null(strstr(first.p, "drop_labels: []"));
    assert_null(strstr(first.p, "basic_auth"));
    ax_buf_done(&once);
    ax_buf_done(&twice);
}

static void secrets_are_not_shown(void **state)
{
    (void)state;
    struct ax_buf buf;
    struct ax_str text = written(yaml, &buf);
    assert_null(strstr(text.p, "hunter2"));
    assert_non_null(strstr(text.p, "url: \"http://u:<secret>@h/w\""));
    assert_non_null(strstr(text.p, "\"X-Token\": \"<secret>\""));
    assert_non_null(strstr(text.p, "credentials: \"<secret>\""));
    assert_non_null(strstr(text.p, "client_secret: \"<secret>\""));
    assert_non_null(strstr(text.p, "\"X-One\": \"<secret>\"\n    \"X-Two\""));
    ax_buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back_as_the_same),
        cmocka_unit_test(secrets_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
