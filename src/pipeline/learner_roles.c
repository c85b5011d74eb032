/* learner_roles.c: who serves and who is compared: decided, or taken over from the store. */
#include "base/log.h"
#include "pipeline/learner_priv.h"

#include <stdio.h>
#include <string.h>

#define STALE 3          /* times as long as its pairs take at the latest: then a trial ends without them */
#define LOCAL_VERSION 12 /* digits of its SHA-256 that stand for a version where the store has no numbers */

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

static bool is_refused(const struct ax_learner *l, const struct ax_role *r)
{
    return !ax_role_is_empty(r) && strcmp(r->sha256, l->refused) == 0;
}

/* Nobody is compared with who serves. */
static struct ax_roles alone(const struct ax_learner *l)
{
    return (struct ax_roles){.live = l->roles.live, .baseline = l->roles.baseline, .held = l->roles.held};
}

/* Whoever stays champion may have got another baseline. */
static bool follow_baseline(const struct ax_learner *l, struct ax_roles *want)
{
    if (!ax_role_same(&l->standing.champion, &want->live) ||
        ax_role_same(&l->standing.baseline, &want->baseline))
        return false;
    want->baseline = l->standing.baseline;
    return true;
}

/* Why it serves may be known now, and was not when the champion came to serve: its record is of an older
 * version, or somebody has returned to what served already. */
static bool follow_hold(const struct ax_learner *l, struct ax_roles *want)
{
    if (!ax_role_same(&l->standing.champion, &want->live) || l->standing.held == want->held)
        return false;
    want->held = l->standing.held;
    return true;
}

/* Is a newer one tried before it serves? Always where what serves was decided on. */
static bool tries_first(const struct ax_learner *l)
{
    return l->spec.rule.shadows || l->roles.held;
}

/* Follow the store; true when that changes something. */
static bool follow(struct ax_learner *l, struct ax_roles *want)
{
    const struct ax_artifact_standing *s = &l->standing;
    if (!ax_role_is_empty(&s->champion) && !ax_role_same(&s->champion, &l->roles.live) &&
        !is_refused(l, &s->champion)) {
        const bool back = l->roles.phase == AX_PHASE_WATCH && ax_role_same(&s->champion, &l->roles.shadow);
        install(l, &s->champion, !back && ax_role_same(&s->replaced, &l->roles.live), want);
        want->rolled_back = back;
        (void)follow_baseline(l, want);
        (void)follow_hold(l, want);
        return true;
    }
    bool moved = follow_baseline(l, want);
    moved = follow_hold(l, want) || moved;
    if (l->roles.phase == AX_PHASE_WATCH || !l->live || !tries_first(l) ||
        ax_role_same(&s->challenger, &l->roles.shadow) || is_refused(l, &s->challenger))
        return moved;
    ax_roles_try(&s->challenger, want);
    return true;
}

/* Where the store knows of no roles: what was fitted last is tried, or serves. */
static void place_fresh(const struct ax_learner *l, struct ax_roles *want)
{
    struct ax_role role;
    memcpy(role.sha256, l->fresh->sha256, sizeof role.sha256);
    (void)snprintf(role.version, sizeof role.version, "%.*s", LOCAL_VERSION, role.sha256);
    if (!l->live || !tries_first(l))
        install(l, &role, true, want);
    else
        ax_roles_try(&role, want);
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
    const enum ax_err err = ax_learner_move(l, AX_ARTIFACT_PROMOTE, challenger.sha256, why, &diag);
    l->tells = false;
    if (err == AX_CONFLICT)
        return wait_for_approval(l, why, &diag, want);
    if (err != AX_OK) {
        ax_learner_tell_failure(l, &diag);
        return false;
    }
    ax_learner_tell(l, "promoted", &challenger, why);
    install(l, &challenger, true, want);
    return true;
}

