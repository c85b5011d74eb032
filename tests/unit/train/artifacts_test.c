/* Artifacts are found by the SHA-256 of their bytes; what is missing or has changed is told. */
#include "ax_test.h"
#include "registry/digest.h"
#include "scratch.h"
#include "train/artifacts.h"

#include <stdio.h>
#include <string.h>

static const struct ax_artifact_about about = {"job", "toy", "", false};

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found_and_nothing_else),
        cmocka_unit_test(more_than_a_model_may_have_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
