/* signals.c: handlers that set a mark and post a semaphore, both of which a handler may do. */
#include "app/signals.h"

#include "base/clock.h"

#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

static sem_t asked;
static atomic_int ended_by;      /* a signal's number, or 0 */
static _Atomic int64_t ended_ns; /* when it came */
static atomic_bool reload_asked, hurry;

static void on_signal(int sig)
{
    if (sig == SIGHUP)
        atomic_store(&reload_asked, true);
    else if (atomic_exchange(&ended_by, sig) == 0)
        atomic_store(&ended_ns, ax_mono_ns());
    else if (ax_mono_ns() - atomic_load(&ended_ns) >= SECOND_NS)
        atomic_store(&hurry, true);
    (void)sem_post(&asked);
}

void ax_signals_begin(void)
{
    static const int taken[] = {SIGHUP, SIGTERM, SIGINT};
    static atomic_bool made;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigset_t signals;
    if (!atomic_exchange(&made, true))
        (void)sem_init(&asked, 0, 0);
    atomic_store(&ended_by, 0);
    atomic_store(&ended_ns, INT64_MAX); /* until the first has said */
    atomic_store(&reload_asked, false);
    atomic_store(&hurry, false);
    (void)sigemptyset(&signals);
    (void)sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        (void)sigaddset(&signals, taken[i]);
        (void)sigaction(taken[i], &action, NULL);
    }
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file over its limit is an error of the write, as a full disk is */
}

/* Let this thread take signals; *before is what it did. */
static void unblock(sigset_t *before)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGHUP);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_UNBLOCK, &signals, before); /* there may be no other thread that takes them */
}

const atomic_bool *ax_signals_hurry(void)
{
    return &hurry;
}

void ax_signals_end(void)
{
    sigset_t before;
    unblock(&before);
}

int ax_signals_wait(int64_t ns, bool *reload)
{
    sigset_t before;
    int64_t until_ns = ax_mono_ns() + ns;
    const struct timespec until = {.tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS};
    unblock(&before);
    if (!atomic_load(&ended_by) && !atomic_load(&reload_asked))
        (void)sem_clockwait(&asked, CLOCK_MONOTONIC, &until);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    *reload = atomic_exchange(&reload_asked, false);
    return atomic_load(&ended_by);
}
