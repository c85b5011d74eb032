/* What a series has of labels stands in an answer whole. */
#include "api/answer.h"
#include "ax_test.h"

#define LONG 4096

static void names_as_long_as_the_receiver_takes_them_stay_apart(void **state)
{
    (void)state;
    static char a[LONG + 1], b[LONG + 1];
    for (uint32_t i = 0; i + 1 < LONG; i += 2) {
        memcpy(a + i, "\xc3\xa9", 2); /* so that every odd place is within a character */
        memcpy(b + i, "\xc3\xa9", 2);
    }
    b[LONG - 1] = '\xa8';
    struct ax_label v[] = {{ax_str(a), ax_str("1")}, {ax_str(b), ax_str("2")}, {ax_str("c"), ax_str("3")}};
    json_t *metric = ax_labels_json(&(struct ax_labels){3, v});
    assert_int_equal(json_object_size(metric), 3);
    assert_string_equal(json_string_value(json_object_get(metric, a)), "1");
    assert_string_equal(json_string_value(json_object_get(metric, b)), "2");
    assert_string_equal(json_string_value(json_object_get(metric, "c")), "3");
    json_decref(metric);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_as_long_as_the_receiver_takes_them_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
