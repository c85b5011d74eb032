/* attention.c: multi-head self-attention over the steps of a row (Vaswani et al., 2017), without mask or
 * dropout.
 *
 * Weights as PyTorch's MultiheadAttention has them: queries, keys and values [3 e x e] with [3 e] biases, and
 * the product of all heads [e x e] with [e]. What a row does depends on its own steps alone. */
#include "math/blas.h"
#include "nn/layer.h"

#include <math.h>
#include <string.h>

/* Floats of queries, keys and values are [steps][rows][ld_qkv], heads' outputs [steps][rows][ld]; shares of
 * attention [rows][heads][steps][steps]. */
struct heads {
    const struct ax_nn_kernels *kernels;
    uint32_t steps, rows, heads, width; /* width: of a head */
    float *qkv, *shares, *joined;
    size_t ld_qkv, ld;
};

/* A layer's cache. */
struct cache {
    float *qkv, *joined, *shares, *d_qkv, *d_joined, *d_shares;
};

static struct cache cache_of(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const size_t block = (size_t)c->rows * l->steps * l->in;
    struct cache k = {.qkv = c->cache};
    k.joined = k.qkv + 3 * block;
    k.shares = k.joined + block;
    k.d_qkv = k.shares + (size_t)c->rows * l->spec.heads * l->steps * l->steps;
    k.d_joined = k.d_qkv + 3 * block;
    k.d_shares = k.d_joined + block;
    return k;
}

static enum ax_err shape(struct ax_nn_layer *l, struct ax_diag *diag)
{
    if (l->spec.heads == 0 || l->in % l->spec.heads != 0)
        return ax_fail(diag, AX_INVALID, "attention of width %u cannot have %u heads", l->in, l->spec.heads);
    ax_nn_layer_part(l, "weight_in", 3 * l->in, l->in, false);
    ax_nn_layer_part(l, "bias_in", 1, 3 * l->in, false);
    ax_nn_layer_part(l, "weight_out", l->in, l->in, false);
    ax_nn_layer_part(l, "bias_out", 1, l->in, false);
    l->cache_n = (size_t)l->steps * l->in * 8 + (size_t)l->spec.heads * l->steps * l->steps;
    l->cache_fixed = (size_t)l->steps * l->steps;
    return AX_OK;
}

static void init(const struct ax_nn_layer *l, float *weights, float *states, struct ax_rng *rng)
{
    const size_t square = (size_t)l->in * l->in;
    (void)states;
    ax_nn_xavier(weights, 3 * square, l->in, 3 * l->in, rng);
    ax_nn_xavier(weights + 3 * square + 3 * (size_t)l->in, square, l->in, l->in, rng);
}

/* softmax(v * scale) in place. */
static void softmax(const struct ax_nn_kernels *k, uint32_t n, float scale, float *v)
{
    float largest = v[0] * scale;
    double sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        v[i] *= scale;
        largest = v[i] > largest ? v[i] : largest;
    }
    for (uint32_t i = 0; i < n; i++)
        v[i] -= largest;
    k->exponential(v, n);
    for (uint32_t i = 0; i < n; i++)
        sum += (double)v[i];
    for (uint32_t i = 0; i < n; i++)
        v[i] = (float)((double)v[i] / sum);
}

static void attend(const struct heads *h)
{
    const uint32_t n = h->steps, d = h->width;
    const size_t ld = h->rows * h->ld_qkv, e = (size_t)h->heads * d;
    float *shares = h->shares;
    for (uint32_t r = 0; r < h->rows; r++)
        for (uint32_t i = 0; i < h->heads; i++, shares += (size_t)n * n) {
            const float *q = h->qkv + r * h->ld_qkv + (size_t)i * d;
            ax_blas_sgemm(n, n, d, (struct ax_mat){q, ld, false}, (struct ax_mat){q + e, ld, true}, false,
                          shares, n);
            for (uint32_t t = 0; t < n; t++)
                softmax(h->kernels, n, 1 / sqrtf((float)d), shares + (size_t)t * n);
            ax_blas_sgemm(n, d, n, (struct ax_mat){shares, n, false}, (struct ax_mat){q + 2 * e, ld, false},
                          false, h->joined + r * h->ld + (size_t)i * d, h->rows * h->ld);
        }
}

/* y[rows x n] = x[rows x e] W' + b. */
static void project(uint32_t rows, uint32_t n, uint32_t e, const float *x, const float *w, const float *b,
                    float *y)
{
    for (uint32_t r = 0; r < rows; r++)
        memcpy(y + (size_t)r * n, b, n * sizeof *y);
    ax_blas_sgemm(rows, n, e, (struct ax_mat){x, e, false}, (struct ax_mat){w, e, true}, true, y, n);
}

static void forward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t e = l->in, rows = c->rows * l->steps;
    const struct cache k = cache_of(l, c);
    const float *bias_in = c->weights + 3 * (size_t)e * e, *out = bias_in + 3 * (size_t)e;
    project(rows, 3 * e, e, c->x, c->weights, bias_in, k.qkv);
    attend(&(struct heads){c->kernels, l->steps, c->rows, l->spec.heads, e / l->spec.heads, k.qkv, k.shares,
                           k.joined, 3 * (size_t)e, e});
    project(rows, e, e, k.joined, out, out + (size_t)e * e, c->y);
}

