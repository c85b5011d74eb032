/* trainer.c: one step is forwards, loss, backwards, clipping, Adam. */
#include "nn/trainer.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct ax_nn_training ax_nn_training_defaults = {
    .loss = {.kind = AX_NN_MSE, .delta = 1},
    .schedule = {.kind = AX_NN_STEPS, .rate = 1e-3f, .factor = 0.95f, .every = 20, .epochs = 100},
    .beta1 = 0.9f,
    .beta2 = 0.999f,
    .epsilon = 1e-8f,
    .clip = 1,
    .rows = 64,
    .seed = 42,
};

/* best holds weights and then states; order the rows of the epoch, of which `done` are learnt. */
struct ax_nn_trainer {
    struct ax_nn_net *net;
    struct ax_nn_training how;
    struct ax_nn_pass *pass;
    const struct ax_nn_kernels *kernels;
    struct ax_rng rng;
    float *m, *v, *best;
    uint32_t *order;
    uint32_t rows_max, rows, done, epochs;
    double rate, power1, power2; /* powers: beta^t */
    double best_loss;
    uint32_t since_best;
};

double ax_nn_schedule_rate(const struct ax_nn_schedule *s, uint32_t epoch)
{
    const double rate = (double)s->rate, least = (double)s->rate_min;
    if (s->kind == AX_NN_STEPS)
        return rate * pow((double)s->factor, floor((double)epoch / s->every));
    if (s->kind == AX_NN_COSINE)
        return epoch >= s->epochs ? least : least + (rate - least) * (1 + cos(M_PI * epoch / s->epochs)) / 2;
    return rate;
}

static bool above(float x, float min)
{
    return x > min && isfinite(x);
}

static enum ax_err check(const struct ax_nn_net *net, const struct ax_nn_training *h, struct ax_diag *diag)
{
    if (net->layers[net->layers_n - 1].out_steps != 1)
        return ax_fail(diag, AX_INVALID,
                       "a network that ends with several steps cannot be trained: end it with "
                       "a layer that keeps the last");
    if (h->rows == 0)
        return ax_fail(diag, AX_INVALID, "a batch needs rows");
    if (!above(h->schedule.rate, 0) || h->schedule.rate_min < 0 ||
        (h->schedule.kind == AX_NN_STEPS && (h->schedule.every == 0 || !above(h->schedule.factor, 0))) ||
        (h->schedule.kind == AX_NN_COSINE && h->schedule.epochs == 0))
        return ax_fail(diag, AX_INVALID, "a learning rate and how it falls must be above 0");
    if (!(h->beta1 >= 0 && h->beta1 < 1 && h->beta2 >= 0 && h->beta2 < 1) || !above(h->epsilon, 0))
        return ax_fail(diag, AX_INVALID, "Adam needs betas from 0 to below 1 and an epsilon above 0");
    if (!(h->l2 >= 0) || !(h->clip >= 0) || (h->loss.kind == AX_NN_HUBER && !above(h->loss.delta, 0)))
        return ax_fail(diag, AX_INVALID,
                       "L2 and the ceiling on gradients are not negative, Huber's delta is above 0");
    for (uint32_t i = 0; h->loss.kind == AX_NN_PINBALL && i < net->outputs; i++)
        if (!(h->loss.quantiles[i] > 0 && h->loss.quantiles[i] < 1))
            return ax_fail(diag, AX_INVALID, "quantile %g is not between 0 and 1",
                           (double)h->loss.quantiles[i]);
    return AX_OK;
}

static enum ax_err make(struct ax_nn_trainer *t, struct ax_diag *diag)
{
    const size_t n = t->net->weights_n;
    t->m = calloc(n + 1, sizeof *t->m);
    t->v = calloc(n + 1, sizeof *t->v);
    t->best = calloc(n + t->net->states_n + 1, sizeof *t->best);
    t->order = calloc((size_t)t->rows_max + 1, sizeof *t->order);
    if (!t->m || !t->v || !t->best || !t->order)
        return ax_fail(diag, AX_NOMEM, "out of memory for Adam over %zu weights", n);
    return ax_nn_pass_new(t->net, t->how.rows, t->how.seed, &t->pass, diag);
}

enum ax_err ax_nn_trainer_new(struct ax_nn_net *net, const struct ax_nn_training *training, uint32_t rows_max,
                              struct ax_nn_trainer **out, struct ax_diag *diag)
{
    *out = NULL;
    enum ax_err err = check(net, training, diag);
    if (err != AX_OK)
        return err;
    struct ax_nn_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    t->net = net;
    t->how = *training;
    t->kernels = ax_nn_kernels();
    t->rows_max = rows_max;
    t->rate = ax_nn_schedule_rate(&t->how.schedule, 0);
    t->power1 = t->power2 = 1;
    t->best_loss = INFINITY;
    ax_rng_seed(&t->rng, training->seed ^ 0x6F72646572); /* not the numbers of dropout */
    err = make(t, diag);
    if (err != AX_OK) {
        ax_nn_trainer_free(t);
        return err;
    }
    *out = t;
    return AX_OK;
}

