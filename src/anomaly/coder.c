/* coder.c: an encoder, a decoder, and how they serve. Learning is in coder_fit.c. */
#include "anomaly/coder_priv.h"

#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1

static enum ax_err make_nets(struct ax_coder *c, const struct ax_coder_spec *spec, uint64_t seed,
                             struct ax_diag *diag)
{
    const struct ax_nn_spec encoder = {spec->steps, spec->features, spec->encoder, spec->encoder_n};
    const struct ax_nn_spec decoder = {spec->all_steps ? spec->steps : 1, spec->code, spec->decoder,
                                       spec->decoder_n};
    enum ax_err err = ax_nn_net_new(&encoder, seed, &c->nets[ENCODER], diag);
    if (err == AX_OK)
        err = ax_nn_net_new(&decoder, seed + 1, &c->nets[DECODER], diag);
    if (err != AX_OK)
        return err;
    uint32_t coded = spec->code * (spec->variational ? 2 : 1), said = c->said_steps * spec->features;
    if (c->nets[ENCODER]->outputs != coded || c->nets[DECODER]->outputs != said)
        return ax_fail(diag, AX_INVALID,
                       "the encoder gives %u floats for a code of %u, the decoder %u for %u",
                       c->nets[ENCODER]->outputs, coded, c->nets[DECODER]->outputs, said);
    return AX_OK;
}

enum ax_err ax_coder_new(const struct ax_coder_spec *spec, uint64_t seed, struct ax_coder **out,
                         struct ax_diag *diag)
{
    struct ax_coder *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return ax_fail(diag, AX_NOMEM, "out of memory for an autoencoder");
    c->steps = spec->steps;
    c->features = spec->features;
    c->code = spec->code;
    c->variational = spec->variational;
    c->said_steps = spec->all_steps ? spec->steps : 1;
    enum ax_err err = make_nets(c, spec, seed, diag);
    if (err != AX_OK) {
        ax_coder_free(c);
        return err;
    }
    *out = c;
    return AX_OK;
}

void ax_coder_free(struct ax_coder *c)
{
    if (!c)
        return;
    for (int i = 0; i < NETS; i++) {
        ax_nn_net_free(c->nets[i]);
        ax_nn_serving_free(c->servings[i]);
    }
    free(c);
}

enum ax_err ax_coder_serve(struct ax_coder *c, struct ax_diag *diag)
{
    enum ax_err err = AX_OK;
    for (int i = 0; i < NETS && err == AX_OK; i++) {
        ax_nn_serving_free(c->servings[i]);
        err = ax_nn_serving_new(c->nets[i], ax_nn_kernels(), &c->servings[i], diag);
    }
    return err;
}

struct ax_nn_net *ax_coder_net(struct ax_coder *c, int which)
{
    return c->nets[which];
}

uint32_t ax_coder_outputs(const struct ax_coder *c)
{
    return c->said_steps * c->features;
}

/* Bytes up to the next aligned place. */
static size_t aligned(size_t bytes)
{
    return (bytes + AX_NN_ALIGN - 1) / AX_NN_ALIGN * AX_NN_ALIGN;
}

/* Rows that are said at once. */
static uint32_t chunk_of(uint32_t n)
{
    return n < AX_CODER_CHUNK ? n : AX_CODER_CHUNK;
}

static size_t networks_scratch(const struct ax_coder *c)
{
    size_t a = ax_nn_serving_scratch(c->servings[ENCODER]), b = ax_nn_serving_scratch(c->servings[DECODER]);
    return aligned(a > b ? a : b);
}

size_t ax_coder_scratch(const struct ax_coder *c, uint32_t n)
{
    size_t rows = chunk_of(n);
    return networks_scratch(c) + aligned(rows * c->nets[ENCODER]->outputs * sizeof(float)) +
           aligned(rows * c->said_steps * c->code * sizeof(float));
}

void ax_coder_say(const struct ax_coder *c, uint32_t n, const float *x, void *scratch, float *y)
{
    char *at = scratch;
    const uint32_t coded = c->nets[ENCODER]->outputs, chunk = chunk_of(n);
    float *encoded = (float *)(void *)(at + networks_scratch(c));
    float *codes = (float *)(void *)((char *)encoded + aligned((size_t)chunk * coded * sizeof *encoded));
    for (uint32_t from = 0; from < n; from += chunk) {
        uint32_t rows = n - from < chunk ? n - from : chunk;
        ax_nn_serving_run(c->servings[ENCODER], scratch, x + (size_t)from * c->steps * c->features, rows,
                          encoded);
        for (size_t r = 0; r < rows; r++)
            for (size_t t = 0; t < c->said_steps; t++)
                memcpy(codes + (r * c->said_steps + t) * c->code, encoded + r * coded,
                       c->code * sizeof *codes);
        ax_nn_serving_run(c->servings[DECODER], scratch, codes, rows, y + (size_t)from * ax_coder_outputs(c));
    }
}

void ax_coder_score(const struct ax_coder *c, uint32_t n, const float *x, void *scratch, float *y,
                    double *score)
{
    const size_t outputs = ax_coder_outputs(c), width = (size_t)c->steps * c->features;
    ax_coder_say(c, n, x, scratch, y);
    for (size_t r = 0; r < n; r++) {
        const float *want = x + (r + 1) * width - outputs;
        score[r] = 0;
        for (size_t i = 0; i < outputs; i++) {
            double d = (double)y[r * outputs + i] - (double)want[i];
            score[r] += d * d;
        }
        score[r] /= (double)outputs;
    }
}

void ax_coder_save(const struct ax_coder *c, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    for (int i = 0; i < NETS; i++) {
        struct ax_buf line;
        ax_buf_init(&line, 4096);
        ax_nn_net_describe(c->nets[i], &line);
        if (line.err != AX_OK)
            out->err = line.err;
        ax_put_str(out, ax_buf_view(&line));
        ax_buf_done(&line);
        ax_put_f32s(out, c->nets[i]->weights, (uint32_t)c->nets[i]->weights_n);
        ax_put_f32s(out, c->nets[i]->states, (uint32_t)c->nets[i]->states_n);
    }
}

static void net_load(struct ax_nn_net *net, struct ax_bytes *in)
{
    struct ax_buf line;
    ax_buf_init(&line, 4096);
    ax_nn_net_describe(net, &line);
    if (!ax_str_eq(ax_get_str(in), ax_buf_view(&line)) && in->err == AX_OK)
        ax_bytes_fail(in);
    ax_buf_done(&line);
    ax_get_f32s_in(in, net->weights, (uint32_t)net->weights_n, -1e30f, 1e30f, false);
    ax_get_f32s_in(in, net->states, (uint32_t)net->states_n, -1e30f, 1e30f, false);
}

enum ax_err ax_coder_load(struct ax_coder *c, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    for (int i = 0; i < NETS && in->err == AX_OK; i++)
        net_load(c->nets[i], in);
    return in->err == AX_OK ? ax_coder_serve(c, NULL) : in->err;
}
