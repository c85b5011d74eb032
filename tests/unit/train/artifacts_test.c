/* Artifacts are found by the SHA-256 of their bytes; what is missing or has changed is told. */
#include "ax_test.h"
#include "nn/model_file.h"
#include "registry/digest.h"
#include "scratch.h"
#include "train/artifacts.h"
#include "train/registered.h"

#include <stdio.h>
#include <string.h>

static const struct ax_artifact_about about = {.job = "job", .kind = "toy", .feature = ""};

static void what_was_put_is_found_and_nothing_else(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH], name[SCRATCH_PATH], path[SCRATCH_PATH], sha256[AX_SHA256_TEXT],
        other[AX_SHA256_TEXT];
    struct ax_buf out;
    struct ax_diag diag = {{0}};
    scratch_make(dir, NULL);
    ax_buf_init(&out, AX_ARTIFACT_MAX);
    const struct ax_artifacts store = ax_artifact_files(dir);
    assert_int_equal(store.put(store.ctx, &about, ax_str("bytes"), NULL), AX_OK);
    assert_int_equal(store.put(store.ctx, &about, ax_str("bytes"), NULL), AX_OK);
    assert_int_equal(scratch_count(dir, ".model"), 1);
    ax_sha256_text(ax_str("bytes"), sha256);
    ax_sha256_text(ax_str("other"), other);
    assert_int_equal(store.get(store.ctx, sha256, &out, NULL), AX_OK);
    assert_true(ax_str_eq(ax_buf_view(&out), ax_str("bytes")));
    assert_int_equal(store.get(store.ctx, other, &out, &diag), AX_NOTFOUND);

    scratch_name(name, dir, ".model", 0);
    scratch_in(path, dir, name);
    scratch_write(path, "Bytes", 5);
    assert_int_equal(store.get(store.ctx, sha256, &out, &diag), AX_CORRUPT);
    assert_non_null(strstr(diag.text, "another SHA-256"));
    ax_buf_done(&out);
    scratch_remove(dir);
}

static void more_than_a_model_may_have_is_refused(void **state)
{
    (void)state;
    const struct ax_artifacts store = ax_artifact_files("/nonexistent");
    static char big[AX_ARTIFACT_MAX + 1];
    assert_int_equal(store.put(store.ctx, &about, (struct ax_str){big, sizeof big}, NULL), AX_LIMIT);
    assert_int_equal(store.put(store.ctx, &about, ax_str("bytes"), NULL), AX_NOTFOUND);
}

struct seen {
    char features[32], config[32], hyper[64], version[40], scores[128];
    uint64_t samples, seed;
    int64_t from_ms, to_ms;
};

static bool see(void *ctx, const struct ax_model_version *v)
{
    struct seen *s = ctx;
    (void)snprintf(s->features, sizeof s->features, AX_STR_FMT, AX_STR_ARG(v->draft.features_hash));
    (void)snprintf(s->config, sizeof s->config, AX_STR_FMT, AX_STR_ARG(v->draft.config_hash));
    (void)snprintf(s->hyper, sizeof s->hyper, AX_STR_FMT, AX_STR_ARG(v->draft.hyper_parameters));
    (void)snprintf(s->version, sizeof s->version, "%s", v->ref.version);
    (void)snprintf(s->scores, sizeof s->scores, AX_STR_FMT, AX_STR_ARG(v->draft.scores));
    s->samples = v->draft.samples;
    s->seed = v->draft.seed;
    s->from_ms = v->draft.data_from_ms;
    s->to_ms = v->draft.data_to_ms;
    return false;
}

static void the_registry_knows_what_an_artifact_does_not_say_itself(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct seen s;
    struct ax_registry *r = NULL;
    struct ax_diag diag = {{0}};
    scratch_make(dir, NULL);
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall()};
    assert_int_equal(ax_registry_open(&options, &r, &diag), AX_OK);
    const struct ax_artifacts store = ax_artifact_registry(r);
    struct ax_artifact_lineage lineage = {.from_ms = 1000,
                                          .until_ms = 5000,
                                          .samples = 7,
                                          .seed = 42,
                                          .features = 0xabc,
                                          .hyper = "{\"members\": \"pca\"}",
                                          .scores = "{\"held_out_alarm_ratio\": 0.25}"};
    struct ax_artifact_about of = {
        .job = "job", .kind = "ensemble", .feature = "", .config = 0x12, .lineage = &lineage};
    assert_int_equal(store.put(store.ctx, &of, ax_str("one"), &diag), AX_OK);
    assert_int_equal(ax_registry_see(r, ax_str("job/ensemble"), ax_str("latest"), see, &s, &diag), AX_OK);
    assert_string_equal(s.features, "0000000000000abc");
    assert_string_equal(s.config, "0000000000000012");
    assert_string_equal(s.hyper, "{\"members\": \"pca\"}");
    assert_string_equal(s.scores, "{\"held_out_alarm_ratio\":0.25}");
    assert_true(s.samples == 7 && s.seed == 42 && s.from_ms == 1000 && s.to_ms == 5000);
    assert_string_equal(s.version, "1.0.0");
    of.config = 0x13; /* another configuration of the job: a minor version */
    of.scores = "{\"holdout_recall\": 0.5, \"names\": \"are no scores\"}";
    assert_int_equal(store.put(store.ctx, &of, ax_str("two"), &diag), AX_OK);
    assert_int_equal(ax_registry_see(r, ax_str("job/ensemble"), ax_str("latest"), see, &s, &diag), AX_OK);
    assert_string_equal(s.version, "1.1.0");
    assert_string_equal(s.scores, "{\"held_out_alarm_ratio\":0.25,\"holdout_recall\":0.5}");
    lineage.features = 0xabd; /* other features: a major one */
    assert_int_equal(store.put(store.ctx, &of, ax_str("three"), &diag), AX_OK);
    assert_int_equal(ax_registry_see(r, ax_str("job/ensemble"), ax_str("latest"), see, &s, &diag), AX_OK);
    assert_string_equal(s.version, "2.0.0");
    ax_registry_close(r);
    scratch_remove(dir);
}

