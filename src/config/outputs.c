/* outputs.c: the table, and the spelling of names that hang on the forecast's own. */
#include "config/outputs.h"

static const struct {
    const char *name;
    enum ax_output_stage stage;
} table[AX_OUTPUT_N] = {
#define AX_OUTPUT(id, name, stage) {name, AX_STAGE_##stage},
#include "config/outputs.def"
#undef AX_OUTPUT
};

enum ax_output_stage ax_output_stage(enum ax_output o)
{
    return table[o].stage;
}

void ax_output_name(enum ax_output o, struct ax_str forecast_output, struct ax_buf *out)
{
    struct ax_str name = ax_str(table[o].name);
    if (name.p[0] == '*') {
        ax_buf_str(out, forecast_output);
        name = (struct ax_str){name.p + 1, name.n - 1};
    }
    ax_buf_str(out, name);
}

static bool is_name_of(struct ax_str name, enum ax_output o, struct ax_str forecast_output)
{
    struct ax_str own = ax_str(table[o].name);
    if (own.p[0] != '*')
        return ax_str_eq(name, own);
    struct ax_str suffix = {own.p + 1, own.n - 1};
    return forecast_output.n && name.n == forecast_output.n + suffix.n &&
           memcmp(name.p, forecast_output.p, forecast_output.n) == 0 &&
           memcmp(name.p + forecast_output.n, suffix.p, suffix.n) == 0;
}

enum ax_output ax_output_find(struct ax_str name, struct ax_str forecast_output)
{
    for (enum ax_output o = 0; o < AX_OUTPUT_N; o++)
        if (is_name_of(name, o, forecast_output))
            return o;
    return AX_OUTPUT_N;
}
