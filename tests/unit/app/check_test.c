/* `auspex check` finds what is wrong with expressions, at their place in the file. */
#include "app/check.h"
#include "app/commands.h"
#include "ax_test.h"
#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HOUR_MS 3600000

/* What check says of a config's text. */
static void expect(const char *yaml, enum ax_err want_err, const char *want)
{
    static struct ax_problems problems;
    char path[SCRATCH_PATH];
    struct ax_config *c = NULL;
    struct ax_buf out;
    ax_buf_init(&out, 1u << 16);
    scratch_make(path, "f.yml");
    scratch_write(path, yaml, strlen(yaml));
    enum ax_err err = ax_check_load(path, HOUR_MS, true, &c, &problems);
    scratch_remove(path);
    ax_problems_write(&problems, "f.yml", &out);
    ax_buf_byte(&out, 0);
    if (err != want_err || !strstr((const char *)out.bytes, want))
        fail_msg("error %d: %s\nnot: %s", (int)err, (const char *)out.bytes, want);
    ax_buf_done(&out);
    ax_config_free(c);
}

static void good_expressions_pass(void **state)
{
    (void)state;
    expect("jobs:\n- {name: a, expr: 'rate(x_total[1m])', anomaly: {}}\n", AX_OK,
           "warning: there is no remote_write");
}

static void faults_are_at_their_place(void **state)
{
    (void)state;
    expect("jobs:\n- name: a\n  expr: rate(x_total)\n  anomaly: {}\n", AX_INVALID, "f.yml:3:");
    expect("jobs:\n- name: a\n  expr: |\n    sum by (x) (\n      foo(up)\n    )\n  anomaly: {}\n", AX_INVALID,
           "f.yml:5:7: error: expr: ");
    expect("jobs:\n- name: a\n  by: [i]\n  features:\n    cpu: up\n    bad: up +\n  anomaly: {}\n",
           AX_INVALID, "f.yml:6:");
    expect("jobs:\n- name: a\n  expr: rate(x_total[2h])\n  anomaly: {}\n", AX_INVALID, "f.yml:3:");
    expect("jobs:\n- name: a\n  expr: 1 + 1\n  anomaly: {}\n", AX_INVALID,
           "f.yml:3:9: error: expr: the result is a number");
}

static void they_are_found_beside_faults_of_other_kinds(void **state)
{
    (void)state;
    expect("jobs:\n- name: a\n  expr: topk(5, up)\n  anomali: {}\n- name: b\n  features: {cpu: 1 +}\n",
           AX_INVALID,
           "f.yml:2:9: error: the job does nothing: add forecast: {}, billing: {}, anomaly: {} or drift: {}\n"
           "f.yml:3:9: error: expr: ");
}

#define JOBS "jobs: [{name: a, expr: up, drift: {}}]\n"

static void files_that_the_clients_need_are_read(void **state)
{
    (void)state;
    static const char *const keys[] = {"basic_auth: {username: u, password_file: /nonexistent/p}",
                                       "authorization: {credentials_file: /nonexistent/p}",
                                       "tls_config: {ca_file: /nonexistent/p}",
                                       "tls_config: {cert_file: /nonexistent/p, key_file: /nonexistent/p}"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char yaml[512];
        (void)snprintf(yaml, sizeof yaml, JOBS "remote_write:\n- url: https://h\n  %s\n", keys[i]);
        expect(yaml, AX_INVALID, "f.yml:3:3: error: ");
        expect(yaml, AX_INVALID, "/nonexistent/p");
        (void)snprintf(yaml, sizeof yaml, JOBS "remote_read:\n- url: https://h\n  %s\n", keys[i]);
        expect(yaml, AX_INVALID, "f.yml:3:3: error: ");
        expect(yaml, AX_INVALID, "/nonexistent/p");
    }
}

static void errors_beyond_the_hundredth_are_counted(void **state)
{
    (void)state;
    static struct ax_problems problems;
    struct ax_buf out;
    ax_buf_init(&out, 1u << 20);
    for (uint32_t i = 0; i < 120; i++)
        ax_problem_add(&problems, (struct ax_place){i, 1}, false, "x");
    ax_problems_write(&problems, "f.yml", &out);
    ax_buf_byte(&out, 0);
    assert_non_null(strstr((const char *)out.bytes, "f.yml: error: x\nf.yml:1:1: error: x\n"));
    assert_non_null(strstr((const char *)out.bytes, "f.yml: 20 more errors are not shown\n"));
    ax_buf_done(&out);
}

/* The exit status of the subcommand on a file with this text; its output goes where the test's goes. */
static int status_of(const char *yaml)
{
    char path[SCRATCH_PATH], *argv[] = {(char[]){"check"}, path, NULL};
    scratch_make(path, "auspex.yml");
    scratch_write(path, yaml, strlen(yaml));
    int status = ax_cmd_check(2, argv);
    scratch_remove(path);
    return status;
}

static void the_exit_status_says_it_all(void **state)
{
    (void)state;
    char *none[] = {(char[]){"check"}, NULL};
    char *gone[] = {(char[]){"check"}, (char[]){"/nonexistent.yml"}, NULL};
    assert_int_equal(status_of("remote_write: [{url: http://h}]\njobs: [{name: a, expr: up, drift: {}}]\n"),
                     0);
    assert_int_equal(status_of("jobs: [{name: a, expr: up(), drift: {}}]\n"), 1);
    assert_int_equal(ax_cmd_check(2, gone), 1);
    assert_int_equal(ax_cmd_check(1, none), 2);
}

