/* card.c: the model card, from what is known of a version; headings follow Mitchell et al., "Model Cards for
 * Model Reporting" (FAT* 2019). */
#include "registry/shown.h"

#include <time.h>

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void put_time(const json_t *seconds, struct ax_buf *out)
{
    if (!json_is_number(seconds)) {
        ax_buf_str(out, ax_str("not known"));
        return;
    }
    char text[40];
    const time_t t = (time_t)json_number_value(seconds);
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm))
        text[0] = '\0';
    ax_buf_str(out, ax_str(text));
}

/* A text within a line of a table or a list: no bars, no line ends. */
static void put_inline(const char *text, struct ax_buf *out)
{
    for (const char *p = text; *p; p++) {
        if (*p == '|')
            ax_buf_str(out, ax_str("\\|"));
        else
            ax_buf_byte(out, *p == '\n' || *p == '\r' ? ' ' : (uint8_t)*p);
    }
}

static void put_row(const char *name, const char *value, struct ax_buf *out)
{
    ax_buf_printf(out, "| %s | ", name);
    put_inline(*value ? value : "none", out);
    ax_buf_str(out, ax_str(" |\n"));
}

/* A table of the pairs of an object. */
static void put_object(const json_t *o, const char *heading, struct ax_buf *out)
{
    const char *key;
    json_t *value;
    if (json_object_size(o) == 0) {
        ax_buf_str(out, ax_str("None were given.\n"));
        return;
    }
    ax_buf_printf(out, "| %s | value |\n|---|---|\n", heading);
    json_object_foreach((json_t *)(uintptr_t)o, key, value)
    {
        ax_buf_str(out, ax_str("| "));
        put_inline(key, out);
        if (json_is_string(value)) {
            ax_buf_str(out, ax_str(" | "));
            put_inline(json_string_value(value), out);
            ax_buf_str(out, ax_str(" |\n"));
        } else if (json_is_integer(value)) {
            ax_buf_printf(out, " | %" JSON_INTEGER_FORMAT " |\n", json_integer_value(value));
        } else if (json_is_real(value)) {
            ax_buf_printf(out, " | %.6g |\n", json_real_value(value));
        } else {
            ax_buf_printf(out, " | %s |\n",
                          json_is_true(value)    ? "true"
                          : json_is_false(value) ? "false"
                                                 : "...");
        }
    }
}

static void put_data(const json_t *lineage, struct ax_buf *out)
{
    ax_buf_str(out, ax_str("From "));
    put_time(json_object_get(lineage, "dataFromTimestampSeconds"), out);
    ax_buf_str(out, ax_str(" to "));
    put_time(json_object_get(lineage, "dataToTimestampSeconds"), out);
    ax_buf_printf(out,
                  ": %" JSON_INTEGER_FORMAT
                  " samples. Nothing later was seen by it.\n\n| lineage | value |\n|---|---|\n",
                  json_integer_value(json_object_get(lineage, "samples")));
    put_row("hash of the features", text_of(lineage, "featuresHash"), out);
    put_row("hash of the configuration", text_of(lineage, "configHash"), out);
    put_row("built by auspex", text_of(lineage, "build"), out);
    put_row("seed", text_of(lineage, "seed"), out);
}

static void put_history(const json_t *history, struct ax_buf *out)
{
    size_t i;
    const json_t *e;
    json_array_foreach(history, i, e)
    {
        ax_buf_str(out, ax_str("- "));
        put_time(json_object_get(e, "timestamp"), out);
        ax_buf_printf(out, ", %s: ", text_of(e, "action"));
        put_inline(text_of(e, "detail"), out);
        ax_buf_str(out, ax_str(" (by "));
        put_inline(text_of(e, "who"), out);
        ax_buf_str(out, ax_str(")\n"));
    }
}

void ax_model_card_markdown(const json_t *card, struct ax_buf *out)
{
    const char *alias = text_of(card, "alias");
    ax_buf_str(out, ax_str("# "));
    put_inline(text_of(card, "model"), out);
    ax_buf_printf(out, " %s\n\n", text_of(card, "version"));
    put_inline(text_of(card, "change"), out);
    ax_buf_printf(out, ".\n\n## Model\n\n| | |\n|---|---|\n| stage | %s%s%s |\n| registered | ",
                  text_of(card, "stage"), *alias ? ", " : "", alias);
    put_time(json_object_get(card, "createdTimestampSeconds"), out);
    ax_buf_str(out, ax_str(" |\n"));
    put_row("compared with", text_of(card, "parent"), out);
    put_row("replaced", text_of(card, "replaced"), out);
    put_row("inputs are tested for drift against the data of",
            *text_of(card, "baseline") ? text_of(card, "baseline") : text_of(card, "version"), out);
    put_row("approved by", text_of(card, "reviewers"), out);
    put_row("SHA-256", text_of(card, "sha256"), out);
    ax_buf_printf(out,
                  "| artifact | %" JSON_INTEGER_FORMAT " bytes%s |\n\n## Intended use\n\n"
                  "The series that the job of its name selects, on this installation; it was trained on "
                  "nothing else, and "
                  "says nothing of others.\n\n## Training data\n\n",
                  json_integer_value(json_object_get(card, "bytes")),
                  json_is_true(json_object_get(card, "artifactKept")) ? "" : ", not kept any more");
    put_data(json_object_get(card, "lineage"), out);
    ax_buf_str(out, ax_str("\n## Hyper-parameters\n\n"));
    put_object(json_object_get(card, "hyperParameters"), "parameter", out);
    ax_buf_str(out, ax_str("\n## Scores\n\nOn data that was held out from the training.\n\n"));
    put_object(json_object_get(card, "scores"), "score", out);
    ax_buf_str(out, ax_str("\n## History\n\n"));
    put_history(json_object_get(card, "history"), out);
}
