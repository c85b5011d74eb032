/* learner_outputs.c: what a learner says of its generations, and of the trial that they are in. */
#include "pipeline/learner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Who has which role, as the label `role` has it. */
enum { NOBODY, CHAMPION, CHALLENGER, REFERENCE, ROLES };
static const char *const role_names[ROLES] = {"", "champion", "challenger", "reference"};

static struct ax_outlet_name with(struct ax_outlet_name name, const char *label, const char *value)
{
    if (*value)
        name.added[name.added_n++] = (struct ax_label){ax_str(label), ax_str(value)};
    return name;
}

/* What an output of the model is called, before what tells it from others. */
static struct ax_outlet_name name_of(const struct ax_learner *l, enum ax_output id)
{
    struct ax_outlet_name name = {.id = id};
    name = with(name, "model", l->spec.kind->name);
    return with(name, "feature", l->spec.feature);
}

/* What a figure of a role is called. Those of what serves always were without one. */
static struct ax_outlet_name role_name(const struct ax_learner *l, uint32_t who, uint32_t i)
{
    static const enum ax_output ids[AX_LEARNER_ROLE_OUTPUTS] = {
        AX_OUTPUT_TRAINING_TIME,       AX_OUTPUT_TRAINING_SAMPLES, AX_OUTPUT_TRAINING_LOSS,
        AX_OUTPUT_TRAINING_SKILL,      AX_OUTPUT_MODEL_INFO,       AX_OUTPUT_COMPARISON_LOSS,
        AX_OUTPUT_COMPARISON_PRECISION};
    const struct ax_learner_shown *shown = &l->shown[who];
    struct ax_outlet_name name = name_of(l, ids[i]);
    if (who == 1 || i == AX_LEARNER_INFO || i >= AX_LEARNER_TRIAL_LOSS)
        name = with(name, "role", role_names[shown->role]);
    return i == AX_LEARNER_INFO ? with(name, "version", shown->version) : name;
}

static struct ax_outlet_name both_name(const struct ax_learner *l, uint32_t i)
{
    static const enum ax_output ids[AX_LEARNER_BOTH_OUTPUTS] = {
        AX_OUTPUT_COMPARISON_PAIRS, AX_OUTPUT_COMPARISON_EFFECT, AX_OUTPUT_COMPARISON_LOWER,
        AX_OUTPUT_COMPARISON_UPPER, AX_OUTPUT_COMPARISON_P,      AX_OUTPUT_ROLLED_BACK,
        AX_OUTPUT_BASELINE};
    return name_of(l, ids[i]);
}

static struct ax_outlet_name phase_name(const struct ax_learner *l, uint32_t phase)
{
    return with(name_of(l, AX_OUTPUT_MODEL_PHASE), "phase", ax_phase_name((enum ax_phase)phase));
}

/* Under other labels the series of before end. */
static void show_roles(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms)
{
    const uint8_t of_shadow = l->roles.phase == AX_PHASE_WATCH ? REFERENCE : CHALLENGER;
    const struct ax_role *const roles[] = {&l->roles.live, &l->roles.shadow};
    const uint8_t names[] = {l->live ? CHAMPION : NOBODY, l->shadow ? of_shadow : NOBODY};
    for (uint32_t who = 0; who < 2; who++) {
        struct ax_learner_shown *shown = &l->shown[who];
        if (shown->role == names[who] && strcmp(shown->version, roles[who]->version) == 0)
            continue;
        const bool renamed = who == 1 || shown->role != names[who];
        for (uint32_t i = 0; i < AX_LEARNER_ROLE_OUTPUTS; i++)
            if (renamed || i == AX_LEARNER_INFO)
                ax_outlet_end(outlets, &l->outlets[who][i], t_ms);
        shown->role = names[who];
        (void)snprintf(shown->version, sizeof shown->version, "%s", roles[who]->version);
    }
}

