/* re2.cc: libre2 behind a header of C. */
#include "prom/re2.h"

#include <cstdio>
#include <new>
#include <re2/re2.h>
#include <string>
#include <vector>

struct ax_re2 {
    re2::RE2 re;
};

enum ax_re2_end ax_re2_new(const char *pattern, size_t n, int64_t memory_max, struct ax_re2 **out, char *text,
                           size_t text_cap)
{
    *out = nullptr;
    try {
        re2::RE2::Options options;
        options.set_dot_nl(true);
        options.set_log_errors(false);
        options.set_max_mem(memory_max);
        struct ax_re2 *re = new ax_re2{{re2::StringPiece(pattern, n), options}};
        if (re->re.ok()) {
            *out = re;
            return AX_RE2_YES;
        }
        const bool large = re->re.error_code() == re2::RE2::ErrorPatternTooLarge;
        (void)std::snprintf(text, text_cap, "%s", re->re.error().c_str());
        delete re;
        return large ? AX_RE2_LARGE : AX_RE2_INVALID;
    } catch (const std::bad_alloc &) {
        return AX_RE2_NOMEM;
    }
}

void ax_re2_free(struct ax_re2 *re)
{
    delete re;
}

uint32_t ax_re2_groups(const struct ax_re2 *re)
{
    return static_cast<uint32_t>(re->re.NumberOfCapturingGroups());
}

uint32_t ax_re2_size(const struct ax_re2 *re)
{
    return static_cast<uint32_t>(re->re.ProgramSize());
}

enum ax_re2_end ax_re2_match(const struct ax_re2 *re, const char *subject, size_t n,
                             struct ax_re2_group *groups, uint32_t groups_n)
{
    try {
        const re2::StringPiece text(subject, n);
        std::vector<re2::StringPiece> found(groups_n);
        if (!re->re.Match(text, 0, n, re2::RE2::ANCHOR_BOTH, found.data(), static_cast<int>(groups_n)))
            return AX_RE2_NO;
        for (uint32_t i = 0; i < groups_n; i++)
            groups[i] = {found[i].data(), found[i].size()};
        return AX_RE2_YES;
    } catch (const std::bad_alloc &) {
        return AX_RE2_NOMEM;
    }
}

uint32_t ax_re2_group_named(const struct ax_re2 *re, const char *name, size_t n)
{
    try {
        const auto &named = re->re.NamedCapturingGroups();
        const auto found = named.find(std::string(name, n));
        return found == named.end() ? UINT32_MAX : static_cast<uint32_t>(found->second);
    } catch (const std::bad_alloc &) {
        return UINT32_MAX;
    }
}
