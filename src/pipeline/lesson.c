/* lesson.c: lessons into a job, into the log and out of it again. */
#include "base/log.h"
#include "base/metrics.h"
#include "pipeline/chooser.h"
#include "pipeline/job_priv.h"
#include "pipeline/lesson_record.h"
#include "pipeline/pipeline_priv.h"
#include "store/records.h"

#include <math.h>
#include <stdlib.h>

enum ax_err ax_lesson_check(struct ax_str selector, struct ax_diag *diag)
{
    struct ax_chooser c;
    uint64_t memory = AX_CHOOSER_SAID_MEMORY;
    enum ax_err err = ax_chooser_init_within(&c, selector, &memory, diag);
    ax_chooser_done(&c);
    return err;
}

/* Whom a lesson is for, and who wants to know. */
struct teaching {
    const struct ax_lesson *lesson;
    struct ax_job *job;
    struct ax_choice choice;
    struct ax_exclusion *exclusion; /* for the job to keep; NULL: it is none */
    ax_lesson_visit *visit;
    void *ctx;
    bool scored, alarmed; /* scores of its range are known; one of them was above 1 */
};

/* Whom a lesson is taught: a series, or an entity. */
struct pupil {
    const struct ax_labels *labels;
    struct ax_hindsight *hindsight;
    struct ax_target *series; /* NULL: an entity, */
    struct ax_entity *entity; /* and the other way round */
};

/* What a lesson does to thresholds and to what a series' models will learn from, or, of an entity, the
 * ensemble. */
static enum ax_err learn(const struct teaching *t, const struct pupil *p)
{
    const struct ax_lesson_range *range = &t->lesson->range;
    struct ax_entity *e = p->entity;
    enum ax_err err = AX_NOTFOUND, noted = AX_NOTFOUND;
    if (range->verdict != AX_LESSON_EXCLUDED)
        err = ax_hindsight_teach(p->hindsight, range, t->job->config->step_ms);
    else if (p->series)
        err = ax_target_exclude(p->series, range);
    if (p->series && err == AX_NOTFOUND && ax_exclusions_has(t->job->exclusions, range->id))
        err = AX_NOTREADY; /* it holds for what a backfill brings */
    if (e && t->job->ensemble.features)
        noted = ax_said_add(&e->said, range);
    if (noted == AX_OK)
        t->job->relearn_ms = t->job->schedule.last_ms;
    return noted == AX_OK ? AX_OK : err;
}

/* The same undone; false when there was nothing to undo. */
static bool unlearn(const struct teaching *t, const struct pupil *p)
{
    const uint64_t id = t->lesson->range.id;
    const bool said = p->entity && ax_said_remove(p->entity->said, id);
    if (said)
        t->job->relearn_ms = t->job->schedule.last_ms;
    const bool excluded = p->series && ax_target_include(p->series, id);
    return (p->hindsight && ax_hindsight_forget(p->hindsight, id)) || said || excluded;
}

/* Was there an alarm in the range of a lesson that says something of alarms? */
static void look_back(struct teaching *t, const struct ax_hindsight *h, double threshold)
{
    const struct ax_lesson_range *range = &t->lesson->range;
    double low, high;
    if (range->verdict == AX_LESSON_EXCLUDED ||
        !ax_peaks_read(&h->peaks, range->from_ms, range->to_ms, t->job->config->step_ms, &low, &high))
        return;
    t->scored = true;
    t->alarmed = t->alarmed || sqrt(low * high) > threshold;
}

/* Has it models of its own that a lesson is for? Who is not scored can be told what is no example alone. */
static bool is_for(const struct teaching *t, const struct pupil *p)
{
    const enum ax_lesson_verdict verdict = t->lesson->range.verdict;
    return p->hindsight ||
           (p->series && ax_target_excludes(p->series) && (!verdict || verdict == AX_LESSON_EXCLUDED));
}

static double threshold_of(const struct pupil *p)
{
    return p->hindsight ? ax_hindsight_threshold(p->hindsight) : 1;
}

