/* metrics.c: cells in a short list for each metric; a double's bits in an atomic word. */
#include "base/metrics.h"

#include "base/assert.h"
#include "base/parse.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct ax_cell {
    struct ax_cell *next;
    bool hidden;                          /* forgotten, but somebody may still hold it */
    const char *value1, *value2, *value3; /* behind the cell */
    _Atomic uint64_t bits;                /* of the value, or of a histogram's sum */
    _Atomic uint64_t buckets[AX_METRIC_BUCKETS + 1];
};

static const double bounds[AX_METRIC_BUCKETS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  5,     10};

static const struct {
    enum ax_metric_type type;
    const char *name, *label1, *label2, *label3, *help;
} table[AX_METRIC_N] = {
#define AX_METRIC(id, type, name, label1, label2, help) {AX_METRIC_##type, name, label1, label2, NULL, help},
#define AX_METRIC3(id, type, name, label1, label2, label3, help)                                             \
    {AX_METRIC_##type, name, label1, label2, label3, help},
#include "base/metrics.def"
#undef AX_METRIC3
#undef AX_METRIC
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ax_cell *cells[AX_METRIC_N];
static struct ax_cell overflow[AX_METRIC_N];

/* A cell with values of its own; NULL when out of memory. */
static struct ax_cell *new_cell(const char *v1, const char *v2, const char *v3)
{
    const size_t n1 = strlen(v1) + 1, n2 = strlen(v2) + 1, n3 = strlen(v3) + 1;
    struct ax_cell *cell = calloc(1, sizeof *cell + n1 + n2 + n3);
    if (!cell)
        return NULL;
    char *text = (char *)(cell + 1);
    cell->value1 = memcpy(text, v1, n1);
    cell->value2 = memcpy(text + n1, v2, n2);
    cell->value3 = memcpy(text + n1 + n2, v3, n3);
    return cell;
}

static struct ax_cell *find(enum ax_metric id, const char *v1, const char *v2, const char *v3)
{
    unsigned n = 0;
    struct ax_cell **tail = &cells[id];
    for (; *tail; tail = &(*tail)->next, n++)
        if (strcmp((*tail)->value1, v1) == 0 && strcmp((*tail)->value2, v2) == 0 &&
            strcmp((*tail)->value3, v3) == 0) {
            (*tail)->hidden = false;
            return *tail;
        }
    struct ax_cell *cell = n < AX_METRIC_CELLS ? new_cell(v1, v2, v3) : NULL;
    if (!cell) {
        cell = &overflow[id];
        cell->value1 = "other";
        cell->value2 = cell->value3 = "";
        return cell;
    }
    *tail = cell;
    return cell;
}

struct ax_cell *ax_metric3(enum ax_metric id, const char *value1, const char *value2, const char *value3)
{
    AX_ASSERT(id < AX_METRIC_N);
    (void)pthread_mutex_lock(&lock);
    struct ax_cell *cell = find(id, value1 ? value1 : "", value2 ? value2 : "", value3 ? value3 : "");
    (void)pthread_mutex_unlock(&lock);
    return cell;
}

struct ax_cell *ax_metric(enum ax_metric id, const char *value1, const char *value2)
{
    return ax_metric3(id, value1, value2, NULL);
}

struct ax_cell *ax_metric_void(void)
{
    static struct ax_cell nowhere;
    return &nowhere;
}

void ax_metric_forget(enum ax_metric id, const char *value1)
{
    (void)pthread_mutex_lock(&lock);
    for (struct ax_cell *c = cells[id]; c; c = c->next)
        if (strcmp(c->value1, value1) == 0)
            c->hidden = true;
    (void)pthread_mutex_unlock(&lock);
}

void ax_metrics_forget(const char *label1, const char *value1)
{
    for (enum ax_metric id = 0; id < AX_METRIC_N; id++)
        if (table[id].label1 && strcmp(table[id].label1, label1) == 0)
            ax_metric_forget(id, value1);
}

static double from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t to_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

void ax_metric_add(struct ax_cell *cell, double amount)
{
    uint64_t old = atomic_load_explicit(&cell->bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&cell->bits, &old, to_bits(from_bits(old) + amount),
                                                  memory_order_relaxed, memory_order_relaxed))
        ;
}

void ax_metric_count(enum ax_metric id, const char *value1, const char *value2)
{
    ax_metric_add(ax_metric(id, value1, value2), 1);
}

void ax_metric_set(struct ax_cell *cell, double value)
{
    atomic_store_explicit(&cell->bits, to_bits(value), memory_order_relaxed);
}

void ax_metric_observe(struct ax_cell *cell, double seconds)
{
    unsigned i = 0;
    while (i < AX_METRIC_BUCKETS && seconds > bounds[i])
        i++;
    atomic_fetch_add_explicit(&cell->buckets[i], 1, memory_order_relaxed);
    ax_metric_add(cell, seconds);
}

double ax_metric_get(const struct ax_cell *cell)
{
    return from_bits(atomic_load_explicit(&cell->bits, memory_order_relaxed));
}

static void write_label(struct ax_buf *out, const char *sep, const char *name, const char *value)
{
    ax_buf_printf(out, "%s%s=\"", sep, name);
    for (const char *p = value; *p; p++) {
        if (*p == '\n') {
            ax_buf_str(out, ax_str("\\n"));
            continue;
        }
        if (*p == '"' || *p == '\\')
            ax_buf_byte(out, '\\');
        ax_buf_byte(out, (uint8_t)*p);
    }
    ax_buf_byte(out, '"');
}

static void write_line(struct ax_buf *out, enum ax_metric id, const struct ax_cell *c, const char *suffix,
                       const char *le, double v)
{
    ax_buf_printf(out, "%s%s", table[id].name, suffix);
    const char *sep = "{";
    if (table[id].label1) {
        write_label(out, sep, table[id].label1, c->value1);
        sep = ",";
    }
    if (table[id].label2) {
        write_label(out, sep, table[id].label2, c->value2);
        sep = ",";
    }
    if (table[id].label3 && c->value3[0]) {
        write_label(out, sep, table[id].label3, c->value3);
        sep = ",";
    }
    if (le) {
        write_label(out, sep, "le", le);
        sep = ",";
    }
    char number[40];
    ax_format_double(v, number, sizeof number);
    ax_buf_printf(out, "%s %s\n", *sep == ',' ? "}" : "", number);
}

static void write_histogram(struct ax_buf *out, enum ax_metric id, const struct ax_cell *c)
{
    uint64_t total = 0;
    char le[40];
    for (unsigned i = 0; i < AX_METRIC_BUCKETS; i++) {
        total += atomic_load_explicit(&c->buckets[i], memory_order_relaxed);
        ax_format_double(bounds[i], le, sizeof le);
        write_line(out, id, c, "_bucket", le, (double)total);
    }
    total += atomic_load_explicit(&c->buckets[AX_METRIC_BUCKETS], memory_order_relaxed);
    write_line(out, id, c, "_bucket", "+Inf", (double)total);
    write_line(out, id, c, "_sum", NULL, ax_metric_get(c));
    write_line(out, id, c, "_count", NULL, (double)total);
}

static void write_cell(struct ax_buf *out, enum ax_metric id, const struct ax_cell *c)
{
    if (c->hidden)
        return;
    if (table[id].type == AX_METRIC_HISTOGRAM)
        write_histogram(out, id, c);
    else
        write_line(out, id, c, "", NULL, ax_metric_get(c));
}

void ax_metrics_write(struct ax_buf *out)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    for (enum ax_metric id = 0; id < AX_METRIC_N; id++)
        if (table[id].type == AX_METRIC_COUNTER && !table[id].label1)
            (void)ax_metric(id, NULL, NULL);
    (void)pthread_mutex_lock(&lock);
    for (enum ax_metric id = 0; id < AX_METRIC_N; id++) {
        ax_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", table[id].name, table[id].help, table[id].name,
                      types[table[id].type]);
        for (const struct ax_cell *c = cells[id]; c; c = c->next)
            write_cell(out, id, c);
        if (overflow[id].value1)
            write_cell(out, id, &overflow[id]);
    }
    (void)pthread_mutex_unlock(&lock);
}
