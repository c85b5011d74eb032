/* log.c: formats a line in a local buffer and writes it with one write(2). */
#include "base/log.h"

#include "base/clock.h"
#include "base/hash.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 2048
#define LIMITED_IDS 64 /* ids remembered for rate limiting */
#define PROBES 8       /* places that a subject may have */

static enum ax_log_level least_level = AX_LOG_INFO;
static enum ax_log_format line_format = AX_LOG_LOGFMT;

static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    const char *id;
    struct ax_log_limit limit;
} limits[LIMITED_IDS];
static struct {
    uint64_t key; /* hash of id and subject */
    const char *id;
    struct ax_log_limit limit;
} subjects[AX_LOG_SUBJECTS];

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void ax_log_setup(enum ax_log_level least, enum ax_log_format format)
{
    least_level = least;
    line_format = format;
}

enum ax_err ax_log_parse_level(const char *text, enum ax_log_level *out_level)
{
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(text, level_names[i]) == 0) {
            *out_level = (enum ax_log_level)i;
            return AX_OK;
        }
    return AX_INVALID;
}

enum ax_err ax_log_parse_format(const char *text, enum ax_log_format *out_format)
{
    if (strcmp(text, "logfmt") == 0)
        *out_format = AX_LOG_LOGFMT;
    else if (strcmp(text, "json") == 0)
        *out_format = AX_LOG_JSON;
    else
        return AX_INVALID;
    return AX_OK;
}

bool ax_log_admit(struct ax_log_limit *l, int64_t now_ms, uint64_t *suppressed)
{
    if (l->spent_ms < now_ms)
        l->spent_ms = now_ms;
    bool admitted = l->spent_ms <= now_ms + (int64_t)(AX_LOG_BURST - 1) * AX_LOG_EVERY_MS;
    if (admitted)
        l->spent_ms += AX_LOG_EVERY_MS;
    *suppressed = l->suppressed;
    l->suppressed = admitted ? 0 : l->suppressed + 1;
    return admitted;
}

/* The limit of an id; the last one of the table is shared by those for which it has no room. */
static struct ax_log_limit *limit_of(const char *id)
{
    unsigned i = 0;
    while (i < LIMITED_IDS - 1 && limits[i].id && strcmp(limits[i].id, id) != 0)
        i++;
    limits[i].id = id;
    return &limits[i].limit;
}

/* That of an id and a subject: the one it has, or one that nobody needs now; NULL when there is none. What
 * was suppressed of the one whose place it takes is told with the next line of that one's id. */
static struct ax_log_limit *limit_about(const char *id, struct ax_str subject, int64_t now_ms)
{
    const uint64_t key = ax_hash64(subject.p, subject.n, ax_hash64(id, strlen(id), 0));
    struct ax_log_limit *found = NULL;
    unsigned place = 0;
    for (unsigned i = 0; i < PROBES; i++) {
        const unsigned at = (unsigned)((key + i) % AX_LOG_SUBJECTS);
        struct ax_log_limit *l = &subjects[at].limit;
        if (subjects[at].key == key)
            return l;
        if (found || l->spent_ms > now_ms)
            continue;
        found = l;
        place = at;
    }
    if (found && found->suppressed) {
        limit_of(subjects[place].id)->suppressed += found->suppressed;
        found->suppressed = 0;
    }
    if (found) {
        subjects[place].key = key;
        subjects[place].id = id;
    }
    return found;
}

/* May a line be written now? subject.n 0: it has none. */
static bool admit(const char *id, struct ax_str subject, uint64_t *suppressed)
{
    const int64_t now_ms = ax_mono_ns() / 1000000;
    (void)pthread_mutex_lock(&limit_lock);
    struct ax_log_limit *l = subject.n ? limit_about(id, subject, now_ms) : NULL;
    bool admitted = ax_log_admit(l ? l : limit_of(id), now_ms, suppressed);
    (void)pthread_mutex_unlock(&limit_lock);
    return admitted;
}

/* Append text as a quoted string: both formats escape alike (JSON's rules). What is no UTF-8 becomes U+FFFD.
 */
static size_t quote(char *out, size_t cap, const char *text)
{
    size_t n = 0;
    out[n++] = '"';
    for (struct ax_str s = ax_str(text); s.n && n + 8 < cap;) {
        unsigned char c = (unsigned char)s.p[0];
        size_t width = ax_str_utf8_first(s);
        if (c == '"' || c == '\\') {
            out[n++] = '\\';
            out[n++] = (char)c;
        } else if (c == '\n') {
            out[n++] = '\\';
            out[n++] = 'n';
        } else if (c < 0x20 || c == 0x7F) {
            n += (size_t)snprintf(out + n, cap - n, "\\u%04x", c);
        } else {
            memcpy(out + n, width ? s.p : "\xEF\xBF\xBD", width ? width : 3);
            n += width ? width : 3;
        }
        width += width == 0;
        s = (struct ax_str){s.p + width, s.n - width};
    }
    out[n++] = '"';
    return n;
}

static size_t timestamp(char *out, size_t cap, int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    size_t n = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    return n + (size_t)snprintf(out + n, cap - n, ".%03dZ", (int)(ms % 1000));
}

static void AX_PRINTF(4, 0)
    write_line(enum ax_log_level level, const char *id, struct ax_str subject, const char *fmt, va_list args)
{
    struct ax_clock clock = ax_clock_wall();
    int64_t now_ms = ax_clock_now(&clock);
    uint64_t suppressed = 0;
    if (level >= AX_LOG_WARN && !admit(id, subject, &suppressed))
        return;

    char msg[LINE_BYTES / 2], ts[40], line[LINE_BYTES + 256];
    (void)vsnprintf(msg, sizeof msg, fmt, args);
    (void)timestamp(ts, sizeof ts, now_ms);

    bool json = line_format == AX_LOG_JSON;
    size_t n =
        json ? (size_t)snprintf(line, sizeof line,
                                "{\"ts\":\"%s\",\"level\":\"%s\",\"id\":\"%s\",\"msg\":", ts,
                                level_names[level], id)
             : (size_t)snprintf(line, sizeof line, "ts=%s level=%s id=%s msg=", ts, level_names[level], id);
    n += quote(line + n, LINE_BYTES - n, msg);
    if (suppressed)
        n += json ? (size_t)snprintf(line + n, sizeof line - n, ",\"suppressed\":%llu",
                                     (unsigned long long)suppressed)
                  : (size_t)snprintf(line + n, sizeof line - n, " suppressed=%llu",
                                     (unsigned long long)suppressed);
    if (json)
        line[n++] = '}';
    line[n++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, n);
    (void)written; /* nowhere left to complain */
}

void ax_log(enum ax_log_level level, const char *id, const char *fmt, ...)
{
    va_list args;
    if (level < least_level)
        return;
    va_start(args, fmt);
    write_line(level, id, (struct ax_str){NULL, 0}, fmt, args);
    va_end(args);
}

void ax_log_about(enum ax_log_level level, const char *id, struct ax_str subject, const char *fmt, ...)
{
    va_list args;
    if (level < least_level)
        return;
    va_start(args, fmt);
    write_line(level, id, subject, fmt, args);
    va_end(args);
}
