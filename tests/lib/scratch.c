/* scratch.c: folders and files of a test, by the plain calls; whatever fails ends the test. */
#include "scratch.h"

#include "ax_test.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *temporary(void)
{
    const char *t = getenv("TMPDIR");
    return t && *t ? t : "/tmp";
}

void scratch_make(char path[SCRATCH_PATH], const char *name)
{
    char folder[SCRATCH_PATH];
    (void)snprintf(folder, sizeof folder, "%.200s/ax_test_%s", temporary(), "XXXXXX");
    assert_non_null(mkdtemp(folder));
    if (name)
        scratch_in(path, folder, name);
    else
        memcpy(path, folder, sizeof folder);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

void scratch_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    char above[SCRATCH_PATH];
    (void)snprintf(above, sizeof above, "%s", path);
    char *slash = strrchr(above, '/');
    *slash = '\0';
    if (strstr(above, "/ax_test_"))
        (void)rmdir(above);
}

char scratch_folder[SCRATCH_PATH];

int scratch_begin(void **state)
{
    (void)state;
    scratch_make(scratch_folder, NULL);
    return 0;
}

int scratch_end(void **state)
{
    (void)state;
    scratch_remove(scratch_folder);
    return 0;
}

void scratch_in(char path[SCRATCH_PATH], const char *folder, const char *name)
{
    int n = snprintf(path, SCRATCH_PATH, "%s/%s", folder, name);
    assert_in_range(n, 1, SCRATCH_PATH - 1);
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Call back for each file by name; returns how many have the suffix. */
static size_t each(const char *folder, const char *suffix, void (*f)(void *, const char *), void *ctx)
{
    struct dirent **names = NULL;
    size_t count = 0, m = strlen(suffix);
    int n = scandir(folder, &names, visible, alphasort);
    assert_true(n >= 0);
    for (int i = 0; i < n; i++) {
        size_t k = strlen(names[i]->d_name);
        if (k >= m && strcmp(names[i]->d_name + k - m, suffix) == 0) {
            count++;
            if (f)
                f(ctx, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
    return count;
}

static void unlink_in(void *ctx, const char *name)
{
    char path[SCRATCH_PATH];
    scratch_in(path, ctx, name);
    assert_int_equal(unlink(path), 0);
}

void scratch_empty(const char *path)
{
    (void)each(path, "", unlink_in, (void *)(uintptr_t)path);
}

uint8_t *scratch_read(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    *n = (size_t)st.st_size;
    uint8_t *p = malloc(*n + 1);
    assert_non_null(p);
    assert_int_equal(fread(p, 1, *n, f), *n);
    p[*n] = 0;
    (void)fclose(f);
    return p;
}

void scratch_write(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

struct copy {
    const char *from, *to;
};

static void copy_one(void *ctx, const char *name)
{
    const struct copy *c = ctx;
    char from[SCRATCH_PATH], to[SCRATCH_PATH];
    size_t n;
    scratch_in(from, c->from, name);
    scratch_in(to, c->to, name);
    uint8_t *p = scratch_read(from, &n);
    scratch_write(to, p, n);
    free(p);
}

void scratch_copy(const char *from, const char *to)
{
    if (mkdir(to, 0700) != 0)
        scratch_empty(to);
    (void)each(from, "", copy_one, &(struct copy){from, to});
}

size_t scratch_count(const char *folder, const char *suffix)
{
    return each(folder, suffix, NULL, NULL);
}

struct pick {
    size_t i;
    char *name;
};

static void pick_one(void *ctx, const char *name)
{
    struct pick *p = ctx;
    if (p->i-- == 0)
        (void)snprintf(p->name, SCRATCH_PATH, "%.255s", name);
}

void scratch_name(char name[SCRATCH_PATH], const char *folder, const char *suffix, size_t i)
{
    size_t n = each(folder, suffix, pick_one, &(struct pick){i, name});
    assert_true(i < n);
}
