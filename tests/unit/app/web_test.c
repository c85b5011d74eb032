/* A change of the web config, or of a file that it names, is in force at the next look; a bad one changes
 * nothing. */
#include "app/web.h"
#include "ax_test.h"
#include "base/metrics.h"
#include "scratch.h"
#include "visitor.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST "first-token-0123456789"
#define SECOND "second-token-0123456789"
#define TLS "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"

static void greet(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    (void)ctx;
    (void)req;
    ax_http_text(res, 200, "welcome");
}

static const struct ax_http_route routes[] = {{"GET", "/", "web_test", greet, NULL, 0, NULL, false, NULL}};

static char *path_of(const char *name)
{
    static char path[SCRATCH_PATH];
    scratch_in(path, scratch_folder, name);
    return path;
}

/* Put a file in place of another, in one step. */
static void put(const char *name, const char *text)
{
    char old[SCRATCH_PATH];
    scratch_in(old, scratch_folder, "new");
    FILE *f = fopen(old, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    (void)fclose(f);
    assert_int_equal(rename(old, path_of(name)), 0);
}

/* A file of the tests under another name. */
static void put_copy(const char *name, const char *from)
{
    char path[256], text[8192];
    (void)snprintf(path, sizeof path, "%s/data/tls/%s.pem", AX_TEST_DIR, from);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    text[n] = '\0';
    put(name, text);
}

static struct ax_http_server *serve(struct ax_web *web, const char *path)
{
    struct ax_http_server *s = NULL;
    struct ax_doors *doors = NULL;
    struct ax_diag diag = {{0}};
    if (ax_web_open(web, path, &doors, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    const struct ax_http_options o = {.listen_address = "127.0.0.1:0", .doors = doors};
    if (ax_http_server_start(&o, routes, 1, &s, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    ax_doors_release(doors);
    return s;
}

static double loaded(void)
{
    return ax_metric_get(ax_metric(AX_M_WEB_CONFIG_RELOAD_OK, NULL, NULL));
}

static void changes_on_disk_come_into_force(void **state)
{
    (void)state;
    char web_path[SCRATCH_PATH];
    put_copy("cert.pem", "receiver");
    put_copy("key.pem", "receiver-key");
    put("tokens", FIRST "\n");
    put("web.yml", TLS "bearer_token_file: tokens\n");
    scratch_in(web_path, scratch_folder, "web.yml");
    struct ax_web web;
    struct ax_http_server *s = serve(&web, web_path);
    struct visitor *v = visitor_new(ax_http_server_port(s));
    struct visit visit = {.tls = true, .ca = "receiver", .token = FIRST};
    assert_int_equal(visitor_ask(v, &visit), 200);

    put("tokens", SECOND "\n");
    ax_web_poll(&web, s);
    assert_int_equal(visitor_ask(v, &visit), 401);
    visit.token = SECOND;
    assert_int_equal(visitor_ask(v, &visit), 200);
    assert_int_equal(visitor_opened(v), 0);

    /* The key does not belong to the certificate yet: the old pair stays until it does. */
    put_copy("cert.pem", "other");
    ax_web_poll(&web, s);
    assert_true(loaded() == 0);
    struct visitor *later = visitor_new(ax_http_server_port(s));
    assert_int_equal(visitor_ask(later, &visit), 200);
    visitor_free(later);
    put_copy("key.pem", "other-key");
    ax_web_poll(&web, s);
    assert_true(loaded() == 1);
    later = visitor_new(ax_http_server_port(s));
    assert_int_equal(visitor_ask(later, &visit), -CURLE_PEER_FAILED_VERIFICATION);
    visit.ca = "other";
    assert_int_equal(visitor_ask(later, &visit), 200);
    visitor_free(later);

    /* What is wrong, takes protection away or is gone leaves everything as it was. */
    static const char *const bad[] = {"tls_server: {}\n", "", TLS};
    for (int i = 0; i < 3; i++) {
        put("web.yml", bad[i]);
        ax_web_poll(&web, s);
        assert_true(loaded() == 0);
        assert_int_equal(visitor_ask(v, &(struct visit){.tls = true, .ca = "other"}), 401);
    }
    (void)unlink(web_path);
    ax_web_poll(&web, s);
    assert_true(loaded() == 0);
    put("web.yml", TLS "bearer_token_file: tokens\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n");
    ax_web_poll(&web, s);
    assert_true(loaded() == 1);
    assert_int_equal(visitor_ask(v, &visit), 200);
    assert_non_null(strstr(visitor_headers(v), "X-Frame-Options: deny"));
    visitor_free(v);
    ax_http_server_stop(s, 1000);
    ax_web_close(&web);
}

static void without_a_file_everybody_comes_in(void **state)
{
    (void)state;
    struct ax_web web;
    struct ax_http_server *s = serve(&web, "");
    struct visitor *v = visitor_new(ax_http_server_port(s));
    ax_web_poll(&web, s);
    assert_int_equal(visitor_ask(v, &(struct visit){0}), 200);
    visitor_free(v);
    ax_http_server_stop(s, 1000);
    ax_web_close(&web);
}

static void a_start_with_a_bad_file_fails_with_its_place(void **state)
{
    (void)state;
    struct ax_web web;
    struct ax_doors *doors = NULL;
    struct ax_diag diag = {{0}};
    put("web.yml", "\nbearer_token_flie: x\n");
    assert_int_equal(ax_web_open(&web, path_of("web.yml"), &doors, &diag), AX_INVALID);
    assert_null(doors);
    assert_non_null(strstr(diag.text, "web.yml:2:1: unknown key"));
    ax_web_close(&web);
    put("web.yml", "bearer_token_file: absent\n");
    assert_int_equal(ax_web_open(&web, path_of("web.yml"), &doors, &diag), AX_IO);
    assert_non_null(strstr(diag.text, "absent cannot be read: No such file"));
    ax_web_close(&web);
}

int main(void)
{
    (void)curl_global_init(CURL_GLOBAL_ALL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_on_disk_come_into_force),
        cmocka_unit_test(without_a_file_everybody_comes_in),
        cmocka_unit_test(a_start_with_a_bad_file_fails_with_its_place),
    };
    return cmocka_run_group_tests(tests, scratch_begin, scratch_end);
}