/* What is registered of the hyper-parameters of a model file. */
static void hyper_of(struct ax_registry *r, const char *network, const char *hyper, struct seen *out)
{
    struct ax_nn_pair pairs[2];
    const struct ax_nn_tensor none = {ax_str("t"), 1, 1, (const float[]){0}};
    struct ax_buf bytes;
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    uint32_t n = 0;
    if (network)
        pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_NETWORK), ax_str(network)};
    if (hyper)
        pairs[n++] = (struct ax_nn_pair){ax_str(AX_NN_KEY_HYPER), ax_str(hyper)};
    ax_buf_init(&bytes, AX_NN_FILE_MAX);
    assert_int_equal(ax_nn_file_encode(&none, 1, pairs, n, &bytes, &diag), AX_OK);
    assert_int_equal(ax_artifact_register(r, &about, ax_buf_view(&bytes), &ref, &diag), AX_OK);
    assert_int_equal(ax_registry_see(r, ax_str("job/toy"), ax_str("latest"), see, out, &diag), AX_OK);
    ax_buf_done(&bytes);
}

static void a_seed_may_be_any_number_of_64_bits(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct seen s;
    struct ax_registry *r = NULL;
    struct ax_buf bytes;
    struct ax_diag diag = {{0}};
    struct ax_model_ref ref;
    const struct ax_nn_tensor none = {ax_str("t"), 1, 1, (const float[]){0}};
    const struct ax_nn_pair pair = {ax_str(AX_NN_KEY_SEED), ax_str("18446744073709551615")};
    scratch_make(dir, NULL);
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall()};
    assert_int_equal(ax_registry_open(&options, &r, &diag), AX_OK);
    ax_buf_init(&bytes, AX_NN_FILE_MAX);
    assert_int_equal(ax_nn_file_encode(&none, 1, &pair, 1, &bytes, &diag), AX_OK);
    assert_int_equal(ax_artifact_register(r, &about, ax_buf_view(&bytes), &ref, &diag), AX_OK);
    assert_int_equal(ax_registry_see(r, ax_str("job/toy"), ax_str("latest"), see, &s, &diag), AX_OK);
    assert_true(s.seed == UINT64_MAX);
    ax_buf_done(&bytes);
    ax_registry_close(r);
    scratch_remove(dir);
}

static void hyper_parameters_are_the_object_in_the_file_and_its_network(void **state)
{
    (void)state;
    char dir[SCRATCH_PATH];
    struct seen s;
    struct ax_registry *r = NULL;
    struct ax_diag diag = {{0}};
    scratch_make(dir, NULL);
    const struct ax_registry_options options = {.dir = dir, .clock = ax_clock_wall()};
    assert_int_equal(ax_registry_open(&options, &r, &diag), AX_OK);
    hyper_of(r, NULL, "{\"rounds\": 100}", &s);
    assert_string_equal(s.hyper, "{\"rounds\":100}");
    hyper_of(r, "net", "{\"units\": 0.5}", &s);
    assert_string_equal(s.hyper, "{\"units\":0.5,\"network\":\"net\"}");
    hyper_of(r, "net", "[0.25]", &s);
    assert_string_equal(s.hyper, "{\"network\":\"net\"}");
    hyper_of(r, "net", NULL, &s);
    assert_string_equal(s.hyper, "{\"network\":\"net\"}");
    hyper_of(r, NULL, "{no JSON", &s);
    assert_string_equal(s.hyper, "{}");
    ax_registry_close(r);
    scratch_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_and_nothing_else),
        cmocka_unit_test(more_than_a_model_may_have_is_refused),
        cmocka_unit_test(the_registry_knows_what_an_artifact_does_not_say_itself),
        cmocka_unit_test(a_seed_may_be_any_number_of_64_bits),
        cmocka_unit_test(hyper_parameters_are_the_object_in_the_file_and_its_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
