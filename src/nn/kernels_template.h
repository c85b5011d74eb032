/* kernels_template.h: the kernels themselves, over vectors of WIDTH floats. Included once by each set, which
 * defines WIDTH, ROWS (rows that a tile of sums has), HOLD (keeps a value in a register: a compiler that
 * reads it from memory for each of its uses has more to read than to multiply), TARGET, SET and SET_NAME, and
 * fma_of(), max_of(), min_of(), root_of(). */
#ifndef AX_NN_KERNELS_TEMPLATE_H
#define AX_NN_KERNELS_TEMPLATE_H

#include "nn/kernels_types.h"

#include <stdbool.h>

/* A vector of one value. */
INLINE vec all(float x)
{
    return x - (vec){0};
}

/* The first n floats, or all of a vector; zeros behind them. */
INLINE vec load(const float *p, size_t n)
{
    vec v = {0};
    if (n >= WIDTH)
        memcpy(&v, p, sizeof v);
    else
        memcpy(&v, p, n * sizeof *p);
    return v;
}

/* Write the first n floats, or all of a vector. */
INLINE void store(float *p, size_t n, vec v)
{
    if (n >= WIDTH)
        memcpy(p, &v, sizeof v);
    else
        memcpy(p, &v, n * sizeof *p);
}

/* exp(x) for x in [-87, 88], clamped to [-limit, limit]: 2^n times a polynomial of the rest r, |r| <= ln(2) /
 * 2, fitted by least squares that were reweighted until the largest relative error (8e-8) was smallest. */
INLINE vec exp_within(vec x, float limit)
{
    const vec magic = all(0x1.8p23f); /* adding it rounds, and leaves the integer in the low bits */
    x = min_of(all(limit), max_of(all(-limit), x));
    vec t = fma_of(x, all(1.44269504f), magic);
    vec n = t - magic;
    vec r = fma_of(n, all(-0.693359375f), x);
    r = fma_of(n, all(2.12194440e-4f), r);
    vec p = all(1.38358014e-3f);
    p = fma_of(p, r, all(8.37564503e-3f));
    p = fma_of(p, r, all(4.16682887e-2f));
    p = fma_of(p, r, all(1.66664102e-1f));
    p = fma_of(p, r, all(4.99999916e-1f));
    p = fma_of(p, r, all(1.00000004f));
    p = fma_of(p, r, all(1.0f));
    return (vec)((words)p + ((words)t << 23));
}

/* 2^t, bounded so that products of three, and of their sums with 1, are finite; 1 at 0. Fitted as
 * exp_within(): relative error 2e-7. */
INLINE vec power_of_2(vec t)
{
    const vec magic = all(0x1.8p23f);
    t = min_of(all(42.0f), max_of(all(-42.0f), t));
    vec n = t + magic, r = t - (n - magic);
    vec p = all(1.32647145e-3f);
    p = fma_of(p, r, all(9.67151299e-3f));
    p = fma_of(p, r, all(5.55073395e-2f));
    p = fma_of(p, r, all(2.40222424e-1f));
    p = fma_of(p, r, all(6.93147004e-1f));
    p = fma_of(p, r, all(1.0f));
    return (vec)((words)p + ((words)n << 23));
}

/* The logistic function. */
INLINE vec sigmoid(vec x)
{
    return all(1.0f) / (all(1.0f) + power_of_2(x * all(AX_NN_SIGMOID_SCALE)));
}

/* Hyperbolic tangent. */
INLINE vec tangent(vec x)
{
    vec e = power_of_2(x * all(AX_NN_TANH_SCALE));
    return (all(1.0f) - e) / (all(1.0f) + e);
}

/* One of the activations. */
INLINE vec act_of(enum ax_nn_act act, vec x)
{
    switch (act) {
    case AX_NN_RELU:
        return max_of(all(0.0f), x);
    case AX_NN_TANH:
        return tangent(x);
    case AX_NN_SIGMOID:
        return sigmoid(x);
    case AX_NN_IDENTITY:
    default:
        return x;
    }
}

