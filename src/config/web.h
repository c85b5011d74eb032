/* web.h: the file of --web.config.file: who may come in, in the format of Prometheus's exporter-toolkit
 * (docs/web-configuration.md there), and bearer_token_file, which is ours.
 *
 * A loaded file is an immutable value. Errors have line and column, and never a secret. */
#ifndef AX_CONFIG_WEB_H
#define AX_CONFIG_WEB_H

#include "config/config.h"
#include "net/doors.h"

#define AX_WEB_HEADERS 5

/* The whole file; an empty text is one that was not given. */
struct ax_web_config {
    struct ax_doors_options doors; /* what the listener needs, all of it */
    bool tls;                      /* tls_server_config stands in the file */
    /* http_server_config.headers and basic_auth_users as the table of keys reads them */
    struct ax_str headers[AX_WEB_HEADERS];
    const struct ax_http_field *users;
    uint32_t users_n;
    struct ax_arena arena; /* owns all of the above */
};

/* Parse YAML text; relative paths in it are taken from folder. All problems are gathered. AX_INVALID when
 * there is an error among them, AX_NOMEM; *out then is NULL. Free with ax_web_config_free(). */
AX_MUST_USE enum ax_err ax_web_config_parse(struct ax_str yaml, struct ax_str folder,
                                            struct ax_web_config **out, struct ax_problems *problems);

/* Read a file and parse it; relative paths are taken from its folder. Also AX_IO. The files that it names
 * are not opened. */
AX_MUST_USE enum ax_err ax_web_config_load(const char *path, struct ax_web_config **out,
                                           struct ax_problems *problems);

/* Free; NULL is fine. */
void ax_web_config_free(struct ax_web_config *c);

#endif
