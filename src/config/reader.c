/* reader.c: walks mappings beside the table; each kind of value has one small reader. */
#include "config/reader.h"

#include "base/parse.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

#define MAPPING_MAX 1000
#define EXPR_MAX 8192

const char *ax_shown(struct ax_str s, char out[static 72])
{
    size_t n = 0;
    for (; n < s.n && n < 64; n++)
        out[n] = (unsigned char)s.p[n] < 0x20 || s.p[n] == 0x7f ? '?' : s.p[n];
    while (n < s.n && n > 0 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    memcpy(out + n, n < s.n ? "..." : "", n < s.n ? 4 : 1);
    return out;
}

/* What is wrong with an http or https URL, or NULL. */
static const char *url_fault(struct ax_str url)
{
    struct ax_str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < url.n; i++)
        if ((unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f)
            return "has a space or control character";
    for (size_t i = 0; i < 2; i++) {
        size_t n = schemes[i].n;
        if (url.n >= n && strncasecmp(url.p, schemes[i].p, n) == 0)
            return url.n == n || url.p[n] == '/' || url.p[n] == ':' ? "has no host" : NULL;
    }
    return "must begin with http:// or https://";
}

struct ax_place ax_yaml_place(const yaml_node_t *node, struct ax_place otherwise)
{
    if (!node)
        return otherwise;
    return (struct ax_place){(uint32_t)node->start_mark.line + 1, (uint32_t)node->start_mark.column + 1};
}

/* Text of a scalar node. */
static struct ax_str scalar(const yaml_node_t *node)
{
    return (struct ax_str){(const char *)node->data.scalar.value, node->data.scalar.length};
}

static bool is_plain(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* YAML's null: a plain scalar without text, or one of its words. */
static bool is_null(const yaml_node_t *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; is_plain(node) && i < sizeof words / sizeof words[0]; i++)
        if (ax_str_eq(scalar(node), ax_str(words[i])))
            return true;
    return false;
}

static const char *kind_of(const yaml_node_t *node)
{
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    return is_null(node) ? "nothing" : "a single value";
}

yaml_node_t *ax_yaml_get(struct ax_reader *r, yaml_node_t *node, const char *key)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
        if (k->type == YAML_SCALAR_NODE && ax_str_eq(scalar(k), ax_str(key)))
            return yaml_document_get_node(r->doc, p->value);
    }
    return NULL;
}

yaml_node_t *ax_yaml_item(struct ax_reader *r, yaml_node_t *node, uint32_t i)
{
    if (!node || node->type != YAML_SEQUENCE_NODE)
        return NULL;
    yaml_node_item_t *items = node->data.sequence.items.start;
    return i < node->data.sequence.items.top - items ? yaml_document_get_node(r->doc, items[i]) : NULL;
}

/* Is the node of the kind that its key needs, with no tag of its own? Otherwise a problem. */
static bool expect(struct ax_reader *r, const yaml_node_t *node, yaml_node_type_t type, const char *name)
{
    static const char *const wanted[] = {[YAML_SCALAR_NODE] = "a single value",
                                         [YAML_SEQUENCE_NODE] = "a list",
                                         [YAML_MAPPING_NODE] = "a mapping"};
    static const char *const tags[] = {[YAML_SCALAR_NODE] = YAML_STR_TAG,
                                       [YAML_SEQUENCE_NODE] = YAML_SEQ_TAG,
                                       [YAML_MAPPING_NODE] = YAML_MAP_TAG};
    struct ax_place place = ax_yaml_place(node, (struct ax_place){0, 0});
    if (node->type != type || (type == YAML_SCALAR_NODE && is_null(node))) {
        ax_problem_add(r->problems, place, false, "%s must be %s, not %s", name, wanted[type], kind_of(node));
        return false;
    }
    if (strcmp((const char *)node->tag, tags[type]) != 0) {
        ax_problem_add(r->problems, place, false, "%s has a tag: tags are not supported, remove it", name);
        return false;
    }
    return true;
}

