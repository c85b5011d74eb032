/* web.c: the table of the keys of --web.config.file, and the rules across them. */
#include "config/web.h"

#include "config/document.h"
#include "net/secret_file.h"
#include "net/tls_names.h"

#include <stdio.h>
#include <stdlib.h>

#define CONFIG_BYTES_MAX (16u << 20)
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define WEB(field) .offset = offsetof(struct ax_web_config, field)
#define NOWHERE ((struct ax_place){0, 0})
#define BCRYPT_LENGTH 60
#define BCRYPT_COST_MAX 15 /* a check of that cost takes seconds already */

static const char *const client_auths[] = {"NoClientCert",
                                           "RequestClientCert",
                                           "RequireAnyClientCert",
                                           "VerifyClientCertIfGiven",
                                           "RequireAndVerifyClientCert",
                                           NULL};
static const char *const versions[] = {"TLS12", "TLS13", NULL};
static const char *const nosniff[] = {"nosniff", NULL};
static const char *const frames[] = {"deny", "sameorigin", NULL};

static const struct ax_key tls_keys[] = {
    {"cert_file", AX_KEY_STRING, WEB(doors.cert_file), .doc = "Certificate in PEM, with its chain."},
    {"key_file", AX_KEY_STRING, WEB(doors.key_file), .doc = "Its key, in PEM."},
    {"cert", AX_KEY_STRING, WEB(doors.cert), .doc = "The same as `cert_file`, as text."},
    {"key", AX_KEY_SECRET, WEB(doors.key), .doc = "The same as `key_file`, as text."},
    {"client_auth_type", AX_KEY_ENUM, WEB(doors.client_auth), .choices = client_auths,
     .fallback = "NoClientCert", .doc = "What is asked of clients."},
    {"client_ca_file", AX_KEY_STRING, WEB(doors.client_ca_file),
     .doc = "Who may sign clients' certificates."},
    {"client_ca", AX_KEY_STRING, WEB(doors.client_ca), .doc = "The same as `client_ca_file`, as text."},
    {"client_allowed_sans", AX_KEY_STRINGS, WEB(doors.client_sans),
     .n_offset = offsetof(struct ax_web_config, doors.client_sans_n), .max = 1000,
     .doc = "Names that clients' certificates may be for."},
    {"min_version", AX_KEY_ENUM, WEB(doors.min_version), .choices = versions, .fallback = "TLS12",
     .doc = "Lowest TLS version."},
    {"max_version", AX_KEY_ENUM, WEB(doors.max_version), .choices = versions, .fallback = "TLS13",
     .doc = "Highest TLS version."},
    {"cipher_suites", AX_KEY_STRINGS, WEB(doors.cipher_suites),
     .n_offset = offsetof(struct ax_web_config, doors.cipher_suites_n), .max = 64,
     .doc = "Suites of TLS 1.2, by their names in Go."},
    {"curve_preferences", AX_KEY_STRINGS, WEB(doors.curves),
     .n_offset = offsetof(struct ax_web_config, doors.curves_n), .max = 64,
     .doc = "Curves of the key exchange, by their names in Go."},
    {"prefer_server_cipher_suites", AX_KEY_BOOL, WEB(doors.server_order), .fallback = "true",
     .doc = "In the order of this file, and not in the client's."},
};
static const struct ax_section tls = {
    "tls_server_config", "TLS of the listener.", tls_keys, COUNT_OF(tls_keys), 0, SIZE_MAX};

static const struct ax_key header_keys[] = {
    {"Strict-Transport-Security", AX_KEY_STRING, WEB(headers[0]), .doc = "RFC 6797."},
    {"X-Content-Type-Options", AX_KEY_CHOICE, WEB(headers[1]), .choices = nosniff,
     .doc = "No guessing of types."},
    {"X-Frame-Options", AX_KEY_CHOICE, WEB(headers[2]), .choices = frames, .doc = "Who may frame pages."},
    {"X-XSS-Protection", AX_KEY_STRING, WEB(headers[3]), .doc = "For old browsers."},
    {"Content-Security-Policy", AX_KEY_STRING, WEB(headers[4]), .doc = "What pages may load."},
};
static const struct ax_section headers = {
    "headers", "Headers of every answer.", header_keys, COUNT_OF(header_keys), 0, SIZE_MAX};

static const struct ax_key http_keys[] = {
    {"headers", AX_KEY_SECTION, .section = &headers},
    {"http2", AX_KEY_INERT, .doc = "the listener speaks HTTP/1.1"},
};
static const struct ax_section http = {
    "http_server_config", "HTTP of the listener.", http_keys, COUNT_OF(http_keys), 0, SIZE_MAX};