static void emit_role(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms, uint32_t who,
                      const struct ax_generation *g)
{
    const bool newer = (l->roles.phase == AX_PHASE_WATCH) == (who == 0);
    const struct ax_comparison *c = &l->trial.result, *p = &l->trial.labelled;
    const double loss = newer ? c->challenger : c->champion, precision = newer ? p->challenger : p->champion;
    const struct ax_fit_scores *s = &g->scores;
    const double values[AX_LEARNER_ROLE_OUTPUTS] = {
        (double)s->until_ms / 1000,    s->samples, s->loss, s->skill, 1, c->n ? loss : (double)NAN,
        p->n ? precision : (double)NAN};
    for (uint32_t i = 0; i < AX_LEARNER_ROLE_OUTPUTS; i++) {
        const struct ax_outlet_name name = role_name(l, who, i);
        ax_outlet_put(outlets, &l->outlets[who][i], &name, t_ms, values[i]);
    }
}

/* The comparison; what was found last stays to be seen only while it goes on. */
static void emit_both(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms)
{
    const struct ax_comparison *c = ax_trial_decisive(&l->trial);
    const struct ax_generation *baseline = ax_learner_baseline(l);
    const bool any = l->shadow != NULL, known = any && c->n > 0;
    const double values[AX_LEARNER_BOTH_OUTPUTS] = {
        any ? (double)l->trial.n : (double)NAN,
        known ? c->effect : (double)NAN,
        known ? c->low : (double)NAN,
        known ? c->high : (double)NAN,
        known ? c->p_value : (double)NAN,
        l->rolled_back_ms == INT64_MIN ? (double)NAN : (double)l->rolled_back_ms / 1000,
        baseline && baseline->references ? (double)baseline->scores.until_ms / 1000 : (double)NAN};
    for (uint32_t i = 0; i < AX_LEARNER_BOTH_OUTPUTS; i++) {
        const struct ax_outlet_name name = both_name(l, i);
        if (isnan(values[i]))
            ax_outlet_end(outlets, &l->both[i], t_ms);
        else
            ax_outlet_put(outlets, &l->both[i], &name, t_ms, values[i]);
    }
    for (uint32_t phase = 0; phase < AX_PHASES; phase++) {
        const struct ax_outlet_name name = phase_name(l, phase);
        ax_outlet_put(outlets, &l->phases[phase], &name, t_ms, phase == l->roles.phase);
    }
}

void ax_learner_emit(struct ax_learner *l, struct ax_outlets *outlets, int64_t t_ms)
{
    show_roles(l, outlets, t_ms);
    if (l->live)
        emit_role(l, outlets, t_ms, 0, l->live);
    if (l->shadow)
        emit_role(l, outlets, t_ms, 1, l->shadow);
    if (l->live || l->rolled_back_ms != INT64_MIN)
        emit_both(l, outlets, t_ms);
}

void ax_learner_outlets(struct ax_learner *l, struct ax_outlets *outlets, const struct ax_outlet_deed *deed)
{
    for (uint32_t who = 0; who < 2; who++)
        for (uint32_t i = 0; i < AX_LEARNER_ROLE_OUTPUTS; i++) {
            const struct ax_outlet_name name = role_name(l, who, i);
            ax_outlet_do(outlets, &l->outlets[who][i], &name, deed);
        }
    for (uint32_t i = 0; i < AX_LEARNER_BOTH_OUTPUTS; i++) {
        const struct ax_outlet_name name = both_name(l, i);
        ax_outlet_do(outlets, &l->both[i], &name, deed);
    }
    for (uint32_t phase = 0; phase < AX_PHASES; phase++) {
        const struct ax_outlet_name name = phase_name(l, phase);
        ax_outlet_do(outlets, &l->phases[phase], &name, deed);
    }
}

void ax_learner_shown_save(const struct ax_learner *l, struct ax_buf *out)
{
    for (uint32_t who = 0; who < 2; who++) {
        ax_put_str(out, ax_str(l->shown[who].version));
        ax_put_u8(out, l->shown[who].role);
    }
}

void ax_learner_shown_load(struct ax_learner *l, struct ax_bytes *in)
{
    for (uint32_t who = 0; who < 2; who++) {
        const struct ax_str version = ax_get_str(in);
        if (version.n >= sizeof l->shown[who].version)
            (void)ax_bytes_fail(in);
        else
            (void)snprintf(l->shown[who].version, sizeof l->shown[who].version, AX_STR_FMT,
                           AX_STR_ARG(version));
        l->shown[who].role = (uint8_t)ax_get_count(in, ROLES - 1);
    }
}