/* An expression that is short enough; otherwise a problem. */
static bool expect_expr(struct ax_reader *r, const yaml_node_t *node, const char *name)
{
    if (node->data.scalar.length <= EXPR_MAX)
        return true;
    ax_problem_add(r->problems, ax_yaml_place(node, (struct ax_place){0, 0}), false,
                   "%s: an expression has at most %d bytes; use a recording rule for a longer one", name,
                   EXPR_MAX);
    return false;
}

static struct ax_str copied(struct ax_reader *r, struct ax_str s)
{
    struct ax_str copy = ax_arena_str(r->arena, s);
    if (!copy.p)
        r->nomem = true;
    return copy;
}

/* Zeroed memory for n elements; NULL (and nomem) when there is none. */
static void *elements(struct ax_reader *r, size_t n, size_t size)
{
    void *p = ax_arena_array(r->arena, n, size);
    if (p)
        memset(p, 0, n * size);
    else
        r->nomem = true;
    return p;
}

static bool outside(const struct ax_key *key, double v)
{
    return !(v >= key->min && v <= key->max) || (key->open && !(v > key->min && v < key->max));
}

/* Say that a number is outside its key's range. */
static void range_problem(struct ax_reader *r, const struct ax_key *key, struct ax_place place)
{
    char lo[32], hi[32];
    if (key->type == AX_KEY_DURATION || key->type == AX_KEY_DURATIONS) {
        ax_format_duration((int64_t)key->min, lo, sizeof lo);
        ax_format_duration((int64_t)key->max, hi, sizeof hi);
    } else {
        ax_format_double(key->min, lo, sizeof lo);
        ax_format_double(key->max, hi, sizeof hi);
    }
    if (key->open)
        ax_problem_add(r->problems, place, false, "%s must be above %s and below %s", key->name, lo, hi);
    else
        ax_problem_add(r->problems, place, false, "%s must be from %s to %s", key->name, lo, hi);
}

static bool read_duration(struct ax_reader *r, const struct ax_key *key, struct ax_str text,
                          struct ax_place place, int64_t *out)
{
    char shown[72];
    if (ax_parse_duration(text, out) == AX_OK)
        return true;
    ax_problem_add(r->problems, place, false, "%s: \"%s\" is no duration (write 15s, 5m, 1h30m, 14d)",
                   key->name, ax_shown(text, shown));
    return false;
}

/* Numbers of all kinds, checked against the key's range. */
static void read_number(struct ax_reader *r, const struct ax_key *key, struct ax_str text,
                        struct ax_place place, void *field)
{
    char shown[72];
    double v = 0;
    int64_t whole = 0;
    if (key->type == AX_KEY_DURATION) {
        if (!read_duration(r, key, text, place, &whole))
            return;
        v = (double)whole;
    } else if (key->type == AX_KEY_NUMBER ? ax_parse_double(text, &v) != AX_OK
                                          : ax_parse_i64(text, &whole) != AX_OK) {
        ax_problem_add(r->problems, place, false, "%s: \"%s\" is no %s", key->name, ax_shown(text, shown),
                       ax_key_type_name(key->type));
        return;
    } else if (key->type != AX_KEY_NUMBER) {
        v = (double)whole;
    }
    if (outside(key, v)) {
        range_problem(r, key, place);
        return;
    }
    uint32_t small = (uint32_t)whole;
    if (key->type == AX_KEY_COUNT)
        memcpy(field, &small, sizeof small);
    else if (key->type == AX_KEY_NUMBER)
        memcpy(field, &v, sizeof v);
    else
        memcpy(field, &whole, sizeof whole);
}

/* One of the words that a key allows. */
static void read_choice(struct ax_reader *r, const struct ax_key *key, struct ax_str text,
                        struct ax_place place, void *field)
{
    char list[256] = "", shown[72];
    for (int i = 0; key->choices[i]; i++) {
        size_t n = strlen(list);
        bool same = key->type == AX_KEY_ENUM ? strlen(key->choices[i]) == text.n &&
                                                   strncasecmp(key->choices[i], text.p, text.n) == 0
                                             : ax_str_eq(text, ax_str(key->choices[i]));
        if (same && key->type == AX_KEY_ENUM)
            memcpy(field, &i, sizeof i);
        if (same && key->type == AX_KEY_CHOICE) {
            struct ax_str choice = ax_str(key->choices[i]);
            memcpy(field, &choice, sizeof choice);
        }
        if (same)
            return;
        (void)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", key->choices[i]);
    }
    ax_problem_add(r->problems, place, false, "%s must be one of %s; not \"%s\"", key->name, list,
                   ax_shown(text, shown));
}

