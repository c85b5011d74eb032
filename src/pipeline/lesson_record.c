/* lesson_record.c: to and from bytes. */
#include "pipeline/lesson_record.h"

#define VERSION 1

void ax_lesson_record_put(struct ax_buf *out, const struct ax_lesson_record *record)
{
    const struct ax_lesson *lesson = &record->lesson;
    ax_put_u8(out, VERSION);
    ax_put_str(out, record->job);
    ax_put_u64(out, record->generation);
    ax_put_u64(out, record->identity);
    ax_put_i64(out, record->last_ms);
    ax_put_u64(out, lesson->range.id);
    ax_put_u8(out, (uint8_t)lesson->range.verdict);
    ax_put_str(out, lesson->selector);
    ax_put_i64(out, lesson->range.from_ms);
    ax_put_i64(out, lesson->range.to_ms);
}

enum ax_err ax_lesson_record_get(struct ax_str record, struct ax_lesson_record *out)
{
    struct ax_bytes in = ax_bytes_of(record);
    struct ax_lesson *lesson = &out->lesson;
    *out = (struct ax_lesson_record){.last_ms = 0};
    ax_get_version(&in, VERSION);
    out->job = ax_get_str(&in);
    out->generation = ax_get_u64(&in);
    out->identity = ax_get_u64(&in);
    out->last_ms = ax_get_ms(&in);
    lesson->range.id = ax_get_u64(&in);
    lesson->range.verdict = (enum ax_lesson_verdict)ax_get_count(&in, AX_LESSON_EXCLUDED);
    lesson->selector = ax_get_str(&in);
    lesson->range.from_ms = ax_get_ms(&in);
    lesson->range.to_ms = ax_get_ms(&in);
    return ax_bytes_end(&in);
}
