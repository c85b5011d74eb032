/* coder_fit.c: learning: forwards through both networks, backwards through both, one Adam for all weights,
 * and the weights of the epoch that did best on rows held out. */
#include "anomaly/coder_priv.h"
#include "nn/pass.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS 30
#define PATIENCE 4
#define BATCH 64
#define RATE 1e-3f
#define DIVERGENCE 0.01f
#define CLIP 1.0
#define HELD_EVERY 10 /* one row, or stretch of time, of so many is held out; */
#define HELD_LEAST 3  /* where rows lie unevenly a third of that is enough */
#define BETA1 0.9
#define BETA2 0.999
#define SPREAD_MAX 10.0f /* of logarithms of variances: beyond, exp() says nothing more */

struct ax_coder_pass {
    struct ax_coder *c;
    struct ax_nn_pass *passes[NETS];
    float *codes; /* [rows][said_steps][code] */
};

void ax_coder_pass_free(struct ax_coder_pass *p)
{
    if (!p)
        return;
    for (int i = 0; i < NETS; i++)
        ax_nn_pass_free(p->passes[i]);
    free(p->codes);
    free(p);
}

enum ax_err ax_coder_pass_new(struct ax_coder *c, uint32_t rows, struct ax_coder_pass **out,
                              struct ax_diag *diag)
{
    struct ax_coder_pass *p = calloc(1, sizeof *p);
    *out = NULL;
    if (!p)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    p->c = c;
    p->codes = malloc((size_t)rows * c->said_steps * c->code * sizeof *p->codes);
    enum ax_err err = p->codes ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    for (int i = 0; i < NETS && err == AX_OK; i++)
        err = ax_nn_pass_new(c->nets[i], rows, 1, &p->passes[i], diag);
    if (err != AX_OK) {
        ax_coder_pass_free(p);
        return err;
    }
    *out = p;
    return AX_OK;
}

const float *ax_coder_pass_gradient(const struct ax_coder_pass *p, int which)
{
    return ax_nn_pass_gradient(p->passes[which]);
}

/* Half the logarithm of a variance, within bounds. */
static double half_log(float v)
{
    return 0.5 * (double)fminf(fmaxf(v, -SPREAD_MAX), SPREAD_MAX);
}

/* Codes of what the encoder gave, once for each step; returns the divergence from the standard normal, a mean
 * over rows. */
static double draw(struct ax_coder_pass *p, const float *encoded, uint32_t n, const float *noise)
{
    const struct ax_coder *c = p->c;
    const size_t code = c->code, coded = c->nets[ENCODER]->outputs;
    double sum = 0;
    for (size_t r = 0; r < n; r++) {
        float *to = p->codes + r * c->said_steps * code;
        const float *from = encoded + r * coded;
        memcpy(to, from, code * sizeof *to);
        for (size_t i = 0; i < code && c->variational; i++) {
            double half = half_log(from[code + i]), deviation = exp(half), mean = (double)from[i];
            sum += 0.5 * (mean * mean + deviation * deviation - 1 - 2 * half);
            if (noise)
                to[i] += (float)(deviation * (double)noise[r * code + i]);
        }
        for (size_t t = 1; t < c->said_steps; t++)
            memcpy(to + t * code, to, code * sizeof *to);
    }
    return sum / n;
}

/* The mean square of errors; with dy its gradient by y, which is [steps][rows][features]. */
static double compare(const struct ax_coder *c, const float *y, const float *x, const uint32_t *index,
                      uint32_t n, float *dy)
{
    const size_t features = c->features, width = (size_t)c->steps * features;
    const size_t outputs = ax_coder_outputs(c);
    double sum = 0;
    for (size_t r = 0; r < n; r++) {
        const float *want = x + ((index ? index[r] : r) + 1) * width - outputs;
        for (size_t t = 0; t < c->said_steps; t++)
            for (size_t i = 0; i < features; i++) {
                size_t at = (t * n + r) * features + i;
                float d = y[at] - want[t * features + i];
                sum += (double)d * (double)d;
                if (dy)
                    dy[at] = 2 * d / (float)((size_t)n * outputs);
            }
    }
    return sum / (double)((size_t)n * outputs);
}

/* The gradient by what the encoder gave, from that by the codes. */
static void slopes_of(struct ax_coder_pass *p, const float *encoded, uint32_t n, const float *noise,
                      float divergence)
{
    const struct ax_coder *c = p->c;
    const size_t code = c->code, coded = c->nets[ENCODER]->outputs;
    const float *by_code = ax_nn_pass_input_slope(p->passes[DECODER]); /* [steps][rows][code] */
    float *to = ax_nn_pass_slope(p->passes[ENCODER]);
    const double weight = (double)divergence / n;
    for (size_t r = 0; r < n; r++)
        for (size_t i = 0; i < code; i++) {
            double sum = 0;
            for (size_t t = 0; t < c->said_steps; t++)
                sum += (double)by_code[(t * n + r) * code + i];
            if (!c->variational) {
                to[r * coded + i] = (float)sum;
                continue;
            }
            float log_variance = encoded[r * coded + code + i];
            double half = half_log(log_variance), deviation = exp(half);
            double drawn = noise ? 0.5 * deviation * (double)noise[r * code + i] * sum : 0;
            bool within = fabsf(log_variance) < SPREAD_MAX;
            to[r * coded + i] = (float)(sum + weight * (double)encoded[r * coded + i]);
            to[r * coded + code + i] =
                within ? (float)(drawn + weight * 0.5 * (deviation * deviation - 1)) : 0;
        }
}