/* As kernels.h says. */
TARGET static void activate(enum ax_nn_act act, float *v, size_t n)
{
    for (size_t i = 0; i < n; i += WIDTH)
        store(v + i, n - i, act_of(act, load(v + i, n - i)));
}

/* As kernels.h says. */
TARGET static void exponential(float *v, size_t n)
{
    for (size_t i = 0; i < n; i += WIDTH)
        store(v + i, n - i, exp_within(load(v + i, n - i), 87.0f));
}

/* As kernels.h says. */
TARGET static void lstm_gates(uint32_t rows, uint32_t h, float *z, const float *c_before, float *c,
                              float *tanh_c, float *y)
{
    for (uint32_t r = 0; r < rows; r++, z += 4 * (size_t)h, c_before += h, c += h, tanh_c += h, y += h)
        for (uint32_t j = 0; j < h; j += WIDTH) {
            uint32_t n = h - j;
            float *zi = z + j, *zf = zi + h, *zg = zf + h, *zo = zg + h;
            vec i = sigmoid(load(zi, n)), f = sigmoid(load(zf, n));
            vec g = tangent(load(zg, n)), o = sigmoid(load(zo, n));
            vec state = fma_of(f, load(c_before + j, n), i * g), t = tangent(state);
            store(zi, n, i);
            store(zf, n, f);
            store(zg, n, g);
            store(zo, n, o);
            store(c + j, n, state);
            store(tanh_c + j, n, t);
            store(y + j, n, o * t);
        }
}

/* As kernels.h says. */
TARGET static void lstm_gates_back(uint32_t rows, uint32_t h, float *z, const float *c_before,
                                   const float *tanh_c, const float *dy, float *dc)
{
    const vec one = all(1.0f);
    for (uint32_t r = 0; r < rows; r++, z += 4 * (size_t)h, c_before += h, tanh_c += h, dy += h, dc += h)
        for (uint32_t j = 0; j < h; j += WIDTH) {
            uint32_t n = h - j;
            float *zi = z + j, *zf = zi + h, *zg = zf + h, *zo = zg + h;
            vec i = load(zi, n), f = load(zf, n), g = load(zg, n), o = load(zo, n);
            vec t = load(tanh_c + j, n), d = load(dy + j, n);
            vec state = fma_of(d * o, one - t * t, load(dc + j, n));
            store(zi, n, state * g * i * (one - i));
            store(zf, n, state * load(c_before + j, n) * f * (one - f));
            store(zg, n, state * i * (one - g * g));
            store(zo, n, d * t * o * (one - o));
            store(dc + j, n, state * f);
        }
}

/* As kernels.h says. */
TARGET static void sum_rows(size_t rows, uint32_t n, const float *x, float *sum)
{
    memset(sum, 0, n * sizeof *sum);
    for (size_t r = 0; r < rows; r++, x += n)
        for (uint32_t j = 0; j < n; j += WIDTH)
            store(sum + j, n - j, load(sum + j, n - j) + load(x + j, n - j));
}

/* As kernels.h says. */
TARGET static void adam(const struct ax_nn_adam *a, size_t n, float *w, const float *g, float *m, float *v)
{
    const float first = a->rate / a->correction1, second = 1.0f / __builtin_sqrtf(a->correction2);
    for (size_t i = 0; i < n; i += WIDTH) {
        size_t left = n - i;
        vec weight = load(w + i, left);
        vec gradient = fma_of(all(a->decay), weight, all(a->scale) * load(g + i, left));
        vec mean = fma_of(all(1 - a->beta1), gradient - load(m + i, left), load(m + i, left));
        vec square = fma_of(all(1 - a->beta2), gradient * gradient - load(v + i, left), load(v + i, left));
        store(m + i, left, mean);
        store(v + i, left, square);
        store(w + i, left, weight - all(first) * mean / (root_of(square) * all(second) + all(a->epsilon)));
    }
}