static const struct ax_key rate_keys[] = {
    {"interval", AX_KEY_DURATION, WEB(doors.rate_interval_ms), .fallback = "0s", .max = 3600000,
     .doc = "Time in which there may be one request; 0s: no limit."},
    {"burst", AX_KEY_COUNT, WEB(doors.rate_burst), .fallback = "0", .max = 1000000,
     .doc = "How many there may be at once."},
};
static const struct ax_section rate = {"rate_limit", "Requests in a time.", rate_keys, COUNT_OF(rate_keys), 0,
                                       SIZE_MAX};

static const struct ax_key file_keys[] = {
    {"tls_server_config", AX_KEY_SECTION, .n_offset = offsetof(struct ax_web_config, tls), .section = &tls},
    {"http_server_config", AX_KEY_SECTION, .section = &http},
    {"basic_auth_users", AX_KEY_SECRETS, WEB(users), .n_offset = offsetof(struct ax_web_config, users_n),
     .max = 1000, .doc = "User names and the bcrypt hashes of their passwords."},
    {"bearer_token_file", AX_KEY_STRING, WEB(doors.bearer_token_file), .doc = "File of tokens, one a line."},
    {"rate_limit", AX_KEY_SECTION, .section = &rate},
};
static const struct ax_section file = {
    "the file", "", file_keys, COUNT_OF(file_keys), sizeof(struct ax_web_config), SIZE_MAX};

/* What is wrong with a bcrypt hash ($2y$10$, then 22 characters of salt and 31 of hash), or NULL. */
static const char *bcrypt_fault(struct ax_str h)
{
    static const char form[] = "is no bcrypt hash: make one with htpasswd -nBC 10 \"\"";
    static const char letters[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    if (h.n != BCRYPT_LENGTH || memcmp(h.p, "$2", 2) != 0 ||
        (h.p[2] != 'a' && h.p[2] != 'b' && h.p[2] != 'y') || h.p[3] != '$' || h.p[4] < '0' || h.p[4] > '9' ||
        h.p[5] < '0' || h.p[5] > '9' || h.p[6] != '$')
        return form;
    for (size_t i = 7; i < h.n; i++)
        if (!memchr(letters, h.p[i], sizeof letters - 1))
            return form;
    int cost = (h.p[4] - '0') * 10 + (h.p[5] - '0');
    if (cost < 4 || cost > BCRYPT_COST_MAX)
        return "has a bcrypt cost that is not from 4 to 15: each check would take too long, or be worthless";
    return NULL;
}

/* A user name can be sent by RFC 7617: without colon and control characters. */
static bool is_user(struct ax_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f || s.p[i] == ':')
            return false;
    return s.n > 0;
}

static void validate_users(struct ax_reader *r, yaml_node_t *root, const struct ax_web_config *c)
{
    char shown[72];
    const yaml_node_t *map = ax_yaml_get(r, root, "basic_auth_users");
    if (!map || map->type != YAML_MAPPING_NODE)
        return; /* nobody is asked for, or it has its problem already */
    if (map->data.mapping.pairs.top - map->data.mapping.pairs.start != c->users_n) {
        ax_problem_add(r->problems, ax_yaml_place(map, NOWHERE), false,
                       "basic_auth_users: a user was not read: each has a name and one bcrypt hash");
        return;
    }
    for (uint32_t i = 0; i < c->users_n; i++) {
        const yaml_node_pair_t *pair = &map->data.mapping.pairs.start[i];
        const char *fault = bcrypt_fault(c->users[i].value);
        if (!is_user(c->users[i].name))
            ax_problem_add(r->problems, ax_yaml_place(yaml_document_get_node(r->doc, pair->key), NOWHERE),
                           false,
                           "basic_auth_users: a user name is not empty and has no colon and no "
                           "control character");
        else if (fault)
            ax_problem_add(r->problems, ax_yaml_place(yaml_document_get_node(r->doc, pair->value), NOWHERE),
                           false, "basic_auth_users: what is given for \"%s\" %s",
                           ax_shown(c->users[i].name, shown), fault);
    }
}

/* PEM is given once: itself, or as a file. */
static void validate_pem(struct ax_reader *r, yaml_node_t *node, const char *name, struct ax_str text,
                         struct ax_str path, bool needed)
{
    char file_name[32];
    (void)snprintf(file_name, sizeof file_name, "%s_file", name);
    const yaml_node_t *text_node = ax_yaml_get(r, node, name), *file_node = ax_yaml_get(r, node, file_name);
    struct ax_place place = ax_yaml_place(text_node, ax_yaml_place(file_node, ax_yaml_place(node, NOWHERE)));
    if (text_node && file_node)
        ax_problem_add(r->problems, place, false, "%s and %s are both set: use one", name, file_name);
    else if (needed && !text_node && !file_node)
        ax_problem_add(r->problems, place, false, "tls_server_config needs the key \"%s\", or \"%s\"",
                       file_name, name);
    else if ((text_node && !text.n) || (file_node && !path.n))
        ax_problem_add(r->problems, place, false, "tls_server_config: %s is empty",
                       text_node ? name : file_name);
}

