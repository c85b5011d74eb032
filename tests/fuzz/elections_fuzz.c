/* Elections of replicas from any bytes: what was read is the same when it is written and read again, and
 * there are never more clusters than there may be. */
#include "base/assert.h"
#include "series/ha.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLUSTERS 50u
#define ELECTION_MAX 34u /* bytes of one, its varint as long as it gets: series/ha.h */

static struct ax_ha *make(const int64_t *now_ms)
{
    const struct ax_ha_options options = {.cluster_label = ax_str("cluster"),
                                          .replica_label = ax_str("__replica__"),
                                          .failover_ms = 30000,
                                          .clusters_max = CLUSTERS,
                                          .clock = ax_clock_virtual(now_ms)};
    struct ax_ha *ha = ax_ha_new(&options);
    AX_ASSERT(ha);
    return ha;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t now_ms = 1700000000000;
    struct ax_ha *one = make(&now_ms), *two = make(&now_ms);
    struct ax_buf first, second;
    ax_buf_init(&first, SIZE_MAX);
    ax_buf_init(&second, SIZE_MAX);
    enum ax_err err = ax_ha_load(one, (struct ax_str){(const char *)data, size});
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT);
    ax_ha_save(one, &first);
    AX_ASSERT(first.err == AX_OK && first.n <= 1 + CLUSTERS * ELECTION_MAX);
    AX_ASSERT(ax_ha_load(two, ax_buf_view(&first)) == AX_OK);
    ax_ha_save(two, &second);
    AX_ASSERT(first.n == second.n);   /* in whatever order */
    if (err == AX_OK && size >= 17) { /* the last that was read is listened to, unless its term was passed */
        struct ax_ha_sender sender;
        memcpy(&sender.cluster, data + 1, 8);
        memcpy(&sender.replica, data + 9, 8);
        if (sender.cluster)
            AX_ASSERT(ax_ha_hear(one, sender) == ax_ha_hear(two, sender));
    }
    ax_buf_done(&first);
    ax_buf_done(&second);
    ax_ha_free(one);
    ax_ha_free(two);
    return 0;
}
