/* md5.h: the MD5 digest (RFC 1321), needed for `hashmod` alone; it protects nothing. */
#ifndef AX_BASE_MD5_H
#define AX_BASE_MD5_H

#include <stddef.h>
#include <stdint.h>

/* Digest of n bytes. */
void ax_md5(const void *p, size_t n, uint8_t out[16]);

#endif