static void teach(struct teaching *t, const struct pupil *p)
{
    struct ax_hindsight *h = p->hindsight;
    if (!is_for(t, p))
        return;
    double before = threshold_of(p);
    enum ax_err err = AX_OK;
    if (!t->lesson->range.verdict) {
        if (!unlearn(t, p))
            return;
    } else if (!ax_choice_takes(&t->choice, t->job, p->labels)) {
        return;
    } else {
        look_back(t, h, before);
        err = learn(t, p);
        if (t->lesson->range.verdict == AX_LESSON_MISSED)
            ax_job_parity_missed(t->job, p->labels, h, &t->lesson->range, before);
    }
    if (t->visit)
        t->visit(t->ctx, p->labels, err, before, threshold_of(p));
}

static void teach_all(struct teaching *t)
{
    for (uint32_t i = 0; i < t->job->channels_n; i++)
        for (struct ax_target *s = t->job->channels[i].first; s; s = s->next)
            teach(t, &(struct pupil){s->labels, s->hindsight, s, NULL});
    for (struct ax_entity *e = t->job->first; e; e = e->next)
        teach(t, &(struct pupil){e->labels, e->hindsight, NULL, e});
}

/* Place of an id among the job's, or where it would be. */
static uint32_t place_of(const struct ax_job *job, uint64_t id)
{
    uint32_t i = 0;
    while (i < job->lessons_n && job->lessons[i] < id)
        i++;
    return i;
}

static bool knows(const struct ax_job *job, uint64_t id)
{
    uint32_t i = place_of(job, id);
    return i < job->lessons_n && job->lessons[i] == id;
}

static enum ax_err check_room(const struct ax_job *job, struct ax_diag *diag)
{
    return job->lessons_n < AX_JOB_LESSONS_MAX
               ? AX_OK
               : ax_fail(diag, AX_LIMIT, "job %s has %u lessons in force: revoke old ones", job->name,
                         job->lessons_n);
}

/* Can the lesson be learnt, or forgotten, at all? Then there is room for its id, and for itself if it is an
 * exclusion. */
static enum ax_err prepare(struct teaching *t, struct ax_diag *diag)
{
    struct ax_job *job = t->job;
    const struct ax_lesson *lesson = t->lesson;
    if (knows(job, lesson->range.id) != (lesson->range.verdict == 0))
        return ax_fail(diag, AX_CONFLICT, "job %s has done so before", job->name);
    if (lesson->range.verdict == 0)
        return AX_OK;
    enum ax_err err = check_room(job, diag);
    if (err != AX_OK)
        return err;
    uint64_t *more = realloc(job->lessons, (job->lessons_n + 1) * sizeof *more);
    if (!more)
        return ax_fail(diag, AX_NOMEM, "out of memory");
    job->lessons = more;
    if (lesson->range.verdict != AX_LESSON_EXCLUDED)
        return AX_OK;
    t->exclusion = ax_exclusion_bare(&lesson->range, lesson->selector);
    return t->exclusion ? AX_OK : ax_fail(diag, AX_NOMEM, "out of memory");
}

/* As ax_lesson_check() has let it pass, or a version before it, which let more pass. */
static enum ax_err read_selector(struct teaching *t, struct ax_diag *diag)
{
    return t->lesson->range.verdict ? ax_chooser_init(&t->choice.chooser, t->lesson->selector, diag) : AX_OK;
}

/* Free what was prepared, as far as the job has not kept it. */
static void dismiss(struct teaching *t)
{
    ax_choice_done(&t->choice);
    ax_exclusions_free(t->exclusion);
    t->exclusion = NULL;
}

/* The oldest time that a window of the job can know. */
static int64_t oldest_ms(const struct ax_job *job)
{
    const int64_t step_ms = job->config->step_ms, last_ms = job->schedule.last_ms;
    const uint32_t drift_n = job->drift.reference_n + job->drift.current_n;
    const uint32_t fine_n = job->config->window_fine > drift_n ? job->config->window_fine : drift_n;
    const int64_t coarse_ms = step_ms > AX_WINDOW_COARSE_MS ? step_ms : AX_WINDOW_COARSE_MS;
    const int64_t fine = fine_n * step_ms, coarse = (job->config->window_coarse + 1) * coarse_ms;
    return last_ms == AX_NEVER ? INT64_MIN : last_ms - (fine > coarse ? fine : coarse);
}

