/* odd_tags.h: tags that no encoder writes, which protobuf-c takes and Auspex refuses on purpose. */
#ifndef AX_ODD_TAGS_H
#define AX_ODD_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May there be such a tag: a field number of 2^29 and above, or 0 spelled with more than one byte? Looked for
 * anywhere in the bytes. */
bool oracle_odd_tags(const uint8_t *p, size_t n);

#endif
