/* web.h: --web.config.file: from the file to the listener's doors, and again when a file changes.
 *
 * One thread: that which serves. */
#ifndef AX_APP_WEB_H
#define AX_APP_WEB_H

#include "net/http_server.h"

#include <sys/stat.h>

#define AX_WEB_FILES 5 /* the file itself, certificate, key, client CA, tokens */

/* What is watched. */
struct ax_web {
    const char *path; /* of the file; "": everybody comes in, over plain HTTP */
    char *named[AX_WEB_FILES - 1];
    struct stat seen[AX_WEB_FILES]; /* all zero: not there */
};

/* Read the file for the first time; *out gets the doors (NULL without a file), which the caller releases.
 * path outlives web. Problems are logged, the first is the text. */
AX_MUST_USE enum ax_err ax_web_open(struct ax_web *web, const char *path, struct ax_doors **out,
                                    struct ax_diag *diag);

/* Look whether a file has changed since it was read, and put the change in force: whole or not at all. What
 * is wrong is logged once, and the doors of before stay. A few calls of stat(2) when nothing has changed. */
void ax_web_poll(struct ax_web *web, struct ax_http_server *server);

/* Free what it holds. */
void ax_web_close(struct ax_web *web);

#endif
