/* step_record.c: results to bytes and back. */
#include "pipeline/step_record.h"

#include "pipeline/skips.h"

#define VERSION 4
#define CODE_END 0
#define CODE_NEW 1

void ax_step_put_head(struct ax_buf *out, const struct ax_step_head *head)
{
    ax_put_u8(out, VERSION);
    ax_put_str(out, head->job);
    ax_put_u64(out, head->generation);
    ax_put_u64(out, head->identity);
    ax_put_i64(out, head->t_ms);
    ax_put_varint(out, head->channels_n);
    ax_put_u8(out, head->skip);
    ax_put_u8(out, head->busy);
}

void ax_step_put_channel(struct ax_buf *out, const struct ax_step_channel *channel, int64_t *serial)
{
    ax_put_varint(out, channel->next_serial);
    ax_put_varint(out, channel->spared);
    *serial = -1;
}

void ax_step_put(struct ax_buf *out, const struct ax_step_result *r, int64_t *serial)
{
    if (r->is_new) {
        ax_put_varint(out, CODE_NEW);
        ax_put_str(out, r->key);
        ax_put_f64(out, r->value);
        return;
    }
    ax_put_varint(out, (uint64_t)(r->serial - *serial) * 2 + r->ended);
    *serial = r->serial;
    if (!r->ended)
        ax_put_f64(out, r->value);
}

void ax_step_put_end(struct ax_buf *out)
{
    ax_put_varint(out, CODE_END);
}

enum ax_err ax_step_get_head(struct ax_bytes *in, struct ax_step_head *head)
{
    if (ax_get_u8(in) != VERSION)
        return ax_bytes_fail(in);
    head->job = ax_get_str(in);
    head->generation = ax_get_u64(in);
    head->identity = ax_get_u64(in);
    head->t_ms = ax_get_ms(in);
    head->channels_n = ax_get_count(in, UINT32_MAX);
    head->skip = ax_get_u8(in);
    head->busy = ax_get_u8(in);
    if (head->skip > AX_SKIP_ALL)
        return ax_bytes_fail(in);
    return head->t_ms == INT64_MIN ? ax_bytes_fail(in) : in->err;
}

void ax_step_get_channel(struct ax_bytes *in, struct ax_step_channel *channel, int64_t *serial)
{
    channel->next_serial = ax_get_count(in, UINT32_MAX);
    channel->spared = ax_get_count(in, UINT32_MAX);
    *serial = -1;
}

bool ax_step_get(struct ax_bytes *in, struct ax_step_result *r, int64_t *serial)
{
    uint64_t code = ax_get_varint(in);
    *r = (struct ax_step_result){.is_new = code == CODE_NEW};
    if (code == CODE_END || in->err != AX_OK)
        return false;
    if (r->is_new) {
        r->key = ax_get_str(in);
        r->value = ax_get_f64(in);
        return in->err == AX_OK;
    }
    if (code / 2 > (uint64_t)(UINT32_MAX - *serial)) {
        (void)ax_bytes_fail(in);
        return false;
    }
    *serial += (int64_t)(code / 2);
    r->serial = (uint32_t)*serial;
    r->ended = code & 1;
    if (!r->ended)
        r->value = ax_get_f64(in);
    return in->err == AX_OK;
}

enum ax_err ax_step_check(struct ax_str record, uint32_t channels_n)
{
    struct ax_bytes in = ax_bytes_of(record);
    struct ax_step_head head = {0};
    struct ax_step_result r;
    if (ax_step_get_head(&in, &head) != AX_OK || head.channels_n != channels_n)
        return AX_CORRUPT;
    for (uint32_t i = 0; i < channels_n && in.err == AX_OK; i++) {
        struct ax_step_channel channel;
        int64_t serial;
        bool any_new = false;
        ax_step_get_channel(&in, &channel, &serial);
        while (ax_step_get(&in, &r, &serial)) {
            any_new = any_new || r.is_new;
            if (any_new != r.is_new || (!r.is_new && r.serial >= channel.next_serial))
                return AX_CORRUPT;
        }
    }
    return ax_bytes_end(&in);
}
