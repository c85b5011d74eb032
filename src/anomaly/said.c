/* said.c: a list of ranges, by rising id. */
#include "anomaly/said.h"

#include <stdlib.h>
#include <string.h>

struct ax_said {
    uint32_t n;
    struct ax_lesson_range v[AX_SAID_MAX];
};

void ax_said_free(struct ax_said *s)
{
    free(s);
}

enum ax_err ax_said_add(struct ax_said **s, const struct ax_lesson_range *lesson)
{
    if (!*s && !(*s = calloc(1, sizeof **s)))
        return AX_NOMEM;
    if ((*s)->n == AX_SAID_MAX)
        return AX_LIMIT;
    uint32_t i = (*s)->n++; /* one that could not be taught at its time comes later */
    for (; i && (*s)->v[i - 1].id > lesson->id; i--)
        (*s)->v[i] = (*s)->v[i - 1];
    (*s)->v[i] = *lesson;
    return AX_OK;
}

/* Place of the lesson of that id; n when there is none. */
static uint32_t place_of(const struct ax_said *s, uint64_t id)
{
    uint32_t i = 0;
    while (i < s->n && s->v[i].id != id)
        i++;
    return i;
}

bool ax_said_has(const struct ax_said *s, uint64_t id)
{
    return s && place_of(s, id) < s->n;
}

bool ax_said_remove(struct ax_said *s, uint64_t id)
{
    if (!ax_said_has(s, id))
        return false;
    const uint32_t i = place_of(s, id);
    memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof s->v[0]);
    s->n--;
    return true;
}

enum ax_lesson_verdict ax_said_of(const struct ax_said *s, int64_t from_ms, int64_t to_ms)
{
    for (uint32_t i = s ? s->n : 0; i-- > 0;)
        if (s->v[i].from_ms <= to_ms && s->v[i].to_ms >= from_ms)
            return s->v[i].verdict;
    return (enum ax_lesson_verdict)0;
}

uint32_t ax_said_count(const struct ax_said *s, enum ax_lesson_verdict verdict, int64_t from_ms,
                       int64_t to_ms)
{
    uint32_t n = 0;
    for (uint32_t i = 0; s && i < s->n; i++)
        n += s->v[i].verdict == verdict && s->v[i].from_ms <= to_ms && s->v[i].to_ms >= from_ms;
    return n;
}

void ax_said_save(const struct ax_said *s, struct ax_buf *out)
{
    ax_put_varint(out, s ? s->n : 0);
    for (uint32_t i = 0; s && i < s->n; i++) {
        ax_put_u64(out, s->v[i].id);
        ax_put_u8(out, (uint8_t)s->v[i].verdict);
        ax_put_i64(out, s->v[i].from_ms);
        ax_put_i64(out, s->v[i].to_ms);
    }
}

enum ax_err ax_said_load(struct ax_said **s, struct ax_bytes *in)
{
    uint32_t n = ax_get_count(in, AX_SAID_MAX);
    for (uint32_t i = 0; i < n && in->err == AX_OK; i++) {
        struct ax_lesson_range lesson = {.id = ax_get_u64(in)};
        lesson.verdict = (enum ax_lesson_verdict)ax_get_count(in, AX_LESSON_EXCLUDED);
        lesson.from_ms = ax_get_ms(in);
        lesson.to_ms = ax_get_ms(in);
        if (in->err != AX_OK || lesson.verdict == 0 || lesson.to_ms < lesson.from_ms ||
            (i && lesson.id <= (*s)->v[i - 1].id))
            return ax_bytes_fail(in);
        if (ax_said_add(s, &lesson) != AX_OK)
            return AX_NOMEM;
    }
    return in->err;
}