/* Each name of a list is one that is known. */
static void validate_names(struct ax_reader *r, yaml_node_t *list, const char *key,
                           bool is_known(struct ax_str), const char *hint)
{
    char shown[72];
    yaml_node_t *item;
    for (uint32_t i = 0; (item = ax_yaml_item(r, list, i)); i++) {
        if (item->type != YAML_SCALAR_NODE)
            continue; /* with its problem already */
        const struct ax_str name = {(const char *)item->data.scalar.value, item->data.scalar.length};
        if (!is_known(name))
            ax_problem_add(r->problems, ax_yaml_place(item, NOWHERE), false, "%s: \"%s\" is not known: %s",
                           key, ax_shown(name, shown), hint);
    }
}

static void validate_suites(struct ax_reader *r, yaml_node_t *node, const struct ax_doors_options *o)
{
    const yaml_node_t *suites = ax_yaml_get(r, node, "cipher_suites");
    bool all_13 = o->cipher_suites_n > 0;
    validate_names(r, ax_yaml_get(r, node, "cipher_suites"), "cipher_suites", ax_tls_is_suite,
                   "write it as Go's crypto/tls does, such as TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
    validate_names(r, ax_yaml_get(r, node, "curve_preferences"), "curve_preferences", ax_tls_is_curve,
                   "there are CurveP256, CurveP384, CurveP521 and X25519");
    for (uint32_t i = 0; i < o->cipher_suites_n; i++)
        all_13 &= ax_tls_is_suite_13(o->cipher_suites[i]);
    if (all_13)
        ax_problem_add(
            r->problems, ax_yaml_place(suites, NOWHERE), true,
            "cipher_suites has suites of TLS 1.3 alone, which are always on: nobody can speak TLS 1.2");
}

/* Names of clients need certificates of clients. */
static void validate_sans(struct ax_reader *r, yaml_node_t *node, const struct ax_doors_options *o)
{
    const yaml_node_t *sans = ax_yaml_get(r, node, "client_allowed_sans");
    struct ax_place place = ax_yaml_place(sans, NOWHERE);
    if (!sans)
        return;
    if (o->client_sans_n == 0)
        ax_problem_add(r->problems, place, false, "client_allowed_sans is empty: nobody would be let in");
    else if (o->client_auth == AX_CLIENT_CERT_ANY)
        ax_problem_add(r->problems, place, true,
                       "client_allowed_sans: anybody can make a certificate with these names; "
                       "client_auth_type: RequireAndVerifyClientCert looks at who has signed it");
    else if (o->client_auth != AX_CLIENT_CERT_VERIFIED)
        ax_problem_add(r->problems, place, false,
                       "client_allowed_sans needs client_auth_type: RequireAndVerifyClientCert");
}

static void validate_tls(struct ax_reader *r, yaml_node_t *node, const struct ax_doors_options *o)
{
    struct ax_place place = ax_yaml_place(node, NOWHERE);
    struct ax_place ca = ax_yaml_place(ax_yaml_get(r, node, "client_ca_file"),
                                       ax_yaml_place(ax_yaml_get(r, node, "client_ca"), place));
    struct ax_place type = ax_yaml_place(ax_yaml_get(r, node, "client_auth_type"), place);
    bool verifies = o->client_auth >= AX_CLIENT_CERT_VERIFIED_IF_GIVEN,
         has_ca = o->client_ca_file.n || o->client_ca.n;
    validate_pem(r, node, "cert", o->cert, o->cert_file, true);
    validate_pem(r, node, "key", o->key, o->key_file, true);
    validate_pem(r, node, "client_ca", o->client_ca, o->client_ca_file, false);
    if (verifies && !has_ca)
        ax_problem_add(r->problems, type, false, "client_auth_type: %s needs client_ca_file",
                       client_auths[o->client_auth]);
    if (!verifies && has_ca)
        ax_problem_add(r->problems, ca, o->client_auth != AX_CLIENT_CERT_NONE,
                       "client_ca_file has no effect with client_auth_type: %s, which verifies nothing",
                       client_auths[o->client_auth]);
    if (o->min_version > o->max_version)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, "min_version"), place), false,
                       "min_version is above max_version");
    validate_suites(r, node, o);
    validate_sans(r, node, o);
}

