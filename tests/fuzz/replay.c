/* Every input of the corpora, and every find that is kept there, once through its target, with any compiler:
 * a find stays a test. FOLDER has a folder for each target. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define X(name) int fuzz_##name(const uint8_t *data, size_t size);
#include "fuzz_targets.def"
#undef X

static const struct target {
    const char *name;
    int (*run)(const uint8_t *data, size_t size);
} targets[] = {
#define X(name) {#name, fuzz_##name},
#include "fuzz_targets.def"
#undef X
};

/* Run one file, in memory that is as large as it is. */
static void run_file(const struct target *t, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) {
        (void)fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    size_t n = (size_t)ftell(f);
    uint8_t *data = malloc(n ? n : 1);
    rewind(f);
    if (!data || fread(data, 1, n, f) != n)
        exit(1);
    (void)fclose(f);
    (void)fprintf(stderr, "%s\n", path); /* the last line names the input that ends it */
    (void)t->run(data, n);
    free(data);
}

static unsigned run_folder(const struct target *t, const char *corpus)
{
    char folder[1024], path[2048];
    unsigned n = 0;
    (void)snprintf(folder, sizeof folder, "%s/%s", corpus, t->name);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        run_file(t, path);
        n++;
    }
    if (d)
        (void)closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        unsigned n = run_folder(&targets[i], argc > 1 ? argv[1] : ".");
        (void)printf("%s: %u inputs\n", targets[i].name, n);
        if (n == 0)
            return 1; /* a target without a corpus */
    }
    return 0;
}