double ax_coder_pass_run(struct ax_coder_pass *p, const float *x, const uint32_t *index, uint32_t n,
                         const float *noise, float divergence, bool learn)
{
    const float *encoded = ax_nn_pass_forward(p->passes[ENCODER], x, index, n, learn);
    double apart = draw(p, encoded, n, noise);
    const float *y = ax_nn_pass_forward(p->passes[DECODER], p->codes, NULL, n, learn);
    double loss = compare(p->c, y, x, index, n, learn ? ax_nn_pass_slope(p->passes[DECODER]) : NULL);
    if (learn) {
        ax_nn_pass_backward(p->passes[DECODER]);
        slopes_of(p, encoded, n, noise, divergence);
        ax_nn_pass_backward(p->passes[ENCODER]);
    }
    return loss + (double)divergence * apart;
}

/* What one training has beside the pass. */
struct learning {
    struct ax_coder *c;
    struct ax_coder_pass *pass;
    struct ax_coder_training how;
    struct ax_rng rng;
    uint32_t *order;
    float *moments[NETS]; /* two for each weight */
    float *best[NETS];
    float *noise;
    double power1, power2;
};

static void learning_done(struct learning *l)
{
    ax_coder_pass_free(l->pass);
    free(l->order);
    free(l->noise);
    for (int i = 0; i < NETS; i++) {
        free(l->moments[i]);
        free(l->best[i]);
    }
}

static enum ax_err learning_init(struct learning *l, uint32_t n, struct ax_diag *diag)
{
    const struct ax_coder *c = l->c;
    bool whole = true;
    for (int i = 0; i < NETS; i++) {
        l->moments[i] = calloc(2 * c->nets[i]->weights_n, sizeof *l->moments[i]);
        l->best[i] = malloc(c->nets[i]->weights_n * sizeof *l->best[i]);
        whole = whole && l->moments[i] && l->best[i];
    }
    l->order = malloc(n * sizeof *l->order);
    l->noise = malloc((size_t)l->how.batch * c->code * sizeof *l->noise);
    if (!whole || !l->order || !l->noise)
        return ax_fail(diag, AX_NOMEM, "out of memory for the training of an autoencoder");
    for (uint32_t i = 0; i < n; i++)
        l->order[i] = i;
    l->power1 = l->power2 = 1;
    ax_rng_seed(&l->rng, l->how.seed);
    return ax_coder_pass_new(l->c, l->how.batch, &l->pass, diag);
}

static void shuffle(struct ax_rng *rng, uint32_t *v, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t at = (uint32_t)ax_rng_below(rng, i), x = v[at];
        v[at] = v[i - 1];
        v[i - 1] = x;
    }
}

/* One step of Adam on both networks, the gradient's norm at most CLIP. */
static void descend(struct learning *l)
{
    double square = 0;
    for (int i = 0; i < NETS; i++) {
        const float *g = ax_coder_pass_gradient(l->pass, i);
        for (size_t k = 0; k < l->c->nets[i]->weights_n; k++)
            square += (double)g[k] * (double)g[k];
    }
    if (!isfinite(square))
        return;
    l->power1 *= BETA1;
    l->power2 *= BETA2;
    const struct ax_nn_adam a = {.rate = l->how.rate,
                                 .beta1 = (float)BETA1,
                                 .beta2 = (float)BETA2,
                                 .epsilon = 1e-8f,
                                 .correction1 = (float)(1 - l->power1),
                                 .correction2 = (float)(1 - l->power2),
                                 .scale = (float)(square > CLIP * CLIP ? CLIP / sqrt(square) : 1)};
    for (int i = 0; i < NETS; i++) {
        size_t n = l->c->nets[i]->weights_n;
        ax_nn_kernels()->adam(&a, n, l->c->nets[i]->weights, ax_coder_pass_gradient(l->pass, i),
                              l->moments[i], l->moments[i] + n);
    }
}

