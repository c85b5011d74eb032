/* models.c: `auspex models`: one request to the routes of api/models.h, and its answer as text.
 *
 * The request goes to a running process over HTTP (--url, with what its doors ask for), or, with
 * --storage.path, to the same handlers in this process, which takes the lock of the folder. */
#include "api/models.h"

#include "app/commands.h"
#include "app/flags.h"
#include "app/manual.h"
#include "app/models_print.h"
#include "base/log.h"
#include "net/http_client.h"
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MAX (128u << 20)
#define ARGUMENTS_MAX 12
#define TIMEOUT_MS 60000
#define USER_BYTES 128
#define PAGE 10000 /* entries of the audit log in one answer, when all are wanted */
#define PAGE_TEXT "10000"

/* Flags of all verbs. */
struct options {
    const char *url, *storage_path, *by, *why, *stage, *format, *out, *after, *limit;
    const char *user, *password_file, *token_file, *ca_file, *cert_file, *key_file;
    bool insecure;
};

/* One verb: its route, and the arguments that its words are. */
struct verb {
    const char *name, *path, *words[3];
    int words_min, words_n;
    bool post;
    ax_models_print *print;
    const char *help;
};

static const struct verb verbs[] = {
    {"list",
     "/api/v1/models",
     {"name"},
     0,
     1,
     false,
     ax_models_print_list,
     "[MODEL]  versions, newest first"},
    {"show",
     "/api/v1/models/show",
     {"name", "version"},
     1,
     2,
     false,
     ax_models_print_text,
     "MODEL [VERSION]  the card of a version (of the champion)"},
    {"compare",
     "/api/v1/models/compare",
     {"name", "a", "b"},
     1,
     3,
     false,
     ax_models_print_compare,
     "MODEL [A B]  two versions side by side, and how they do"},
    {"promote",
     "/api/v1/models/promote",
     {"name", "version"},
     2,
     2,
     true,
     ax_models_print_ref,
     "MODEL VERSION  to --stage (production)"},
    {"rollback",
     "/api/v1/models/rollback",
     {"name"},
     1,
     1,
     true,
     ax_models_print_ref,
     "MODEL  back to the version that the champion replaced"},
    {"retrain",
     "/api/v1/models/retrain",
     {"name"},
     1,
     1,
     true,
     ax_models_print_asked,
     "MODEL  a fit begins after the next step of its job"},
    {"cancel",
     "/api/v1/models/cancel",
     {"name"},
     1,
     1,
     true,
     ax_models_print_cancelled,
     "MODEL  calls its fit off that is asked for, waits or runs"},
    {"approve",
     "/api/v1/models/approve",
     {"name", "version"},
     2,
     2,
     true,
     ax_models_print_ref,
     "MODEL VERSION  as the reviewer --by"},
    {"baseline",
     "/api/v1/models/baseline",
     {"name", "version"},
     2,
     2,
     true,
     ax_models_print_baseline,
     "MODEL VERSION  whose data inputs are tested for drift against"},
    {"export",
     "/api/v1/models/export",
     {"name", "version"},
     1,
     2,
     false,
     ax_models_print_export,
     "MODEL [VERSION]  with its artifact, to --out"},
    {"import",
     "/api/v1/models/import",
     {NULL},
     1,
     1,
     true,
     ax_models_print_ref,
     "FILE  what export wrote, as a new version in development"},
    {"audit",
     "/api/v1/models/audit",
     {"name"},
     0,
     1,
     false,
     ax_models_print_audit,
     "[MODEL]  who did what, oldest first"},
    {"verify",
     "/api/v1/models/verify",
     {NULL},
     0,
     0,
     false,
     ax_models_print_verify,
     "  is everything as it was written?"},
};
#define VERBS_N (sizeof verbs / sizeof verbs[0])

/* A request on its way: the arguments of its query, its body, and what was answered. */
struct call {
    const struct options *options;
    const struct verb *verb;
    struct {
        const char *name, *value;
    } arguments[ARGUMENTS_MAX];
    uint32_t arguments_n;
    char user[USER_BYTES], after[24];
    struct ax_buf body, answer;
    int status;
};

