/* memory_sink.c: a growing array of series; aborts when out of memory, as tests may. */
#include "memory_sink.h"

#include "ax_test.h"
#include "prom/sample.h"

#include <stdlib.h>

struct ax_out {
    uint32_t i;
};

static struct ax_out *sink_open(void *ctx, const struct ax_labels *labels)
{
    struct memory_sink *m = ctx;
    struct ax_buf text;
    ax_buf_init(&text, 1 << 20);
    ax_labels_write(labels, &text);
    ax_buf_byte(&text, '\0');
    struct ax_out *out = calloc(1, sizeof *out);
    assert_non_null(out);
    while (out->i < m->n && strcmp(m->v[out->i].text, (char *)text.bytes) != 0)
        out->i++;
    if (out->i == m->n) {
        m->v = realloc(m->v, (m->n + 1) * sizeof *m->v);
        assert_non_null(m->v);
        m->v[m->n++] = (struct memory_series){.text = strdup((char *)text.bytes)};
    }
    m->v[out->i].open_n++;
    ax_buf_done(&text);
    return out;
}

static void sink_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    struct memory_series *s = &((struct memory_sink *)ctx)->v[out->i];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = realloc(s->v, s->cap * sizeof *s->v);
        assert_non_null(s->v);
    }
    s->v[s->n++] = (struct memory_sample){t_ms, value};
}

static void sink_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    if (t_ms != INT64_MIN)
        sink_put(ctx, out, t_ms, ax_stale());
    ((struct memory_sink *)ctx)->v[out->i].open_n--;
    free(out);
}

struct ax_sink memory_sink(struct memory_sink *m)
{
    return (struct ax_sink){.ctx = m, .open = sink_open, .put = sink_put, .close = sink_close};
}

const struct memory_series *memory_find(const struct memory_sink *m, const char *text)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (strcmp(m->v[i].text, text) == 0)
            return &m->v[i];
    return NULL;
}

uint32_t memory_count(const struct memory_sink *m, const char *part)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n; i++)
        n += strstr(m->v[i].text, part) != NULL;
    return n;
}

void memory_sink_done(struct memory_sink *m)
{
    for (uint32_t i = 0; i < m->n; i++) {
        free(m->v[i].text);
        free(m->v[i].v);
    }
    free(m->v);
    *m = (struct memory_sink){0};
}
