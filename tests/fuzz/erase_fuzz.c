/* erase_fuzz.c: records of the log that say which series were erased (pipeline/erase.h): refused, or the job
 * and the database forget what is meant and go on.
 *
 * First byte even: the rest is the record; odd: the rest is the selector of a record of the job as it stands.
 */
#include "job_world.h"
#include "pipeline/erase.h"
#include "pipeline/job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void replay(struct job_world *w, struct ax_str record)
{
    const enum ax_err err = ax_erase_replay_samples(w->db, record);
    AX_ASSERT(err == AX_OK || err == AX_CORRUPT || err == AX_NOTFOUND);
    struct ax_diag diag = {{0}};
    AX_ASSERT(ax_erase_replay(w->pipeline, record, &diag) == AX_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct job_world w;
    if (!w.db)
        job_world_init(&w);
    if (n == 0 || n > 4096)
        return 0;
    const struct ax_str rest = {(const char *)data + 1, n - 1};
    if (data[0] % 2 == 0) {
        replay(&w, rest);
    } else {
        struct ax_job *job = w.pipeline->jobs[0];
        struct ax_buf record;
        for (int of_job = 0; of_job < 2; of_job++) {
            ax_buf_init(&record, 8192);
            ax_put_u8(&record, 1);
            ax_put_str(&record, of_job ? ax_str("j") : ax_str(""));
            ax_put_u64(&record, ax_job_generation(job));
            ax_put_u64(&record, ax_job_identity(job));
            ax_put_i64(&record, ax_job_stepped_ms(job));
            ax_put_str(&record, rest);
            replay(&w, ax_buf_view(&record));
            ax_buf_done(&record);
        }
    }
    job_world_step(&w);
    return 0;
}