/* The headers that were given; a value is one line of visible text. */
static void take_headers(struct ax_reader *r, yaml_node_t *node, struct ax_web_config *c)
{
    struct ax_door_header *list = ax_arena_array(r->arena, AX_WEB_HEADERS, sizeof *list);
    r->nomem |= !list;
    for (uint32_t i = 0; list && i < AX_WEB_HEADERS; i++) {
        const struct ax_str value = c->headers[i];
        bool visible = true;
        for (size_t k = 0; k < value.n; k++)
            visible &= value.p[k] >= 0x20 && value.p[k] < 0x7f;
        if (!visible)
            ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, node, header_keys[i].name), NOWHERE),
                           false, "%s has a character that a header cannot carry", header_keys[i].name);
        if (value.n)
            list[c->doors.headers_n++] = (struct ax_door_header){ax_str(header_keys[i].name), value};
    }
    c->doors.headers = list;
}

static void take_users(struct ax_reader *r, struct ax_web_config *c)
{
    struct ax_door_user *list = ax_arena_array(r->arena, c->users_n, sizeof *list);
    r->nomem |= !list;
    for (uint32_t i = 0; list && i < c->users_n; i++)
        list[i] = (struct ax_door_user){c->users[i].name, c->users[i].value};
    c->doors.users = list;
    c->doors.users_n = c->users_n;
}

/* Take a relative path from the folder. */
static void resolve(struct ax_reader *r, struct ax_str folder, struct ax_str *path)
{
    if (path->n == 0 || path->p[0] == '/' || folder.n == 0)
        return;
    struct ax_buf joined;
    ax_buf_init(&joined, folder.n + path->n + 1);
    ax_buf_str(&joined, folder);
    ax_buf_byte(&joined, '/');
    ax_buf_str(&joined, *path);
    *path = ax_arena_str(r->arena, ax_buf_view(&joined));
    r->nomem |= joined.err != AX_OK || !path->p;
    ax_buf_done(&joined);
}

struct reading {
    struct ax_web_config *config;
    struct ax_str folder;
};

static void read_web(void *ctx, struct ax_reader *r, yaml_node_t *root)
{
    const struct reading *reading = ctx;
    struct ax_web_config *c = reading->config;
    ax_read_section(r, root, &file, c);
    if (r->nomem)
        return;
    if (c->tls)
        validate_tls(r, ax_yaml_get(r, root, "tls_server_config"), &c->doors);
    if (c->doors.rate_interval_ms && !c->doors.rate_burst)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, root, "rate_limit"), NOWHERE), false,
                       "rate_limit needs a burst of at least 1, or nobody would be let in");
    validate_users(r, root, c);
    if (ax_yaml_get(r, root, "bearer_token_file") && !c->doors.bearer_token_file.n)
        ax_problem_add(r->problems, ax_yaml_place(ax_yaml_get(r, root, "bearer_token_file"), NOWHERE), false,
                       "bearer_token_file is empty");
    yaml_node_t *http_node = ax_yaml_get(r, root, "http_server_config");
    take_headers(r, ax_yaml_get(r, http_node, "headers"), c);
    take_users(r, c);
    struct ax_str *paths[] = {&c->doors.cert_file, &c->doors.key_file, &c->doors.client_ca_file,
                              &c->doors.bearer_token_file};
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        resolve(r, reading->folder, paths[i]);
}

enum ax_err ax_web_config_parse(struct ax_str yaml, struct ax_str folder, struct ax_web_config **out,
                                struct ax_problems *problems)
{
    *out = NULL;
    struct ax_web_config *c = calloc(1, sizeof *c);
    if (!c)
        return AX_NOMEM;
    ax_arena_init(&c->arena, CONFIG_BYTES_MAX);
    struct reading reading = {c, folder};
    enum ax_err err = ax_document_parse(yaml, &c->arena, problems, read_web, &reading);
    if (err == AX_OK)
        *out = c;
    else
        ax_web_config_free(c);
    return err;
}

enum ax_err ax_web_config_load(const char *path, struct ax_web_config **out, struct ax_problems *problems)
{
    *out = NULL;
    struct ax_buf text;
    const char *slash = strrchr(path, '/');
    struct ax_str folder = {path, slash ? (size_t)(slash - path) : 0};
    if (slash == path)
        folder = ax_str("/");
    enum ax_err err = ax_document_load(path, &text, problems);
    if (err == AX_OK)
        err = ax_web_config_parse(ax_buf_view(&text), folder, out, problems);
    ax_secret_file_done(&text); /* it may hold a key */
    return err;
}

void ax_web_config_free(struct ax_web_config *c)
{
    if (!c)
        return;
    if (c->doors.key.n) /* a copy of the reader's */
        explicit_bzero(ax_fresh(c->doors.key.p), c->doors.key.n);
    struct ax_arena arena = c->arena;
    free(c);
    ax_arena_done(&arena);
}