/* All rows of the order once; false when cancelled. */
static bool epoch(struct learning *l, const float *x, uint32_t n)
{
    shuffle(&l->rng, l->order, n);
    for (uint32_t from = 0; from < n; from += l->how.batch) {
        uint32_t rows = n - from < l->how.batch ? n - from : l->how.batch;
        if (l->how.cancelled && l->how.cancelled(l->how.ctx))
            return false;
        for (size_t i = 0; i < (size_t)rows * l->c->code && l->c->variational; i++)
            l->noise[i] = (float)ax_rng_normal(&l->rng);
        (void)ax_coder_pass_run(l->pass, x, l->order + from, rows, l->noise, l->how.divergence, true);
        descend(l);
    }
    return true;
}

/* Mean error on rows that are not learnt from. */
static double held_out(struct learning *l, const float *x, uint32_t from, uint32_t n)
{
    double sum = 0;
    uint32_t seen = 0;
    while (seen < n) {
        uint32_t rows = n - seen < l->how.batch ? n - seen : l->how.batch;
        sum += rows * ax_coder_pass_run(l->pass, x, l->order + from + seen, rows, NULL, 0, false);
        seen += rows;
    }
    return sum / n;
}

static void copy_weights(struct learning *l, bool back)
{
    for (int i = 0; i < NETS; i++) {
        float *w = l->c->nets[i]->weights;
        memcpy(back ? w : l->best[i], back ? l->best[i] : w, l->c->nets[i]->weights_n * sizeof *w);
    }
}

/* A random tenth behind the others. */
static uint32_t part_at_random(struct learning *l, uint32_t n, uint32_t *held)
{
    for (uint32_t i = 0; i < n; i++)
        l->order[i] = i;
    shuffle(&l->rng, l->order, n);
    *held = n / HELD_EVERY;
    return n - *held;
}

/* How many steps rows are of, and the first one. */
static uint32_t span_of(const struct learning *l, uint32_t n, uint32_t *first)
{
    uint32_t from = UINT32_MAX, to = 0;
    *first = 0;
    if (!l->how.when)
        return n;
    for (uint32_t i = 0; i < n; i++) {
        from = l->how.when[i] < from ? l->how.when[i] : from;
        to = l->how.when[i] > to ? l->how.when[i] : to;
    }
    *first = from;
    return to - from + 1;
}

/* Put the rows to learn from first and those held out behind them; returns how many, *held how many of these.
 * What is held out is so for all rows of its time. */
static uint32_t part(struct learning *l, uint32_t n, uint32_t *held)
{
    uint32_t first, learnt = 0, at = n;
    const uint32_t some = span_of(l, n, &first) / HELD_EVERY,
                   block = some < l->how.held_steps ? some : l->how.held_steps, period = HELD_EVERY * block,
                   gap = l->how.gap_steps < block ? l->how.gap_steps : block;
    for (uint32_t i = 0; i < n && block; i++) {
        const uint32_t t = l->how.when ? l->how.when[i] - first : i, place = t % period;
        if (place >= period - block)
            l->order[--at] = i;
        else if ((t < period || place >= gap) && place + gap < period - block)
            l->order[learnt++] = i;
    }
    *held = n - at;
    if (*held < n / (HELD_LEAST * HELD_EVERY) + 1 ||
        2 * learnt < n) /* times are such that none of it is of use */
        return part_at_random(l, n, held);
    memmove(l->order + learnt, l->order + at, *held * sizeof *l->order);
    return learnt;
}

static enum ax_err learn(struct learning *l, const float *x, uint32_t n, struct ax_diag *diag)
{
    uint32_t held, since = 0;
    const uint32_t learnt = part(l, n, &held);
    double best = INFINITY;
    for (uint32_t i = 0; i < l->how.epochs && since < l->how.patience; i++) {
        if (!epoch(l, x, learnt))
            return ax_fail(diag, AX_BUSY, "the training was cancelled");
        double loss = held_out(l, x, learnt, held);
        since++;
        if (loss < best) {
            best = loss;
            since = 0;
            copy_weights(l, false);
        }
    }
    if (!isfinite(best))
        return ax_fail(diag, AX_NUMERIC, "an autoencoder came to no finite loss");
    copy_weights(l, true);
    return ax_coder_serve(l->c, diag);
}

enum ax_err ax_coder_fit(struct ax_coder *c, uint32_t n, const float *x,
                         const struct ax_coder_training *training, struct ax_diag *diag)
{
    struct learning l = {.c = c, .how = *training};
    if (n < 10)
        return ax_fail(diag, AX_INVALID, "%u rows are too few for an autoencoder", n);
    l.how.epochs = l.how.epochs ? l.how.epochs : EPOCHS;
    l.how.patience = l.how.patience ? l.how.patience : PATIENCE;
    l.how.batch = l.how.batch ? l.how.batch : BATCH;
    l.how.rate = l.how.rate > 0 ? l.how.rate : RATE;
    l.how.divergence = l.how.divergence > 0 ? l.how.divergence : DIVERGENCE;
    enum ax_err err = learning_init(&l, n, diag);
    if (err == AX_OK)
        err = learn(&l, x, n, diag);
    learning_done(&l);
    return err;
}
