/* frame.c: heads of files and frames, to and from bytes. */
#include "store/frame.h"

#include "base/hash.h"

#define CHECKED_HEAD 9 /* bytes of a frame's head that its checksum covers */
#define CHECKED_FILE 20

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

uint32_t ax_frame_crc(uint8_t type, struct ax_str head, struct ax_str tail)
{
    uint32_t crc = ax_crc32c(0, &type, 1);
    crc = ax_crc32c(crc, head.p, head.n);
    return ax_crc32c(crc, tail.p, tail.n);
}

static uint32_t check_of(const uint8_t head[CHECKED_HEAD], uint64_t position)
{
    uint8_t bytes[CHECKED_HEAD + 8];
    memcpy(bytes, head, CHECKED_HEAD);
    put64(bytes + CHECKED_HEAD, position);
    return ax_crc32c(0, bytes, sizeof bytes);
}

void ax_frame_put(uint8_t out[AX_FRAME_HEAD], struct ax_frame f, uint64_t position)
{
    put32(out, f.n);
    put32(out + 4, f.crc);
    out[8] = f.type;
    put32(out + CHECKED_HEAD, check_of(out, position));
}

bool ax_frame_get(const uint8_t in[AX_FRAME_HEAD], uint64_t position, struct ax_frame *out)
{
    if (get32(in + CHECKED_HEAD) != check_of(in, position))
        return false;
    *out = (struct ax_frame){.n = get32(in), .crc = get32(in + 4), .type = in[8]};
    return true;
}

void ax_file_head_put(uint8_t out[AX_FILE_HEAD], const char magic[8], uint32_t version, uint64_t position)
{
    memcpy(out, magic, 8);
    put32(out + 8, version);
    put64(out + 12, position);
    put32(out + CHECKED_FILE, ax_crc32c(0, out, CHECKED_FILE));
}

enum ax_file_head ax_file_head_get(const uint8_t in[AX_FILE_HEAD], const char magic[8], uint32_t version,
                                   uint64_t position, uint32_t *out_version)
{
    *out_version = get32(in + 8);
    if (memcmp(in, magic, 8) != 0 || get32(in + CHECKED_FILE) != ax_crc32c(0, in, CHECKED_FILE))
        return AX_FILE_DAMAGED;
    if (*out_version != version)
        return AX_FILE_OTHER_VERSION;
    return get64(in + 12) == position ? AX_FILE_SOUND : AX_FILE_DAMAGED;
}
