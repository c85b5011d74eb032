/* learner_roles.c: who serves and who is compared: decided, taken over from the store, and found again. */
#include "base/assert.h"
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/learner.h"
#include "registry/digest.h"

#include <stdio.h>
#include <string.h>

#define WHY_MAX 192
#define STALE 3          /* times as long as its pairs take at the latest: then a trial ends without them */
#define LOCAL_VERSION 12 /* digits of its SHA-256 that stand for a version where the store has no numbers */

static bool same(const struct ax_role *a, const struct ax_role *b)
{
    return strcmp(a->sha256, b->sha256) == 0;
}

static bool is_empty(const struct ax_role *r)
{
    return *r->sha256 == '\0';
}

/* Is the same pair compared, in the same phase? Its losses go on. */
static bool goes_on(const struct ax_roles *a, const struct ax_roles *b)
{
    return a->phase == b->phase && a->share == b->share && same(&a->live, &b->live) &&
           same(&a->shadow, &b->shadow);
}

/* Has the store roles of its own? */
static bool has_standing(const struct ax_learner *l)
{
    const struct ax_artifacts *a = l->spec.artifacts;
    return l->spec.training && a && a->standing && a->settle && a->move && a->may_serve && a->changes;
}

static struct ax_artifact_about about(const struct ax_learner *l)
{
    return (struct ax_artifact_about){.job = l->spec.job,
                                      .kind = l->spec.kind->name,
                                      .feature = l->spec.feature,
                                      .tried = l->spec.rule.shadows};
}

void ax_learner_refuse(const struct ax_learner *l, enum ax_err err, const char *text)
{
    const char *reason = err == AX_NOTFOUND   ? "missing"
                         : err == AX_CONFLICT ? "other_features"
                         : err == AX_NOMEM    ? "memory"
                                              : "damaged";
    ax_metric_count(AX_M_TRAINING_FAILURES, l->spec.job, reason);
    ax_log(AX_LOG_ERROR, "model_refused", "job %s: a version of %s cannot be used: %s", l->spec.job,
           l->spec.kind->name, text);
}

/* ---- the store ---- */

/* Tell the store that what was asked for is done; what it does not take now is told again. */
static void settle(struct ax_learner *l, const struct ax_artifact_about *of)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    struct ax_diag diag = {{0}};
    if (!l->settles)
        return;
    const enum ax_err err = store->settle(store->ctx, of, &diag);
    l->settles = err != AX_OK;
    if (err != AX_OK)
        ax_log(AX_LOG_WARN, "training_not_settled", "job %s: %s: %s", l->spec.job, l->spec.kind->name,
               diag.text);
}

bool ax_learner_look(struct ax_learner *l)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    const struct ax_artifact_about of = about(l);
    struct ax_diag diag = {{0}};
    if (!has_standing(l))
        return false;
    settle(l, &of);
    const uint64_t changes = store->changes(store->ctx);
    if (l->looked && changes == l->changes)
        return l->answered;
    const enum ax_err err = store->standing(store->ctx, &of, &l->standing, &diag);
    if (err != AX_OK && err != AX_NOTFOUND)
        ax_log(AX_LOG_ERROR, "champion_unknown", "job %s: %s: %s", l->spec.job, l->spec.kind->name,
               diag.text);
    l->changes = changes;
    l->looked = err == AX_OK || err == AX_NOTFOUND; /* else it is looked at again */
    l->tells = true;
    l->answered = err == AX_OK;
    l->refused[0] = '\0';
    if (l->answered && l->standing.newest_ms > 0)
        l->newest_ms = l->standing.newest_ms;
    if (l->standing.asked && !l->asked && !l->settles && l->fits.begun != AX_FIT_MANUAL)
        ax_learner_ask(l);
    return l->answered;
}

/* Move the store; where it has no roles there is nothing to move. */
static enum ax_err move(struct ax_learner *l, enum ax_artifact_move how, const char *sha256, const char *why,
                        struct ax_diag *diag)
{
    const struct ax_artifact_about of = about(l);
    const struct ax_artifacts *store = l->spec.artifacts;
    return has_standing(l) ? store->move(store->ctx, &of, how, sha256, why, diag) : AX_OK;
}

/* ---- what the roles are to be ---- */

/* Somebody else serves: who served becomes the reference, when it was replaced and not returned to. */
static void install(const struct ax_learner *l, const struct ax_role *champion, bool watched,
                    struct ax_roles *want)
{
    *want = (struct ax_roles){.live = *champion};
    if (watched && l->live && l->spec.rule.watch_n) {
        want->shadow = l->roles.live;
        want->phase = AX_PHASE_WATCH;
    }
}

static void try_out(const struct ax_role *challenger, struct ax_roles *want)
{
    want->shadow = *challenger;
    want->phase = is_empty(challenger) ? AX_PHASE_NONE : AX_PHASE_SHADOW;
    want->share = 0;
}

