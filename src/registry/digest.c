/* digest.c: one call of GnuTLS, and its bytes as text. */
#include "registry/digest.h"

#include "base/assert.h"

#include <gnutls/crypto.h>

#define DIGEST_BYTES 32

void ax_sha256_text(struct ax_str bytes, char out[AX_SHA256_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[DIGEST_BYTES];
    const int failed = gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes.n ? bytes.p : "", bytes.n, digest);
    AX_ASSERT(failed == 0); /* the library has SHA-256, and hashing takes no memory of ours */
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[AX_SHA256_TEXT - 1] = '\0';
}

bool ax_sha256_is_text(struct ax_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n == AX_SHA256_TEXT - 1;
}
