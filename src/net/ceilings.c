/* ceilings.c: the counters' names and cells. */
#include "net/ceilings.h"

#include "base/metrics.h"

#include <pthread.h>

static const char *const names[AX_CEILINGS] = {
    [AX_CEILING_CONNECTIONS] = "connections",
    [AX_CEILING_CONNECTIONS_PER_IP] = "connections_per_ip",
    [AX_CEILING_READ_TIMEOUT] = "read_timeout",
    [AX_CEILING_ANSWER_TIMEOUT] = "answer_timeout",
    [AX_CEILING_BODY_SIZE] = "body_size",
    [AX_CEILING_INFLIGHT_SIZE] = "inflight_size",
    [AX_CEILING_INFLIGHT_REQUESTS] = "inflight_requests",
    [AX_CEILING_QUERIES] = "queries",
    [AX_CEILING_MEMORY] = "memory",
    [AX_CEILING_OUT_OF_MEMORY] = "out_of_memory",
    [AX_CEILING_PASSWORD_CHECK] = "password_check",
    [AX_CEILING_RATE] = "rate",
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct ax_cell *cells[AX_CEILINGS];

static void make(void)
{
    for (int i = 0; i < AX_CEILINGS; i++)
        cells[i] = ax_metric(AX_M_HTTP_REJECTED, names[i], NULL);
}

void ax_ceilings_show(void)
{
    (void)pthread_once(&once, make);
}

void ax_ceiling_count(enum ax_ceiling ceiling)
{
    ax_ceilings_show();
    ax_metric_add(cells[ceiling], 1);
}
