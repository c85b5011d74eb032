/* frame.h: how a record stands in a file: the same in logs and snapshots.
 *
 *     file    = magic (8 bytes), version (u32), position (u64), CRC-32C of these (u32); then frames
 *     frame   = length of the body (u32), CRC-32C of type and body (u32), type (u8),
 *               CRC-32C of these and of the frame's position (u32); then the body
 *
 * Little endian. A frame's head has a checksum of its own, so that its length is believed before it is
 * followed, and so that the next sound frame behind damage is found in one pass over the bytes. The position
 * is not stored but goes into that checksum: bytes of another place (a copy inside a body, blocks that the
 * file system mixed up, a file renamed) are no frames. A run of zeros is no frame. Pure; any thread. */
#ifndef AX_STORE_FRAME_H
#define AX_STORE_FRAME_H

#include "base/str.h"

#include <stdint.h>

#define AX_FRAME_HEAD 13
#define AX_FILE_HEAD 24

/* The head of a frame; n is the length of the body. */
struct ax_frame {
    uint32_t n, crc;
    uint8_t type;
};

/* CRC-32C of a type and a body in two parts. */
uint32_t ax_frame_crc(uint8_t type, struct ax_str head, struct ax_str tail);

/* Write the head of a frame that stands at a position. */
void ax_frame_put(uint8_t out[AX_FRAME_HEAD], struct ax_frame f, uint64_t position);

/* Read a head; false when it is not that of a frame at this position. The body is yet to be checked. */
bool ax_frame_get(const uint8_t in[AX_FRAME_HEAD], uint64_t position, struct ax_frame *out);

/* What the beginning of a file turns out to be. */
enum ax_file_head {
    AX_FILE_SOUND,
    AX_FILE_DAMAGED,      /* also: of another kind, of another position */
    AX_FILE_OTHER_VERSION /* sound, and of a version that is in *out_version */
};

/* Write the beginning of a file. */
void ax_file_head_put(uint8_t out[AX_FILE_HEAD], const char magic[8], uint32_t version, uint64_t position);

/* Check the beginning of a file. */
enum ax_file_head ax_file_head_get(const uint8_t in[AX_FILE_HEAD], const char magic[8], uint32_t version,
                                   uint64_t position, uint32_t *out_version);

#endif
