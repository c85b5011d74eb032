/* chart.c: SVG by hand: axes with round numbers, paths through bins. */
#include "app/chart.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#define LEFT 56.0
#define RIGHT 12.0
#define TOP 8.0
#define BOTTOM 22.0
#define WIDTH 960.0

void ax_html_text(struct ax_buf *out, struct ax_str text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c == '<')
            ax_buf_str(out, ax_str("&lt;"));
        else if (c == '>')
            ax_buf_str(out, ax_str("&gt;"));
        else if (c == '&')
            ax_buf_str(out, ax_str("&amp;"));
        else if (c == '"')
            ax_buf_str(out, ax_str("&quot;"));
        else
            ax_buf_byte(out, c < 0x20 ? ' ' : c);
    }
}

void ax_html_value(struct ax_buf *out, double v)
{
    static const struct {
        double from;
        const char *suffix;
    } units[] = {{1e15, "P"}, {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e4, "k"}};
    if (isnan(v)) {
        ax_buf_str(out, ax_str("–"));
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (fabs(v) >= units[i].from && fabs(v) < 1e18) {
            double unit = units[i].from == 1e4 ? 1e3 : units[i].from;
            ax_buf_printf(out, "%.4g%s", v / unit, units[i].suffix);
            return;
        }
    ax_buf_printf(out, "%.4g", v);
}

static double x_of(const struct ax_chart *c, double t_ms)
{
    return LEFT + (t_ms - c->t0) / (c->t1 - c->t0) * (WIDTH - LEFT - RIGHT);
}

/* Far outside the frame is cut, so that no browser is asked to draw at 1e300. */
static double y_of(const struct ax_chart *c, double v)
{
    double y = TOP + (c->hi - v) / (c->hi - c->lo) * (c->height - TOP - BOTTOM);
    return fmin(fmax(y, -c->height), 2 * c->height);
}

/* A round step (1, 2 or 5 times a power of ten) that divides a range into at most n parts. */
static double round_step(double range, int n)
{
    double power = pow(10, floor(log10(range / n)));
    for (int i = 0; i < 3; i++) {
        static const double digits[] = {1, 2, 5};
        if (range / (digits[i] * power) <= n)
            return digits[i] * power;
    }
    return 10 * power;
}

static void value_axis(const struct ax_chart *c, int parts)
{
    double step = round_step(c->hi - c->lo, parts);
    for (int i = 0; i <= 2 * parts; i++) {
        double v = (ceil(c->lo / step) + i) * step;
        if (v > c->hi)
            break;
        if (fabs(v) < step / 1e6)
            v = 0;
        double y = y_of(c, v);
        ax_buf_printf(
            c->out,
            "<path class=\"grid\" d=\"M%.0f %.1fH%.0f\"/><text class=\"tick end\" x=\"%.0f\" y=\"%.1f\">",
            LEFT, y, WIDTH - RIGHT, LEFT - 6, y + 3.5);
        ax_html_value(c->out, v);
        ax_buf_str(c->out, ax_str("</text>"));
    }
}

/* A time of day, a date where a day begins, or the date alone for long steps; UTC. */
static void time_text(struct ax_buf *out, int64_t t_ms, int64_t step_ms)
{
    time_t seconds = (time_t)(t_ms / 1000);
    struct tm tm;
    char text[40] = "";
    if (!gmtime_r(&seconds, &tm))
        return;
    if (step_ms >= 86400000 || t_ms % 86400000 == 0)
        (void)strftime(text, sizeof text, "%d %b", &tm);
    else if (step_ms >= 60000)
        (void)strftime(text, sizeof text, "%H:%M", &tm);
    else
        (void)strftime(text, sizeof text, "%H:%M:%S", &tm);
    ax_buf_str(out, ax_str(text));
}

static void time_axis(const struct ax_chart *c)
{
    static const int64_t steps[] = {1,      2,      5,      10,      15,      30,      60,      120,   300,
                                    600,    900,    1800,   3600,    7200,    10800,   21600,   43200, 86400,
                                    172800, 345600, 604800, 1209600, 2592000, 7776000, 31536000};
    int64_t step = steps[0] * 1000;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && (c->t1 - c->t0) / (double)step > 9; i++)
        step = steps[i] * 1000;
    int64_t first = ((int64_t)c->t0 + step - 1) / step * step;
    for (int i = 0; i < 40 && (double)(first + i * step) <= c->t1; i++) {
        int64_t t = first + i * step;
        double x = x_of(c, (double)t);
        if (x > WIDTH - RIGHT - 20)
            break;
        ax_buf_printf(
            c->out,
            "<path class=\"grid\" d=\"M%.1f %.0fv4\"/><text class=\"tick mid\" x=\"%.1f\" y=\"%.0f\">", x,
            c->height - BOTTOM, x, c->height - 5);
        time_text(c->out, t, step);
        ax_buf_str(c->out, ax_str("</text>"));
    }
}

