/* ha.h: of the replicas of a cluster that send the same series, the one that is listened to.
 *
 * Two Prometheus servers that scrape the same targets send everything twice, told apart by a replica label
 * beside a common cluster label. As in the HA tracker of Cortex and Mimir one replica of each cluster is
 * elected: the first that is heard. What others send is a duplicate, until the elected one was not heard for
 * failover_ms: then the next replica that is heard takes its place, and keeps it. Time is that of arrival.
 * Names are kept as hashes alone, so that any number of replicas costs nothing. Elections last: what changed
 * goes into the log, all of them into snapshots, and after a start the same replicas are listened to.
 * Thread-safe. */
#ifndef AX_SERIES_HA_H
#define AX_SERIES_HA_H

#include "base/buf.h"
#include "base/clock.h"
#include "prom/labels.h"

struct ax_ha;

/* How replicas are told apart (global.ha_tracker). */
struct ax_ha_options {
    struct ax_str cluster_label, replica_label;
    int64_t failover_ms;   /* > 0 */
    uint32_t clusters_max; /* > 0 */
    struct ax_clock clock; /* now_ms NULL: the monotonic clock, which no change of date touches */
};

/* Who sends a series: hashes of tenant and cluster, and of the replica. cluster 0: no replica of anything. */
struct ax_ha_sender {
    uint64_t cluster, replica;
};

/* What becomes of a sender's samples. */
enum ax_ha_verdict {
    AX_HA_ELECTED,   /* they are taken */
    AX_HA_DUPLICATE, /* another replica of the cluster is listened to */
    AX_HA_FULL,      /* of a cluster beyond clusters_max */
};

/* Make a tracker; NULL when out of memory. The label names are copied. */
struct ax_ha *ax_ha_new(const struct ax_ha_options *options);

/* Free; NULL is fine. */
void ax_ha_free(struct ax_ha *ha);

/* Name of the label that tells replicas apart; lives as long as the tracker. */
struct ax_str ax_ha_replica_label(const struct ax_ha *ha);

/* The sender of a series with these labels: it has both labels, or is of no cluster. */
struct ax_ha_sender ax_ha_sender_of(const struct ax_ha *ha, struct ax_str tenant, const struct ax_labels *ls);

/* Samples of a sender of a cluster have arrived: judge them, and elect it where nobody is. A cluster that was
 * not heard for half an hour gives way to a new one when there are clusters_max. O(1) else. */
enum ax_ha_verdict ax_ha_hear(struct ax_ha *ha, struct ax_ha_sender sender);

/* Write all elections: version (u8, 2), then each `cluster u64, replica u64, term varint, gone u64`; the
 * terms of a cluster rise, also when it gave way to another and came back; gone is the cluster whose place it
 * took, or 0. */
void ax_ha_save(struct ax_ha *ha, struct ax_buf *out);

/* Were there elections that ax_ha_saved() was not told of? Lock-free. */
bool ax_ha_has_news(const struct ax_ha *ha);

/* Write these alone, and tell in *out_until what to tell ax_ha_saved() when they are where they last. */
void ax_ha_save_news(struct ax_ha *ha, struct ax_buf *out, uint64_t *out_until);

/* What was written up to `until` is where it lasts: it is no news any more. */
void ax_ha_saved(struct ax_ha *ha, uint64_t until);

/* Take elections that were written; of one cluster the latest term counts. They count as heard now. At
 * clusters_max one takes the place of the cluster that gave way to it; what else is beyond (the limit was
 * lowered) is left out. AX_CORRUPT, AX_NOMEM. */
AX_MUST_USE enum ax_err ax_ha_load(struct ax_ha *ha, struct ax_str body);

#endif