static bool is_refused(const struct ax_learner *l, const struct ax_role *r)
{
    return !is_empty(r) && strcmp(r->sha256, l->refused) == 0;
}

/* Nobody is compared with who serves. */
static struct ax_roles alone(const struct ax_learner *l)
{
    return (struct ax_roles){.live = l->roles.live, .baseline = l->roles.baseline};
}

/* Whoever stays champion may have got another baseline. */
static bool follow_baseline(const struct ax_learner *l, struct ax_roles *want)
{
    if (!same(&l->standing.champion, &want->live) || same(&l->standing.baseline, &want->baseline))
        return false;
    want->baseline = l->standing.baseline;
    return true;
}

/* Follow the store; true when that changes something. */
static bool follow(struct ax_learner *l, struct ax_roles *want)
{
    const struct ax_artifact_standing *s = &l->standing;
    if (!is_empty(&s->champion) && !same(&s->champion, &l->roles.live) && !is_refused(l, &s->champion)) {
        const bool back = l->roles.phase == AX_PHASE_WATCH && same(&s->champion, &l->roles.shadow);
        install(l, &s->champion, !back && same(&s->replaced, &l->roles.live), want);
        want->rolled_back = back;
        (void)follow_baseline(l, want);
        return true;
    }
    const bool moved = follow_baseline(l, want);
    if (l->roles.phase == AX_PHASE_WATCH || !l->live || !l->spec.rule.shadows ||
        same(&s->challenger, &l->roles.shadow) || is_refused(l, &s->challenger))
        return moved;
    try_out(&s->challenger, want);
    return true;
}

/* Where the store knows of no roles: what was fitted last is tried, or serves. */
static void place_fresh(const struct ax_learner *l, struct ax_roles *want)
{
    struct ax_role role;
    memcpy(role.sha256, l->fresh->sha256, sizeof role.sha256);
    (void)snprintf(role.version, sizeof role.version, "%.*s", LOCAL_VERSION, role.sha256);
    if (!l->live || !l->spec.rule.shadows)
        install(l, &role, true, want);
    else
        try_out(&role, want);
}

static void tell(const struct ax_learner *l, const char *outcome, const struct ax_role *of, const char *why)
{
    ax_metric_count(AX_M_MODEL_DECISIONS, l->spec.job, outcome);
    ax_log(strcmp(outcome, "rolled_back") == 0 ? AX_LOG_WARN : AX_LOG_INFO, "model_decided",
           "job %s: version %s of %s is %s: %s", l->spec.job, of->version, l->spec.kind->name, outcome, why);
}

static void tell_failure(const struct ax_learner *l, const struct ax_diag *diag)
{
    ax_log(AX_LOG_WARN, "model_not_moved", "job %s: what was decided of %s cannot be done now: %s",
           l->spec.job, l->spec.kind->name, diag->text);
}

/* The challenger has passed, and must not serve yet, as diag says: it waits, unless it is the challenger no
 * more. */
static bool wait_for_approval(struct ax_learner *l, const char *why, const struct ax_diag *diag,
                              struct ax_roles *want)
{
    if (ax_learner_look(l) && follow(l, want))
        return true;
    l->tells = false;
    if (l->roles.phase == AX_PHASE_APPROVAL)
        return false;
    ax_log(AX_LOG_INFO, "model_waits", "job %s: version %s of %s has passed (%s): %s", l->spec.job,
           l->roles.shadow.version, l->spec.kind->name, why, diag->text);
    want->phase = AX_PHASE_APPROVAL;
    want->share = 0;
    return true;
}

/* Take the challenger into service. */
static bool promote(struct ax_learner *l, const char *why, struct ax_roles *want)
{
    struct ax_diag diag = {{0}};
    const struct ax_role challenger = l->roles.shadow;
    const enum ax_err err = move(l, AX_ARTIFACT_PROMOTE, challenger.sha256, why, &diag);
    l->tells = false;
    if (err == AX_CONFLICT)
        return wait_for_approval(l, why, &diag, want);
    if (err != AX_OK) {
        tell_failure(l, &diag);
        return false;
    }
    tell(l, "promoted", &challenger, why);
    install(l, &challenger, true, want);
    return true;
}

/* Let the challenger serve a share of the series: the first one only once its reviewers have approved. */
static bool serve_share(struct ax_learner *l, uint8_t share, const char *why, struct ax_roles *want)
{
    struct ax_diag diag = {{0}};
    const struct ax_artifact_about of = about(l);
    const struct ax_artifacts *store = l->spec.artifacts;
    const enum ax_err err = l->roles.phase != AX_PHASE_CANARY && has_standing(l)
                                ? store->may_serve(store->ctx, &of, l->roles.shadow.sha256, &diag)
                                : AX_OK;
    l->tells = false;
    if (err == AX_CONFLICT)
        return wait_for_approval(l, why, &diag, want);
    if (err != AX_OK) {
        tell_failure(l, &diag);
        return false;
    }
    want->phase = AX_PHASE_CANARY;
    want->share = share;
    return true;
}

