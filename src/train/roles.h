/* roles.h: the generations of a model by their roles: who serves, who is compared with it, and in what phase
 * that is (train/trial.h). Plain values; pure. */
#ifndef AX_TRAIN_ROLES_H
#define AX_TRAIN_ROLES_H

#include "base/bytes.h"
#include "registry/registry.h"

/* What stands here is saved by its number. */
enum ax_phase {
    AX_PHASE_NONE,
    AX_PHASE_SHADOW,
    AX_PHASE_CANARY,
    AX_PHASE_APPROVAL,
    AX_PHASE_WATCH,
    AX_PHASES
};

/* "none", "shadow", "canary", "approval", "watch". */
const char *ax_phase_name(enum ax_phase phase);

#define AX_VERSION_TEXT 36

/* A generation by its artifact, and the number that people know it by. Both empty: nobody. */
struct ax_role {
    char sha256[AX_SHA256_TEXT];
    char version[AX_VERSION_TEXT];
};

/* Who has which role. */
struct ax_roles {
    struct ax_role live, shadow;
    struct ax_role baseline; /* whose data live's inputs are tested against for drift; nobody: its own */
    enum ax_phase phase;
    bool held;     /* live serves because somebody wants it to, or another one was rolled back: whoever is to
                      take its place wins a trial */
    uint8_t share; /* per cent of the series that a canary serves; else 0 */
    bool rolled_back; /* that is how it came to this */
};

/* Do two roles have the same artifact? */
bool ax_role_same(const struct ax_role *a, const struct ax_role *b);

/* Is it nobody's? */
bool ax_role_is_empty(const struct ax_role *r);

/* Is the same pair compared, in the same phase? Its losses go on. */
bool ax_roles_go_on(const struct ax_roles *a, const struct ax_roles *b);

/* Try a challenger as a shadow; nobody: the champion serves alone. */
void ax_roles_try(const struct ax_role *challenger, struct ax_roles *roles);

/* Append them. */
void ax_roles_put(struct ax_buf *out, const struct ax_roles *roles);

/* Read them back; what cannot be is a failure of in. */
void ax_roles_get(struct ax_bytes *in, struct ax_roles *out);

#endif
