/* Model files: what was written is read; what is damaged, cut short or another's is refused with the reason.
 */
#include "ax_test.h"
#include "base/hash.h"
#include "nets.h"
#include "nn/model_file.h"
#include "scratch.h"

#include <math.h>
#include <stdlib.h>

#define NAME "a.nn"

static const struct ax_nn_pair pairs[] = {{{AX_NN_KEY_FEATURES, 8}, {"cpu,memory", 10}},
                                          {{AX_NN_KEY_SEED, 4}, {"42", 2}}};

/* Write a network into a new folder; its bytes. */
static uint8_t *written(char dir[SCRATCH_PATH], const struct ax_nn_net *net, size_t *n)
{
    char path[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    scratch_make(dir, NULL);
    if (ax_nn_file_write(dir, NAME, net, pairs, 2, &diag) != AX_OK)
        fail_msg("%s", diag.text);
    scratch_in(path, dir, NAME);
    return scratch_read(path, n);
}

static void assert_refused(const uint8_t *bytes, size_t n, enum ax_err want, const char *why)
{
    struct ax_nn_file *f;
    struct ax_diag diag = {{0}};
    const enum ax_err err = ax_nn_file_parse((struct ax_str){(const char *)bytes, n}, &f, &diag);
    if (err != want || f || !strstr(diag.text, why))
        fail_msg("%s: \"%s\", not %s: \"%s\"", ax_err_text(err), diag.text, ax_err_text(want), why);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_nn_net *net = nets_of_every_kind(1), *other = nets_of_every_kind(2);
    struct ax_nn_file *f;
    size_t n;
    free(written(dir, net, &n));
    assert_int_equal(scratch_count(dir, ""), 1);
    assert_int_equal(ax_nn_file_read(dir, NAME, &f, NULL), AX_OK);
    assert_true(ax_str_eq(ax_nn_file_value(f, AX_NN_KEY_FEATURES), ax_str("cpu,memory")));
    assert_null(ax_nn_file_value(f, AX_NN_KEY_SCORES).p);
    assert_int_equal(ax_nn_file_load(f, other, NULL), AX_OK);
    assert_memory_equal(other->weights, net->weights, net->weights_n * sizeof(float));
    assert_memory_equal(other->states, net->states, net->states_n * sizeof(float));
    ax_nn_file_free(f);
    ax_nn_net_free(net);
    ax_nn_net_free(other);
    scratch_remove(dir);
}

static void other_features_and_other_networks_are_refused_and_change_nothing(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_nn_net *net = nets_of_every_kind(1), *other = nets_datacenter(2), *before = nets_datacenter(2);
    struct ax_nn_file *f;
    size_t n;
    free(written(dir, net, &n));
    assert_int_equal(ax_nn_file_read(dir, NAME, &f, NULL), AX_OK);
    assert_int_equal(ax_nn_file_expect(f, AX_NN_KEY_FEATURES, ax_str("cpu,memory"), &diag), AX_OK);
    assert_int_equal(ax_nn_file_expect(f, AX_NN_KEY_FEATURES, ax_str("cpu,io"), &diag), AX_CONFLICT);
    assert_string_equal(diag.text, "the model is of features \"cpu,memory\"; \"cpu,io\" is wanted");
    assert_int_equal(ax_nn_file_expect(f, AX_NN_KEY_SCALER, ax_str("x"), &diag), AX_CONFLICT);
    assert_int_equal(ax_nn_file_load(f, other, &diag), AX_CONFLICT);
    assert_non_null(strstr(diag.text, "the model is of network \"6 x 5: dense 22"));
    assert_non_null(strstr(diag.text, "\"10 x 4: lstm 128"));
    assert_memory_equal(other->weights, before->weights, other->weights_n * sizeof(float));
    ax_nn_file_free(f);
    ax_nn_net_free(net);
    ax_nn_net_free(other);
    ax_nn_net_free(before);
    scratch_remove(dir);
}

static void every_prefix_and_every_wrong_byte_is_refused_with_a_reason(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    const struct ax_nn_layer_spec small = {.kind = AX_NN_DENSE, .units = 3};
    struct ax_nn_net *net = nets_make(1, 4, &small, 1, 1);
    size_t n;
    uint8_t *bytes = written(dir, net, &n);
    for (size_t i = 0; i < n; i++) {
        assert_refused(bytes, i, AX_CORRUPT, i < 8 ? "is not a model file" : "is cut short");
        bytes[i] ^= (uint8_t)(1u << i % 8);
        assert_refused(bytes, n, AX_CORRUPT, i < 8 ? "is not a model file" : "is damaged");
        bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_refused(bytes, n + 1, AX_CORRUPT, "is longer than it says"); /* scratch_read() has a zero there */
    assert_refused((const uint8_t *)"\x80\x02}q\x00.torch pickle", 18, AX_CORRUPT, "is not a model file");
    free(bytes);
    ax_nn_net_free(net);
    scratch_remove(dir);
}

/* Put right what the checksums are of, so that what is behind them is reached. */
static void seal(uint8_t *bytes, size_t n)
{
    uint32_t crc = ax_crc32c(0, bytes + 28, n - 28);
    memcpy(bytes + 20, &crc, 4);
    crc = ax_crc32c(0, bytes, 24);
    memcpy(bytes + 24, &crc, 4);
}

static void other_versions_byte_orders_and_numbers_are_refused_though_checksums_are_right(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    const struct ax_nn_layer_spec small = {.kind = AX_NN_DENSE, .units = 3};
    struct ax_nn_net *net = nets_make(1, 4, &small, 1, 1);
    const float inf = INFINITY;
    size_t n;
    uint8_t *bytes = written(dir, net, &n);
    bytes[12] = 2;
    seal(bytes, n);
    assert_refused(bytes, n, AX_UNSUPPORTED, "is of format 2, this auspex reads format 1");
    bytes[12] = 1;
    const uint8_t big[] = {1, 2, 3, 4}, little[] = {4, 3, 2, 1};
    memcpy(bytes + 8, big, 4);
    assert_refused(bytes, n, AX_UNSUPPORTED, "other byte order");
    memcpy(bytes + 8, little, 4);
    memcpy(bytes + n - 4, &inf, 4);
    seal(bytes, n);
    assert_refused(bytes, n, AX_CORRUPT, "makes no sense");
    free(bytes);
    ax_nn_net_free(net);
    scratch_remove(dir);
}

static void a_model_that_is_not_finite_is_not_written_and_the_one_before_stays(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    struct ax_nn_net *net = nets_datacenter(1);
    struct ax_nn_file *f;
    size_t n;
    free(written(dir, net, &n));
    net->weights[70000] = NAN;
    assert_int_equal(ax_nn_file_write(dir, NAME, net, pairs, 2, &diag), AX_NUMERIC);
    assert_string_equal(
        diag.text, "1.lstm.weight_input[1904] is not finite: a model that learnt nothing sound is not kept");
    assert_int_equal(ax_nn_file_read(dir, NAME, &f, NULL), AX_OK);
    ax_nn_file_free(f);
    assert_int_equal(ax_nn_file_read(dir, "b.nn", &f, &diag), AX_NOTFOUND);
    ax_nn_net_free(net);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(other_features_and_other_networks_are_refused_and_change_nothing),
        cmocka_unit_test(every_prefix_and_every_wrong_byte_is_refused_with_a_reason),
        cmocka_unit_test(other_versions_byte_orders_and_numbers_are_refused_though_checksums_are_right),
        cmocka_unit_test(a_model_that_is_not_finite_is_not_written_and_the_one_before_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
