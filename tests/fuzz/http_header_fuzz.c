/* http_header_fuzz.c: headers as clients send them and as users configure them, a line of the input each:
 * Authorization, Content-Type, Content-Encoding, a header's name, its value. Nobody comes in without the
 * token or the password, what is taken for a type or an encoding is one, and what may be set breaks no
 * request. */
#include "folder.h"
#include "ingest/negotiate.h"
#include "net/doors.h"
#include "net/http_client.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#define TOKEN "token-0123456789abcdef"
#define RIGHT "Basic YW5uYTpjb3JyZWN0IGhvcnNl" /* anna:correct horse */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct ax_str next_line(struct ax_str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct ax_str line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    size_t used = line.n + (end != NULL);
    *rest = (struct ax_str){rest->p + used, rest->n - used};
    return line;
}

/* Doors that know one user, whose password was checked before, and one token. */
static struct ax_doors *make_doors(void)
{
    static const struct ax_door_user user = {
        {"anna", 4}, {"$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", 60}};
    char path[64];
    (void)snprintf(path, sizeof path, "%s/tokens", fuzz_folder());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    AX_ASSERT(fd >= 0 && write(fd, TOKEN "\n", sizeof TOKEN) == (ssize_t)sizeof TOKEN && close(fd) == 0);
    const struct ax_doors_options o = {.users = &user, .users_n = 1, .bearer_token_file = ax_str(path)};
    struct ax_doors *d = NULL;
    AX_ASSERT(ax_doors_new(&o, &d, NULL) == AX_OK);
    AX_ASSERT(unlink(path) == 0);
    AX_ASSERT(ax_doors_check(d, ax_str(RIGHT)) == AX_DOOR_OPEN);
    return d;
}

static bool holds(struct ax_str s, const char *word)
{
    for (size_t n = strlen(word), i = 0; i + n <= s.n; i++)
        if (strncasecmp(s.p + i, word, n) == 0)
            return true;
    return false;
}

/* Has it the base64 of the right password? Line breaks within are passed over, as in mail. */
static bool holds_password(struct ax_str s)
{
    char text[4096];
    size_t kept = 0;
    for (size_t i = 0; i < s.n && kept < sizeof text; i++)
        if (!isspace((unsigned char)s.p[i]))
            text[kept++] = s.p[i];
    return holds((struct ax_str){text, kept}, "YW5uYTpjb3JyZWN0IGhvcnNl");
}

static void judge(struct ax_doors *d, struct ax_str authorization)
{
    enum ax_door_answer a = ax_doors_judge(d, authorization);
    AX_ASSERT(a == AX_DOOR_OPEN || a == AX_DOOR_NONE_GIVEN || a == AX_DOOR_WRONG || a == AX_DOOR_UNKNOWN);
    AX_ASSERT((a == AX_DOOR_NONE_GIVEN) == (authorization.n == 0));
    if (a == AX_DOOR_OPEN)
        AX_ASSERT(holds(authorization, TOKEN) || holds_password(authorization));
    if (a == AX_DOOR_UNKNOWN)
        AX_ASSERT(authorization.n >= 6 && strncasecmp(authorization.p, "basic ", 6) == 0);
}

static bool is_blank(struct ax_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != ' ' && s.p[i] != '\t')
            return false;
    return true;
}

static void negotiate(struct ax_str type, struct ax_str encoding)
{
    int version = 0;
    enum ax_rw_encoding e = AX_RW_SNAPPY;
    struct ax_diag diag = {{0}};
    if (ax_rw_version(type, &version, &diag) == AX_OK)
        AX_ASSERT((version == 1 || version == 2) &&
                  (is_blank(type) || holds(type, "application/x-protobuf")));
    else
        AX_ASSERT(diag.text[0]);
    if (ax_rw_encoding(encoding, &e, &diag) == AX_OK && !is_blank(encoding))
        AX_ASSERT(holds(encoding, e == AX_RW_ZSTD ? "zstd" : "snappy"));
}

static void configure(struct ax_str name, struct ax_str value)
{
    struct ax_diag diag = {{0}};
    if (ax_http_check_header(name, value, &diag) != AX_OK) {
        AX_ASSERT(diag.text[0]);
        return;
    }
    AX_ASSERT(name.n > 0 && !memchr(name.p, ':', name.n) && !memchr(name.p, ' ', name.n));
    AX_ASSERT(!(name.n == 13 && strncasecmp(name.p, "authorization", 13) == 0));
    for (size_t i = 0; i < value.n; i++)
        AX_ASSERT(value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ax_doors *doors;
    if (!doors)
        doors = make_doors();
    struct ax_str rest = {(const char *)data, n};
    judge(doors, next_line(&rest));
    struct ax_str type = next_line(&rest), encoding = next_line(&rest);
    negotiate(type, encoding);
    struct ax_str name = next_line(&rest);
    configure(name, next_line(&rest));
    return 0;
}
