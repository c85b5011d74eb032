/* A storage folder is there after a power loss, or the start says that it may not be. */
#include "ax_test.h"
#include "failing.h"
#include "scratch.h"
#include "store/lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void a_new_folder_is_in_the_one_above_when_it_is_used(void **state)
{
    (void)state;
    char above[SCRATCH_PATH], path[SCRATCH_PATH + 8];
    struct ax_diag diag = {{0}};
    int fd = -1;
    scratch_make(above, NULL);
    (void)snprintf(path, sizeof path, "%s/data", above);
    failing_begin(&(struct failing){.kinds = FAILING_SYNC, .nth = 1, .error = EIO});
    const enum ax_err err = ax_storage_lock(path, &fd, &diag);
    assert_int_equal(failing_end(), 1);
    assert_int_equal(err, AX_IO);
    assert_non_null(strstr(diag.text, "--storage.path"));
    assert_int_equal(ax_storage_lock(path, &fd, &diag), AX_OK);
    ax_storage_unlock(fd);
    scratch_empty(path);
    scratch_remove(above);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_folder_is_in_the_one_above_when_it_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