/* true and false as YAML 1.2 has them, and "auto" where a key allows it. */
static void read_bool(struct ax_reader *r, const struct ax_key *key, struct ax_str text,
                      struct ax_place place, void *field)
{
    char shown[72];
    bool yes = ax_str_eq(text, ax_str("true"));
    int three = yes;
    if (key->type == AX_KEY_AUTO && ax_str_eq(text, ax_str("auto")))
        three = -1;
    else if (!yes && !ax_str_eq(text, ax_str("false"))) {
        ax_problem_add(r->problems, place, false, "%s must be %s; not \"%s\"", key->name,
                       ax_key_type_name(key->type), ax_shown(text, shown));
        return;
    }
    if (key->type == AX_KEY_AUTO)
        memcpy(field, &three, sizeof three);
    else
        memcpy(field, &yes, sizeof yes);
}

/* Any single value, from the file or from the table's default. */
static void read_scalar(struct ax_reader *r, const struct ax_key *key, struct ax_str text,
                        struct ax_place place, void *field)
{
    switch (key->type) {
    case AX_KEY_DURATION:
    case AX_KEY_COUNT:
    case AX_KEY_COUNT64:
    case AX_KEY_NUMBER:
        read_number(r, key, text, place, field);
        return;
    case AX_KEY_BOOL:
    case AX_KEY_AUTO:
        read_bool(r, key, text, place, field);
        return;
    case AX_KEY_CHOICE:
    case AX_KEY_ENUM:
        read_choice(r, key, text, place, field);
        return;
    default:
        break;
    }
    if (memchr(text.p, '\0', text.n)) {
        ax_problem_add(r->problems, place, false, "%s has a zero byte", key->name);
        return;
    }
    if (key->type == AX_KEY_URL && url_fault(text)) {
        ax_problem_add(r->problems, place, false, "%s %s", key->name, url_fault(text));
        return;
    }
    struct ax_str copy = copied(r, text);
    memcpy(field, &copy, sizeof copy);
}

/* Put a list's memory and count where its key says. */
static void store_list(const struct ax_key *key, char *base, const void *list, uint32_t n)
{
    memcpy(base + key->offset, &list, sizeof list);
    memcpy(base + key->n_offset, &n, sizeof n);
}

/* Entries of a list or mapping, or -1 (with a problem) when there are more than the key allows. */
static int64_t entries(struct ax_reader *r, const struct ax_key *key, const yaml_node_t *node)
{
    int64_t n = node->type == YAML_MAPPING_NODE
                    ? node->data.mapping.pairs.top - node->data.mapping.pairs.start
                    : (int64_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if ((double)n <= key->max)
        return n;
    ax_problem_add(r->problems, ax_yaml_place(node, (struct ax_place){0, 0}), false,
                   "%s has %" PRId64 " entries, at most %.0f are allowed", key->name, n, key->max);
    return -1;
}

/* A list of strings or of durations. */
static void read_list(struct ax_reader *r, const struct ax_key *key, yaml_node_t *node, char *base)
{
    bool strings = key->type == AX_KEY_STRINGS;
    int64_t n = entries(r, key, node);
    if (n < 0)
        return;
    struct ax_str *texts = elements(r, strings ? (size_t)n : 0, sizeof *texts);
    int64_t *durations = elements(r, strings ? 0 : (size_t)n, sizeof *durations);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n && !r->nomem; i++) {
        yaml_node_t *item = ax_yaml_item(r, node, i);
        if (!expect(r, item, YAML_SCALAR_NODE, key->name))
            continue;
        struct ax_place place = ax_yaml_place(item, (struct ax_place){0, 0});
        if (strings)
            texts[kept++] = copied(r, scalar(item));
        else if (read_duration(r, key, scalar(item), place, &durations[kept]))
            kept++;
    }
    store_list(key, base, strings ? (const void *)texts : durations, kept);
}

