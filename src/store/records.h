/* records.h: which record and section types there are in what lasts, once, so that no number is used twice.
 *
 * What a body holds is said by the files that write and read it. A number is never given to anything else. */
#ifndef AX_STORE_RECORDS_H
#define AX_STORE_RECORDS_H

/* Records of the log of what came in (wal/). */
enum ax_wal_record {
    AX_WAL_SAMPLES = 1,   /* samples of one request (series/journal.h) */
    AX_WAL_STEP = 2,      /* what a job's expressions gave at one step (pipeline/step_record.h) */
    AX_WAL_SWAP = 3,      /* another generation of a model serves from here on (pipeline/swap_record.h) */
    AX_WAL_LESSON = 4,    /* what somebody says of the scores of a job (pipeline/lesson.h) */
    AX_WAL_ELECTIONS = 5, /* which replicas are listened to from now on (series/ha.h) */
    AX_WAL_ERASE = 6,     /* series that are forgotten from here on (pipeline/erase.h) */
    AX_WAL_FITS = 7,      /* a fit of a model has begun, is over or was called off (pipeline/fits_record.h) */
};

/* Records of the log of what goes out (outgoing/). */
enum ax_outgoing_record {
    AX_OUTGOING_UNIT = 1, /* what one commit of the sink holds (emit/unit.h) */
};

/* Sections of a snapshot. */
enum ax_snapshot_section {
    AX_SECTION_SERIES = 1,    /* some input series with their rings */
    AX_SECTION_JOB = 2,       /* one job; its targets and entities follow it */
    AX_SECTION_TARGETS = 3,   /* some targets of a channel of that job */
    AX_SECTION_ENTITIES = 4,  /* some entities of that job */
    AX_SECTION_DRIFT = 11,    /* some entities of that job, as far as their drift goes */
    AX_SECTION_OWED = 10,     /* snapshots that an erasure is still owed (pipeline/erase.h) */
    AX_SECTION_ELECTIONS = 9, /* which replicas are listened to (series/ha.h) */
};

#endif
