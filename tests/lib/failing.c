/* failing.c: the linker turns calls of f() into calls of __wrap_f(), and gives the real ones as __real_f().
 * The list of functions is that of tests/CMakeLists.txt. Those with _chk and _2 are what _FORTIFY_SOURCE
 * makes of others. */
#include "failing.h"

#include "base/err.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct failing plan;
static atomic_bool active;
static atomic_uint calls, failures;

void failing_begin(const struct failing *p)
{
    plan = *p;
    if (plan.times == 0)
        plan.times = 1;
    atomic_store(&calls, 0);
    atomic_store(&failures, 0);
    atomic_store(&active, true);
}

uint32_t failing_end(void)
{
    atomic_store(&active, false);
    return atomic_load(&failures);
}

uint32_t failing_calls(void)
{
    return atomic_load(&calls);
}

enum verdict { PASS, FAIL, HALF };

static enum verdict judge(unsigned kind)
{
    if (failing_spared || !atomic_load(&active) || !(plan.kinds & kind))
        return PASS;
    uint32_t n = atomic_fetch_add(&calls, 1) + 1;
    if (n < plan.nth || n - plan.nth >= plan.times)
        return PASS;
    atomic_fetch_add(&failures, 1);
    errno = kind == FAILING_MEMORY ? ENOMEM : plan.error;
    return plan.partial && kind == FAILING_WRITE && n == plan.nth ? HALF : FAIL;
}

/* A function that only passes its arguments on. */
#define WRAP(kind, type, failed, name, parameters, arguments)                                                \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters                                                                            \
    {                                                                                                        \
        return judge(kind) == PASS ? __real_##name arguments : (failed);                                     \
    }

WRAP(FAILING_OPEN, int, -1, __open_2, (const char *path, int flags), (path, flags))
WRAP(FAILING_OPEN, int, -1, __openat_2, (int at, const char *path, int flags), (at, path, flags))
WRAP(FAILING_OPEN, DIR *, NULL, fdopendir, (int fd), (fd))
WRAP(FAILING_READ, ssize_t, -1, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(FAILING_READ, ssize_t, -1, __read_chk, (int fd, void *p, size_t n, size_t cap), (fd, p, n, cap))
WRAP(FAILING_READ, ssize_t, -1, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(FAILING_READ, ssize_t, -1, __pread_chk, (int fd, void *p, size_t n, off_t at, size_t cap),
     (fd, p, n, at, cap))
WRAP(FAILING_READ, int, -1, fstat, (int fd, struct stat *st), (fd, st))
WRAP(FAILING_SYNC, int, -1, fsync, (int fd), (fd))
WRAP(FAILING_SYNC, int, -1, fdatasync, (int fd), (fd))
WRAP(FAILING_TRUNCATE, int, -1, ftruncate, (int fd, off_t n), (fd, n))
WRAP(FAILING_NAME, int, -1, rename, (const char *from, const char *to), (from, to))
WRAP(FAILING_NAME, int, -1, renameat, (int a, const char *from, int b, const char *to), (a, from, b, to))
WRAP(FAILING_NAME, int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(FAILING_REMOVE, int, -1, unlink, (const char *path), (path))
WRAP(FAILING_REMOVE, int, -1, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WRAP(FAILING_MAP, void *, MAP_FAILED, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
     (p, n, prot, flags, fd, at))
WRAP(FAILING_MEMORY, void *, NULL, malloc, (size_t n), (n))
WRAP(FAILING_MEMORY, void *, NULL, calloc, (size_t n, size_t size), (n, size))
WRAP(FAILING_MEMORY, void *, NULL, realloc, (void *p, size_t n), (p, n))
WRAP(FAILING_MEMORY, void *, NULL, aligned_alloc, (size_t alignment, size_t n), (alignment, n))
WRAP(FAILING_MEMORY, char *, NULL, strdup, (const char *s), (s))
WRAP(FAILING_MEMORY, char *, NULL, strndup, (const char *s, size_t n), (s, n))
WRAP(FAILING_MEMORY, int, -1, vasprintf, (char **out, const char *fmt, va_list args), (out, fmt, args))
WRAP(FAILING_MEMORY, int, -1, __vasprintf_chk, (char **out, int flag, const char *fmt, va_list args),
     (out, flag, fmt, args))
WRAP(FAILING_OPEN, DIR *, NULL, opendir, (const char *path), (path))
WRAP(FAILING_READ, struct dirent *, NULL, readdir, (DIR * d), (d))
WRAP(FAILING_LOCK, int, -1, flock, (int fd, int operation), (fd, operation))
WRAP(FAILING_THREAD, int, EAGAIN, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
     (thread, attr, run, arg))

/* What takes any number of arguments goes to what takes a list of them. */
int __wrap_asprintf(char **out, const char *fmt, ...) AX_PRINTF(2, 3);
int __wrap_asprintf(char **out, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = __wrap_vasprintf(out, fmt, args);
    va_end(args);
    return n;
}

int __wrap___asprintf_chk(char **out, int flag, const char *fmt, ...) AX_PRINTF(3, 4);
int __wrap___asprintf_chk(char **out, int flag, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = __wrap___vasprintf_chk(out, flag, fmt, args);
    va_end(args);
    return n;
}

/* The mode of an open() that makes a file. */
static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(args, int) : 0;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return judge(FAILING_OPEN) == PASS ? __real_open(path, flags, mode) : -1;
}

int __real_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return judge(FAILING_OPEN) == PASS ? __real_openat(at, path, flags, mode) : -1;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
    enum verdict v = judge(FAILING_WRITE);
    return v == FAIL ? -1 : __real_write(fd, p, v == HALF ? n / 2 : n);
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    enum verdict v = judge(FAILING_WRITE);
    return v == FAIL ? -1 : __real_pwrite(fd, p, v == HALF ? n / 2 : n, at);
}

#define PARTS_MAX 16

/* The first half of the bytes of some parts; returns how many parts that is. */
static int half_of(const struct iovec *v, int n, struct iovec out[PARTS_MAX])
{
    size_t left = 0;
    int m = 0;
    for (int i = 0; i < n; i++)
        left += v[i].iov_len;
    left /= 2;
    for (; m < n && m < PARTS_MAX && left > 0; m++) {
        out[m] = v[m];
        out[m].iov_len = out[m].iov_len < left ? out[m].iov_len : left;
        left -= out[m].iov_len;
    }
    return m;
}

ssize_t __real_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_writev(int fd, const struct iovec *v, int n)
{
    struct iovec half[PARTS_MAX];
    enum verdict verdict = judge(FAILING_WRITE);
    if (verdict == HALF)
        return __real_writev(fd, half, half_of(v, n, half));
    return verdict == FAIL ? -1 : __real_writev(fd, v, n);
}

ssize_t __real_pwritev(int fd, const struct iovec *v, int n, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    struct iovec half[PARTS_MAX];
    enum verdict verdict = judge(FAILING_WRITE);
    if (verdict == HALF)
        return __real_pwritev(fd, half, half_of(v, n, half), at);
    return verdict == FAIL ? -1 : __real_pwritev(fd, v, n, at);
}
