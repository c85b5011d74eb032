/* adwin.c: rows of buckets, each of twice the size of the one before. */
#include "drift/adwin.h"

#include "base/assert.h"

#include <math.h>

#define GRACE 10 /* no cut is looked for in a window of up to so many */
#define SIDE_MIN 5.0

void ax_adwin_init(struct ax_adwin *a, double delta)
{
    *a = (struct ax_adwin){.delta = delta, .rows_n = 1};
}

static double size_of(uint32_t row)
{
    return (double)((uint64_t)1 << row);
}

static void drop_oldest(struct ax_adwin *a, uint32_t row, uint32_t count)
{
    for (uint32_t i = count; i < a->n[row]; i++)
        a->rows[row][i - count] = a->rows[row][i];
    a->n[row] = (uint8_t)(a->n[row] - count);
}

/* The two oldest buckets of a row that is too full become one of the next. */
static void compress(struct ax_adwin *a)
{
    for (uint32_t row = 0; row < a->rows_n && a->n[row] == AX_ADWIN_BUCKETS + 1 && row + 1 < AX_ADWIN_ROWS;
         row++) {
        const struct ax_adwin_bucket *x = &a->rows[row][0], *y = &a->rows[row][1];
        const double size = size_of(row), apart = x->total / size - y->total / size;
        const struct ax_adwin_bucket joint = {
            x->total + y->total, x->variance + y->variance + size * size * apart * apart / (size + size)};
        if (row + 1 == a->rows_n)
            a->rows_n++;
        a->rows[row + 1][a->n[row + 1]++] = joint;
        drop_oldest(a, row, 2);
    }
}

static void insert(struct ax_adwin *a, double x)
{
    a->rows[0][a->n[0]++] = (struct ax_adwin_bucket){x, 0};
    a->width++;
    const double before = (double)(a->width - 1), now = (double)a->width;
    if (a->width > 1)
        a->variance += before * (x - a->total / before) * (x - a->total / before) / now;
    a->total += x;
    compress(a);
}

/* Forget the oldest bucket. */
static void shrink(struct ax_adwin *a)
{
    AX_ASSERT(a->rows_n > 0);
    const uint32_t row = a->rows_n - 1;
    const struct ax_adwin_bucket oldest = a->rows[row][0];
    const double size = size_of(row);
    a->width -= (uint64_t)1 << row;
    a->total -= oldest.total;
    const double width = (double)a->width, apart = oldest.total / size - a->total / width;
    a->variance -= oldest.variance + size * width * apart * apart / (size + width);
    drop_oldest(a, row, 1);
    if (a->n[row] == 0)
        a->rows_n--;
}

/* Do the means of two sides differ by more than chance at this confidence? */
static bool differ(const struct ax_adwin *a, double n0, double n1, double apart)
{
    const double width = (double)a->width, delta = log(2 * log(width) / a->delta);
    const double m = 1 / (n0 - SIDE_MIN + 1) + 1 / (n1 - SIDE_MIN + 1);
    const double epsilon = sqrt(2 * m * (a->variance / width) * delta) + 2.0 / 3.0 * delta * m;
    return fabs(apart) > epsilon;
}

/* Look for a cut from the oldest bucket on; 0 when there is none, else which way the mean went. */
static int find_cut(const struct ax_adwin *a)
{
    double n0 = 0, n1 = (double)a->width, u0 = 0, u1 = a->total;
    for (uint32_t row = a->rows_n; row-- > 0;) {
        for (uint32_t k = 0; k < a->n[row]; k++) {
            n0 += size_of(row);
            n1 -= size_of(row);
            u0 += a->rows[row][k].total;
            u1 -= a->rows[row][k].total;
            if (row == 0 && k + 1U == a->n[row])
                return 0;
            const double apart = u0 / n0 - u1 / n1;
            if (n1 >= SIDE_MIN && n0 >= SIDE_MIN && differ(a, n0, n1, apart))
                return apart < 0 ? 1 : -1;
        }
    }
    return 0;
}

int ax_adwin_update(struct ax_adwin *a, double x)
{
    int way = 0;
    if (a->detected)
        ax_adwin_init(a, a->delta);
    insert(a, x);
    a->ticks++;
    if (a->ticks % AX_ADWIN_CLOCK != 0 || a->width <= GRACE)
        return 0;
    for (int cut; (cut = find_cut(a)) != 0 && a->width > 1;) {
        way = way ? way : cut;
        shrink(a);
    }
    a->detected = way != 0;
    return way;
}

void ax_adwin_save(const struct ax_adwin *a, struct ax_buf *out)
{
    ax_put_f64(out, a->total);
    ax_put_f64(out, a->variance);
    ax_put_varint(out, a->width);
    ax_put_varint(out, a->ticks);
    ax_put_u8(out, a->detected);
    ax_put_varint(out, a->rows_n);
    for (uint32_t row = 0; row < a->rows_n; row++) {
        ax_put_varint(out, a->n[row]);
        for (uint32_t k = 0; k < a->n[row]; k++) {
            ax_put_f64(out, a->rows[row][k].total);
            ax_put_f64(out, a->rows[row][k].variance);
        }
    }
}

void ax_adwin_load(struct ax_adwin *a, struct ax_bytes *in)
{
    uint64_t width = 0;
    ax_adwin_init(a, a->delta);
    a->total = ax_get_f64(in);
    a->variance = ax_get_f64(in);
    a->width = ax_get_varint(in);
    a->ticks = ax_get_varint(in);
    a->detected = ax_get_bool(in);
    a->rows_n = ax_get_count(in, AX_ADWIN_ROWS);
    for (uint32_t row = 0; row < a->rows_n; row++) {
        a->n[row] = (uint8_t)ax_get_count(in, AX_ADWIN_BUCKETS);
        width += (uint64_t)a->n[row] << row;
        for (uint32_t k = 0; k < a->n[row]; k++) {
            a->rows[row][k].total = ax_get_f64(in);
            a->rows[row][k].variance = ax_get_f64(in);
        }
    }
    if (a->rows_n == 0 || width != a->width || !isfinite(a->total) || !isfinite(a->variance))
        (void)ax_bytes_fail(in);
}