static void add_argument(struct call *c, const char *name, const char *value)
{
    if (*value) {
        c->arguments[c->arguments_n].name = name;
        c->arguments[c->arguments_n++].value = value;
    }
}

/* ---- in this process ---- */

static struct ax_str find_argument(void *ctx, bool query, const char *name, uint32_t at)
{
    const struct call *c = ctx;
    for (uint32_t i = 0; query && i < c->arguments_n; i++)
        if (strcmp(c->arguments[i].name, name) == 0 && at-- == 0)
            return ax_str(c->arguments[i].value);
    return (struct ax_str){NULL, 0};
}

static void handle(struct call *c, struct ax_registry *registry)
{
    struct ax_models_service service = {registry, NULL, true};
    struct ax_http_route routes[AX_MODELS_ROUTES];
    struct ax_http_response response;
    const struct ax_http_request request = {
        .path = ax_str(c->verb->path), .body = ax_buf_view(&c->body), .find = find_argument, .ctx = c};
    ax_http_response_init(&response);
    ax_models_routes(&service, routes);
    for (uint32_t i = 0; i < AX_MODELS_ROUTES; i++)
        if (strcmp(routes[i].path, c->verb->path) == 0)
            routes[i].handle(routes[i].ctx, &request, &response);
    c->status = response.status;
    ax_buf_str(&c->answer, ax_buf_view(&response.body));
    ax_buf_done(&response.body);
}

static enum ax_err call_here(struct call *c, struct ax_diag *diag)
{
    const char *path = c->options->storage_path;
    struct ax_registry *registry = NULL;
    char *dir = NULL;
    int lock_fd = -1;
    if (access(path, F_OK) != 0)
        return ax_fail(diag, AX_NOTFOUND, "--storage.path: there is no folder %s", path);
    enum ax_err err = ax_storage_lock(path, &lock_fd, diag);
    if (err == AX_BUSY)
        return ax_fail(diag, err, "an auspex runs on %s: ask it, with --url=http://its.address:9201", path);
    if (err == AX_OK && asprintf(&dir, "%s/models", path) < 0)
        err = ax_fail(diag, AX_NOMEM, "out of memory");
    if (err == AX_OK) {
        const struct ax_registry_options options = {
            .dir = dir, .clock = ax_clock_wall(), .limits_as_before = true};
        err = ax_registry_open(&options, &registry, diag);
    }
    if (err == AX_OK)
        handle(c, registry);
    ax_registry_close(registry);
    free(dir);
    if (lock_fd >= 0)
        ax_storage_unlock(lock_fd);
    return err;
}

/* ---- over HTTP ---- */

static void put_encoded(const char *text, struct ax_buf *out)
{
    for (const char *p = text; *p; p++) {
        const bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
                           strchr("-._~", *p) != NULL;
        if (plain)
            ax_buf_byte(out, (uint8_t)*p);
        else
            ax_buf_printf(out, "%%%02X", (unsigned)(uint8_t)*p);
    }
}

static void put_url(const struct call *c, struct ax_buf *out)
{
    size_t n = strlen(c->options->url);
    while (n > 0 && c->options->url[n - 1] == '/')
        n--;
    ax_buf_put(out, c->options->url, n);
    ax_buf_str(out, ax_str(c->verb->path));
    for (uint32_t i = 0; i < c->arguments_n; i++) {
        ax_buf_printf(out, "%c%s=", i ? '&' : '?', c->arguments[i].name);
        put_encoded(c->arguments[i].value, out);
    }
}

