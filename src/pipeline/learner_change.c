/* learner_change.c: from roles to generations, the change itself, and what lasts of it. */
#include "base/assert.h"
#include "base/metrics.h"
#include "pipeline/learner_priv.h"
#include "registry/digest.h"

#include <stdio.h>
#include <string.h>

/* Build what an artifact holds. */
static enum ax_err build(const struct ax_learner *l, const char *sha256, struct ax_generation **out,
                         struct ax_diag *diag)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    struct ax_buf bytes;
    if (!store || !store->get)
        return ax_fail(diag, AX_NOTFOUND, "there is no store of models");
    ax_buf_init(&bytes, AX_ARTIFACT_MAX);
    enum ax_err err = store->get(store->ctx, sha256, &bytes, diag);
    if (err == AX_OK)
        err = ax_generation_new(l->spec.kind, l->spec.build, ax_buf_view(&bytes), out, diag);
    ax_buf_done(&bytes);
    return err;
}

/* The generation of a role, NULL for nobody: one that is here, or one that is built. */
static enum ax_err find(const struct ax_learner *l, const struct ax_role *role, struct ax_generation **out,
                        struct ax_diag *diag)
{
    struct ax_generation *const here[] = {l->live, l->shadow, l->fresh, l->baseline};
    *out = NULL;
    if (ax_role_is_empty(role))
        return AX_OK;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        if (here[i] && strcmp(here[i]->sha256, role->sha256) == 0) {
            *out = ax_generation_keep(here[i]);
            return AX_OK;
        }
    }
    return build(l, role->sha256, out, diag);
}

/* One that was given a role in the store cannot be used: it loses it there. */
static void withdraw(struct ax_learner *l, enum ax_artifact_move how, const struct ax_role *role,
                     enum ax_err err, const struct ax_diag *diag)
{
    char why[AX_LEARNER_WHY];
    struct ax_diag refused = {{0}};
    ax_learner_refuse(l, err, diag->text);
    memcpy(l->refused, role->sha256, sizeof l->refused);
    (void)snprintf(why, sizeof why, "it cannot be used: %.150s", diag->text);
    if (l->live && ax_learner_move(l, how, role->sha256, why, &refused) == AX_OK)
        ax_learner_tell(l, how == AX_ARTIFACT_ROLL_BACK ? "rolled_back" : "retired", role, why);
}

/* May it be had at another time? */
static bool may_pass(enum ax_err err)
{
    return err == AX_NOMEM || err == AX_IO;
}

/* The generation of the baseline. Without it inputs are tested against what serves has learnt from. */
static enum ax_err find_baseline(const struct ax_learner *l, const struct ax_role *role,
                                 struct ax_generation **out, struct ax_diag *diag)
{
    const enum ax_err err = find(l, role, out, diag);
    if (err == AX_OK || may_pass(err))
        return err;
    ax_learner_refuse(l, err, diag->text);
    return AX_OK;
}

static void drop_next(struct ax_learner_next *next)
{
    ax_generation_free(next->live);
    ax_generation_free(next->shadow);
    ax_generation_free(next->baseline);
    *next = (struct ax_learner_next){.any = false};
}

/* Build what the roles need. */
bool ax_learner_prepare(struct ax_learner *l, struct ax_roles *want)
{
    struct ax_diag diag = {{0}};
    struct ax_learner_next *next = &l->next;
    enum ax_err err = find(l, &want->live, &next->live, &diag);
    if (err != AX_OK) {
        if (may_pass(err))
            ax_learner_tell_failure(l, &diag);
        else
            withdraw(l, AX_ARTIFACT_ROLL_BACK, &want->live, err, &diag);
        return false;
    }
    err = find(l, &want->shadow, &next->shadow, &diag);
    if (err == AX_OK && want->phase != AX_PHASE_NONE && ax_trial_reserve(&l->trial, &l->spec.rule) != AX_OK)
        err = ax_fail(&diag, AX_NOMEM, "there is no memory for what the two are compared by");
    if (err != AX_OK && !may_pass(err)) {
        withdraw(l, AX_ARTIFACT_RETIRE, &want->shadow, err, &diag);
        ax_roles_try(&(struct ax_role){{0}, {0}}, want);
        err = ax_roles_go_on(want, &l->roles) ? AX_NOTREADY : AX_OK;
    }
    if (err == AX_OK)
        err = find_baseline(l, &want->baseline, &next->baseline, &diag);
    if (err != AX_OK) {
        if (may_pass(err))
            ax_learner_tell_failure(l, &diag);
        drop_next(next);
        return false;
    }
    next->roles = *want;
    next->any = true;
    return true;
}

