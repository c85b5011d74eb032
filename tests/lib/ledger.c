/* ledger.c: puts wait in a list until they are committed; aborts when out of memory, as tests may. */
#include "ledger.h"

#include "ax_test.h"
#include "prom/sample.h"

#include <stdlib.h>

struct ledger_entry {
    uint32_t series; /* of taken */
    int64_t t_ms;
    double value;
};

struct ledger_unit {
    char name[256];
    int64_t newest_ms;
};

/* A handle is that of the memory sink, and remembers which series it is. */
struct ax_out {
    uint32_t series;
};

static struct ax_out *ledger_open(void *ctx, const struct ax_labels *labels)
{
    struct ledger *l = ctx;
    struct ax_buf text;
    ax_buf_init(&text, 1 << 20);
    ax_labels_write(labels, &text);
    ax_buf_byte(&text, '\0');
    struct ax_out *out = calloc(1, sizeof *out);
    assert_non_null(out);
    while (out->series < l->taken.n && strcmp(l->taken.v[out->series].text, (char *)text.bytes) != 0)
        out->series++;
    if (out->series == l->taken.n) {
        l->taken.v = realloc(l->taken.v, (l->taken.n + 1) * sizeof *l->taken.v);
        assert_non_null(l->taken.v);
        l->taken.v[l->taken.n++] = (struct memory_series){.text = strdup((char *)text.bytes)};
    }
    ax_buf_done(&text);
    return out;
}

static void ledger_put(void *ctx, struct ax_out *out, int64_t t_ms, double value)
{
    struct ledger *l = ctx;
    assert_false(l->refused); /* first the unit that was refused, says the contract */
    if (l->put_n == l->put_cap) {
        l->put_cap = l->put_cap ? l->put_cap * 2 : 256;
        l->put = realloc(l->put, l->put_cap * sizeof *l->put);
        assert_non_null(l->put);
    }
    l->put[l->put_n++] = (struct ledger_entry){out->series, t_ms, value};
}

static void ledger_close(void *ctx, struct ax_out *out, int64_t t_ms)
{
    if (t_ms != INT64_MIN)
        ledger_put(ctx, out, t_ms, ax_stale());
    free(out);
}

static void take(struct ledger *l, const struct ledger_entry *e)
{
    struct memory_series *s = &l->taken.v[e->series];
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 16;
        s->v = realloc(s->v, s->cap * sizeof *s->v);
        assert_non_null(s->v);
    }
    s->v[s->n++] = (struct memory_sample){e->t_ms, e->value};
}

static enum ax_err ledger_commit(void *ctx, struct ax_str unit, int64_t t_ms, struct ax_diag *diag)
{
    struct ledger *l = ctx;
    uint32_t i = 0;
    if (l->refuse) {
        l->refuse--;
        l->refused = true;
        return ax_fail(diag, AX_IO, "no room");
    }
    while (i < l->units_n && !ax_str_eq(ax_str(l->units[i].name), unit))
        i++;
    if (i == l->units_n) {
        l->units = realloc(l->units, (l->units_n + 1) * sizeof *l->units);
        assert_non_null(l->units);
        l->units[l->units_n] = (struct ledger_unit){.newest_ms = INT64_MIN};
        memcpy(l->units[l->units_n++].name, unit.p, unit.n);
    }
    l->commits += t_ms > l->units[i].newest_ms;
    l->replayed += t_ms <= l->units[i].newest_ms;
    for (uint32_t k = 0; k < l->put_n && t_ms > l->units[i].newest_ms; k++)
        take(l, &l->put[k]);
    if (t_ms > l->units[i].newest_ms)
        l->units[i].newest_ms = t_ms;
    l->put_n = 0;
    l->refused = false;
    return AX_OK;
}

struct ax_sink ledger_sink(struct ledger *l)
{
    return (struct ax_sink){
        .ctx = l, .open = ledger_open, .put = ledger_put, .close = ledger_close, .commit = ledger_commit};
}

void ledger_crash(struct ledger *l)
{
    l->put_n = 0;
    l->refused = false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct memory_series *)a)->text, ((const struct memory_series *)b)->text);
}

/* Series that were opened and never fed a sample that was taken count as none. */
static struct memory_series *sorted(const struct ledger *l, uint32_t *n)
{
    struct memory_series *v = calloc(l->taken.n + 1u, sizeof *v);
    assert_non_null(v);
    *n = 0;
    for (uint32_t i = 0; i < l->taken.n; i++)
        if (l->taken.v[i].n)
            v[(*n)++] = l->taken.v[i];
    qsort(v, *n, sizeof *v, by_text);
    return v;
}

uint64_t ledger_require_equal(const struct ledger *a, const struct ledger *b)
{
    uint32_t a_n, b_n;
    uint64_t samples = 0;
    struct memory_series *x = sorted(a, &a_n), *y = sorted(b, &b_n);
    for (uint32_t i = 0; i < a_n && i < b_n; i++) {
        assert_string_equal(x[i].text, y[i].text);
        for (uint32_t k = 0; k < x[i].n && k < y[i].n; k++, samples++)
            if (x[i].v[k].t_ms != y[i].v[k].t_ms ||
                ax_double_bits(x[i].v[k].value) != ax_double_bits(y[i].v[k].value))
                fail_msg("%s, sample %u: %.17g at %lld became %.17g at %lld", x[i].text, k, x[i].v[k].value,
                         (long long)x[i].v[k].t_ms, y[i].v[k].value, (long long)y[i].v[k].t_ms);
        uint32_t n = x[i].n < y[i].n ? x[i].n : y[i].n;
        if (x[i].n != y[i].n)
            fail_msg("%s: %u samples became %u, the first more is at %lld", x[i].text, x[i].n, y[i].n,
                     (long long)(n < x[i].n ? x[i].v[n].t_ms : y[i].v[n].t_ms));
    }
    assert_int_equal(a_n, b_n);
    free(x);
    free(y);
    return samples;
}

void ledger_done(struct ledger *l)
{
    memory_sink_done(&l->taken);
    free(l->put);
    free(l->units);
    *l = (struct ledger){0};
}