/* Values of a mapping in all, where each may be a list of them; those of a list too long are cut to the key's
 * limit by entries(). */
static size_t values_in(struct ax_reader *r, const yaml_node_t *node)
{
    size_t n = 0;
    for (const yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        const yaml_node_t *value = yaml_document_get_node(r->doc, p->value);
        n += value->type == YAML_SEQUENCE_NODE
                 ? (size_t)(value->data.sequence.items.top - value->data.sequence.items.start)
                 : 1;
    }
    return n;
}

/* A mapping of names to headers (a value, or a list of them), or to secrets. */
static void read_headers(struct ax_reader *r, const struct ax_key *key, yaml_node_t *node, char *base)
{
    if (entries(r, key, node) < 0)
        return;
    size_t n = values_in(r, node);
    if ((double)n > key->max) {
        ax_problem_add(r->problems, ax_yaml_place(node, (struct ax_place){0, 0}), false,
                       "%s has %zu values, at most %.0f are allowed", key->name, n, key->max);
        return;
    }
    struct ax_http_field *fields = elements(r, n, sizeof *fields);
    uint32_t kept = 0;
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top && !r->nomem;
         p++) {
        const yaml_node_t *name = yaml_document_get_node(r->doc, p->key);
        yaml_node_t *value = yaml_document_get_node(r->doc, p->value), *item = value;
        bool list = key->type == AX_KEY_HEADERS && value->type == YAML_SEQUENCE_NODE;
        if (!expect(r, name, YAML_SCALAR_NODE, "a name"))
            continue;
        for (uint32_t i = 0; (!list && i == 0) || (list && (item = ax_yaml_item(r, value, i))); i++)
            if (expect(r, item, YAML_SCALAR_NODE, key->name) && !r->nomem)
                fields[kept++] = (struct ax_http_field){copied(r, scalar(name)), copied(r, scalar(item))};
    }
    store_list(key, base, fields, kept);
}

/* A mapping of names to texts: labels, features. */
static void read_map(struct ax_reader *r, const struct ax_key *key, yaml_node_t *node, char *base)
{
    int64_t n = entries(r, key, node);
    if (n < 0)
        return;
    struct ax_label *labels = elements(r, (size_t)n, sizeof *labels);
    struct ax_feature_config *features = elements(r, (size_t)n, sizeof *features);
    uint32_t kept = 0;
    yaml_node_pair_t *pairs = node->data.mapping.pairs.start;
    for (int64_t i = 0; i < n && !r->nomem; i++) {
        yaml_node_t *name = yaml_document_get_node(r->doc, pairs[i].key);
        yaml_node_t *value = yaml_document_get_node(r->doc, pairs[i].value);
        if (!expect(r, name, YAML_SCALAR_NODE, "a name") || !expect(r, value, YAML_SCALAR_NODE, key->name))
            continue;
        struct ax_str text = copied(r, scalar(name)), to = copied(r, scalar(value));
        labels[kept] = (struct ax_label){text, to};
        features[kept].name = text;
        if (key->type == AX_KEY_FEATURES && expect_expr(r, value, key->name))
            r->nomem |= !ax_read_text(r, value, &features[kept].expr);
        kept++;
    }
    struct ax_labels set = {kept, labels};
    if (key->type == AX_KEY_LABELS)
        memcpy(base + key->offset, &set, sizeof set);
    else
        store_list(key, base, features, kept);
}

/* A list of mappings. */
static void read_sections(struct ax_reader *r, const struct ax_key *key, yaml_node_t *node, char *base)
{
    const struct ax_section *s = key->section;
    int64_t n = entries(r, key, node);
    char *list = n < 0 ? NULL : elements(r, (size_t)n, s->size);
    for (uint32_t i = 0; list && i < n && !r->nomem; i++)
        ax_read_section(r, ax_yaml_item(r, node, i), s, list + i * s->size);
    if (list)
        store_list(key, base, list, (uint32_t)n);
}