#define EACH_ROW _Pragma("GCC unroll 8") for (uint32_t r = 0; r < rows; r++)
#define EACH_VEC _Pragma("GCC unroll 4") for (uint32_t g = 0; g < 4; g++)

/* Floats of a panel. */
INLINE size_t panel_n(const struct ax_nn_panels *p)
{
    return ((size_t)p->k + 1) * 4 * WIDTH;
}

/* What a tile multiplies: rows of x and, behind them in the panel, rows of what came out before (NULL: none).
 */
struct tile {
    const float *panel, *x, *before;
    uint32_t k, h;
    size_t ldx, ldy;
};

/* Add k inputs of `rows` rows, times k rows of a panel, to the sums; returns what is behind them. rows is a
 * constant where this is inlined, and every loop over it is unrolled, so that the sums are in registers
 * meanwhile: the row of the panel comes through one more, a vector at a time. */
INLINE const float *multiply(uint32_t rows, uint32_t k, const float *x, size_t ldx, const float *panel,
                             vec sums[ROWS][4])
{
    for (const float *end = x + k; x < end; x++, panel += 4 * (size_t)WIDTH) {
        vec in[ROWS];
        EACH_ROW in[r] = all(x[r * ldx]);
        EACH_VEC
        {
            vec w = load(panel + g * (size_t)WIDTH, WIDTH);
            HOLD(w);
            EACH_ROW sums[r][g] = fma_of(in[r], w, sums[r][g]);
        }
    }
    return panel;
}

/* The sums of a tile. */
INLINE void sums_of(uint32_t rows, const struct tile *t, vec (*out)[4])
{
    vec sums[ROWS][4];
    EACH_ROW EACH_VEC sums[r][g] = load(t->panel + g * (size_t)WIDTH, WIDTH);
    const float *panel = multiply(rows, t->k, t->x, t->ldx, t->panel + 4 * (size_t)WIDTH, sums);
    if (t->before)
        (void)multiply(rows, t->h, t->before, t->ldy, panel, sums);
    EACH_ROW EACH_VEC out[r][g] = sums[r][g];
}

/* The same for a whole tile, out of line: what is around it takes registers. */
TARGET static __attribute__((noinline)) void sums_of_tile(const struct tile *t, vec (*out)[4])
{
    sums_of(ROWS, t, out);
}

/* The same for one row. */
TARGET static __attribute__((noinline)) void sums_of_row(const struct tile *t, vec (*out)[4])
{
    sums_of(1, t, out);
}

/* As kernels.h says. */
TARGET static void serve_dense(const struct ax_nn_panels *p, uint32_t rows, const float *x, size_t ldx,
                               enum ax_nn_act act, float *y, size_t ldy)
{
    struct tile t = {.panel = p->v, .k = p->k, .ldx = ldx};
    vec sums[ROWS][4];
    for (uint32_t j = 0; j < p->n; j += 4 * WIDTH, t.panel += panel_n(p))
        for (uint32_t r = 0, n; r < rows; r += n) {
            t.x = x + r * ldx;
            n = rows - r < ROWS ? 1 : ROWS;
            if (n == ROWS)
                sums_of_tile(&t, sums);
            else
                sums_of_row(&t, sums);
            for (uint32_t i = 0; i < n; i++)
                for (uint32_t g = 0; g < 4; g++)
                    store(y + (r + i) * ldy + j + g * (size_t)WIDTH, WIDTH, act_of(act, sums[i][g]));
        }
}

/* c of `rows` rows and WIDTH units from the exponents of their gates (kernels.h); of the quotients one is
 * made. */
