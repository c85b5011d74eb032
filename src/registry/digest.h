/* digest.h: SHA-256 as text (FIPS 180-4; by GnuTLS's library). */
#ifndef AX_REGISTRY_DIGEST_H
#define AX_REGISTRY_DIGEST_H

#include "base/str.h"
#include "registry/registry.h"

/* Write the digest of the bytes as 64 lower-case hexadecimal digits and a 0 byte. */
void ax_sha256_text(struct ax_str bytes, char out[AX_SHA256_TEXT]);

/* Is it 64 lower-case hexadecimal digits? */
bool ax_sha256_is_text(struct ax_str s);

#endif
