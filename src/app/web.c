/* web.c: reads --web.config.file, remembers what its files looked like, and compares. */
#include "app/web.h"

#include "app/check.h"
#include "base/log.h"
#include "base/metrics.h"
#include "config/web.h"

#include <stdlib.h>

static void look(const char *path, struct stat *out)
{
    if (!path || stat(path, out) != 0)
        memset(out, 0, sizeof *out);
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool changed(const char *path, const struct stat *seen)
{
    struct stat now;
    look(path, &now);
    return now.st_dev != seen->st_dev || now.st_ino != seen->st_ino || now.st_size != seen->st_size ||
           !same_time(now.st_mtim, seen->st_mtim) || !same_time(now.st_ctim, seen->st_ctim);
}

static void forget_names(struct ax_web *web)
{
    for (int i = 0; i < AX_WEB_FILES - 1; i++) {
        free(web->named[i]);
        web->named[i] = NULL;
    }
}

/* Remember the files that a config names, as they look before they are read. */
static bool remember(struct ax_web *web, const struct ax_doors_options *o)
{
    const struct ax_str paths[AX_WEB_FILES - 1] = {o->cert_file, o->key_file, o->client_ca_file,
                                                   o->bearer_token_file};
    forget_names(web);
    for (int i = 0; i < AX_WEB_FILES - 1; i++) {
        if (paths[i].n && !(web->named[i] = strndup(paths[i].p, paths[i].n)))
            return false;
        look(web->named[i], &web->seen[i + 1]);
    }
    return true;
}

/* Read everything: a new generation of doors. */
static enum ax_err load(struct ax_web *web, struct ax_doors **out, struct ax_diag *diag)
{
    struct ax_web_config *config = NULL;
    struct ax_problems *problems = calloc(1, sizeof *problems);
    *out = NULL;
    look(web->path, &web->seen[0]);
    for (int i = 0; i < AX_WEB_FILES - 1; i++) /* also when the file itself turns out to be wrong */
        look(web->named[i], &web->seen[i + 1]);
    enum ax_err err = problems ? ax_web_config_load(web->path, &config, problems) : AX_NOMEM;
    if (err != AX_OK)
        (void)ax_fail(diag, err, "%s: %s", web->path, ax_err_text(err));
    if (problems)
        ax_problems_log(problems, web->path, "web_config_error", "web_config_warning", err, diag);
    free(problems);
    if (err == AX_OK && !remember(web, &config->doors))
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK) {
        err = ax_doors_new(&config->doors, out, diag);
        if (err != AX_OK)
            err = ax_wrap(diag, err, "%s", web->path);
    }
    ax_web_config_free(config);
    return err;
}

static void mark(bool ok)
{
    ax_metric_set(ax_metric(AX_M_WEB_CONFIG_RELOAD_OK, NULL, NULL), ok);
}

enum ax_err ax_web_open(struct ax_web *web, const char *path, struct ax_doors **out, struct ax_diag *diag)
{
    *web = (struct ax_web){.path = path};
    *out = NULL;
    if (!*path)
        return AX_OK;
    enum ax_err err = load(web, out, diag);
    mark(err == AX_OK);
    return err;
}

void ax_web_poll(struct ax_web *web, struct ax_http_server *server)
{
    bool any = *web->path && changed(web->path, &web->seen[0]);
    for (int i = 0; *web->path && i < AX_WEB_FILES - 1; i++)
        any |= web->named[i] && changed(web->named[i], &web->seen[i + 1]);
    if (!any)
        return;
    struct ax_diag diag = {{0}};
    struct ax_doors *next = NULL;
    enum ax_err err = load(web, &next, &diag);
    if (err == AX_OK)
        err = ax_http_server_set_doors(server, next, &diag);
    ax_doors_release(next);
    mark(err == AX_OK);
    if (err == AX_OK)
        ax_log(AX_LOG_INFO, "web_config_loaded", "%s is in force", web->path);
    else
        ax_log(AX_LOG_ERROR, "web_config_reload_failed", "the doors of before stay in force: %s", diag.text);
}

void ax_web_close(struct ax_web *web)
{
    forget_names(web);
}
