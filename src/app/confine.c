/* confine.c: prctl(2) and setrlimit(2). Where a sandbox forbids the call itself, all goes on as it is. */
#include "app/confine.h"

#include "base/log.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void ax_confine(bool allow_core_dumps)
{
    (void)umask(S_IRWXG | S_IRWXO); /* also for files that libraries make */
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (!allow_core_dumps && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        ax_log(AX_LOG_WARN, "core_dumps", "core dumps, with passwords and keys in them, cannot be prevented");
}

void ax_allow_files(uint64_t files)
{
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= files)
        return;
    struct rlimit more = {.rlim_cur = files < now.rlim_max ? files : now.rlim_max, .rlim_max = now.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &more) != 0)
        more = now;
    if (more.rlim_cur < files)
        ax_log(AX_LOG_WARN, "open_files",
               "%llu files may be open at once, and %llu may be needed: raise the limit (ulimit -n, "
               "LimitNOFILE=), "
               "or lower --web.max-connections",
               (unsigned long long)more.rlim_cur, (unsigned long long)files);
}