/* Let the challenger serve a share of the series: the first one only once its reviewers have approved. */
static bool serve_share(struct ax_learner *l, uint8_t share, const char *why, struct ax_roles *want)
{
    struct ax_diag diag = {{0}};
    const struct ax_artifact_about of = ax_learner_about(l);
    const struct ax_artifacts *store = l->spec.artifacts;
    const enum ax_err err = l->roles.phase != AX_PHASE_CANARY && ax_learner_has_standing(l)
                                ? store->may_serve(store->ctx, &of, l->roles.shadow.sha256, &diag)
                                : AX_OK;
    l->tells = false;
    if (err == AX_CONFLICT)
        return wait_for_approval(l, why, &diag, want);
    if (err != AX_OK) {
        ax_learner_tell_failure(l, &diag);
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
        ax_learner_move(l, back ? AX_ARTIFACT_ROLL_BACK : AX_ARTIFACT_RETIRE, loser.sha256, why, &diag);
    if (err == AX_CONFLICT && ax_learner_look(l) && follow(l, want))
        return true; /* somebody was faster */
    if (err != AX_OK)
        ax_learner_tell_failure(l, &diag);
    if (err == AX_CONFLICT && back) { /* there is nothing to return to, and nothing more to be learnt */
        *want = alone(l);
        return true;
    }
    if (err != AX_OK)
        return false;
    ax_learner_tell(l, back ? "rolled_back" : "retired", &loser, why);
    *want = back ? (struct ax_roles){.live = l->roles.shadow, .held = true, .rolled_back = true} : alone(l);
    return true;
}

/* The inputs have changed, and a challenger that has learnt from that was no better in its whole trial: so
 * the champion is right for them too, and they are measured by what the challenger has learnt from. */
static bool holds(struct ax_learner *l)
{
    char why[AX_LEARNER_WHY];
    struct ax_diag diag = {{0}};
    const struct ax_generation *older = ax_learner_baseline(l);
    if (l->roles.phase != AX_PHASE_SHADOW || !older || !l->shadow || !l->spec.explains ||
        !ax_trial_is_equal(&l->trial, &l->spec.rule) || !l->spec.explains(l->spec.job_ctx, older, l->shadow))
        return false;
    (void)snprintf(why, sizeof why,
                   "the inputs have changed, and version %s holds: %s, which knows them, is no better",
                   l->roles.live.version, l->roles.shadow.version);
    if (ax_learner_move(l, AX_ARTIFACT_BASELINE, l->roles.shadow.sha256, why, &diag) != AX_OK) {
        ax_learner_tell_failure(l, &diag);
        return false;
    }
    ax_learner_tell(l, "baseline", &l->roles.shadow, why);
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

/* Is what serves no measure of the one in shadow? What people have decided on stays until one is better. */
static bool is_superseded(const struct ax_learner *l)
{
    return l->live && l->shadow && l->spec.supersedes && !l->roles.held &&
           l->spec.supersedes(l->spec.ctx, &l->live->scores, &l->shadow->scores);
}

/* Judge the trial; true when that changes something. */
static bool judge(struct ax_learner *l, struct ax_roles *want)
{
    char why[AX_LEARNER_WHY];
    const bool waits = l->roles.phase == AX_PHASE_APPROVAL;
    if (is_stale(l) && l->roles.phase == AX_PHASE_WATCH)
        return advance(l, "", want);
    if (is_stale(l))
        return give_up(l, "for long there was nothing to compare it by", want);
    if (waits && !l->tells)
        return false;
    if ((waits || l->roles.phase == AX_PHASE_SHADOW) && is_superseded(l))
        return promote(l, "what served had learnt too little, or what is not so any more", want);
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
    if (moves && ax_role_same(&want->live, &l->roles.live))
        want->baseline = l->roles.shadow;
    return true;
}

bool ax_learner_decide(struct ax_learner *l)
{
    struct ax_roles want = l->roles;
    bool changes;
    want.rolled_back = false;
    if (ax_learner_has_standing(l))
        changes = ax_learner_look(l) && follow(l, &want);
    else if ((changes = l->fresh != NULL))
        place_fresh(l, &want);
    if (!changes && l->spec.training)
        changes = judge(l, &want);
    if (changes)
        changes = ax_learner_prepare(l, &want);
    if (l->fresh && !changes && ax_learner_has_standing(l) && ax_role_is_empty(&l->standing.challenger))
        ax_log(AX_LOG_INFO, "model_waits",
               "job %s: a new %s is registered and waits to be promoted: auspex models list", l->spec.job,
               l->spec.kind->name);
    ax_generation_free(l->fresh);
    l->fresh = NULL;
    return changes;
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
