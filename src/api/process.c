/* process.c: reads the kernel's view of this process. */
#include "api/process.h"

#include "base/memory.h"
#include "base/metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

static double open_fds(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return 0;
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n > 3 ? n - 3 : 0; /* less ".", ".." and the one just open */
}

void ax_process_metrics_update(void)
{
    struct rusage u;
    struct rlimit fds;
    if (getrusage(RUSAGE_SELF, &u) == 0)
        ax_metric_set(ax_metric(AX_M_CPU_SECONDS, NULL, NULL),
                      (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                          (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6);
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
        ax_metric_set(ax_metric(AX_M_MAX_FDS, NULL, NULL), (double)fds.rlim_cur);
    ax_metric_set(ax_metric(AX_M_RSS_BYTES, NULL, NULL), (double)ax_memory_resident(NULL));
    ax_metric_set(ax_metric(AX_M_OPEN_FDS, NULL, NULL), open_fds());
}
