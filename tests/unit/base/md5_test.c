/* MD5 gives the digests of RFC 1321, appendix A.5. */
#include "ax_test.h"
#include "base/md5.h"

#include <stdio.h>
#include <string.h>

static void digests_are_those_of_the_rfc(void **state)
{
    (void)state;
    const struct {
        const char *text, *hex;
    } cases[] = {
        {"", "d41d8cd98f00b204e9800998ecf8427e"},
        {"a", "0cc175b9c0f1b6a831c399e269772661"},
        {"abc", "900150983cd24fb0d6963f7d28e17f72"},
        {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
        {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
        {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
         "d174ab98d277d9f5a5611c2c9f419d9f"},
        {"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
         "57edf4a22be3c955ac49da2e2107b67a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t digest[16];
        char hex[33];
        ax_md5(cases[i].text, strlen(cases[i].text), digest);
        for (unsigned k = 0; k < 16; k++)
            (void)snprintf(hex + 2 * k, 3, "%02x", digest[k]);
        assert_string_equal(hex, cases[i].hex);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_the_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
