#!/usr/bin/python3
"""kill -9 under load, again and again: nothing that was answered 2xx is lost, and what comes out is, bit for bit, what
comes out of a process that nobody killed.

usage: crash.py AUSPEX-BINARY FOLDER      ROUNDS=50 SEED=random by default

Two processes get the same samples, four requests a second over as many connections, in both versions of remote-write,
native histograms and a pair of replicas among them, each request repeated until it is answered 2xx. One of the two is
killed at random moments, sometimes again while it starts. In the end every series of the two must hold the same values
at the same times without a hole, the windows of both must be the same, and Prometheus must not have refused one request.
"""
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import fault  # noqa: E402
import pair  # noqa: E402
from fault import require  # noqa: E402

BINARY, FOLDER = sys.argv[1], fault.fresh(sys.argv[2])
ROUNDS = int(os.environ.get("ROUNDS", "50"))
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)


def kill_again_and_again(server, rng):
    """Returns how often it was killed before it was ready."""
    early = 0
    for _ in range(ROUNDS):
        if rng.random() < 0.15:
            time.sleep(rng.uniform(0.0, 0.15))
            early += 1
        else:
            server.wait_ready()
            time.sleep(rng.uniform(0.1, 2.4))
        server.check_alive()
        server.kill()
        server.start()
    server.wait_ready()
    return early


def killed_at_random_moments():
    """killed at random moments, a process loses nothing and says the same as one that was not"""
    with pair.Pair(BINARY, FOLDER, "--storage.snapshot-interval=7s", "--storage.max-replay=50ms") as p:
        try:
            early = kill_again_and_again(p.victim, random.Random(SEED))
            time.sleep(3)
            p.finish()
            n = p.require_equal()
            p.require_no_hole()
            rows = p.require_same_windows()
            require(p.victim.metric("auspex_received_histograms_total") > 0, "no histogram was received")
            require(p.victim.metric("auspex_dropped_samples_total", reason="ha_duplicate") > 0, "no replica was told apart")
            p.require_nothing_refused()
        except fault.Failure as failure:
            raise fault.Failure(f"{failure} [SEED={SEED}; logs in {FOLDER}]") from failure
        return (f"{ROUNDS} kills ({early} while it started), {len(p.feed.bodies)} seconds, "
                f"{p.feed.repeats[p.victim]} repeats, {n} samples equal, {rows} windows too")


if __name__ == "__main__":
    fault.main([killed_at_random_moments])
