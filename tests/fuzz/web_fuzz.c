/* web_fuzz.c: any bytes as a --web.config.file: no crash, errors come with a problem, a good one holds what
 * the listener counts on. */
#include "base/assert.h"
#include "config/web.h"
#include "net/tls_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct ax_problems problems;
    struct ax_web_config *c = NULL;
    enum ax_err err =
        ax_web_config_parse((struct ax_str){(const char *)data, n}, ax_str("/etc"), &c, &problems);
    AX_ASSERT((err == AX_OK) == (c != NULL));
    AX_ASSERT(err != AX_INVALID || problems.errors_n > 0);
    if (!c)
        return 0;
    const struct ax_doors_options *o = &c->doors;
    AX_ASSERT(c->tls == (o->cert_file.n + o->cert.n > 0) && c->tls == (o->key_file.n + o->key.n > 0));
    AX_ASSERT(!o->cert_file.n || !o->cert.n);
    AX_ASSERT(!o->key_file.n || !o->key.n);
    AX_ASSERT(o->client_auth < AX_CLIENT_CERT_VERIFIED_IF_GIVEN || o->client_ca_file.n + o->client_ca.n > 0);
    AX_ASSERT(!o->client_sans_n || o->client_auth == AX_CLIENT_CERT_ANY ||
              o->client_auth == AX_CLIENT_CERT_VERIFIED);
    for (uint32_t i = 0; i < o->cipher_suites_n; i++)
        AX_ASSERT(ax_tls_is_suite(o->cipher_suites[i]));
    for (uint32_t i = 0; i < o->curves_n; i++)
        AX_ASSERT(ax_tls_is_curve(o->curves[i]));
    AX_ASSERT(o->rate_interval_ms == 0 || (o->rate_interval_ms > 0 && o->rate_burst > 0));
    AX_ASSERT(o->min_version <= o->max_version);
    AX_ASSERT(o->headers_n <= AX_WEB_HEADERS);
    for (uint32_t i = 0; i < o->users_n; i++)
        AX_ASSERT(o->users[i].name.n > 0 && strlen(o->users[i].hash.p) == 60);
    ax_web_config_free(c);
    return 0;
}