void ax_nn_trainer_free(struct ax_nn_trainer *t)
{
    if (!t)
        return;
    ax_nn_pass_free(t->pass);
    free(t->m);
    free(t->v);
    free(t->best);
    free(t->order);
    free(t);
}

/* Rows of y that belong to rows of x; the pass's slope has room for them, and is written over them. */
static const float *targets(struct ax_nn_trainer *t, const float *y, const uint32_t *index, uint32_t n)
{
    const uint32_t outputs = t->net->outputs;
    if (!index)
        return y;
    float *to = ax_nn_pass_slope(t->pass);
    for (uint32_t r = 0; r < n; r++)
        memcpy(to + (size_t)r * outputs, y + (size_t)index[r] * outputs, outputs * sizeof *y);
    return to;
}

/* The factor that brings the norm of all gradients to the ceiling (as PyTorch's clip_grad_norm_); NaN when
 * they are not finite. */
static double clipping(const float *g, size_t n, double most)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)g[i] * (double)g[i];
    if (!isfinite(square))
        return NAN;
    const double factor = most / (sqrt(square) + 1e-6);
    return most > 0 && factor < 1 ? factor : 1;
}

double ax_nn_trainer_step(struct ax_nn_trainer *t, const float *x, const float *y, const uint32_t *index,
                          uint32_t n)
{
    const struct ax_nn_training *h = &t->how;
    const float *out = ax_nn_pass_forward(t->pass, x, index, n, true);
    const double loss =
        ax_nn_loss(&h->loss, n, t->net->outputs, out, targets(t, y, index, n), ax_nn_pass_slope(t->pass));
    ax_nn_pass_backward(t->pass);
    float *g = ax_nn_pass_gradient(t->pass);
    const double scale = clipping(g, t->net->weights_n, (double)h->clip);
    if (!isfinite(loss) || isnan(scale))
        return loss;
    t->power1 *= (double)h->beta1;
    t->power2 *= (double)h->beta2;
    const struct ax_nn_adam a = {.rate = (float)t->rate,
                                 .beta1 = h->beta1,
                                 .beta2 = h->beta2,
                                 .epsilon = h->epsilon,
                                 .correction1 = (float)(1 - t->power1),
                                 .correction2 = (float)(1 - t->power2),
                                 .decay = h->l2,
                                 .scale = (float)scale};
    t->kernels->adam(&a, t->net->weights_n, t->net->weights, g, t->m, t->v);
    return loss;
}

void ax_nn_trainer_shuffle(struct ax_nn_trainer *t, uint32_t n)
{
    AX_ASSERT(n > 0 && n <= t->rows_max);
    for (uint32_t i = 0; i < n; i++)
        t->order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        const uint32_t j = (uint32_t)ax_rng_below(&t->rng, i), swap = t->order[i - 1];
        t->order[i - 1] = t->order[j];
        t->order[j] = swap;
    }
    t->rows = n;
    t->done = 0;
    t->rate = ax_nn_schedule_rate(&t->how.schedule, t->epochs++);
}

bool ax_nn_trainer_next(struct ax_nn_trainer *t, const float *x, const float *y, double *loss)
{
    uint32_t n = t->rows - t->done;
    if (n == 0)
        return false;
    n = n < t->how.rows ? n : t->how.rows;
    *loss = ax_nn_trainer_step(t, x, y, t->order + t->done, n);
    t->done += n;
    return true;
}

double ax_nn_trainer_epoch(struct ax_nn_trainer *t, const float *x, const float *y, uint32_t n)
{
    double sum = 0, loss;
    ax_nn_trainer_shuffle(t, n);
    for (uint32_t before = 0; ax_nn_trainer_next(t, x, y, &loss); before = t->done)
        sum += loss * (t->done - before);
    return sum / n;
}

double ax_nn_trainer_loss(struct ax_nn_trainer *t, const float *x, const float *y, uint32_t n)
{
    const size_t in = (size_t)t->net->steps * t->net->features, outputs = t->net->outputs;
    double sum = 0;
    for (uint32_t done = 0, rows; done < n; done += rows) {
        rows = n - done < t->how.rows ? n - done : t->how.rows;
        const float *out = ax_nn_pass_forward(t->pass, x + done * in, NULL, rows, false);
        sum += rows * ax_nn_loss(&t->how.loss, rows, t->net->outputs, out, y + done * outputs, NULL);
    }
    return sum / n;
}

bool ax_nn_trainer_stop(struct ax_nn_trainer *t, double loss, uint32_t patience)
{
    if (loss < t->best_loss) {
        t->best_loss = loss;
        t->since_best = 0;
        memcpy(t->best, t->net->weights, t->net->weights_n * sizeof *t->best);
        memcpy(t->best + t->net->weights_n, t->net->states, t->net->states_n * sizeof *t->best);
        return false;
    }
    return ++t->since_best >= patience;
}

double ax_nn_trainer_best(struct ax_nn_trainer *t)
{
    if (isfinite(t->best_loss)) {
        memcpy(t->net->weights, t->best, t->net->weights_n * sizeof *t->best);
        memcpy(t->net->states, t->best + t->net->weights_n, t->net->states_n * sizeof *t->best);
    }
    return t->best_loss;
}
