/* zone.c: TZif files, and the two ways between instants and clocks. */
#include "base/zone.h"

#include "base/zone_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (256u << 10)
#define NAME_MAX_BYTES 128
#define HEADER 44

struct ax_zone {
    int64_t *at_s;     /* instants at which the offset changes, ascending */
    int32_t *offset_s; /* from each of them on; owned with at_s */
    uint32_t n;
    int32_t first_s; /* before the first */
    bool has_rule;   /* after the last one it counts */
    struct ax_zone_rule rule;
};

/* The counts of a header. */
struct counts {
    uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool header(const uint8_t *p, size_t n, struct counts *c)
{
    if (n < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    *c = (struct counts){be32(p + 20), be32(p + 24), be32(p + 28), be32(p + 32), be32(p + 36), be32(p + 40)};
    return true;
}

/* Bytes of a data block whose times have `wide` bytes. The counts are below 2^32: no overflow. */
static uint64_t block_size(const struct counts *c, uint64_t wide)
{
    return c->time * (wide + 1) + c->type * 6ull + c->chars + c->leap * (wide + 4) + c->isstd + c->isut;
}

/* Take the transitions out of a data block that is known to be whole. */
static enum ax_err read_block(struct ax_zone *z, const uint8_t *p, const struct counts *c, unsigned wide,
                              struct ax_diag *diag)
{
    const uint8_t *index = p + (size_t)c->time * wide, *types = index + c->time;
    if (c->leap)
        return ax_fail(diag, AX_UNSUPPORTED, "it counts leap seconds, which Unix time does not");
    if (c->type == 0 || c->type > 256)
        return ax_fail(diag, AX_CORRUPT, "it has %u local time types", c->type);
    for (uint32_t i = 0; i < c->type; i++) {
        int32_t s = (int32_t)be32(types + 6ull * i);
        if (s > AX_ZONE_OFFSET_MAX || s < -AX_ZONE_OFFSET_MAX)
            return ax_fail(diag, AX_CORRUPT, "an offset from UTC of %d s", s);
    }
    z->first_s = (int32_t)be32(types);
    z->at_s = malloc((c->time + 1ull) * (sizeof *z->at_s + sizeof *z->offset_s));
    if (!z->at_s)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    z->offset_s = (int32_t *)(void *)(z->at_s + c->time);
    for (uint32_t i = 0; i < c->time; i++) {
        z->at_s[i] = wide == 8 ? be64(p + 8ull * i) : (int32_t)be32(p + 4ull * i);
        if (index[i] >= c->type || (i && z->at_s[i] <= z->at_s[i - 1]))
            return ax_fail(diag, AX_CORRUPT, "its transitions make no sense");
        z->offset_s[i] = (int32_t)be32(types + 6ull * index[i]);
    }
    z->n = c->time;
    return AX_OK;
}

/* The footer of a file from version 2 on: a rule between two newlines, or none. */
static enum ax_err read_footer(struct ax_zone *z, const uint8_t *p, size_t n, struct ax_diag *diag)
{
    const uint8_t *end = n > 1 && p[0] == '\n' ? memchr(p + 1, '\n', n - 1) : NULL;
    if (!end)
        return ax_fail(diag, AX_CORRUPT, "it ends too early");
    struct ax_str text = {(const char *)p + 1, (size_t)(end - p) - 1};
    z->has_rule = text.n > 0;
    if (z->has_rule && !ax_zone_rule_read(text, &z->rule))
        return ax_fail(diag, AX_CORRUPT, "its rule cannot be read");
    return AX_OK;
}

static enum ax_err read_into(struct ax_zone *z, const uint8_t *p, size_t n, struct ax_diag *diag)
{
    struct counts c;
    unsigned wide = 4;
    if (!header(p, n, &c))
        return ax_fail(diag, AX_CORRUPT, "it is no TZif file");
    if (p[4] >= '2') { /* the first block is for those who cannot read the second */
        uint64_t skip = HEADER + block_size(&c, 4);
        if (skip > n || !header(p + skip, n - skip, &c))
            return ax_fail(diag, AX_CORRUPT, "it ends too early");
        p += skip;
        n -= skip;
        wide = 8;
    }
    uint64_t size = HEADER + block_size(&c, wide);
    if (size > n)
        return ax_fail(diag, AX_CORRUPT, "it ends too early");
    enum ax_err err = read_block(z, p + HEADER, &c, wide, diag);
    return err == AX_OK && wide == 8 ? read_footer(z, p + size, n - size, diag) : err;
}

enum ax_err ax_zone_read(struct ax_str bytes, struct ax_zone **out, struct ax_diag *diag)
{
    struct ax_zone *z = calloc(1, sizeof *z);
    *out = NULL;
    if (!z)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    enum ax_err err = read_into(z, (const uint8_t *)bytes.p, bytes.n, diag);
    if (err == AX_OK)
        *out = z;
    else
        ax_zone_free(z);
    return err;
}

void ax_zone_free(struct ax_zone *z)
{
    if (!z)
        return;
    free(z->at_s);
    free(z);
}

/* Letters, digits and a few others, in parts that do not begin with a dot: it becomes part of a path. */
static bool is_name(struct ax_str s)
{
    bool begins = true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && (begins || c == 0 || !strchr("/_+-.", c)))
            return false;
        begins = c == '/';
    }
    return s.n > 0 && s.n <= NAME_MAX_BYTES && !begins;
}

