/* job.h: one job: its expressions, its targets, its entities, its scorecard and drift.
 *
 * A step evaluates every expression once, steps every target (a gap where there is no value), then makes
 * what belongs to entities and to the whole job. Owner: the pipeline's thread; only the watch is shared. */
#ifndef AX_PIPELINE_JOB_H
#define AX_PIPELINE_JOB_H

#include "config/config.h"
#include "emit/sink.h"
#include "pipeline/chooser.h"
#include "pipeline/observer.h"
#include "pipeline/skips.h"
#include "series/db.h"
#include "store/snapshot.h"

struct ax_job;
struct ax_map;
struct ax_outlets;
struct ax_paths;
struct ax_training;
struct ax_artifacts;
struct ax_learner;
struct ax_swap;

/* What a job is built into; all of it outlives the job. */
struct ax_job_env {
    struct ax_db *db;
    struct ax_sink sink;       /* one without open() makes the job a rehearsal (pipeline/rehearsal.h) */
    const struct ax_map *only; /* ids of the targets that may be made; NULL: all. For a rehearsal */
    const struct ax_observer *observer;   /* may be NULL */
    struct ax_paths *paths;               /* where forecast paths are published; may be NULL */
    struct ax_training *training;         /* fits its models that are learnt beside it; NULL: nobody does */
    const struct ax_artifacts *artifacts; /* where these are found again; may be NULL */
    int64_t max_range_ms;                 /* longest range of an expression */
    bool zero_delay;                      /* ignore evaluation_delay: no sample will come late */
    uint64_t seed;
    uint64_t generation; /* of the job: another number for each that is built */
};

/* Build a job: parses and binds its expressions. config outlives it. AX_INVALID with a text. */
AX_MUST_USE enum ax_err ax_job_new(const struct ax_job_env *env, const struct ax_config *config,
                                   const struct ax_job_config *job_config, struct ax_job **out,
                                   struct ax_diag *diag);

/* End its output series (stale markers at end_ms; none for INT64_MIN) and free it. NULL is fine. */
void ax_job_free(struct ax_job *job, int64_t end_ms);

/* Other calendars from now on (NULL: none); owned by the job. */
void ax_job_set_skips(struct ax_job *job, struct ax_skips *skips);

/* Let a job that was just built take the place of `old`, which has the same name: its steps begin after the
 * newest step of `old` (or of another one before it), because an endpoint refuses a second value of one time.
 */
void ax_job_succeed(struct ax_job *job, const struct ax_job *old);

/* What the clocks say when the pipeline looks for due steps. */
struct ax_tick {
    int64_t now_ms;    /* Unix time */
    int64_t latest_ms; /* see ax_moment (pipeline/schedule.h) */
    int64_t mono_ms;   /* time as it passes */
    int64_t behind_ms; /* see ax_moment */
};

/* Look for samples; is a step due? To be called every now and then, for silence is told by it. */
bool ax_job_due(struct ax_job *job, const struct ax_tick *tick, int64_t *out_t_ms, uint64_t *out_skipped);

/* That no samples have arrived is nobody's fault but ours: the patience begins anew. */
void ax_job_excuse(struct ax_job *job);

/* Share of a thread's time that its steps take when none is late: their mean duration over the step. */
double ax_job_busy(const struct ax_job *job);

/* Evaluate all expressions at t_ms into a record (pipeline/step_record.h), which is emptied first. Of the job
 * nothing changes. AX_NOMEM or AX_LIMIT: there is no record. */
AX_MUST_USE enum ax_err ax_job_evaluate(struct ax_job *job, int64_t t_ms, struct ax_buf *record);

/* Steps up to t_ms were taken, by another job of its name. */
void ax_job_pass(struct ax_job *job, int64_t t_ms);

/* Its generation, and what it was built from, as its records say (pipeline/step_record.h). */
uint64_t ax_job_generation(const struct ax_job *job);
/* As above. */
uint64_t ax_job_identity(const struct ax_job *job);

/* Has it learnt nothing yet: neither taken a step nor a snapshot? */
bool ax_job_is_blank(const struct ax_job *job);

/* Let a blank job be of this generation. */
void ax_job_begin(struct ax_job *job, uint64_t generation);

/* Take a step from its record: every target, entity and output of the job. AX_CORRUPT when the record makes
 * no sense or is not newer than the newest step: nothing has changed then. */
AX_MUST_USE enum ax_err ax_job_take(struct ax_job *job, struct ax_str record);

/* Begin the fits that are due after its newest step (src/train). Not in a replay: the log says what came of
 * them. */
void ax_job_train(struct ax_job *job);

/* The first of its models of which a finished generation waits; NULL when none does. */
struct ax_learner *ax_job_trained(struct ax_job *job);

/* Its models, one after the other by `after`; NULL when it has none. */
struct ax_learner *ax_job_learners(struct ax_job *job);

/* What is to be recorded of the fits of one; views into the job. */
struct ax_fits_record ax_job_fits_of(const struct ax_job *job, const struct ax_learner *l);

