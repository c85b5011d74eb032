/* web_fuzz.c: any bytes as a --web.config.file: no crash, errors come with a problem, a good one holds what
 * the listener counts on. */
#include "base/assert.h"
#include "config/web.h"

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
    AX_ASSERT(c->tls == (o->cert_file.n > 0) && c->tls == (o->key_file.n > 0));
    AX_ASSERT(o->client_auth < AX_CLIENT_CERT_VERIFIED_IF_GIVEN || o->client_ca_file.n > 0);
    AX_ASSERT(o->min_version <= o->max_version);
    AX_ASSERT(o->headers_n <= AX_WEB_HEADERS);
    for (uint32_t i = 0; i < o->users_n; i++)
        AX_ASSERT(o->users[i].name.n > 0 && strlen(o->users[i].hash.p) == 60);
    ax_web_config_free(c);
    return 0;
}
