/* memory.c: reads /proc/self/statm, and the limits of control groups (version 2). */
#include "base/memory.h"

#include "base/metrics.h"
#include "base/parse.h"
#include "base/pool.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOOKS_BETWEEN_TRIMS 100 /* giving memory back walks the whole heap */
#define IDLE_PERCENT_MAX 15     /* of the ceiling */

static uint64_t ceiling;
static unsigned looks_until_trim;
static _Atomic unsigned state; /* enum ax_memory_state */

/* The first line of a small file, without its end; false when there is none. */
static bool read_line(const char *path, char *line, int cap)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return false;
    bool ok = fgets(line, cap, f) != NULL;
    (void)fclose(f);
    if (ok)
        line[strcspn(line, "\n")] = '\0';
    return ok;
}

/* The limit that a folder of the control groups sets; UINT64_MAX without one. */
static uint64_t group_limit(const char *folder)
{
    char path[1200], line[64];
    int64_t bytes = 0;
    (void)snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", folder);
    if (!read_line(path, line, sizeof line) || ax_parse_i64(ax_str(line), &bytes) != AX_OK || bytes <= 0)
        return UINT64_MAX; /* "max", too */
    return (uint64_t)bytes;
}

uint64_t ax_memory_available(void)
{
    char line[1100];
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t least = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    if (!read_line("/proc/self/cgroup", line, sizeof line) || strncmp(line, "0::/", 4) != 0)
        line[0] = '\0';
    /* Each folder on the way up may set one; the last is that of the whole tree. */
    char *folder = line[0] ? line + 3 : line;
    for (char *slash; folder[0]; *slash = '\0') {
        uint64_t limit = group_limit(folder);
        least = limit < least ? limit : least;
        slash = strrchr(folder, '/');
        if (!slash)
            break;
    }
    uint64_t limit = group_limit("");
    return limit < least ? limit : least;
}

uint64_t ax_memory_resident(uint64_t *private_bytes)
{
    char line[128];
    int64_t resident = 0, of_files = 0; /* in pages: the second and third number */
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    bool ok = read_line("/proc/self/statm", line, sizeof line);
    char *second = ok ? strchr(line, ' ') : NULL, *third = second ? strchr(second + 1, ' ') : NULL;
    ok = third &&
         ax_parse_i64((struct ax_str){second + 1, (size_t)(third - second - 1)}, &resident) == AX_OK &&
         ax_parse_i64((struct ax_str){third + 1, strcspn(third + 1, " ")}, &of_files) == AX_OK;
    if (private_bytes)
        *private_bytes = ok && resident > of_files ? (uint64_t)(resident - of_files) * page : 0;
    return ok ? (uint64_t)resident * page : 0;
}

void ax_memory_limit(uint64_t bytes)
{
    ceiling = bytes;
    ax_metric_set(ax_metric(AX_M_MEMORY_LIMIT, NULL, NULL), (double)bytes);
}

enum ax_memory_state ax_memory_judge(enum ax_memory_state before, uint64_t used, uint64_t limit)
{
    if (limit == 0)
        return AX_MEMORY_FREE;
    double share = (double)used / (double)limit;
    if (share >= 1.0 || (before == AX_MEMORY_FULL && share >= 0.95))
        return AX_MEMORY_FULL;
    return share >= 0.80 || (before != AX_MEMORY_FREE && share >= 0.75) ? AX_MEMORY_TIGHT : AX_MEMORY_FREE;
}

/* What is resident, without idle blocks of the pool: most of them stay, and would keep the state where it is
 * after all that was in them has gone. Not all of them, for they serve series and nothing else. */
static uint64_t in_use(void)
{
    uint64_t used = 0, idle = ax_pool_idle(), most = ceiling / 100 * IDLE_PERCENT_MAX;
    (void)ax_memory_resident(&used);
    idle = idle < most ? idle : most;
    return used > idle ? used - idle : 0;
}

enum ax_memory_state ax_memory_look(void)
{
    uint64_t used = in_use();
    enum ax_memory_state next = ax_memory_judge(ax_memory_state(), used, ceiling);
    if (next == AX_MEMORY_FREE) {
        looks_until_trim = 0;
    } else if (looks_until_trim-- == 0) {
        (void)malloc_trim(0);
        looks_until_trim = LOOKS_BETWEEN_TRIMS;
        used = in_use();
        next = ax_memory_judge(ax_memory_state(), used, ceiling);
    }
    atomic_store(&state, next);
    return next;
}

enum ax_memory_state ax_memory_state(void)
{
    return (enum ax_memory_state)atomic_load_explicit(&state, memory_order_relaxed);
}