enum ax_err ax_zone_load(struct ax_str name, struct ax_zone **out, struct ax_diag *diag)
{
    char path[sizeof AX_ZONE_FOLDER + NAME_MAX_BYTES + 2];
    *out = NULL;
    if (ax_str_eq(name, ax_str("UTC"))) {
        *out = calloc(1, sizeof **out);
        return *out ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
    }
    if (!is_name(name))
        return ax_fail(diag, AX_INVALID, "no name of a time zone: it is written as in Europe/Berlin or UTC");
    (void)snprintf(path, sizeof path, "%s/" AX_STR_FMT, AX_ZONE_FOLDER, AX_STR_ARG(name));
    FILE *file = fopen(path, "re");
    if (!file)
        return ax_fail(diag, AX_NOTFOUND,
                       "there is no %s (%s): see the names there, and install the package tzdata", path,
                       strerror(errno));
    enum ax_err err = AX_OK;
    char *bytes = malloc(FILE_MAX);
    size_t n = bytes ? fread(bytes, 1, FILE_MAX, file) : 0;
    bool failed = ferror(file) != 0;
    (void)fclose(file);
    if (!bytes)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    else if (failed || n == FILE_MAX)
        err = ax_fail(diag, AX_CORRUPT, "no file of a time zone");
    else
        err = ax_zone_read((struct ax_str){bytes, n}, out, diag);
    free(bytes);
    return err == AX_OK ? err : ax_wrap(diag, err, "%s", path);
}

int32_t ax_zone_offset(const struct ax_zone *z, int64_t t_s)
{
    if (!z)
        return 0;
    if (z->has_rule && (z->n == 0 || t_s >= z->at_s[z->n - 1]))
        return ax_zone_rule_offset(&z->rule, t_s);
    uint32_t from = 0, to = z->n; /* the first change after t_s */
    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        if (z->at_s[mid] <= t_s)
            from = mid + 1;
        else
            to = mid;
    }
    return from ? z->offset_s[from - 1] : z->first_s;
}

struct ax_civil ax_zone_civil(const struct ax_zone *z, int64_t t_s)
{
    struct ax_civil c;
    int64_t local = t_s + ax_zone_offset(z, t_s);
    int64_t days = local / AX_DAY_S - (local % AX_DAY_S < 0);
    int of_day = (int)(local - days * AX_DAY_S);
    ax_civil_from_days(days, &c.year, &c.month, &c.day);
    c.hour = of_day / 3600;
    c.minute = of_day / 60 % 60;
    c.second = of_day % 60;
    c.weekday = (int)((days % 7 + 11) % 7);
    c.yearday = (int)(days - ax_days_from_civil(c.year, 1, 1));
    return c;
}

int64_t ax_zone_instant(const struct ax_zone *z, const struct ax_civil *c)
{
    int64_t months = c->year * 12 + c->month - 1;
    int64_t year = months / 12 - (months % 12 < 0);
    int64_t days = ax_days_from_civil(year, (int)(months - year * 12) + 1, 1) + c->day - 1;
    int64_t local = days * AX_DAY_S + c->hour * 3600LL + c->minute * 60LL + c->second;
    /* The offsets of before and after whatever change is near; where both fit, or none, that of before. */
    int32_t before = ax_zone_offset(z, local - AX_ZONE_OFFSET_MAX - 1);
    int32_t after = ax_zone_offset(z, local + AX_ZONE_OFFSET_MAX + 1);
    if (ax_zone_offset(z, local - before) != before && ax_zone_offset(z, local - after) == after)
        return local - after;
    return local - before;
}
