/* One process at a time may own a storage folder. */
#include "ax_test.h"
#include "scratch.h"
#include "store/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void a_second_owner_is_refused_until_the_first_is_gone(void **state)
{
    (void)state;
    char path[SCRATCH_PATH];
    struct ax_diag diag = {{0}};
    int first = -1, second = -1;
    scratch_make(path, "data");
    assert_int_equal(ax_storage_lock(path, &first, &diag), AX_OK);
    assert_int_equal(ax_storage_lock(path, &second, &diag), AX_BUSY);
    assert_non_null(strstr(diag.text, "another auspex"));
    ax_storage_unlock(first);
    assert_int_equal(ax_storage_lock(path, &second, &diag), AX_OK);
    ax_storage_unlock(second);
    scratch_remove(path);
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
