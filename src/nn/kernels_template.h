/* kernels_template.h: the kernels themselves, over vectors of WIDTH floats. Included once by each set, which
 * defines WIDTH, ROWS (rows that a tile of sums has), TARGET, SET and SET_NAME, and fma_of(), max_of(),
 * min_of(), root_of(). */
#ifndef AX_NN_KERNELS_TEMPLATE_H
#define AX_NN_KERNELS_TEMPLATE_H

#include "nn/kernels_types.h"

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

/* exp(-x), bounded so that products of two and of their sums with 1 are finite. */
INLINE vec exp_minus(vec x)
{
    return exp_within(-x, 40.0f);
}

/* The logistic function. */
INLINE vec sigmoid(vec x)
{
    return all(1.0f) / (all(1.0f) + exp_minus(x));
}

/* Hyperbolic tangent. */
INLINE vec tangent(vec x)
{
    vec e = exp_minus(x + x);
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

/* Add k inputs of `rows` rows, times k rows of a panel, to the sums; returns what is behind them. rows is a
 * constant where this is inlined, and every loop over it is unrolled, so that the sums are in registers
 * meanwhile. */
INLINE const float *multiply(uint32_t rows, uint32_t k, const float *x, size_t ldx, const float *panel,
                             vec sums[ROWS][4])
{
    vec s[ROWS][4];
    EACH_ROW EACH_VEC s[r][g] = sums[r][g];
    for (const float *end = x + k; x < end; x++, panel += 4 * (size_t)WIDTH) {
        vec w[4];
        EACH_VEC w[g] = load(panel + g * (size_t)WIDTH, WIDTH);
        EACH_ROW
        {
            vec in = all(x[r * ldx]);
            EACH_VEC s[r][g] = fma_of(in, w[g], s[r][g]);
        }
    }
    EACH_ROW EACH_VEC sums[r][g] = s[r][g];
    return panel;
}

/* Begin the sums with the biases; returns the weights behind them. */
INLINE const float *begin(uint32_t rows, const float *panel, vec sums[ROWS][4])
{
    EACH_ROW EACH_VEC sums[r][g] = load(panel + g * (size_t)WIDTH, WIDTH);
    return panel + 4 * (size_t)WIDTH;
}

/* A tile of a dense layer. */
INLINE void dense_tile(uint32_t rows, uint32_t k, const float *panel, const float *x, size_t ldx,
                       enum ax_nn_act act, float *y, size_t ldy)
{
    vec sums[ROWS][4];
    (void)multiply(rows, k, x, ldx, begin(rows, panel, sums), sums);
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t g = 0; g < 4; g++)
            store(y + r * ldy + g * (size_t)WIDTH, WIDTH, act_of(act, sums[r][g]));
}

/* What one LSTM tile works on. */
struct lstm_tile {
    const float *panel, *x, *before;
    float *c, *y;
    uint32_t k, h;
    size_t ldx, ldy;
};

/* A tile of an LSTM: sums of the gates of WIDTH units, then their step; the gates are never in memory. Two
 * divisions are one where a product of logistic functions is wanted. */
INLINE void lstm_tile(uint32_t rows, const struct lstm_tile *t)
{
    const vec one = all(1.0f);
    vec sums[ROWS][4];
    const float *panel = multiply(rows, t->k, t->x, t->ldx, begin(rows, t->panel, sums), sums);
    if (t->before)
        (void)multiply(rows, t->h, t->before, t->ldy, panel, sums);
    for (uint32_t r = 0; r < rows; r++) {
        vec i = exp_minus(sums[r][0]), f = exp_minus(sums[r][1]), g = exp_minus(sums[r][2] + sums[r][2]);
        vec state = (one - g) / ((one + i) * (one + g));
        if (t->before)
            state += load(t->c + r * t->ldy, WIDTH) / (one + f);
        vec o = exp_minus(sums[r][3]), e = exp_minus(state + state);
        store(t->c + r * t->ldy, WIDTH, state);
        store(t->y + r * t->ldy, WIDTH, (one - e) / ((one + o) * (one + e)));
    }
}

/* As kernels.h says. */
TARGET static void serve_dense(const struct ax_nn_panels *p, uint32_t rows, const float *x, size_t ldx,
                               enum ax_nn_act act, float *y, size_t ldy)
{
    const float *panel = p->v;
    for (uint32_t j = 0; j < p->n; j += 4 * WIDTH, panel += ((size_t)p->k + 1) * 4 * WIDTH) {
        uint32_t r = 0;
        for (; r + ROWS <= rows; r += ROWS)
            dense_tile(ROWS, p->k, panel, x + r * ldx, ldx, act, y + r * ldy + j, ldy);
        for (; r < rows; r++)
            dense_tile(1, p->k, panel, x + r * ldx, ldx, act, y + r * ldy + j, ldy);
    }
}

/* As kernels.h says. */
TARGET static void serve_lstm(const struct ax_nn_panels *p, uint32_t rows, const float *x, size_t ldx,
                              const float *before, float *c, float *y, size_t ldy)
{
    struct lstm_tile t = {.panel = p->v, .k = p->k - p->n, .h = p->n, .ldx = ldx, .ldy = ldy};
    for (uint32_t j = 0; j < p->n; j += WIDTH, t.panel += ((size_t)p->k + 1) * 4 * WIDTH)
        for (uint32_t r = 0, n; r < rows; r += n) {
            t.x = x + r * ldx;
            t.before = before ? before + r * ldy : NULL;
            t.c = c + r * ldy + j;
            t.y = y + r * ldy + j;
            n = r + ROWS <= rows ? ROWS : 1;
            if (n == ROWS)
                lstm_tile(ROWS, &t);
            else
                lstm_tile(1, &t);
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
