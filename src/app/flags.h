/* flags.h: command-line flags as Prometheus has them: --name=value, --name value, -name=value. */
#ifndef AX_APP_FLAGS_H
#define AX_APP_FLAGS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* How the text of a flag is read, and what its `out` points to. */
enum ax_flag_type {
    AX_FLAG_STRING,   /* const char * */
    AX_FLAG_BOOL,     /* bool; --name alone is true, --no-name false */
    AX_FLAG_DURATION, /* int64_t milliseconds */
    AX_FLAG_BYTES,    /* uint64_t */
    AX_FLAG_MEMORY,   /* uint64_t: bytes, or a share of what the process can have ("80%") */
    AX_FLAG_COUNT,    /* uint32_t */
    AX_FLAG_LIST      /* struct ax_flag_list: may be given several times */
};

#define AX_FLAG_LIST_MAX 256

/* What is asked for instead of work, and how it is printed. */
enum ax_help {
    AX_HELP_NONE,
    AX_HELP_TEXT, /* --help, -h */
    AX_HELP_MAN   /* --help-man: as a section of the manual page */
};

/* The texts of a flag that may be given several times, in order. */
struct ax_flag_list {
    const char *v[AX_FLAG_LIST_MAX];
    uint32_t n;
};

/* One flag: default_text is read as if it had been given (NULL for none: *out is left alone). */
struct ax_flag {
    const char *name;
    enum ax_flag_type type;
    void *out;
    const char *default_text;
    const char *help;
};

/* Set defaults, then read argv[1..argc). Words that are no flags go to positional (room for argc) in
 * order. AX_INVALID with a text that names the flag, or the nearest one. --help and --help-man set *help and
 * stop. */
AX_MUST_USE enum ax_err ax_flags_parse(const struct ax_flag *flags, size_t flags_n, int argc, char **argv,
                                       const char **positional, int *positional_n, enum ax_help *help,
                                       struct ax_diag *diag);

/* Print usage: the line, then every flag with its default. */
void ax_flags_usage(const struct ax_flag *flags, size_t flags_n, const char *usage, enum ax_help help,
                    FILE *to);

#endif