/* Keep an exclusion of a past that a backfill may still bring; what is to come is none. */
static void keep_exclusion(struct teaching *t)
{
    struct ax_job *job = t->job;
    const int64_t last_ms = job->schedule.last_ms;
    if (!t->exclusion || (last_ms != AX_NEVER && t->exclusion->range.from_ms > last_ms))
        return;
    const uint32_t dropped = ax_exclusions_add(&job->exclusions, t->exclusion, oldest_ms(job));
    t->exclusion = NULL;
    if (dropped)
        ax_metric_add(ax_metric(AX_M_EXCLUSIONS_DROPPED, job->name, "job"), dropped);
}

/* What was prepared is done. */
static void finish(struct ax_job *job, struct teaching *t)
{
    uint32_t i = place_of(job, t->lesson->range.id), behind = job->lessons_n - i;
    if (t->lesson->range.verdict) {
        memmove(&job->lessons[i + 1], &job->lessons[i], behind * sizeof *job->lessons);
        job->lessons[i] = t->lesson->range.id;
        job->lessons_n++;
    } else {
        memmove(&job->lessons[i], &job->lessons[i + 1], (behind - 1) * sizeof *job->lessons);
        job->lessons_n--;
        ax_exclusions_remove(&job->exclusions, t->lesson->range.id);
    }
    keep_exclusion(t);
    teach_all(t);
    ax_exclusions_give(job->exclusions, t->lesson->range.id, &t->choice.chooser);
    const struct ax_lesson_range *range = &t->lesson->range;
    if (range->verdict == 0)
        ax_alarms_forget(&job->alarms, range->id);
    else if (t->scored)
        ax_alarms_add(&job->alarms, &(struct ax_alarm_case){range->id, range->to_ms,
                                                            range->verdict == AX_LESSON_MISSED, t->alarmed});
}

/* Write it down, then learn it; under `run`. */
static enum ax_err teach_job(struct ax_pipeline *p, struct ax_job *job, struct teaching *t,
                             struct ax_diag *diag)
{
    enum ax_err err = prepare(t, diag);
    if (err == AX_OK && p->options.log) {
        const struct ax_lesson_record record = {.job = job->config->name,
                                                .generation = job->generation,
                                                .identity = job->identity,
                                                .last_ms = job->schedule.last_ms,
                                                .lesson = *t->lesson};
        ax_buf_reset(&p->record);
        ax_lesson_record_put(&p->record, &record);
        err = p->record.err;
        if (err != AX_OK)
            (void)ax_fail(diag, err, "%s", ax_err_text(err));
        else
            err = ax_seglog_append(p->options.log, AX_WAL_LESSON, ax_buf_view(&p->record), NULL, diag);
    }
    if (err == AX_OK)
        finish(job, t);
    return err;
}

/* Find a job that can be taught; under `run`. */
static enum ax_err find(struct ax_pipeline *p, struct ax_str name, struct ax_job **out, struct ax_diag *diag)
{
    uint32_t i = ax_pipeline_find_job(p, name);
    if (i == UINT32_MAX)
        return ax_fail(diag, AX_NOTFOUND, "there is no job " AX_STR_FMT, AX_STR_ARG(name));
    if (!ax_pipeline_is_current(p))
        return ax_fail(diag, AX_NOTREADY, "what the jobs had learnt is still being restored: see /-/ready");
    *out = p->jobs[i];
    return AX_OK;
}

enum ax_err ax_pipeline_teachable(struct ax_pipeline *p, struct ax_str job, struct ax_diag *diag)
{
    struct ax_job *found = NULL;
    (void)pthread_mutex_lock(&p->run);
    enum ax_err err = find(p, job, &found, diag);
    if (err == AX_OK)
        err = check_room(found, diag);
    (void)pthread_mutex_unlock(&p->run);
    return err;
}

