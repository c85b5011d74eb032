/* coder_priv.h: the inside of a coder, shared by the files that implement anomaly/coder.h. */
#ifndef AX_ANOMALY_CODER_PRIV_H
#define AX_ANOMALY_CODER_PRIV_H

#include "anomaly/coder.h"
#include "nn/serving.h"

#define AX_CODER_CHUNK 128 /* rows that are said at once, so that their codes stay in the cache */

/* Index of a network. */
enum { ENCODER, DECODER, NETS };

/* See anomaly/coder.h. */
struct ax_coder {
    uint32_t steps, features, code, said_steps;
    bool variational;
    struct ax_nn_net *nets[NETS];
    struct ax_nn_serving *servings[NETS]; /* NULL before it is ready to serve */
};

/* Pack the networks as they are, for serving. AX_NOMEM. */
AX_MUST_USE enum ax_err ax_coder_serve(struct ax_coder *c, struct ax_diag *diag);

#endif
