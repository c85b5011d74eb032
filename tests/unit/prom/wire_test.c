/* The wire cursor reads what is well-formed and stays inside its bytes. */
#include "ax_test.h"
#include "prom/wire.h"

#define WIRE(literal) ax_wire_of((struct ax_str){literal, sizeof literal - 1})

static void varints_are_at_most_ten_bytes(void **state)
{
    (void)state;
    uint64_t v;
    struct ax_wire w = WIRE("\x96\x01\x05");
    assert_true(ax_wire_varint(&w, &v));
    assert_int_equal(v, 150);
    assert_true(ax_wire_varint(&w, &v));
    assert_int_equal(v, 5);
    assert_false(ax_wire_varint(&w, &v));
    w = WIRE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_true(ax_wire_varint(&w, &v));
    assert_true(v == UINT64_MAX);
    w = WIRE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    assert_false(ax_wire_varint(&w, &v));
    w = WIRE("\x80\x80");
    assert_false(ax_wire_varint(&w, &v));
}

static void tags_have_a_field_and_a_known_wire_type(void **state)
{
    (void)state;
    uint32_t field, type;
    struct ax_wire w = WIRE("\x0a");
    assert_true(ax_wire_tag(&w, &field, &type));
    assert_int_equal(field, 1);
    assert_int_equal(type, AX_WIRE_BYTES);
    w = WIRE("\x82\x01");
    assert_true(ax_wire_tag(&w, &field, &type));
    assert_int_equal(field, 16);
    w = WIRE("\xff\xff\xff\xff\x0d");
    assert_false(ax_wire_tag(&w, &field, &type)); /* wire type 7 */
    w = WIRE("\xfd\xff\xff\xff\x0f");
    assert_true(ax_wire_tag(&w, &field, &type));
    assert_int_equal(field, 536870911);
    const char *bad[] = {"\x0b", "\x0c", "\x0e", "\x0f", "\x02", "\xfd\xff\xff\xff\x1f", "\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        w = ax_wire_of(ax_str(bad[i]));
        assert_false(ax_wire_tag(&w, &field, &type));
    }
}

static void lengths_stay_inside_the_bytes(void **state)
{
    (void)state;
    struct ax_str s;
    struct ax_wire w = WIRE("\x03"
                            "abcd");
    assert_true(ax_wire_bytes(&w, &s));
    assert_true(ax_str_eq(s, ax_str("abc")));
    assert_int_equal(ax_wire_left(&w), 1);
    w = WIRE("\x05"
             "abcd");
    assert_false(ax_wire_bytes(&w, &s));
    w = WIRE("\xff\xff\xff\xff\x7f"
             "abcd");
    assert_false(ax_wire_bytes(&w, &s));
}

static void any_known_value_can_be_skipped(void **state)
{
    (void)state;
    struct ax_wire w = WIRE("\x96\x01"
                            "12345678"
                            "\x02zz"
                            "1234");
    assert_true(ax_wire_skip(&w, AX_WIRE_VARINT));
    assert_true(ax_wire_skip(&w, AX_WIRE_FIXED64));
    assert_true(ax_wire_skip(&w, AX_WIRE_BYTES));
    assert_true(ax_wire_skip(&w, AX_WIRE_FIXED32));
    assert_int_equal(ax_wire_left(&w), 0);
    assert_false(ax_wire_skip(&w, AX_WIRE_FIXED32));
    assert_false(ax_wire_skip(&w, AX_WIRE_FIXED64));
    assert_false(ax_wire_skip(&w, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints_are_at_most_ten_bytes),
        cmocka_unit_test(tags_have_a_field_and_a_known_wire_type),
        cmocka_unit_test(lengths_stay_inside_the_bytes),
        cmocka_unit_test(any_known_value_can_be_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
