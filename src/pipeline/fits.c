/* fits.c: reasons and rests. */
#include "pipeline/fits.h"

#define RETRY_MS 600000   /* after a fit that failed; doubles each time, */
#define RETRY_DOUBLINGS 8 /* so often at most */

const char *ax_fit_reason_name(enum ax_fit_reason reason)
{
    static const char *const names[AX_FIT_REASONS] = {"", "schedule", "cron", "drift", "accuracy", "manual"};
    return names[reason];
}

/* When the next one is due: so long after the newest one, or one that was called off; sooner when what serves
 * had learnt from less time. */
static int64_t due_ms(const struct ax_fits *f, const struct ax_fits_rule *rule, const struct ax_fits_now *now)
{
    const int64_t newest = now->newest_ms > f->cancelled_ms ? now->newest_ms : f->cancelled_ms;
    const int64_t wait_ms = now->learnt_ms < rule->every_ms ? now->learnt_ms : rule->every_ms;
    return newest == INT64_MIN ? INT64_MIN : newest + wait_ms;
}

/* Has it rested so long since the newest fit, whatever became of that? */
static bool has_rested(const struct ax_fits *f, const struct ax_fits_now *now, int64_t for_ms)
{
    const int64_t newest = now->newest_ms > f->begun_ms ? now->newest_ms : f->begun_ms;
    return newest == INT64_MIN || now->t_ms - newest >= for_ms;
}

/* From a fit to one because of drift: twice as long for each that was begun since this drift began, for what
 * they learnt was tried and did not end it, up to the time of the schedule. */
static int64_t drift_rest_ms(const struct ax_fits *f, const struct ax_fits_rule *rule)
{
    int64_t wait_ms = rule->cooldown_ms;
    for (uint32_t i = 0; i < f->drift_fits && wait_ms < rule->every_ms; i++)
        wait_ms = 2 * wait_ms < rule->every_ms ? 2 * wait_ms : rule->every_ms;
    return wait_ms;
}

enum ax_fit_reason ax_fits_due(const struct ax_fits *f, const struct ax_fits_rule *rule,
                               const struct ax_fits_now *now)
{
    if (now->t_ms < f->look_ms)
        return AX_FIT_NOT;
    if (now->asked)
        return AX_FIT_MANUAL;
    if (f->begun != AX_FIT_NOT)
        return f->begun;
    if (now->t_ms / rule->step_ms % AX_FITS_LOOK != 0)
        return AX_FIT_NOT;
    if (!now->tried && now->t_ms >= due_ms(f, rule, now))
        return AX_FIT_SCHEDULE;
    if (now->trigger != AX_FIT_NOT && now->serves &&
        has_rested(f, now, now->trigger == AX_FIT_DRIFT ? drift_rest_ms(f, rule) : rule->cooldown_ms))
        return now->trigger;
    return f->rung && !now->tried ? AX_FIT_CRON : AX_FIT_NOT;
}

void ax_fits_begin(struct ax_fits *f, enum ax_fit_reason reason, int64_t t_ms)
{
    /* one that a restart has interrupted is counted already */
    f->drift_fits += reason == AX_FIT_DRIFT && f->begun == AX_FIT_NOT && f->drift_fits < UINT32_MAX;
    f->begun = reason;
    f->begun_ms = t_ms;
    f->rung = false;
}

void ax_fits_end(struct ax_fits *f, int64_t t_ms, bool failed)
{
    f->begun = AX_FIT_NOT;
    if (!failed) {
        f->failures = 0;
        return;
    }
    f->look_ms = (t_ms > f->begun_ms ? t_ms : f->begun_ms) + ((int64_t)RETRY_MS << f->failures);
    if (f->failures < RETRY_DOUBLINGS)
        f->failures++;
}

void ax_fits_cancel(struct ax_fits *f, int64_t t_ms)
{
    f->begun = AX_FIT_NOT;
    f->cancelled_ms = t_ms;
    f->rung = false;
}

void ax_fits_put(struct ax_buf *out, const struct ax_fits *f)
{
    ax_put_u8(out, (uint8_t)f->begun);
    ax_put_i64(out, f->begun_ms);
    ax_put_i64(out, f->cancelled_ms);
    ax_put_i64(out, f->look_ms);
    ax_put_varint(out, f->failures);
    ax_put_varint(out, f->drift_fits);
    ax_put_u8(out, f->rung);
}

void ax_fits_get(struct ax_bytes *in, struct ax_fits *out)
{
    out->begun = (enum ax_fit_reason)ax_get_count(in, AX_FIT_REASONS - 1);
    out->begun_ms = ax_get_ms(in);
    out->cancelled_ms = ax_get_ms(in);
    out->look_ms = ax_get_ms(in);
    out->failures = ax_get_count(in, RETRY_DOUBLINGS);
    out->drift_fits = ax_get_count(in, UINT32_MAX);
    out->rung = ax_get_bool(in);
    if (out->begun != AX_FIT_NOT && out->begun_ms == INT64_MIN)
        (void)ax_bytes_fail(in);
}