static enum ax_err call_there(struct call *c, struct ax_diag *diag)
{
    const struct options *o = c->options;
    struct ax_http_client *client = NULL;
    struct ax_buf url;
    ax_buf_init(&url, 65536);
    put_url(c, &url);
    const struct ax_http_client_options options = {.url = ax_buf_view(&url),
                                                   .who.basic_user = ax_str(o->user),
                                                   .who.basic_password_file = ax_str(o->password_file),
                                                   .who.auth_credentials_file = ax_str(o->token_file),
                                                   .transport.ca_file = ax_str(o->ca_file),
                                                   .transport.cert_file = ax_str(o->cert_file),
                                                   .transport.key_file = ax_str(o->key_file),
                                                   .transport.insecure_skip_verify = o->insecure,
                                                   .timeout_ms = TIMEOUT_MS};
    enum ax_err err = url.err == AX_OK ? ax_http_client_new(&options, &client, diag)
                                       : ax_fail(diag, url.err, "the arguments are too long");
    struct ax_http_reply reply = {.body = &c->answer};
    if (err == AX_OK) {
        err = c->verb->post ? ax_http_post(client, ax_buf_view(&c->body), NULL, 0, &reply, diag)
                            : ax_http_get(client, NULL, 0, &reply, diag);
        if (err != AX_OK)
            err = ax_wrap(diag, err,
                          "no answer from %s (another address: --url; while no auspex runs: --storage.path)",
                          o->url);
        else if (reply.body_cut)
            err = ax_fail(diag, AX_LIMIT, "the answer is longer than %u MiB", ANSWER_MAX >> 20);
    }
    c->status = reply.status;
    ax_http_client_free(client);
    ax_buf_done(&url);
    return err;
}

/* ---- the command ---- */

static size_t flag_table(struct options *o, struct ax_flag *out)
{
    const struct ax_flag flags[] = {
        {"url", AX_FLAG_STRING, &o->url, "http://127.0.0.1:9201", "the running auspex to ask"},
        {"storage.path", AX_FLAG_STRING, &o->storage_path, "",
         "folder of an auspex that does not run, to be opened instead"},
        {"by", AX_FLAG_STRING, &o->by, "", "who does it, for the audit log (default: $USER)"},
        {"why", AX_FLAG_STRING, &o->why, "", "why, for the audit log"},
        {"stage", AX_FLAG_STRING, &o->stage, "", "promote: development, staging, production or archived"},
        {"format", AX_FLAG_STRING, &o->format, "text", "text or json; of audit also jsonl, a line each"},
        {"out", AX_FLAG_STRING, &o->out, "", "export: the file to write (default: standard output)"},
        {"after", AX_FLAG_STRING, &o->after, "", "audit: only entries with higher numbers"},
        {"limit", AX_FLAG_STRING, &o->limit, "", "audit: so many at most (1000; as jsonl all)"},
        {"http.user", AX_FLAG_STRING, &o->user, "", "basic authentication: the user"},
        {"http.password-file", AX_FLAG_STRING, &o->password_file, "", "and a file with the password"},
        {"http.bearer-token-file", AX_FLAG_STRING, &o->token_file, "", "a file with a bearer token"},
        {"http.ca-file", AX_FLAG_STRING, &o->ca_file, "", "CA that the server's certificate is checked with"},
        {"http.cert-file", AX_FLAG_STRING, &o->cert_file, "", "client certificate"},
        {"http.key-file", AX_FLAG_STRING, &o->key_file, "", "and its key"},
        {"http.insecure-skip-verify", AX_FLAG_BOOL, &o->insecure, "false",
         "do not check the server's certificate"},
    };
    memcpy(out, flags, sizeof flags);
    return sizeof flags / sizeof flags[0];
}

/* A verb in the manual page; what it takes is before the two spaces of its help. */
static void write_man(const struct verb *v)
{
    char term[64];
    const char *text = strstr(v->help, "  ");
    (void)snprintf(term, sizeof term, "%s %.*s", v->name, (int)(text - v->help), v->help);
    ax_manual_item(term, text + 2, stdout);
}

