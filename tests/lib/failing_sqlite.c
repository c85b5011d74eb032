/* failing_sqlite.c: by SQLite's own hooks. */
#include "failing_sqlite.h"

#include "ax_test.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/types.h>

static enum failing_sqlite kind;
static uint32_t nth, calls, failures; /* nth: 0 lets none fail */
static sqlite3_mem_methods memory;
static ssize_t (*real_write)(int fd, const void *p, size_t n, off_t at);

static bool fails(enum failing_sqlite what)
{
    const bool it = kind == what && nth && ++calls == nth;
    failures += it;
    return it;
}

static void *take(int n)
{
    return fails(FAILING_SQLITE_MEMORY) ? NULL : memory.xMalloc(n);
}

static void *grow(void *p, int n)
{
    return fails(FAILING_SQLITE_MEMORY) ? NULL : memory.xRealloc(p, n);
}

static ssize_t write_at(int fd, const void *p, size_t n, off_t at)
{
    if (!fails(FAILING_SQLITE_WRITES))
        return real_write(fd, p, n, at);
    errno = ENOSPC;
    return -1;
}

int failing_sqlite_setup(void **state)
{
    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory) != SQLITE_OK)
        return 1;
    sqlite3_mem_methods ours = memory;
    ours.xMalloc = take;
    ours.xRealloc = grow;
    return sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK ||
           sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) != SQLITE_OK;
}

void failing_sqlite_writes(bool on)
{
    static const char *name;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    if (on) {
        sqlite3_syscall_ptr was = vfs->xGetSystemCall(vfs, "pwrite64");
        name = was ? "pwrite64" : "pwrite";
        if (!was)
            was = vfs->xGetSystemCall(vfs, name);
        memcpy(&real_write, &was, sizeof real_write);
    }
    assert_int_equal(vfs->xSetSystemCall(vfs, name, on ? (sqlite3_syscall_ptr)write_at : NULL), SQLITE_OK);
}

void failing_sqlite_begin(enum failing_sqlite what, uint32_t n)
{
    kind = what;
    calls = failures = 0;
    nth = n;
}

bool failing_sqlite_end(void)
{
    nth = 0;
    return failures > 0;
}
