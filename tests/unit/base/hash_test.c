/* CRC-32C: the values of RFC 3720, and the same from the instruction, the tables and the definition. */
#include "ax_test.h"
#include "base/hash.h"

#include <string.h>

/* Bit by bit, as it is defined. */
static uint32_t defined(uint32_t crc, const uint8_t *p, size_t n)
{
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

static void crc32c_gives_the_values_of_rfc_3720(void **state)
{
    (void)state;
    uint8_t bytes[32] = {0};
    assert_int_equal(ax_crc32c(0, bytes, 32), 0x8A9136AAu);
    memset(bytes, 0xFF, 32);
    assert_int_equal(ax_crc32c(0, bytes, 32), 0x62A8AB43u);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    assert_int_equal(ax_crc32c(0, bytes, 32), 0x46DD794Eu);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    assert_int_equal(ax_crc32c(0, bytes, 32), 0x113FDB5Cu);
    assert_int_equal(ax_crc32c(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(ax_crc32c_portable(0, "123456789", 9), 0xE3069283u);
    assert_int_equal(ax_crc32c(7, NULL, 0), 7);
}

static void all_ways_to_crc32c_agree_for_every_length_and_place(void **state)
{
    (void)state;
    uint8_t bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)ax_hash64(&i, sizeof i, 0);
    for (size_t from = 0; from < 9; from++)
        for (size_t n = 0; n < sizeof bytes - from; n++) {
            uint32_t expected = defined((uint32_t)n, bytes + from, n);
            assert_int_equal(ax_crc32c((uint32_t)n, bytes + from, n), expected);
            assert_int_equal(ax_crc32c_portable((uint32_t)n, bytes + from, n), expected);
        }
}

static void crc32c_of_parts_is_that_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37);
    uint32_t whole = ax_crc32c(0, bytes, sizeof bytes);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        assert_int_equal(ax_crc32c(ax_crc32c(0, bytes, n), bytes + n, sizeof bytes - n), whole);
        assert_int_equal(ax_crc32c_portable(ax_crc32c_portable(0, bytes, n), bytes + n, sizeof bytes - n),
                         whole);
    }
}

static void every_byte_value_counts_in_every_lane(void **state)
{
    (void)state;
    uint8_t bytes[8] = {0};
    for (size_t lane = 0; lane < 8; lane++)
        for (int v = 0; v < 256; v++) {
            bytes[lane] = (uint8_t)v;
            assert_int_equal(ax_crc32c_portable(0, bytes, 8), defined(0, bytes, 8));
            bytes[lane] = 0;
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_gives_the_values_of_rfc_3720),
        cmocka_unit_test(all_ways_to_crc32c_agree_for_every_length_and_place),
        cmocka_unit_test(crc32c_of_parts_is_that_of_the_whole),
        cmocka_unit_test(every_byte_value_counts_in_every_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
