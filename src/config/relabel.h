/* relabel.h: rewriting of label sets: the rules of Prometheus's write_relabel_configs.
 *
 * Semantics are those of Prometheus 3 (relabel_config in its configuration reference): source labels are
 * joined with the separator; the regular expression is anchored at both ends; `$1`, `${1}` and `${name}`
 * stand for its groups and `$$` for a dollar sign; setting a label to the empty value removes it. */
#ifndef AX_CONFIG_RELABEL_H
#define AX_CONFIG_RELABEL_H

#include "base/arena.h"
#include "base/err.h"
#include "prom/labels.h"

/* What a rule does; names as in the file, see ax_relabel_parse_action(). */
enum ax_relabel_action {
    AX_RELABEL_REPLACE, /* the default */
    AX_RELABEL_KEEP,
    AX_RELABEL_DROP,
    AX_RELABEL_HASHMOD,
    AX_RELABEL_LABELMAP,
    AX_RELABEL_LABELDROP,
    AX_RELABEL_LABELKEEP,
    AX_RELABEL_LOWERCASE,
    AX_RELABEL_UPPERCASE,
    AX_RELABEL_KEEPEQUAL,
    AX_RELABEL_DROPEQUAL,
    AX_RELABEL_ACTION_N
};

/* A rule as it stands in the file. A text whose p is NULL was not given and takes Prometheus's default
 * (separator ";", regex "(.*)", replacement "$1"); an empty text that was given has p non-NULL. */
struct ax_relabel_spec {
    enum ax_relabel_action action;
    const struct ax_str *source_labels;
    uint32_t source_labels_n;
    struct ax_str separator, regex, target_label, replacement;
    uint64_t modulus; /* 0: not given */
};

struct ax_regex; /* prom/regex.h */

/* A checked rule, ready to apply. Everything in it lives in the arena that ax_relabel_init() was given, or,
 * as the compiled expression, ends with it, so that giving the arena back frees it. Immutable: any thread may
 * apply. */
struct ax_relabel {
    enum ax_relabel_action action;
    const struct ax_str *source_labels;
    uint32_t source_labels_n;
    struct ax_str separator, pattern, target_label, replacement; /* pattern: the text of regex */
    uint64_t modulus;
    const struct ax_regex *regex;
};

/* "replace", "keep", ... in any case, as Prometheus reads them. AX_INVALID with a text that lists them. */
AX_MUST_USE enum ax_err ax_relabel_parse_action(struct ax_str text, enum ax_relabel_action *out,
                                                struct ax_diag *diag);

/* Name of an action as in the file; never NULL. */
const char *ax_relabel_action_name(enum ax_relabel_action action);

/* Check a rule and compile it into *out (an element of the caller's array); texts are copied into the
 * arena. AX_INVALID with a text that names the key at fault (what Prometheus refuses is refused: hashmod
 * without modulus, replace without target_label, keys that an action does not take, ...); AX_NOMEM. */
AX_MUST_USE enum ax_err ax_relabel_init(struct ax_relabel *out, const struct ax_relabel_spec *spec,
                                        struct ax_arena *arena, struct ax_diag *diag);

/* Apply n rules in turn. out is canonical, lives in the arena and may share bytes with in; out->n == 0
 * says that the series is dropped. AX_NOMEM.
 * Cost: one pass over the labels for each rule. */
AX_MUST_USE enum ax_err ax_relabel_apply(const struct ax_relabel *rules, uint32_t n,
                                         const struct ax_labels *in, struct ax_arena *arena,
                                         struct ax_labels *out);

#endif