static void usage(const struct ax_flag *flags, size_t flags_n, enum ax_help help)
{
    static const char names[] =
        "A model is named <job>/<kind>, a version by its number, or champion, challenger, latest.";
    ax_flags_usage(flags, flags_n, "auspex models VERB [MODEL ...] [--flag=value ...]", help, stdout);
    (void)printf(help == AX_HELP_MAN ? ".PP\n%s\n" : "\n%s\n\n", names);
    for (size_t i = 0; i < VERBS_N; i++)
        if (help == AX_HELP_MAN)
            write_man(&verbs[i]);
        else
            (void)printf("  %-9s %s\n", verbs[i].name, verbs[i].help);
}

static const struct verb *find_verb(const char *name, struct ax_diag *diag)
{
    const char *names[VERBS_N];
    for (size_t i = 0; i < VERBS_N; i++) {
        names[i] = verbs[i].name;
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    }
    const char *near = ax_str_nearest(ax_str(name), names, VERBS_N);
    (void)ax_fail(diag, AX_INVALID, "there is no verb '%s'%s%s%s (--help lists them)", name,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    return NULL;
}

static enum ax_err read_file(const char *path, struct ax_buf *out, struct ax_diag *diag)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && ax_buf_reserve(out, 65536)) {
        n = read(fd, out->bytes + out->n, 65536);
        if (n > 0)
            out->n += (size_t)n;
    }
    const int why = errno;
    if (fd >= 0)
        (void)close(fd);
    if (out->err != AX_OK)
        return ax_fail(diag, out->err, "%s: %s", path, ax_err_text(out->err));
    return n < 0 ? ax_fail(diag, AX_IO, "cannot read %s: %s", path, strerror(why)) : AX_OK;
}

/* Is the whole audit log to come, however many answers that takes? */
static bool is_whole_log(const struct call *c)
{
    return strcmp(c->verb->name, "audit") == 0 && strcmp(c->options->format, "jsonl") == 0 &&
           !*c->options->limit;
}

/* Who runs the command. The user that the service runs as is not the service. */
static const char *whoami(char out[USER_BYTES])
{
    const char *user = getenv("USER");
    (void)snprintf(out, USER_BYTES, "%s%s", user && strcmp(user, "auspex") == 0 ? "user " : "",
                   user ? user : "");
    return out;
}

/* The words of the verb, and the flags that it has use for, as arguments of the query. */
static enum ax_err gather(struct call *c, const char **words, int words_n, struct ax_diag *diag)
{
    const struct verb *v = c->verb;
    const struct options *o = c->options;
    if (words_n < v->words_min || words_n > v->words_n)
        return ax_fail(diag, AX_INVALID, "%s takes other words: auspex models %s %s", v->name, v->name,
                       v->help);
    if (strcmp(o->format, "text") != 0 && strcmp(o->format, "json") != 0 &&
        !(strcmp(o->format, "jsonl") == 0 && strcmp(v->name, "audit") == 0))
        return ax_fail(diag, AX_INVALID, "--format: '%s' is not text or json (or, of audit, jsonl)",
                       o->format);
    for (int i = 0; i < words_n && v->words[i]; i++)
        add_argument(c, v->words[i], words[i]);
    if (v->post) {
        add_argument(c, "by", *o->by ? o->by : whoami(c->user));
        add_argument(c, "why", o->why);
    }
    if (strcmp(v->name, "audit") == 0) {
        add_argument(c, "after", o->after);
        add_argument(c, "limit", *o->limit || !is_whole_log(c) ? o->limit : PAGE_TEXT);
    }
    if (strcmp(v->name, "audit") == 0 && strcmp(o->format, "jsonl") == 0)
        add_argument(c, "format", "jsonl");
    if (strcmp(v->name, "promote") == 0)
        add_argument(c, "stage", o->stage);
    if (strcmp(v->name, "show") == 0 && strcmp(o->format, "text") == 0)
        add_argument(c, "format", "markdown");
    return strcmp(v->name, "import") == 0 ? read_file(words[0], &c->body, diag) : AX_OK;
}