/* Warn of, or refuse, what Prometheus has and Auspex has not. */
static void read_foreign(struct ax_reader *r, const struct ax_key *key, const yaml_node_t *node)
{
    struct ax_place place = ax_yaml_place(node, (struct ax_place){0, 0});
    if (key->type == AX_KEY_INERT)
        ax_problem_add(r->problems, place, true, "%s has no effect: %s", key->name, key->doc);
    else
        ax_problem_add(r->problems, place, false, "%s is not supported: %s", key->name, key->doc);
}

/* The value of one key. */
static void read_value(struct ax_reader *r, const struct ax_key *key, yaml_node_t *node, char *base)
{
    switch (key->type) {
    case AX_KEY_INERT:
    case AX_KEY_REFUSED:
        read_foreign(r, key, node);
        return;
    case AX_KEY_SECTION:
        if (key->n_offset)
            memcpy(base + key->n_offset, &(bool){true}, sizeof(bool));
        ax_read_section(r, is_null(node) ? NULL : node, key->section, base + key->offset);
        return;
    case AX_KEY_SECTIONS:
    case AX_KEY_STRINGS:
    case AX_KEY_DURATIONS:
        if (is_null(node) || !expect(r, node, YAML_SEQUENCE_NODE, key->name))
            return;
        if (key->type == AX_KEY_SECTIONS)
            read_sections(r, key, node, base);
        else
            read_list(r, key, node, base);
        return;
    case AX_KEY_LABELS:
    case AX_KEY_HEADERS:
    case AX_KEY_SECRETS:
    case AX_KEY_FEATURES:
        if (is_null(node) || !expect(r, node, YAML_MAPPING_NODE, key->name))
            return;
        if (key->type == AX_KEY_HEADERS || key->type == AX_KEY_SECRETS)
            read_headers(r, key, node, base);
        else
            read_map(r, key, node, base);
        return;
    default:
        break;
    }
    if (!expect(r, node, YAML_SCALAR_NODE, key->name))
        return;
    if (key->type == AX_KEY_EXPR) {
        struct ax_text text = {{NULL, 0}, {0, 0}, NULL};
        if (!expect_expr(r, node, key->name))
            return;
        r->nomem |= !ax_read_text(r, node, &text);
        memcpy(base + key->offset, &text, sizeof text);
    } else {
        read_scalar(r, key, scalar(node), ax_yaml_place(node, (struct ax_place){0, 0}), base + key->offset);
    }
}

/* The table's defaults, recursively; a computed one leaves -1 in a duration or a number and nothing
 * elsewhere. */
static void read_defaults(struct ax_reader *r, const struct ax_section *s, char *base)
{
    for (size_t i = 0; i < s->keys_n; i++) {
        const struct ax_key *key = &s->keys[i];
        const int64_t unset = -1;
        const double unset_number = -1;
        if (key->type == AX_KEY_SECTION || key->type == AX_KEY_INLINE)
            read_defaults(r, key->section, base + key->offset);
        else if (key->fallback && key->fallback[0] == '(' && key->type == AX_KEY_DURATION)
            memcpy(base + key->offset, &unset, sizeof unset);
        else if (key->fallback && key->fallback[0] == '(' && key->type == AX_KEY_NUMBER)
            memcpy(base + key->offset, &unset_number, sizeof unset_number);
        else if (key->fallback && key->fallback[0] == '[') { /* a list of one word */
            struct ax_str *one = elements(r, 1, sizeof *one);
            if (!one)
                return;
            *one = (struct ax_str){key->fallback + 1, strlen(key->fallback) - 2};
            store_list(key, base, one, 1);
        } else if (key->fallback && key->fallback[0] != '(' && key->fallback[0] != '{')
            read_scalar(r, key, ax_str(key->fallback), (struct ax_place){0, 0}, base + key->offset);
    }
}

/* A key's name was seen before in this mapping? */
static bool repeated(struct ax_reader *r, const yaml_node_pair_t *first, const yaml_node_pair_t *p,
                     struct ax_str name)
{
    for (; first < p; first++) {
        const yaml_node_t *k = yaml_document_get_node(r->doc, first->key);
        if (k->type == YAML_SCALAR_NODE && ax_str_eq(scalar(k), name))
            return true;
    }
    return false;
}

