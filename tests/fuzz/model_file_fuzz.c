/* model_file_fuzz.c: any bytes as a model file.
 *
 * First byte 0: the rest is the file. Else it is a body, which gets a head with the right length and
 * checksums. Refused with a reason, or its pairs and tensors can be read, and a network takes it or refuses
 * it with a reason. */
#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "nn/model_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void try_file(struct ax_str bytes)
{
    static const struct ax_nn_layer_spec layers[] = {{.kind = AX_NN_DENSE, .units = 2},
                                                     {.kind = AX_NN_BATCH_NORM}};
    static struct ax_nn_net *net;
    struct ax_nn_file *f;
    struct ax_diag diag = {{0}};
    if (!net)
        AX_ASSERT(ax_nn_net_new(&(struct ax_nn_spec){2, 1, layers, 2}, 1, &net, NULL) == AX_OK);
    enum ax_err err = ax_nn_file_parse(bytes, &f, &diag);
    AX_ASSERT((err == AX_OK) == (f != NULL) && (err == AX_OK || diag.text[0]));
    if (!f)
        return;
    const struct ax_str value = ax_nn_file_value(f, AX_NN_KEY_SEED);
    if (value.p)
        AX_ASSERT(ax_nn_file_expect(f, AX_NN_KEY_SEED, value, &diag) == AX_OK);
    err = ax_nn_file_load(f, net, &diag);
    AX_ASSERT(err == AX_OK || (err == AX_CONFLICT && diag.text[0]));
    for (size_t i = 0; i < net->weights_n; i++)
        AX_ASSERT(net->weights[i] - net->weights[i] == 0);
    ax_nn_file_free(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0 || n > 65536)
        return 0;
    const struct ax_str rest = {(const char *)data + 1, n - 1};
    if (data[0] == 0) {
        try_file(rest);
        return 0;
    }
    struct ax_buf b;
    ax_buf_init(&b, n + 28);
    ax_buf_put(&b, "AUSPEXNN", 8);
    ax_put_u32(&b, 0x01020304);
    ax_put_u32(&b, 1);
    ax_put_u32(&b, (uint32_t)rest.n);
    ax_put_u32(&b, ax_crc32c(0, rest.p, rest.n));
    ax_put_u32(&b, ax_crc32c(0, b.bytes, 24));
    ax_buf_str(&b, rest);
    try_file(ax_buf_view(&b));
    ax_buf_done(&b);
    return 0;
}
