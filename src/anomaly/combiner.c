/* combiner.c: one score for an entity out of those of its features.
 *
 * Nine parts of the largest score and one of the mean of the three largest: one feature that is far off is
 * enough, several that agree say more. The sum is divided by its own rare level, so features that move
 * together, or many of them, raise no more alarms than one. Contributions are the shares of the three in
 * the sum of their scores. */
#include "anomaly/member.h"
#include "anomaly/spec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOP 3
#define SCORE_MAX 100.0
#define LARGEST                                                                                              \
    0.9 /* weight of the largest: what shows in one feature alone is not to be thinned by the others */
#define STATE_VERSION 6

struct ax_combiner {
    struct ax_detector_spec spec;
    struct ax_member member;
    struct ax_verdict last;
    uint32_t features_n;
    double highest;         /* of the levels that there can be */
    double contributions[]; /* of the last step that had a score */
};

/* What n features exceed together at the rate at which each exceeds 1, when they have nothing to do with each
 * other, and their tails are as light as the normal distribution's: the largest is that far off, the others
 * at most at 1. They are calibrated already, so they ask for no more; what is beyond is rather an incident
 * than one of the heavier tails, which each of them has learnt. */
static double highest_of(uint32_t n, double rate)
{
    return LARGEST * sqrt(1 + log(n) / -log(rate)) + (1 - LARGEST);
}

struct ax_combiner *ax_combiner_new(const struct ax_detector_spec *spec, uint32_t features_n)
{
    struct ax_combiner *c = calloc(1, sizeof *c + features_n * sizeof c->contributions[0]);
    if (!c)
        return NULL;
    c->spec = ax_detector_spec_complete(spec);
    c->features_n = features_n;
    c->highest = highest_of(features_n, c->spec.false_alarm_rate);
    c->last = ax_verdict_not_ready("no_data");
    ax_member_init(&c->member, c->spec.memory_steps);
    return c;
}

void ax_combiner_copy(struct ax_combiner *to, const struct ax_combiner *from)
{
    memcpy(to, from, sizeof *to + from->features_n * sizeof from->contributions[0]);
}

void ax_combiner_free(struct ax_combiner *c)
{
    free(c);
}

/* Indices of the largest scores, largest first, the earlier feature first among equals; how many. */
static uint32_t largest(const double *scores, uint32_t n, uint32_t top[TOP])
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(scores[i]))
            continue;
        uint32_t at = found < TOP ? found++ : TOP;
        for (; at > 0 && scores[top[at - 1]] < scores[i]; at--) {
            if (at < TOP)
                top[at] = top[at - 1];
        }
        if (at < TOP)
            top[at] = i;
    }
    return found;
}

/* What one feature at 1 amounts to. */
static double least_level(uint32_t found)
{
    return LARGEST + (1 - LARGEST) / (double)found;
}

/* Before the past is long enough to tell it is 1, because the features are calibrated already. */
static double level_of(const struct ax_combiner *c, uint32_t found)
{
    if (!ax_member_ready(&c->member, c->spec.warmup_steps))
        return 1;
    return fmin(fmax((double)c->member.level, least_level(found)), c->highest);
}

/* What is further off than the level can be is an incident of some feature, which learns from it itself: were
 * it learnt here as well, a few incidents would hide the next. */
static void learn(struct ax_combiner *c, double sum)
{
    const struct ax_learning learning = {.rate = c->spec.false_alarm_rate,
                                         .weight = 1,
                                         .points = c->spec.warmup_steps,
                                         .patience = c->spec.hold_steps};
    if (sum <= c->highest)
        ax_member_learn(&c->member, sum, &learning);
}

void ax_combiner_step(struct ax_combiner *c, const double *scores, struct ax_verdict *out,
                      double *contributions)
{
    uint32_t top[TOP], found = largest(scores, c->features_n, top);
    double all = 0, terms[TOP];
    for (uint32_t i = 0; i < found; i++) {
        terms[i] = fmin(fmax(scores[top[i]], 0), SCORE_MAX);
        all += terms[i];
    }
    if (found) {
        const double sum = LARGEST * terms[0] + (1 - LARGEST) * all / (double)found;
        double score = fmin(sum / level_of(c, found), SCORE_MAX);
        c->last = (struct ax_verdict){.ready = true, .score = score, .upper = 1};
        c->last.severity = ax_severity_of(score);
        c->last.direction = score > 1;
        memset(c->contributions, 0, c->features_n * sizeof *c->contributions);
        for (uint32_t i = 0; i < found && all > 0; i++)
            c->contributions[top[i]] = fmin(terms[i] / all, 1);
        learn(c, sum);
    }
    *out = c->last;
    memcpy(contributions, c->contributions, c->features_n * sizeof *contributions);
}

void ax_combiner_save(const struct ax_combiner *c, struct ax_buf *out)
{
    ax_put_u8(out, STATE_VERSION);
    ax_member_save(&c->member, out);
    ax_verdict_save(&c->last, out);
    ax_put_varint(out, c->features_n);
    for (uint32_t i = 0; i < c->features_n; i++)
        ax_put_f64(out, c->contributions[i]);
}

enum ax_err ax_combiner_load(struct ax_combiner *c, struct ax_bytes *in)
{
    ax_get_version(in, STATE_VERSION);
    ax_member_load(&c->member, in);
    ax_verdict_load(&c->last, in);
    if (ax_get_count(in, c->features_n) != c->features_n)
        return ax_bytes_fail(in);
    for (uint32_t i = 0; i < c->features_n; i++)
        c->contributions[i] = ax_get_f64_in(in, 0, 1);
    return in->err;
}