/* Print what was answered, or say what was wrong. */
static enum ax_err conclude(const struct call *c, struct ax_diag *diag)
{
    if (c->status != 200)
        return ax_models_error(ax_buf_view(&c->answer), c->status, diag);
    if (strcmp(c->verb->name, "import") == 0)
        ax_models_print_warnings(ax_buf_view(&c->answer));
    if (strncmp(c->options->format, "json", 4) == 0 && strcmp(c->verb->name, "export") != 0)
        return ax_models_print_text(ax_buf_view(&c->answer), "", diag);
    return c->verb->print(ax_buf_view(&c->answer), c->options->out, diag);
}

/* The number of the last entry of a full page of lines; 0: it was the last page. */
static json_int_t last_of_page(struct ax_str lines)
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i + 1 < lines.n; i++) {
        if (lines.p[i] != '\n')
            continue;
        n++;
        from = i + 1;
    }
    if (n + 1 < PAGE)
        return 0;
    json_t *entry = json_loadb(lines.p + from, lines.n - from, 0, NULL);
    const json_int_t seq = json_integer_value(json_object_get(entry, "seq"));
    json_decref(entry);
    return seq;
}

/* Ask for what comes after this answer, if anything does. */
static bool turn_page(struct call *c)
{
    const json_int_t last = is_whole_log(c) ? last_of_page(ax_buf_view(&c->answer)) : 0;
    if (last == 0)
        return false;
    uint32_t i = 0;
    while (i < c->arguments_n && strcmp(c->arguments[i].name, "after") != 0)
        i++;
    c->arguments_n += i == c->arguments_n;
    (void)snprintf(c->after, sizeof c->after, "%" JSON_INTEGER_FORMAT, last);
    c->arguments[i].name = "after";
    c->arguments[i].value = c->after;
    ax_buf_reset(&c->answer);
    return true;
}

/* Ask, and print what is answered. */
static enum ax_err call_once(struct call *c, struct ax_diag *diag)
{
    const enum ax_err err = *c->options->storage_path ? call_here(c, diag) : call_there(c, diag);
    return err == AX_OK ? conclude(c, diag) : err;
}

static int run(const struct options *o, const char **words, int words_n)
{
    struct ax_diag diag = {{0}};
    struct call c = {.options = o, .verb = find_verb(words[0], &diag)};
    ax_buf_init(&c.body, ANSWER_MAX);
    ax_buf_init(&c.answer, ANSWER_MAX);
    enum ax_err err = c.verb ? gather(&c, words + 1, words_n - 1, &diag) : AX_INVALID;
    const bool called_wrongly = err == AX_INVALID;
    do
        err = err == AX_OK ? call_once(&c, &diag) : err;
    while (err == AX_OK && turn_page(&c));
    if (err != AX_OK)
        (void)fprintf(stderr, "auspex models%s%s: %s\n", c.verb ? " " : "", c.verb ? c.verb->name : "",
                      diag.text);
    ax_buf_done(&c.body);
    ax_buf_done(&c.answer);
    return err == AX_OK ? 0 : called_wrongly ? 2 : 1;
}

int ax_cmd_models(int argc, char **argv)
{
    struct options o = {.insecure = false};
    struct ax_flag table[20];
    const size_t n = flag_table(&o, table);
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    struct ax_diag diag = {{0}};
    int words_n = 0, status = 0;
    enum ax_help help = AX_HELP_NONE;
    enum ax_err err = words ? ax_flags_parse(table, n, argc, argv, words, &words_n, &help, &diag)
                            : ax_fail(&diag, AX_NOMEM, "out of memory");
    if (err == AX_OK && !help && words_n == 0)
        err = ax_fail(&diag, AX_INVALID, "say what to do: list, show, compare, ... (--help lists them)");
    ax_log_setup(AX_LOG_ERROR, AX_LOG_LOGFMT);
    if (err != AX_OK) {
        (void)fprintf(stderr, "auspex models: %s\n", diag.text);
        status = 2;
    } else if (help) {
        usage(table, n, help);
    } else {
        status = run(&o, words, words_n);
    }
    free(words);
    return status;
}
