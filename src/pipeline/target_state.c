/* target_state.c: one modelled series as bytes: its windows, its models, its newest step, its open outlets.
 */
#include "pipeline/target.h"

void ax_target_save(struct ax_target *t, const struct ax_target_kind *kind, struct ax_buf *out)
{
    const int64_t times[] = {t->made_ms, t->first_ms, t->seen_ms, t->stepped_ms, t->ended_ms};
    const double numbers[] = {t->value, t->expected, t->lower, t->upper, t->residual};
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++)
        ax_put_i64(out, times[i]);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ax_put_f64(out, numbers[i]);
    ax_put_u8(out, t->forecast_ready);
    if (t->window)
        ax_window_save(t->window, out);
    if (t->residuals)
        ax_window_save(t->residuals, out);
    if (t->forecaster)
        ax_forecaster_save(t->forecaster, out);
    if (t->detector) {
        ax_detector_save(t->detector, out);
        ax_verdict_save(&t->verdict, out);
    }
    if (t->hindsight)
        ax_hindsight_save(t->hindsight, out);
    if (t->billing)
        ax_billing_save(t->billing, out);
    ax_challenged_save(&t->challenged, out);
    ax_target_outlets(t, kind, &(struct ax_outlet_deed){.verb = AX_OUTLET_SAVE, .out = out});
}

/* Newest step in a window; INT64_MIN when there is none. */
static int64_t end_of(const struct ax_window *w)
{
    struct ax_view fine = ax_window_fine(w);
    return fine.n ? fine.end_ms : INT64_MIN;
}

/* Do its times agree with each other and with its window? */
static bool times_agree(const struct ax_target *t)
{
    bool seen = t->seen_ms != INT64_MIN;
    return t->made_ms != INT64_MIN && (t->first_ms != INT64_MIN) == seen && t->first_ms <= t->seen_ms &&
           t->seen_ms <= t->stepped_ms && t->ended_ms <= t->stepped_ms &&
           (!t->window || end_of(t->window) == t->stepped_ms);
}

enum ax_err ax_target_load(struct ax_target *t, const struct ax_target_kind *kind, struct ax_bytes *in)
{
    int64_t *const times[] = {&t->made_ms, &t->first_ms, &t->seen_ms, &t->stepped_ms, &t->ended_ms};
    double *const numbers[] = {&t->value, &t->expected, &t->lower, &t->upper, &t->residual};
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++)
        *times[i] = ax_get_ms(in);
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        *numbers[i] = ax_get_f64(in);
    t->forecast_ready = ax_get_bool(in);
    enum ax_err err = t->window ? ax_window_load(t->window, in) : AX_OK;
    if (err == AX_OK && t->residuals)
        err = ax_window_load(t->residuals, in);
    if (err == AX_OK && t->forecaster)
        err = ax_forecaster_load(t->forecaster, in);
    if (err == AX_OK && t->detector) {
        err = ax_detector_load(t->detector, in);
        ax_verdict_load(&t->verdict, in);
    }
    if (err == AX_OK && t->hindsight)
        err = ax_hindsight_load(t->hindsight, in);
    if (t->billing)
        ax_billing_load(t->billing, kind->billing, in);
    if (err == AX_OK)
        err = ax_challenged_load(kind->challenger, &t->challenged,
                                 kind->forecast ? kind->forecast->horizons_n : 0, in);
    if (err != AX_OK)
        return err;
    if (!times_agree(t))
        return ax_bytes_fail(in);
    ax_target_outlets(t, kind, &(struct ax_outlet_deed){.verb = AX_OUTLET_LOAD, .in = in});
    return in->err;
}