static void change(struct ax_learner *l, const struct ax_learner_next *next, int64_t t_ms)
{
    const struct ax_generation *live = next->live, *shadow = next->shadow;
    const struct ax_roles *roles = &next->roles;
    const bool swaps = live && (!l->live || strcmp(l->live->sha256, live->sha256) != 0);
    const bool other = !ax_roles_go_on(roles, &l->roles);
    /* While it waits for its reviewers what it has shown stands. */
    if (roles->phase != AX_PHASE_APPROVAL && other)
        ax_trial_clear(&l->trial);
    if (!shadow)
        ax_trial_done(&l->trial);
    if (roles->rolled_back)
        l->rolled_back_ms = t_ms;
    if (other)
        l->age = 0;
    ax_generation_free(l->live);
    ax_generation_free(l->shadow);
    ax_generation_free(l->baseline);
    l->live = next->live;
    l->shadow = next->shadow;
    l->baseline = next->baseline;
    l->roles = *roles;
    /* Who could not be had has no role: whom the store names is looked for again. */
    if (!live)
        l->roles.live = (struct ax_role){{0}, {0}};
    if (!shadow)
        ax_roles_try(&(struct ax_role){{0}, {0}}, &l->roles);
    if (swaps)
        ax_metric_add(ax_metric(AX_M_TRAINING_SWAPS, l->spec.job, l->spec.kind->name), 1);
}

void ax_learner_swap(struct ax_learner *l, int64_t t_ms)
{
    AX_ASSERT(l->next.any);
    change(l, &l->next, t_ms);
    l->next = (struct ax_learner_next){.any = false};
}

enum ax_err ax_learner_restore(struct ax_learner *l, const struct ax_roles *roles, int64_t t_ms)
{
    struct ax_learner_next next = {.roles = *roles};
    struct ax_diag diag = {{0}};
    enum ax_err err = find(l, &roles->live, &next.live, &diag);
    if (err != AX_OK && err != AX_NOMEM)
        ax_learner_refuse(l, err, diag.text);
    if (err != AX_NOMEM)
        err = find(l, &roles->shadow, &next.shadow, &diag);
    if (err == AX_OK && roles->phase != AX_PHASE_NONE)
        err = ax_trial_reserve(&l->trial, &l->spec.rule);
    if (err != AX_OK && err != AX_NOMEM)
        ax_learner_refuse(l, err, diag.text);
    if (err != AX_NOMEM)
        err = find_baseline(l, &roles->baseline, &next.baseline, &diag);
    if (err == AX_NOMEM) {
        drop_next(&next);
        return err;
    }
    if (err != AX_OK) { /* it may be had at another time, and is until then what serves has learnt from */
        ax_learner_refuse(l, err, diag.text);
        if (ax_learner_has_standing(l)) /* which names it again */
            next.roles.baseline = (struct ax_role){{0}, {0}};
    }
    change(l, &next, t_ms);
    return AX_OK;
}

void ax_learner_save(const struct ax_learner *l, struct ax_buf *out)
{
    ax_roles_put(out, &l->roles);
    ax_put_i64(out, l->rolled_back_ms);
    ax_put_u32(out, l->age);
    ax_put_str(out, ax_str(l->flagged));
    ax_fits_put(out, &l->fits);
    ax_learner_shown_save(l, out);
    ax_trial_save(&l->trial, out);
}

enum ax_err ax_learner_load(struct ax_learner *l, struct ax_bytes *in)
{
    struct ax_roles roles;
    ax_roles_get(in, &roles);
    const int64_t rolled_back_ms = ax_get_ms(in);
    const uint32_t age = ax_get_u32(in);
    const struct ax_str flagged = ax_get_str(in);
    if (flagged.n && !ax_sha256_is_text(flagged))
        (void)ax_bytes_fail(in);
    else
        (void)snprintf(l->flagged, sizeof l->flagged, AX_STR_FMT, AX_STR_ARG(flagged));
    struct ax_fits fits;
    ax_fits_get(in, &fits);
    ax_learner_shown_load(l, in);
    if (in->err != AX_OK)
        return in->err;
    const enum ax_phase saved = roles.phase; /* that of the trial, whoever cannot be had now */
    roles.rolled_back = false;
    if (ax_learner_restore(l, &roles, INT64_MIN) != AX_OK)
        return AX_NOMEM;
    l->rolled_back_ms = rolled_back_ms;
    l->age = age;
    l->fits = fits;
    const enum ax_err err = ax_trial_load(&l->trial, &l->spec.rule, saved, in);
    if (!l->shadow)
        ax_trial_done(&l->trial);
    return err;
}