INLINE void lstm_states(uint32_t rows, vec (*sums)[4], bool fresh, float *c, size_t ldy)
{
    const vec one = all(1.0f);
    for (uint32_t r = 0; r < rows; r++, c += ldy) {
        const vec i = one + power_of_2(sums[r][0]), f = one + power_of_2(sums[r][1]);
        const vec e = power_of_2(sums[r][2]), ig = i * (one + e);
        const vec before = fresh ? all(0.0f) : load(c, WIDTH);
        store(c, WIDTH, fma_of(before, ig, (one - e) * f) / (ig * f));
    }
}

/* y of the same. */
INLINE void lstm_outputs(uint32_t rows, vec (*sums)[4], const float *c, float *y, size_t ldy)
{
    const vec one = all(1.0f);
    for (uint32_t r = 0; r < rows; r++, c += ldy, y += ldy) {
        const vec o = power_of_2(sums[r][3]), e = power_of_2(load(c, WIDTH) * all(AX_NN_TANH_SCALE));
        store(y, WIDTH, (one - e) / ((one + o) * (one + e)));
    }
}

#define BLOCK (6 * ROWS) /* rows whose sums wait in the L1 cache */

/* All sums of a block (whole tiles), then all states, then all outputs: each is long chains of operations, of
 * which the processor has many at once only when they do not wait for those of another kind. */
INLINE void lstm_block(uint32_t rows, struct tile t, float *c, float *y)
{
    const bool fresh = !t.before;
    vec sums[BLOCK][4];
    for (uint32_t r = 0; r < rows; r += ROWS) {
        sums_of_tile(&t, sums + r);
        t.x += ROWS * t.ldx;
        if (t.before)
            t.before += ROWS * t.ldy;
    }
    lstm_states(rows, sums, fresh, c, t.ldy);
    lstm_outputs(rows, sums, c, y, t.ldy);
}

/* The same for one row, of all units: there the block is of panels, t that of the first. */
INLINE void lstm_row(const struct ax_nn_panels *p, struct tile t, float *c, float *y)
{
    const bool fresh = !t.before;
    vec sums[BLOCK][4];
    for (uint32_t j = 0, n; j < p->n; j += n * WIDTH) {
        for (n = 0; n < BLOCK && j + n * WIDTH < p->n; n++, t.panel += panel_n(p))
            sums_of_row(&t, sums + n);
        lstm_states(n, sums, fresh, c + j, WIDTH);
        lstm_outputs(n, sums, c + j, y + j, WIDTH);
    }
}

/* As kernels.h says. */
TARGET static void serve_lstm(const struct ax_nn_panels *p, uint32_t rows, const float *x, size_t ldx,
                              const float *before, float *c, float *y, size_t ldy)
{
    const uint32_t tiled = rows - rows % ROWS;
    struct tile t = {.panel = p->v, .k = p->k - p->n, .h = p->n, .ldx = ldx, .ldy = ldy};
    for (uint32_t j = 0; j < p->n; j += WIDTH, t.panel += panel_n(p))
        for (uint32_t r = 0, n; r < tiled; r += n) {
            n = tiled - r < BLOCK ? tiled - r : BLOCK;
            t.x = x + r * ldx;
            t.before = before ? before + r * ldy : NULL;
            lstm_block(n, t, c + r * ldy + j, y + r * ldy + j);
        }
    t.panel = p->v;
    for (uint32_t r = tiled; r < rows; r++) {
        t.x = x + r * ldx;
        t.before = before ? before + r * ldy : NULL;
        lstm_row(p, t, c + r * ldy, y + r * ldy);
    }
}

/* The set. */
const struct ax_nn_kernels SET = {
    .name = SET_NAME,
    .width = WIDTH,
    .activate = activate,
    .exponential = exponential,
    .lstm_gates = lstm_gates,
    .lstm_gates_back = lstm_gates_back,
    .sum_rows = sum_rows,
    .adam = adam,
    .serve_dense = serve_dense,
    .serve_lstm = serve_lstm,
};

#endif