/* Report repeated names, in any mapping; those of a mapping too long are left to its own limit. */
static void check_repeats(struct ax_reader *r, yaml_node_t *node)
{
    char shown[72];
    yaml_node_pair_t *first = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
    for (yaml_node_pair_t *p = first; p < end && p - first < MAPPING_MAX; p++) {
        yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
        if (k->type == YAML_SCALAR_NODE && repeated(r, first, p, scalar(k)))
            ax_problem_add(r->problems, ax_yaml_place(k, (struct ax_place){0, 0}), false,
                           "\"%s\" stands here a second time", ax_shown(scalar(k), shown));
    }
}

/* "; it has: a, b, c", as far as there is room: the whole list is in docs/config.md. */
static const char *known_keys(const struct ax_section *s, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < s->keys_n; i++) {
        int more = snprintf(out + n, size - n, "%s%s", i ? ", " : "; it has: ", s->keys[i].name);
        if (more < 0 || (size_t)more + sizeof ", ..." > size - n) {
            (void)snprintf(out + n, size - n, ", ...");
            break;
        }
        n += (size_t)more;
    }
    return out;
}

static void unknown_key(struct ax_reader *r, const struct ax_section *s, const yaml_node_t *k)
{
    char shown[72], known[256];
    struct ax_place place = ax_yaml_place(k, (struct ax_place){0, 0});
    const char *nearest = ax_schema_nearest(s, scalar(k));
    if (ax_str_eq(scalar(k), ax_str("<<")))
        ax_problem_add(r->problems, place, false, "merge keys (<<) are not supported: write the keys out");
    else if (nearest)
        ax_problem_add(r->problems, place, false, "unknown key \"%s\" in %s; did you mean \"%s\"?",
                       ax_shown(scalar(k), shown), s->name, nearest);
    else
        ax_problem_add(r->problems, place, false, "unknown key \"%s\" in %s%s", ax_shown(scalar(k), shown),
                       s->name, known_keys(s, known, sizeof known));
}

/* Say which required keys are missing. */
static void check_required(struct ax_reader *r, const struct ax_section *s, yaml_node_t *node,
                           struct ax_place place)
{
    for (size_t i = 0; i < s->keys_n; i++)
        if (s->keys[i].required && !ax_yaml_get(r, node, s->keys[i].name))
            ax_problem_add(r->problems, place, false, "%s needs the key \"%s\"", s->name, s->keys[i].name);
}

void ax_read_section(struct ax_reader *r, yaml_node_t *node, const struct ax_section *s, void *base)
{
    struct ax_place place = ax_yaml_place(node, (struct ax_place){0, 0});
    read_defaults(r, s, base);
    if (s->place_offset != SIZE_MAX)
        memcpy((char *)base + s->place_offset, &place, sizeof place);
    if (!node || !expect(r, node, YAML_MAPPING_NODE, s->name))
        return;
    check_repeats(r, node);
    yaml_node_pair_t *first = node->data.mapping.pairs.start;
    for (yaml_node_pair_t *p = first; p < node->data.mapping.pairs.top && !r->nomem; p++) {
        yaml_node_t *k = yaml_document_get_node(r->doc, p->key);
        if (p - first >= MAPPING_MAX) {
            ax_problem_add(r->problems, ax_yaml_place(k, place), false, "%s has more than %d keys", s->name,
                           MAPPING_MAX);
            break;
        }
        if (!expect(r, k, YAML_SCALAR_NODE, "a key"))
            continue;
        size_t base_offset = 0;
        const struct ax_key *key = ax_schema_find(s, scalar(k), &base_offset);
        yaml_node_t *value = yaml_document_get_node(r->doc, p->value);
        if (!key)
            unknown_key(r, s, k);
        else if (!repeated(r, first, p, scalar(k))) {
            bool named = key->type == AX_KEY_LABELS || key->type == AX_KEY_HEADERS ||
                         key->type == AX_KEY_SECRETS || key->type == AX_KEY_FEATURES;
            if (named && value->type == YAML_MAPPING_NODE)
                check_repeats(r, value);
            read_value(r, key, value, (char *)base + base_offset);
        }
    }
    check_required(r, s, node, place);
}