/* Take over what a record says of them, of this generation and identity of the job. */
void ax_job_restore_fits(struct ax_job *job, const struct ax_fits_record *record);

/* What is to be recorded before that one may serve; views into the job. */
struct ax_swap ax_job_swap_of(const struct ax_job *job, const struct ax_learner *l);

/* Let what a record says serve: of this generation and identity of the job, and not older than what it has.
 * AX_NOMEM: to be tried again. What cannot be read is counted and logged; the job serves without it. */
AX_MUST_USE enum ax_err ax_job_swap(struct ax_job *job, const struct ax_swap *swap);

/* Count a step that was evaluated and taken, and how long both took, in the self-metrics. */
void ax_job_count(struct ax_job *job, double seconds, uint64_t skipped);

/* Slow jobs (step above 1 min): send the last results again once a minute, until the next step's time.
 * Returns whether it was time. */
bool ax_job_repeat(struct ax_job *job, int64_t now_ms);

/* What it has learnt otherwise than by its steps and from the log, by the count of whoever saves it; 0:
 * nothing. */
void ax_job_note_untold(struct ax_job *job, uint64_t untold);

/* What was noted last; 0: nothing. */
uint64_t ax_job_untold(const struct ax_job *job);

/* The block of the config that it was built from. */
const struct ax_job_config *ax_job_config(const struct ax_job *job);

/* The config that its block stands in. */
const struct ax_config *ax_job_root(const struct ax_job *job);

/* Its newest step; INT64_MIN before the first. */
int64_t ax_job_stepped_ms(const struct ax_job *job);

/* Newest time at which it fed its output series: its last step, or a later repetition of it; INT64_MIN
 * before the first. */
int64_t ax_job_newest_ms(const struct ax_job *job);

/* Put all that the job has learnt into a snapshot: an AX_SECTION_JOB, then AX_SECTION_TARGETS of about 1 MiB
 * each, then AX_SECTION_ENTITIES and AX_SECTION_DRIFT likewise. Nothing of the job changes. scratch is for
 * the bodies. AX_NOMEM or AX_LIMIT of scratch: what was put is not all; what the file does not take is told
 * by ax_snapshot_commit(). Cost: a copy of the state, about 30 KiB a target. */
AX_MUST_USE enum ax_err ax_job_save(struct ax_job *job, struct ax_buf *scratch, struct ax_snapshot_writer *w);

/* What a section of a job says of itself; views into its body. */
struct ax_job_saved {
    struct ax_str name;
    uint64_t generation;
    uint64_t identity; /* of what the job was built from */
    int64_t last_ms;   /* its newest step; INT64_MIN before the first */
    int64_t newest_ms; /* ax_job_newest_ms() */
};

/* Read that from an AX_SECTION_JOB. AX_CORRUPT: another version has written it, or it is damaged; the name is
 * what stands in its place, which is the same in all versions, or empty. */
AX_MUST_USE enum ax_err ax_job_peek(struct ax_str body, struct ax_job_saved *out);

/* Take over a section: those of one job in the order in which they were put, into a job of the same name that
 * was just built. From then on, given the same results of its expressions, it says what the other
 * one would have said, bit for bit; outlets that were open are open. AX_CONFLICT for an AX_SECTION_JOB of a
 * job that was built from something else: the job is as it was. AX_CORRUPT for bytes that no job
 * can have put, AX_NOMEM; the job is then only good for freeing. With a text. */
AX_MUST_USE enum ax_err ax_job_load(struct ax_job *job, uint8_t type, struct ax_str body,
                                    struct ax_diag *diag);

/* How it stands, for people. */
struct ax_job_status {
    int64_t last_step_ms; /* INT64_MIN before the first */
    uint32_t targets_n, ready_n, entities_n, outputs_n;
    uint64_t bytes; /* of targets and their models */
    bool ready;
    const char *reason;  /* when not ready */
    double step_seconds; /* of the newest step */
};

/* A modelled series as it stands after the newest step; borrowed. */
struct ax_modelled {
    const struct ax_labels *labels;
    struct ax_chooser_job of; /* its job, */
    const struct ax_job_config *config;
    struct ax_str feature; /* empty for the expression's own */
    const struct ax_window *window;
    int64_t t_ms;
    uint64_t job;               /* a number that no other job has */
    uint32_t channel, serial;   /* tell it from the others of its job; they rise from visit to visit */
    struct ax_outlets *outlets; /* of its job (pipeline/outlet.h), for what its outputs are called */
};

/* Return false to see no more of them. */
typedef bool ax_series_visit(void *ctx, const struct ax_modelled *series);

/* Visit every modelled series of a job; false when the visitor has seen enough. */
bool ax_job_each_series(struct ax_job *job, ax_series_visit *visit, void *ctx);

/* Fill a status. O(targets). */
void ax_job_status(const struct ax_job *job, struct ax_job_status *out);

#endif
