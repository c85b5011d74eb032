/* Once series and buffers are there, receiving allocates nothing: not for a sample, not for a request. */
#include "ax_test.h"
#include "scratch.h"
#include "write_server.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#define SERIES 3000

static _Thread_local bool counting; /* on the thread that handles a request, while it does */
static _Atomic unsigned long allocations;

/* Count what is asked of glibc's allocator; the sanitizers bring their own, which cannot be counted so. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define UNCOUNTED
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNCOUNTED
#endif
#if !defined(UNCOUNTED)
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);

void *malloc(size_t n)
{
    allocations += counting;
    return __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
    allocations += counting;
    return __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
    allocations += counting;
    return __libc_realloc(p, n);
}
#endif

static void count(void *ctx, const struct ax_http_request *req, struct ax_http_response *res)
{
    struct write_server *s = ctx;
    counting = true;
    s->inner.handle(s->inner.ctx, req, res);
    counting = false;
}

static void a_request_of_known_series_allocates_nothing(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        char folder[SCRATCH_PATH];
        struct series_world w;
        struct write_server s;
        scratch_make(folder, NULL);
        struct ax_seglog *log = test_log(folder);
        series_world_open(&w, 1, "load");
        write_server_start(&s, &w, log, count);
        /* Rings double at 8, 16 and 32 samples: between them nothing grows. */
        uint32_t i = 0;
        for (; i < 17; i++) {
            struct write_answer a = write_server_post(s.url, version, i, SERIES);
            write_assert_status(&a, 204);
        }
#if !defined(UNCOUNTED)
        assert_true(allocations > SERIES);
#endif
        allocations = 0;
        for (; i < 31; i++) {
            struct write_answer a = write_server_post(s.url, version, i, SERIES);
            write_assert_status(&a, 204);
        }
        assert_int_equal(allocations, 0);
        write_server_assert_kept(&w, 30, SERIES);
        write_server_stop(&s);
        series_world_close(&w);
        ax_seglog_close(log);
        scratch_remove(folder);
    }
}

int main(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_request_of_known_series_allocates_nothing)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