/* Let the newer one go: a challenger, or the champion that is watched. */
static bool give_up(struct ax_learner *l, const char *why, struct ax_roles *want)
{
    struct ax_diag diag = {{0}};
    const bool back = l->roles.phase == AX_PHASE_WATCH;
    const struct ax_role loser = back ? l->roles.live : l->roles.shadow;
    const enum ax_err err =
        move(l, back ? AX_ARTIFACT_ROLL_BACK : AX_ARTIFACT_RETIRE, loser.sha256, why, &diag);
    if (err == AX_CONFLICT && ax_learner_look(l) && follow(l, want))
        return true; /* somebody was faster */
    if (err != AX_OK)
        tell_failure(l, &diag);
    if (err == AX_CONFLICT && back) { /* there is nothing to return to, and nothing more to be learnt */
        *want = alone(l);
        return true;
    }
    if (err != AX_OK)
        return false;
    tell(l, back ? "rolled_back" : "retired", &loser, why);
    *want = back ? (struct ax_roles){.live = l->roles.shadow, .rolled_back = true} : alone(l);
    return true;
}

/* The inputs have changed, and a challenger that has learnt from that was no better in its whole trial: so
 * the champion is right for them too, and they are measured by what the challenger has learnt from. */
static bool holds(struct ax_learner *l)
{
    char why[WHY_MAX];
    struct ax_diag diag = {{0}};
    const struct ax_generation *older = ax_learner_baseline(l);
    if (l->roles.phase != AX_PHASE_SHADOW || !older || !l->shadow || !l->spec.explains ||
        !ax_trial_is_equal(&l->trial, &l->spec.rule) || !l->spec.explains(l->spec.job_ctx, older, l->shadow))
        return false;
    (void)snprintf(why, sizeof why,
                   "the inputs have changed, and version %s holds: %s, which knows them, is no better",
                   l->roles.live.version, l->roles.shadow.version);
    if (move(l, AX_ARTIFACT_BASELINE, l->roles.shadow.sha256, why, &diag) != AX_OK) {
        tell_failure(l, &diag);
        return false;
    }
    tell(l, "baseline", &l->roles.shadow, why);
    return true;
}

/* The trial goes one phase further. */
static bool advance(struct ax_learner *l, const char *why, struct ax_roles *want)
{
    if (l->roles.phase == AX_PHASE_WATCH) {
        *want = alone(l);
        return true;
    }
    const bool stages = l->spec.rule.canary && l->spec.rule.canary_n;
    const uint8_t share = stages ? ax_trial_next_share(l->roles.share) : 0;
    return share ? serve_share(l, share, why, want) : promote(l, why, want);
}

/* Have there been no series to compare by for long? */
static bool is_stale(const struct ax_learner *l)
{
    const struct ax_trial_rule *r = &l->spec.rule;
    const int64_t steps = (int64_t)ax_trial_pairs(r, l->roles.phase) * (r->block ? r->block : 1);
    return steps > 0 && l->age > STALE * steps;
}

/* Is what serves no measure of the one in shadow? */
static bool is_superseded(const struct ax_learner *l)
{
    return l->live && l->shadow && l->spec.supersedes &&
           l->spec.supersedes(l->spec.ctx, &l->live->scores, &l->shadow->scores);
}

/* Judge the trial; true when that changes something. */
static bool judge(struct ax_learner *l, struct ax_roles *want)
{
    char why[WHY_MAX];
    const bool waits = l->roles.phase == AX_PHASE_APPROVAL;
    if (is_stale(l) && l->roles.phase == AX_PHASE_WATCH)
        return advance(l, "", want);
    if (is_stale(l))
        return give_up(l, "for long there was nothing to compare it by", want);
    if (waits && !l->tells)
        return false;
    if ((waits || l->roles.phase == AX_PHASE_SHADOW) && is_superseded(l))
        return promote(l, "what served had learnt too little, or what it should not have", want);
    if (waits)
        return advance(l, "it had passed, and was approved of", want);
    const enum ax_trial_verdict v = ax_trial_judge(&l->trial, &l->spec.rule, l->roles.phase);
    if (v == AX_TRIAL_GOES_ON)
        return false;
    ax_trial_describe(&l->trial, &l->spec.rule, why, sizeof why);
    if (v == AX_TRIAL_PASSED)
        return advance(l, why, want);
    const bool moves = holds(l); /* the store first: should it end here, the trial is judged alike again */
    if (!give_up(l, why, want))
        return false;
    if (moves && same(&want->live, &l->roles.live))
        want->baseline = l->roles.shadow;
    return true;
}

