/* model_file.h: tensors in a file, a network's weights above all, with what must be known of them.
 *
 *     file  = magic (8 bytes), byte order (u32, 0x01020304), version (u32), bytes of the body (u32), CRC-32C
 * of the body (u32), CRC-32C of all these (u32); then the body body  = pairs: their number (varint), each a
 * key and a value (strings); then tensors: their number (varint), each a name (string), rows and columns
 * (u32) and rows * columns floats
 *
 * All little endian (base/bytes.h); below 10 MB. The pair "network" is the line of ax_nn_net_describe().
 * Tensors are named by layer, kind and part: "0.lstm.weight_input". A file appears whole or not at all. A
 * reader refuses what is damaged, cut short, foreign, of another version or byte order, or not finite, and a
 * network refuses the weights of another, each with the reason. Not thread-safe. */
#ifndef AX_NN_MODEL_FILE_H
#define AX_NN_MODEL_FILE_H

#include "nn/net.h"

#define AX_NN_FILE_MAX ((size_t)10 << 20)
#define AX_NN_PAIRS_MAX 64
#define AX_NN_TENSORS_MAX (AX_NN_LAYERS_MAX * AX_NN_LAYER_TENSORS)

/* Keys of what a model must not be used without. Values are text. */
#define AX_NN_KEY_NETWORK "network"
#define AX_NN_KEY_FEATURES "features"           /* their expressions, in order */
#define AX_NN_KEY_FEATURES_HASH "features_hash" /* of these */
#define AX_NN_KEY_SCALER "scaler"               /* how inputs are normalised */
#define AX_NN_KEY_DATA_WINDOW                                                                                \
    "data_window"                   /* times of the first and the last sample that was learnt from           \
                                     */
#define AX_NN_KEY_SAMPLES "samples" /* how many */
#define AX_NN_KEY_SEED "seed"
#define AX_NN_KEY_HYPER "hyper_parameters"      /* what it was fitted with: a JSON object */
#define AX_NN_KEY_REFERENCES "drift_references" /* bytes of drift/reference.h: of what was learnt from */
#define AX_NN_KEY_SCORES "scores"               /* on held-out data: a JSON object of numbers */

/* One pair; views. */
struct ax_nn_pair {
    struct ax_str key, value;
};

/* A tensor to be written; views. */
struct ax_nn_tensor {
    struct ax_str name;
    uint32_t rows, cols;
    const float *v;
};

/* The bytes of a file of any tensors into out, which is empty; their names differ. AX_NUMERIC when a float is
 * not finite, AX_LIMIT, AX_NOMEM, all with a text. */
AX_MUST_USE enum ax_err ax_nn_file_encode(const struct ax_nn_tensor *tensors, uint32_t tensors_n,
                                          const struct ax_nn_pair *pairs, uint32_t pairs_n,
                                          struct ax_buf *out, struct ax_diag *diag);

/* The same of a network. The pair of AX_NN_KEY_NETWORK is added. */
AX_MUST_USE enum ax_err ax_nn_file_encode_net(const struct ax_nn_net *net, const struct ax_nn_pair *pairs,
                                              uint32_t pairs_n, struct ax_buf *out, struct ax_diag *diag);

/* Write <dir>/<name>, replacing it; dir must be there. The pair of AX_NN_KEY_NETWORK is added. AX_NUMERIC
 * when a weight is not finite, AX_LIMIT, AX_NOTFOUND, AX_IO, AX_NOMEM, all with a text: the file is what it
 * was. */
AX_MUST_USE enum ax_err ax_nn_file_write(const char *dir, const char *name, const struct ax_nn_net *net,
                                         const struct ax_nn_pair *pairs, uint32_t pairs_n,
                                         struct ax_diag *diag);

struct ax_nn_file;

/* Read and check <dir>/<name>. AX_NOTFOUND; AX_CORRUPT, AX_UNSUPPORTED or AX_LIMIT with the reason; AX_IO,
 * AX_NOMEM. */
AX_MUST_USE enum ax_err ax_nn_file_read(const char *dir, const char *name, struct ax_nn_file **out,
                                        struct ax_diag *diag);

/* The same from bytes, which are copied. */
AX_MUST_USE enum ax_err ax_nn_file_parse(struct ax_str bytes, struct ax_nn_file **out, struct ax_diag *diag);

/* Give it back; NULL is fine. */
void ax_nn_file_free(struct ax_nn_file *f);

/* The value of a key, the file's; {NULL, 0} when there is none. */
struct ax_str ax_nn_file_value(const struct ax_nn_file *f, const char *key);

/* AX_CONFLICT, with both in the text, when a key's value is another one or missing: a model that learnt from
 * features A refuses features B. */
AX_MUST_USE enum ax_err ax_nn_file_expect(const struct ax_nn_file *f, const char *key, struct ax_str value,
                                          struct ax_diag *diag);

/* Shape of the tensor of that name; false when there is none. */
bool ax_nn_file_tensor(const struct ax_nn_file *f, const char *name, uint32_t *rows, uint32_t *cols);

/* Copy the n floats of the tensor of that name; false when there is none, or it has another number of them.
 */
bool ax_nn_file_floats(const struct ax_nn_file *f, const char *name, float *out, size_t n);

/* Give a network its weights and states. AX_CONFLICT with a text, and nothing is changed, when the file is
 * that of another network. */
AX_MUST_USE enum ax_err ax_nn_file_load(const struct ax_nn_file *f, struct ax_nn_net *net,
                                        struct ax_diag *diag);

#endif
