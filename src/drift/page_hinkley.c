/* page_hinkley.c: two sums of deviations, and how far each is from its extreme. */
#include "drift/page_hinkley.h"

#include <math.h>

void ax_page_hinkley_init(struct ax_page_hinkley *p, double threshold, double delta)
{
    *p = (struct ax_page_hinkley){
        .threshold = threshold, .delta = delta, .rise_min = HUGE_VAL, .fall_max = -1};
}

int ax_page_hinkley_update(struct ax_page_hinkley *p, double x)
{
    if (p->detected)
        ax_page_hinkley_init(p, p->threshold, p->delta);
    p->n++;
    p->mean += (x - p->mean) / (double)p->n;
    const double deviation = x - p->mean;
    p->rise = AX_PAGE_HINKLEY_ALPHA * p->rise + deviation - p->delta;
    p->fall = AX_PAGE_HINKLEY_ALPHA * p->fall + deviation + p->delta;
    p->rise_min = fmin(p->rise_min, p->rise);
    p->fall_max = fmax(p->fall_max, p->fall);
    if (p->n < AX_PAGE_HINKLEY_MIN)
        return 0;
    const bool up = p->rise - p->rise_min > p->threshold, down = p->fall_max - p->fall > p->threshold;
    p->detected = up || down;
    return up ? 1 : down ? -1 : 0;
}

void ax_page_hinkley_save(const struct ax_page_hinkley *p, struct ax_buf *out)
{
    const double v[] = {p->mean, p->rise, p->fall, p->rise_min, p->fall_max};
    ax_put_varint(out, p->n);
    ax_put_u8(out, p->detected);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        ax_put_f64(out, v[i]);
}

void ax_page_hinkley_load(struct ax_page_hinkley *p, struct ax_bytes *in)
{
    double *const v[] = {&p->mean, &p->rise, &p->fall, &p->rise_min, &p->fall_max};
    p->n = ax_get_varint(in);
    p->detected = ax_get_bool(in);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        *v[i] = ax_get_f64(in);
        if (isnan(*v[i]))
            (void)ax_bytes_fail(in);
    }
}
