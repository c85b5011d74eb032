/* reference.c: one Markdown table for each section, in the order of the file. */
#include "config/reference.h"

#include "base/parse.h"
#include "config/builtin.h"
#include "config/outputs.h"
#include "config/schema.h"

/* Bounds of a duration, count or number, as a person reads them; nothing for other types. */
static void write_range(struct ax_buf *out, const struct ax_key *key)
{
    char lo[64], hi[64];
    if (key->type == AX_KEY_DURATION) {
        ax_format_duration((int64_t)key->min, lo, sizeof lo);
        ax_format_duration((int64_t)key->max, hi, sizeof hi);
    } else if (key->type == AX_KEY_COUNT || key->type == AX_KEY_COUNT64 || key->type == AX_KEY_NUMBER) {
        ax_format_double(key->min, lo, sizeof lo);
        ax_format_double(key->max, hi, sizeof hi);
    } else {
        return;
    }
    ax_buf_printf(out, key->open ? ", between %s and %s" : ", %s to %s", lo, hi);
}

static void write_type(struct ax_buf *out, const struct ax_key *key)
{
    if (key->type != AX_KEY_CHOICE && key->type != AX_KEY_ENUM) {
        ax_buf_str(out, ax_str(ax_key_type_name(key->type)));
        write_range(out, key);
        return;
    }
    for (int i = 0; key->choices[i]; i++)
        ax_buf_printf(out, "%s`%s`", i ? ", " : "", key->choices[i]);
}

static void write_default(struct ax_buf *out, const struct ax_key *key)
{
    if (key->required)
        ax_buf_str(out, ax_str("required"));
    else if (key->fallback && key->fallback[0] == '(')
        ax_buf_printf(out, "%.*s", (int)strlen(key->fallback) - 2, key->fallback + 1);
    else if (key->fallback)
        ax_buf_printf(out, "`%s`", key->fallback);
}

/* Rows of a section and of those inlined into it; path is the dotted way to the section. */
static void write_rows(struct ax_buf *out, const struct ax_section *s, const char *path)
{
    for (size_t i = 0; i < s->keys_n; i++) {
        const struct ax_key *key = &s->keys[i];
        if (key->type == AX_KEY_INLINE) {
            write_rows(out, key->section, path);
            continue;
        }
        if (key->type == AX_KEY_INERT || key->type == AX_KEY_REFUSED) {
            ax_buf_printf(out, "| `%s%s` | | | %s: %s |\n", path, key->name,
                          key->type == AX_KEY_INERT ? "Accepted with a warning, without effect" : "Refused",
                          key->doc);
            continue;
        }
        ax_buf_printf(out, "| `%s%s` | ", path, key->name);
        write_type(out, key);
        ax_buf_str(out, ax_str(" | "));
        write_default(out, key);
        ax_buf_printf(out, " | %s |\n", key->doc ? key->doc : key->section->doc);
        if (key->section) {
            struct ax_buf deeper;
            ax_buf_init(&deeper, 256);
            ax_buf_printf(&deeper, "%s%s%s.%c", path, key->name, key->type == AX_KEY_SECTIONS ? "[]" : "", 0);
            if (deeper.err == AX_OK)
                write_rows(out, key->section, (const char *)deeper.bytes);
            ax_buf_done(&deeper);
        }
    }
}

/* What `emit` may name. */
static void write_outputs(struct ax_buf *out)
{
    static const char *const stages[AX_STAGE_READ] = {
        [AX_STAGE_FORECAST] = "forecast", [AX_STAGE_CAPACITY] = "capacity", [AX_STAGE_BILLING] = "billing",
        [AX_STAGE_ANOMALY] = "anomaly",   [AX_STAGE_DRIFT] = "drift",       [AX_STAGE_JOB] = "(any)"};
    ax_buf_str(out,
               ax_str("\n## Outputs\n\nNames that `emit` takes; `<output>` is the forecast's own name.\n\n"
                      "| output | made by |\n|---|---|\n"));
    for (enum ax_output o = 0; o < AX_OUTPUT_N; o++) {
        if (ax_output_stage(o) == AX_STAGE_READ)
            continue;
        ax_buf_str(out, ax_str("| `"));
        ax_output_name(o, ax_str("<output>"), out);
        ax_buf_printf(out, "` | %s |\n", stages[ax_output_stage(o)]);
    }
}

void ax_config_reference(struct ax_buf *out)
{
    ax_buf_str(
        out,
        ax_str("# Configuration\n\n"
               "`auspex.yml`, named by `--config.file`. YAML, one document of at most 1 MiB, UTF-8. Keys are "
               "Prometheus's where it has them.\nAn unknown key is an error, with its line and column. "
               "Durations are written as in Prometheus (`15s`, `5m`, `1h30m`, `14d`), booleans as `true` "
               "and `false`;\naliases (`*name`) work, merge keys (`<<`), tags and environment variables "
               "do not. `auspex check FILE` says everything that is wrong with a file.\n\n"
               "This page is made from the table of keys that also reads the file.\n\n"
               "Without a file this one is in force:\n\n```yaml\n"));
    ax_buf_str(out, ax_str(ax_config_builtin));
    ax_buf_str(out, ax_str("```\n"));
    for (size_t i = 0; i < ax_schema_file.keys_n; i++) {
        const struct ax_key *key = &ax_schema_file.keys[i];
        ax_buf_printf(out, "\n## `%s`\n\n%s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
                      key->name, key->section->doc);
        write_rows(out, key->section, "");
    }
    write_outputs(out);
}
