/* One process at a time may own a storage folder. */
#include "ax_test.h"
#include "store/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_second_owner_is_refused_until_the_first_is_gone(void **state)
{
    (void)state;
    char dir[] = "/tmp/ax_lock_XXXXXX", path[64], file[80];
    struct ax_diag diag = {{0}};
    int first = -1, second = -1;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/data", dir);
    assert_int_equal(ax_storage_lock(path, &first, &diag), AX_OK);
    assert_int_equal(ax_storage_lock(path, &second, &diag), AX_BUSY);
    assert_non_null(strstr(diag.text, "another auspex"));
    ax_storage_unlock(first);
    assert_int_equal(ax_storage_lock(path, &second, &diag), AX_OK);
    ax_storage_unlock(second);
    (void)snprintf(file, sizeof file, "%s/lock", path);
    (void)unlink(file);
    (void)rmdir(path);
    (void)rmdir(dir);
}

static void a_folder_that_cannot_be_made_is_explained(void **state)
{
    (void)state;
    struct ax_diag diag = {{0}};
    int fd = -1;
    assert_int_equal(ax_storage_lock("/proc/nowhere", &fd, &diag), AX_IO);
    assert_non_null(strstr(diag.text, "--storage.path"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_second_owner_is_refused_until_the_first_is_gone),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