void ax_chart_begin(struct ax_chart *c, struct ax_buf *out, int64_t t0_ms, int64_t t1_ms, double lo,
                    double hi, bool compact, const char *about)
{
    if (!(hi > lo)) {
        double pad = fabs(lo) > 0 ? fabs(lo) * 0.1 : 1;
        lo -= pad;
        hi += pad;
    }
    *c = (struct ax_chart){out, (double)t0_ms, (double)t1_ms, lo, hi, WIDTH, compact ? 110 : 240};
    if (!(c->t1 > c->t0))
        c->t1 = c->t0 + 1000;
    ax_buf_printf(
        out, "<div class=\"wide\"><svg class=\"chart\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"",
        WIDTH, c->height);
    ax_html_text(out, ax_str(about));
    ax_buf_str(out, ax_str("\">"));
    value_axis(c, compact ? 4 : 5);
    time_axis(c);
    /* A nested frame clips without an id, of which there would be many in one page. */
    ax_buf_printf(
        out, "<svg x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" viewBox=\"%.0f %.0f %.0f %.0f\">",
        LEFT, TOP, WIDTH - LEFT - RIGHT, c->height - TOP - BOTTOM, LEFT, TOP, WIDTH - LEFT - RIGHT,
        c->height - TOP - BOTTOM);
}

/* A bin's value; NaN when it is no number to draw. */
static double value_at(const struct ax_trace *t, uint32_t bin, uint32_t channel)
{
    double v = t->v[(size_t)bin * t->channels + channel];
    return isfinite(v) ? v : (double)NAN;
}

void ax_chart_line(const struct ax_chart *c, const struct ax_trace *t, uint32_t lo, uint32_t hi,
                   const char *cls)
{
    bool pen = false;
    ax_buf_printf(c->out, "<path class=\"%s\" d=\"", cls);
    for (uint32_t i = 0; i < t->n; i++) {
        double a = value_at(t, i, lo), b = value_at(t, i, hi);
        if (isnan(a) || isnan(b)) {
            pen = false;
            continue;
        }
        double x = x_of(c, (double)t->t_ms[i]), y1 = y_of(c, a), y2 = y_of(c, b);
        ax_buf_printf(c->out, "%c%.1f %.1f", pen ? 'L' : 'M', x, y1);
        if (fabs(y1 - y2) > 0.05)
            ax_buf_printf(c->out, "V%.1f", y2);
        pen = true;
    }
    ax_buf_str(c->out, ax_str("\"/>"));
}

/* One closed piece of a band, over bins first to last. */
static void band_piece(const struct ax_chart *c, const struct ax_trace *t, uint32_t lo, uint32_t hi,
                       uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++)
        ax_buf_printf(c->out, "%c%.1f %.1f", i == first ? 'M' : 'L', x_of(c, (double)t->t_ms[i]),
                      y_of(c, value_at(t, i, hi)));
    for (uint32_t i = last + 1; i-- > first;)
        ax_buf_printf(c->out, "L%.1f %.1f", x_of(c, (double)t->t_ms[i]), y_of(c, value_at(t, i, lo)));
    ax_buf_byte(c->out, 'Z');
}

void ax_chart_band(const struct ax_chart *c, const struct ax_trace *t, uint32_t lo, uint32_t hi,
                   const char *cls)
{
    ax_buf_printf(c->out, "<path class=\"%s\" d=\"", cls);
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t first = i;
        while (i < t->n && !isnan(value_at(t, i, lo)) && !isnan(value_at(t, i, hi)))
            i++;
        if (i > first)
            band_piece(c, t, lo, hi, first, i - 1);
    }
    ax_buf_str(c->out, ax_str("\"/>"));
}

void ax_chart_spans(const struct ax_chart *c, const struct ax_trace *t, uint32_t channel, double above,
                    const char *cls)
{
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t first = i;
        while (i < t->n && value_at(t, i, channel) > above)
            i++;
        if (i == first)
            continue;
        double x = x_of(c, (double)t->t_ms[first]);
        double end = x_of(c, i < t->n ? (double)t->t_ms[i] : c->t1);
        ax_buf_printf(c->out, "<path class=\"%s\" d=\"M%.1f 0h%.1fv%.0fh-%.1fz\"/>", cls, x, fmax(end - x, 1),
                      c->height, fmax(end - x, 1));
    }
}

void ax_chart_dots(const struct ax_chart *c, const struct ax_trace *t, uint32_t at, uint32_t when,
                   double above, const char *cls)
{
    ax_buf_printf(c->out, "<path class=\"%s\" d=\"", cls);
    for (uint32_t i = 0; i < t->n; i++) {
        double v = value_at(t, i, at);
        if (value_at(t, i, when) > above && !isnan(v))
            ax_buf_printf(c->out, "M%.1f %.1fh0", x_of(c, (double)t->t_ms[i]), y_of(c, v));
    }
    ax_buf_str(c->out, ax_str("\"/>"));
}

void ax_chart_rule(const struct ax_chart *c, double value, const char *cls)
{
    ax_buf_printf(c->out, "<path class=\"%s\" d=\"M%.0f %.1fH%.0f\"/>", cls, LEFT, y_of(c, value),
                  WIDTH - RIGHT);
}

void ax_chart_end(const struct ax_chart *c)
{
    ax_buf_str(c->out, ax_str("</svg></svg></div>\n"));
}

bool ax_trace_range(const struct ax_trace *t, uint32_t lo, uint32_t hi, double *out_lo, double *out_hi)
{
    double a = (double)NAN, b = (double)NAN;
    for (uint32_t i = 0; i < t->n; i++) {
        a = fmin(a, value_at(t, i, lo));
        b = fmax(b, value_at(t, i, hi));
    }
    if (isnan(a) || isnan(b))
        return false;
    *out_lo = a;
    *out_hi = b;
    return true;
}
