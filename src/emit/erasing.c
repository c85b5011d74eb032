/* erasing.c: matchers against the labels of outputs; a file of one selector. */
#include "emit/erasing.h"

#include "config/validate.h"
#include "store/folder.h"
#include "store/whole_file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define NOTE "erase"
#define NOTE_BYTES_MAX 65536
#define NAME_MAX_BYTES 64 /* of labels that outputs add */
#define RANGE_MS 1        /* a selector has no range; the parser wants to know how long it may be */

enum ax_err ax_erasing_init(struct ax_erasing *e, struct ax_str selector, struct ax_diag *diag)
{
    *e = (struct ax_erasing){0};
    enum ax_err err = ax_expr_parse(selector, RANGE_MS, &e->expr, diag);
    if (err != AX_OK)
        return err;
    e->matchers = ax_expr_as_selector(e->expr, &e->n);
    bool named = !e->matchers;
    for (uint32_t i = 0; i < e->n && !named; i++)
        named = ax_str_eq(ax_matcher_name(e->matchers[i]), ax_str(AX_METRIC_NAME));
    if (!named)
        return AX_OK;
    ax_erasing_done(e);
    return ax_fail(diag, AX_INVALID, "a selector of labels is wanted, as in {instance=\"a\"}");
}

void ax_erasing_done(struct ax_erasing *e)
{
    ax_expr_free(e->expr);
    *e = (struct ax_erasing){0};
}

static bool speaks_of_output(const struct ax_erasing *e)
{
    for (uint32_t i = 0; i < e->n; i++)
        if (ax_str_eq(ax_matcher_name(e->matchers[i]), ax_str("for")))
            return true;
    return false;
}

/* The value of an input's label that the output has given another name, because it adds one of that name; n 0
 * when there is none. Of an output, `for` and `source` are its own (pipeline/chooser.h). */
static struct ax_str renamed(const struct ax_labels *labels, struct ax_str name, bool output)
{
    char other[NAME_MAX_BYTES];
    const bool own = output && (ax_str_eq(name, ax_str("for")) || ax_str_eq(name, ax_str("source")));
    if (own || !ax_label_is_added(name))
        return (struct ax_str){NULL, 0};
    (void)snprintf(other, sizeof other, "exported_" AX_STR_FMT, AX_STR_ARG(name));
    return ax_labels_get(labels, ax_str(other));
}

bool ax_erasing_takes(void *erasing, const struct ax_labels *labels)
{
    const struct ax_erasing *e = erasing;
    const bool output = speaks_of_output(e);
    for (uint32_t i = 0; i < e->n; i++) {
        const struct ax_str name = ax_matcher_name(e->matchers[i]);
        const struct ax_label given = {name, renamed(labels, name, output)};
        const struct ax_labels alone = {1, &given};
        if (!ax_matcher_match(e->matchers[i], given.value.n ? &alone : labels))
            return false;
    }
    return true;
}

enum ax_err ax_erasing_note(const char *dir, struct ax_str selector, struct ax_diag *diag)
{
    if (selector.n > NOTE_BYTES_MAX) /* a start could not read it */
        return ax_fail(diag, AX_INVALID, "a selector of at most %d bytes is wanted", NOTE_BYTES_MAX);
    return ax_whole_file_write(dir, NOTE, selector, diag);
}

enum ax_err ax_erasing_noted(const char *dir, struct ax_buf *out, struct ax_diag *diag)
{
    return ax_whole_file_read(dir, NOTE, NOTE_BYTES_MAX, out, diag);
}

enum ax_err ax_erasing_forget(const char *dir, struct ax_diag *diag)
{
    struct ax_folder folder = {-1, NULL};
    enum ax_err err = ax_folder_open(dir, false, &folder, diag);
    if (err == AX_OK && unlinkat(folder.fd, NOTE, 0) != 0 && errno != ENOENT)
        err = ax_folder_fail(diag, errno, "remove", dir, NOTE);
    if (err == AX_OK)
        err = ax_folder_sync(&folder, diag);
    ax_folder_close(&folder);
    return err;
}