/* ---- from roles to generations ---- */

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
    if (is_empty(role))
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
    char why[WHY_MAX];
    struct ax_diag refused = {{0}};
    ax_learner_refuse(l, err, diag->text);
    memcpy(l->refused, role->sha256, sizeof l->refused);
    (void)snprintf(why, sizeof why, "it cannot be used: %.150s", diag->text);
    if (l->live && move(l, how, role->sha256, why, &refused) == AX_OK)
        tell(l, how == AX_ARTIFACT_ROLL_BACK ? "rolled_back" : "retired", role, why);
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
static bool prepare(struct ax_learner *l, struct ax_roles *want)
{
    struct ax_diag diag = {{0}};
    struct ax_learner_next *next = &l->next;
    enum ax_err err = find(l, &want->live, &next->live, &diag);
    if (err != AX_OK) {
        if (may_pass(err))
            tell_failure(l, &diag);
        else
            withdraw(l, AX_ARTIFACT_ROLL_BACK, &want->live, err, &diag);
        return false;
    }
    err = find(l, &want->shadow, &next->shadow, &diag);
    if (err == AX_OK && want->phase != AX_PHASE_NONE)
        err = ax_trial_reserve(&l->trial, &l->spec.rule);
    if (err != AX_OK && !may_pass(err)) {
        withdraw(l, AX_ARTIFACT_RETIRE, &want->shadow, err, &diag);
        try_out(&(struct ax_role){{0}, {0}}, want);
        err = goes_on(want, &l->roles) ? AX_NOTREADY : AX_OK;
    }
    if (err == AX_OK)
        err = find_baseline(l, &want->baseline, &next->baseline, &diag);
    if (err != AX_OK) {
        drop_next(next);
        return false;
    }
    next->roles = *want;
    next->any = true;
    return true;
}

bool ax_learner_decide(struct ax_learner *l)
{
    struct ax_roles want = l->roles;
    bool changes;
    want.rolled_back = false;
    if (has_standing(l))
        changes = ax_learner_look(l) && follow(l, &want);
    else if ((changes = l->fresh != NULL))
        place_fresh(l, &want);
    if (!changes && l->spec.training)
        changes = judge(l, &want);
    if (changes)
        changes = prepare(l, &want);
    if (l->fresh && !changes && has_standing(l) && is_empty(&l->standing.challenger))
        ax_log(AX_LOG_INFO, "model_waits",
               "job %s: a new %s is registered and waits to be promoted: auspex models list", l->spec.job,
               l->spec.kind->name);
    ax_generation_free(l->fresh);
    l->fresh = NULL;
    return changes;
}

/* ---- the change itself ---- */

static void change(struct ax_learner *l, const struct ax_learner_next *next, int64_t t_ms)
{
    const struct ax_generation *live = next->live, *shadow = next->shadow;
    const struct ax_roles *roles = &next->roles;
    const bool swaps = live && (!l->live || strcmp(l->live->sha256, live->sha256) != 0);
    const bool other = !goes_on(roles, &l->roles);
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
        try_out(&(struct ax_role){{0}, {0}}, &l->roles);
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
        if (has_standing(l)) /* which names it again */
            next.roles.baseline = (struct ax_role){{0}, {0}};
    }
    change(l, &next, t_ms);
    return AX_OK;
}

void ax_learner_flag(struct ax_learner *l, const char *why)
{
    const struct ax_artifacts *store = l->spec.artifacts;
    const struct ax_artifact_about of = about(l);
    struct ax_diag diag = {{0}};
    if (!has_standing(l) || !store->note || !l->live || strcmp(l->flagged, l->live->sha256) == 0)
        return;
    const enum ax_err err = store->note(store->ctx, &of, l->live->sha256, "parity", why, &diag);
    if (err != AX_OK && err != AX_CONFLICT)
        tell_failure(l, &diag); /* and tries again at the next step */
    if (err != AX_OK)
        return;
    memcpy(l->flagged, l->live->sha256, sizeof l->flagged);
    ax_log(AX_LOG_WARN, "groups_unlike", "job %s: %s", l->spec.job, why);
}

const struct ax_generation *ax_learner_baseline(const struct ax_learner *l)
{
    return l->baseline ? l->baseline : l->live;
}

void ax_learner_compare(struct ax_learner *l, double live, double shadow)
{
    ax_trial_add(&l->trial, &l->spec.rule, l->roles.phase, live, shadow);
}

bool ax_learner_tries(const struct ax_learner *l)
{
    return l->live && l->shadow && (l->roles.phase == AX_PHASE_SHADOW || l->roles.phase == AX_PHASE_CANARY);
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