enum ax_err ax_pipeline_teach(struct ax_pipeline *p, struct ax_str job, const struct ax_lesson *lesson,
                              ax_lesson_visit *visit, void *ctx, struct ax_diag *diag)
{
    struct teaching t = {.lesson = lesson, .visit = visit, .ctx = ctx};
    uint64_t memory = AX_CHOOSER_SAID_MEMORY;
    enum ax_err err = lesson->range.verdict
                          ? ax_chooser_init_within(&t.choice.chooser, lesson->selector, &memory, diag)
                          : AX_OK;
    if (err != AX_OK)
        return err;
    (void)pthread_mutex_lock(&p->run);
    err = find(p, job, &t.job, diag);
    if (err == AX_OK && lesson->range.verdict) {
        ax_choice_make(&t.choice, p, job);
        err = find(p, job, &t.job, diag);
    }
    if (err == AX_OK) {
        p->changes++;
        err = teach_job(p, t.job, &t, diag);
    }
    (void)pthread_mutex_unlock(&p->run);
    dismiss(&t);
    return err;
}

enum ax_err ax_pipeline_lessons(struct ax_pipeline *p, struct ax_str job, uint64_t *out, uint32_t *n)
{
    struct ax_job *found = NULL;
    *n = 0;
    (void)pthread_mutex_lock(&p->run);
    enum ax_err err = find(p, job, &found, NULL);
    if (err == AX_OK && found->lessons_n) {
        *n = found->lessons_n;
        memcpy(out, found->lessons, *n * sizeof *out);
    }
    (void)pthread_mutex_unlock(&p->run);
    return err;
}

enum ax_err ax_lesson_replay(struct ax_pipeline *p, struct ax_str record, struct ax_diag *diag)
{
    struct ax_lesson_record read;
    if (ax_lesson_record_get(record, &read) != AX_OK)
        return AX_CORRUPT;
    uint32_t i = ax_pipeline_find_job(p, read.job);
    if (i == UINT32_MAX)
        return AX_OK; /* of a job that is gone */
    struct ax_job *job = p->jobs[i];
    if (read.generation != job->generation || read.identity != job->identity ||
        read.last_ms != job->schedule.last_ms)
        return AX_OK; /* of a job that has begun anew since: it is taught again by whoever keeps the lessons
                       */
    struct teaching t = {.lesson = &read.lesson, .job = job};
    enum ax_err err = prepare(&t, diag);
    if (err == AX_OK)
        err = read_selector(&t, diag);
    if (err == AX_OK)
        finish(job, &t);
    else if (err != AX_NOMEM && err != AX_CONFLICT) /* the snapshot may know it */
        ax_log(AX_LOG_WARN, "lesson_not_replayed", "%s", diag->text);
    dismiss(&t);
    return err == AX_NOMEM ? err : AX_OK;
}

void ax_job_lessons_save(const struct ax_job *job, struct ax_buf *out)
{
    ax_put_varint(out, job->lessons_n);
    for (uint32_t i = 0; i < job->lessons_n; i++)
        ax_put_u64(out, job->lessons[i]);
    ax_exclusions_save(job->exclusions, out);
}

enum ax_err ax_job_lessons_load(struct ax_job *job, struct ax_bytes *in)
{
    uint32_t n = ax_get_count(in, AX_JOB_LESSONS_MAX);
    if (n > ax_bytes_left(in) / sizeof *job->lessons)
        return ax_bytes_fail(in);
    job->lessons = n ? malloc(n * sizeof *job->lessons) : NULL;
    if (n && !job->lessons)
        return AX_NOMEM;
    for (uint32_t i = 0; i < n; i++) {
        job->lessons[i] = ax_get_u64(in);
        if (i && job->lessons[i] <= job->lessons[i - 1])
            return ax_bytes_fail(in);
    }
    job->lessons_n = n;
    return in->err == AX_OK ? ax_exclusions_load(&job->exclusions, in) : in->err;
}
