/* histogram_oracle.h: the rules for native histograms over the arrays that protobuf-c reads. */
#ifndef AX_HISTOGRAM_ORACLE_H
#define AX_HISTOGRAM_ORACLE_H

#include "prom/float_histogram.h"
#include "proto/remote_write_v1.pb-c.h"
#include "proto/remote_write_v2.pb-c.h"

#include <stdbool.h>

/* Does a Prometheus receiver take it? The two versions number the fields alike. */
bool histogram_oracle_v1(const Prometheus__Histogram *h);
bool histogram_oracle_v2(const Io__Prometheus__Write__V2__Histogram *h);

/* Is a value what the arrays say: the same counts, and the same observations in each bucket? Buckets whose
 * numbers no observation can have are not compared. */
bool histogram_oracle_value_v2(const Io__Prometheus__Write__V2__Histogram *h,
                               const struct ax_float_histogram *v);

#endif
