/* docs/config.md is what the table of keys says. Set AX_WRITE_DOCS=1 to write it anew. */
#include "ax_test.h"
#include "config/reference.h"

#include <stdio.h>
#include <stdlib.h>

static const char path[] = AX_TEST_DIR "/../docs/config.md";

static void the_reference_in_docs_equals_the_table(void **state)
{
    (void)state;
    struct ax_buf want;
    ax_buf_init(&want, 1u << 20);
    ax_config_reference(&want);
    assert_int_equal(want.err, AX_OK);
    if (getenv("AX_WRITE_DOCS")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(want.bytes, 1, want.n, file), want.n);
        assert_int_equal(fclose(file), 0);
    }
    static char got[1u << 18];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(got, 1, sizeof got, file);
    assert_int_equal(fclose(file), 0);
    if (n != want.n || memcmp(got, want.bytes, n) != 0)
        fail_msg("docs/config.md is out of date: run this test with AX_WRITE_DOCS=1 set");
    ax_buf_done(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_reference_in_docs_equals_the_table)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
