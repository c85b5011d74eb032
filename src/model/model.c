/* model.c: lookup of a batch's tensors. */
#include "model/model.h"

const struct ax_tensor *ax_batch_tensor(const struct ax_batch *b, const char *name)
{
    for (uint32_t i = 0; i < b->tensors_n; i++)
        if (strcmp(b->tensors[i].name, name) == 0)
            return &b->tensors[i];
    return NULL;
}
