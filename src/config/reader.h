/* reader.h: from a YAML document to the structs of config.h, led by the table of schema.h.
 *
 * Problems are added to a list and reading goes on. Used by config.c and validate.c only; one thread. */
#ifndef AX_CONFIG_READER_H
#define AX_CONFIG_READER_H

#include "config/schema.h"

#include <yaml.h>

/* One reading of one file. lines: byte offset of each line of source; both outlive the reader. */
struct ax_reader {
    yaml_document_t *doc;
    struct ax_str source;
    const size_t *lines;
    size_t lines_n;
    struct ax_arena *arena;       /* what the structs point into */
    struct ax_problems *problems; /* where problems go */
    bool nomem;                   /* the arena is full: the result is unusable */
};

/* Fill a section's struct from a mapping: defaults first, then what the file says. node NULL: defaults
 * alone. Unknown, repeated and missing keys, and values that do not fit, become problems. */
void ax_read_section(struct ax_reader *r, yaml_node_t *node, const struct ax_section *s, void *base);

/* Read an expression's text, and where each of its bytes stands in the source. false: out of memory. */
bool ax_read_text(struct ax_reader *r, const yaml_node_t *node, struct ax_text *out);

/* Value of a key in a mapping; NULL when there is none (or node is NULL or no mapping). */
yaml_node_t *ax_yaml_get(struct ax_reader *r, yaml_node_t *node, const char *key);

/* An item of a list; NULL when there is none. */
yaml_node_t *ax_yaml_item(struct ax_reader *r, yaml_node_t *node, uint32_t i);

/* Where a node begins; the place given when node is NULL. */
struct ax_place ax_yaml_place(const yaml_node_t *node, struct ax_place otherwise);

/* A value as problems show it: cut, control bytes as '?'. Returns out. */
const char *ax_shown(struct ax_str s, char out[static 72]);

/* The same place, writable: for what the reader itself has just made and nobody else has seen yet. */
static inline void *ax_fresh(const void *p)
{
    void *q;
    memcpy(&q, &p, sizeof q);
    return q;
}

#endif
