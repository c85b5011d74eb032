/* schema.h: the one table of config keys: it drives reading, defaults, suggestions for misspelt keys, the
 * effective config that the API shows, and the reference in docs/config.md.
 *
 * A section is a mapping of the file whose values go into one struct; a key says where in it. Immutable. */
#ifndef AX_CONFIG_SCHEMA_H
#define AX_CONFIG_SCHEMA_H

#include "config/config.h"

/* What a value is, and the C type of the field that it is put into. */
enum ax_key_type {
    AX_KEY_STRING,    /* struct ax_str */
    AX_KEY_SECRET,    /* struct ax_str; shown as <secret> */
    AX_KEY_URL,       /* struct ax_str; http or https */
    AX_KEY_EXPR,      /* struct ax_text */
    AX_KEY_DURATION,  /* int64_t, milliseconds; -1 when a computed default is to be filled in */
    AX_KEY_COUNT,     /* uint32_t */
    AX_KEY_COUNT64,   /* uint64_t */
    AX_KEY_NUMBER,    /* double */
    AX_KEY_BOOL,      /* bool */
    AX_KEY_AUTO,      /* int: 1, 0, or -1 for "auto" */
    AX_KEY_CHOICE,    /* struct ax_str, one of choices */
    AX_KEY_ENUM,      /* an enum by the position in choices, in any case */
    AX_KEY_STRINGS,   /* const struct ax_str *, and its count */
    AX_KEY_DURATIONS, /* const int64_t *, and its count */
    AX_KEY_LABELS,    /* struct ax_labels */
    AX_KEY_HEADERS,   /* const struct ax_http_field *, and its count (a name with a list of values: once for
                         each); values shown as <secret> */
    AX_KEY_SECRETS,   /* as AX_KEY_HEADERS, where each name has one value and a list is a fault */
    AX_KEY_FEATURES,  /* const struct ax_feature_config *, and its count */
    AX_KEY_SECTION,   /* a mapping into a struct at the offset */
    AX_KEY_SECTIONS,  /* a list of mappings: const struct *, and its count */
    AX_KEY_INLINE,    /* no key of its own: the keys of another section, at the offset */
    AX_KEY_INERT,     /* Prometheus's, accepted with a warning: it has no effect here */
    AX_KEY_REFUSED,   /* Prometheus's, an error that says why */
};

struct ax_section;

/* One key. Offsets are into the struct of its section. */
struct ax_key {
    const char *name;
    enum ax_key_type type;
    size_t offset;
    size_t n_offset;      /* of the count of a list; of the bool that says "present" of a section (0: none) */
    const char *fallback; /* default as written in the file; in parentheses: computed; NULL: none */
    double min, max;      /* of durations (ms), counts and numbers; lists: max entries */
    const char *const *choices; /* NULL-terminated */
    const struct ax_section *section;
    bool required;
    bool open; /* min and max themselves are not allowed */
    const char *doc;
};

/* One mapping of the file: its keys, and the struct they go into. */
struct ax_section {
    const char *name; /* "remote_write", as in "unknown key "x" in remote_write" */
    const char *doc;
    const struct ax_key *keys;
    size_t keys_n;
    size_t size;         /* of the struct; for lists */
    size_t place_offset; /* of a struct ax_place in it, SIZE_MAX for none */
};

/* The whole file, into struct ax_config. */
extern const struct ax_section ax_schema_file;

/* One job, into struct ax_job_config. */
extern const struct ax_section ax_schema_job;

/* The key of that name in the section or in one inlined into it; *base_offset gets what is to be added to
 * its offsets. NULL when there is none. */
const struct ax_key *ax_schema_find(const struct ax_section *s, struct ax_str name, size_t *base_offset);

/* The key of the section that is nearest to a misspelt name; NULL when none is near. */
const char *ax_schema_nearest(const struct ax_section *s, struct ax_str name);

/* "duration", "list of strings", ...: the type as a person reads it. */
const char *ax_key_type_name(enum ax_key_type type);

#endif