static void of_several_files_each_is_checked(void **state)
{
    (void)state;
    char good[SCRATCH_PATH], bad[SCRATCH_PATH];
    static const char fine[] = "jobs: [{name: a, expr: up, drift: {}}]\n", wrong[] = "jobs: 1\n";
    scratch_make(good, "good.yml");
    scratch_make(bad, "bad.yml");
    scratch_write(good, fine, sizeof fine - 1);
    scratch_write(bad, wrong, sizeof wrong - 1);
    char *two[] = {(char[]){"check"}, good, good, NULL};
    char *first[] = {(char[]){"check"}, bad, good, NULL};
    assert_int_equal(ax_cmd_check(3, two), 0);
    assert_int_equal(ax_cmd_check(3, first), 1);
    scratch_remove(good);
    scratch_remove(bad);
}

static void a_server_is_told_the_first_error_and_how_many_more_there_are(void **state)
{
    (void)state;
    static struct ax_problems problems;
    struct ax_diag diag = {{0}};
    ax_problem_add(&problems, (struct ax_place){2, 3}, true, "a warning");
    ax_problem_add(&problems, (struct ax_place){0, 0}, false, "cannot be opened");
    ax_problems_log(&problems, "f.yml", "config_error", "config_warning", AX_INVALID, &diag);
    assert_string_equal(diag.text, "f.yml: cannot be opened");
    ax_problem_add(&problems, (struct ax_place){4, 5}, false, "worse");
    ax_problems_log(&problems, "f.yml", "config_error", "config_warning", AX_INVALID, &diag);
    assert_string_equal(diag.text, "f.yml: cannot be opened (and 1 more error)");
}

static void the_files_may_be_left_alone(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    char *all[] = {(char[]){"check"}, path, NULL};
    char *some[] = {(char[]){"check"}, (char[]){"--syntax-only"}, path, NULL};
    static const char yaml[] =
        JOBS "remote_write: [{url: http://h, authorization: {credentials_file: /nonexistent/p}}]\n";
    scratch_make(path, "auspex.yml");
    scratch_write(path, yaml, sizeof yaml - 1);
    assert_int_equal(ax_cmd_check(2, all), 1);
    assert_int_equal(ax_cmd_check(3, some), 0);
    scratch_remove(path);
}

static void the_presets_have_no_error(void **state)
{
    (void)state;
    static const char *const names[] = {"etcd", "fabric", "latency", "reliability"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512], *argv[] = {(char[]){"check"}, path, NULL};
        (void)snprintf(path, sizeof path, "%s/../deploy/presets/%s.yml", AX_TEST_DIR, names[i]);
        assert_int_equal(ax_cmd_check(2, argv), 0);
    }
}

/* The same for a file of doors, beside a good configuration; *said gets what was printed to standard error.
 */
static int status_of_web(const char *yaml, char said[static 1024])
{
    char folder[SCRATCH_PATH], config[SCRATCH_PATH], web[SCRATCH_PATH], flag[SCRATCH_PATH + 64];
    static const char jobs[] = "remote_write: [{url: http://h}]\njobs: [{name: a, expr: up, drift: {}}]\n";
    int kept = dup(STDERR_FILENO);
    FILE *to = tmpfile();
    assert_true(kept >= 0 && to);
    scratch_make(folder, NULL);
    scratch_in(config, folder, "auspex.yml");
    scratch_in(web, folder, "web.yml");
    scratch_write(config, jobs, sizeof jobs - 1);
    scratch_write(web, yaml, strlen(yaml));
    (void)snprintf(flag, sizeof flag, "--web.config.file=%s", web);
    char *argv[] = {(char[]){"check"}, flag, config, NULL};
    assert_true(dup2(fileno(to), STDERR_FILENO) >= 0);
    int status = ax_cmd_check(3, argv);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    rewind(to);
    said[fread(said, 1, 1023, to)] = '\0';
    (void)fclose(to);
    (void)close(kept);
    scratch_remove(folder);
    return status;
}

#define TLS(name) AX_TEST_DIR "/data/tls/" name ".pem"

static void the_doors_are_checked_with_the_files_that_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        int status;
        const char *says;
    } cases[] = {
        {"", 0, ""},
        {"tls_server_config: {cert_file: " TLS("receiver") ", key_file: " TLS("receiver-key") "}\n", 0, ""},
        {"basic_auth_users: {a: $2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e}\n", 0, ""},
        {"basic_auth_users:\n  a: secret\n", 1,
         ":2:6: error: basic_auth_users: what is given for \"a\" is no"},
        {"tls_server_confg: {}\n", 1, ":1:1: error: "},
        {"tls_server_config: {cert_file: " TLS("receiver") ", key_file: " TLS("other-key") "}\n", 1,
         "other-key.pem cannot be used"},
        {"bearer_token_file: /nonexistent\n", 1, "/nonexistent"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char said[1024];
        int status = status_of_web(cases[i].yaml, said);
        if (status != cases[i].status || !strstr(said, cases[i].says) || strstr(said, "secret"))
            fail_msg("case %zu: status %d: %s", i, status, said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_expressions_pass),
        cmocka_unit_test(faults_are_at_their_place),
        cmocka_unit_test(they_are_found_beside_faults_of_other_kinds),
        cmocka_unit_test(files_that_the_clients_need_are_read),
        cmocka_unit_test(errors_beyond_the_hundredth_are_counted),
        cmocka_unit_test(the_exit_status_says_it_all),
        cmocka_unit_test(of_several_files_each_is_checked),
        cmocka_unit_test(a_server_is_told_the_first_error_and_how_many_more_there_are),
        cmocka_unit_test(the_files_may_be_left_alone),
        cmocka_unit_test(the_presets_have_no_error),
        cmocka_unit_test(the_doors_are_checked_with_the_files_that_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