/* From d_joined to d_qkv for one head of one row. */
static void head_back(const struct ax_nn_layer *l, uint32_t rows, const float *shares, const float *q,
                      const float *dz, float *ds, float *dq)
{
    const uint32_t n = l->steps, d = l->in / l->spec.heads;
    const size_t e = l->in;
    const size_t ld = 3 * (size_t)rows * e, ldz = (size_t)rows * e;
    const float scale = 1 / sqrtf((float)d);
    ax_blas_sgemm(n, d, n, (struct ax_mat){shares, n, true}, (struct ax_mat){dz, ldz, false}, false,
                  dq + 2 * e, ld);
    ax_blas_sgemm(n, n, d, (struct ax_mat){dz, ldz, false}, (struct ax_mat){q + 2 * e, ld, true}, false, ds,
                  n);
    for (uint32_t t = 0; t < n; t++, shares += n) {
        float *row = ds + (size_t)t * n;
        double sum = 0;
        for (uint32_t i = 0; i < n; i++)
            sum += (double)(row[i] * shares[i]);
        for (uint32_t i = 0; i < n; i++)
            row[i] = (row[i] - (float)sum) * shares[i] * scale;
    }
    ax_blas_sgemm(n, d, n, (struct ax_mat){ds, n, false}, (struct ax_mat){q + e, ld, false}, false, dq, ld);
    ax_blas_sgemm(n, d, n, (struct ax_mat){ds, n, true}, (struct ax_mat){q, ld, false}, false, dq + e, ld);
}

static void backward(const struct ax_nn_layer *l, const struct ax_nn_call *c)
{
    const uint32_t e = l->in, rows = c->rows * l->steps, d = e / l->spec.heads;
    const size_t square = (size_t)e * e, wide = 3 * (size_t)e;
    const struct cache k = cache_of(l, c);
    float *by_in = c->gradient, *by_bias_in = by_in + 3 * square, *by_out = by_bias_in + wide;
    const float *out = c->weights + 3 * square + wide;
    ax_blas_sgemm(e, e, rows, (struct ax_mat){c->dy, e, true}, (struct ax_mat){k.joined, e, false}, false,
                  by_out, e);
    c->kernels->sum_rows(rows, e, c->dy, by_out + square);
    ax_blas_sgemm(rows, e, e, (struct ax_mat){c->dy, e, false}, (struct ax_mat){out, e, false}, false,
                  k.d_joined, e);
    const float *shares = k.shares;
    for (uint32_t r = 0; r < c->rows; r++)
        for (uint32_t i = 0; i < l->spec.heads; i++, shares += (size_t)l->steps * l->steps) {
            const size_t at = (size_t)i * d;
            head_back(l, c->rows, shares, k.qkv + r * wide + at, k.d_joined + (size_t)r * e + at, k.d_shares,
                      k.d_qkv + r * wide + at);
        }
    ax_blas_sgemm(3 * e, e, rows, (struct ax_mat){k.d_qkv, wide, true}, (struct ax_mat){c->x, e, false},
                  false, by_in, e);
    c->kernels->sum_rows(rows, 3 * e, k.d_qkv, by_bias_in);
    if (c->dx)
        ax_blas_sgemm(rows, e, 3 * e, (struct ax_mat){k.d_qkv, wide, false},
                      (struct ax_mat){c->weights, e, false}, false, c->dx, e);
}

static size_t packed_n(const struct ax_nn_layer *l, const struct ax_nn_kernels *k)
{
    return ax_nn_panels_n(k, AX_NN_DENSE, 3 * l->in, l->in) + ax_nn_panels_n(k, AX_NN_DENSE, l->in, l->in);
}

static void pack(const struct ax_nn_layer *l, const struct ax_nn_kernels *k, const float *weights,
                 const float *states, float *packed)
{
    const uint32_t e = l->in;
    const float *bias_in = weights + 3 * (size_t)e * e, *out = bias_in + 3 * (size_t)e;
    (void)states;
    ax_nn_pack_dense(k, 3 * e, e, weights, bias_in, packed);
    ax_nn_pack_dense(k, e, e, out, out + (size_t)e * e, packed + ax_nn_panels_n(k, AX_NN_DENSE, 3 * e, e));
}

/* A row of queries, keys and values has at most 3 rows of y's floats. */
static size_t scratch_n(const struct ax_nn_layer *l, size_t ld)
{
    return l->steps * (4 * ld + (size_t)l->spec.heads * l->steps);
}

static void serve(const struct ax_nn_layer *l, const struct ax_nn_serve *s)
{
    const uint32_t e = l->in;
    const size_t rows = s->rows;
    const struct ax_nn_panels in = {s->packed, 3 * e, e},
                              out = {s->packed + ax_nn_panels_n(s->kernels, AX_NN_DENSE, 3 * e, e), e, e};
    struct heads h = {s->kernels, l->steps,   s->rows, l->spec.heads, e / l->spec.heads,
                      s->scratch, s->scratch, NULL,    3 * s->ld,     s->ld};
    h.joined = h.qkv + rows * l->steps * h.ld_qkv;
    h.shares = h.joined + rows * l->steps * h.ld;
    for (uint32_t t = 0; t < l->steps; t++)
        s->kernels->serve_dense(&in, s->rows, s->x.v + t * s->x.step, s->x.row, AX_NN_IDENTITY,
                                h.qkv + t * rows * h.ld_qkv, h.ld_qkv);
    attend(&h);
    for (uint32_t t = 0; t < l->steps; t++)
        s->kernels->serve_dense(&out, s->rows, h.joined + t * rows * h.ld, h.ld, AX_NN_IDENTITY,
                                s->y + t * rows * s->ld, s->ld);
}

const struct ax_nn_layer_ops ax_nn_attention_ops = {
    .name = "attention",
    .shape = shape,
    .init = init,
    .forward = forward,
    .backward = backward,
    .packed_n = packed_n,
    .scratch_n = scratch_n,
    .pack = pack,
    .serve = serve,
};
