#!/usr/bin/python3
"""kill -9 under load, again and again: nothing that was answered 2xx is lost, and what comes out is, bit for bit, what
comes out of a process that nobody killed.

usage: crash.py AUSPEX-BINARY FOLDER      ROUNDS=50 SEED=random by default

Two processes get the same samples, one request a second, in order, each repeated until it is answered 2xx. One of
them is killed at random moments, sometimes again while it starts. In the end every series of the two must hold the
same values at the same times without a hole, and Prometheus must not have refused one request.
"""
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import fault  # noqa: E402
import pair  # noqa: E402

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
    with pair.Pair(BINARY, FOLDER, "--storage.snapshot-interval=7s") as p:
        try:
            early = kill_again_and_again(p.victim, random.Random(SEED))
            time.sleep(3)
            p.finish()
            n = p.require_equal()
            p.require_no_hole()
            p.require_nothing_refused()
        except fault.Failure as failure:
            raise fault.Failure(f"{failure} [SEED={SEED}; logs in {FOLDER}]") from failure
        return (f"{ROUNDS} kills ({early} while it started), {len(p.feed.bodies)} requests, "
                f"{p.feed.repeats[p.victim]} repeats, {n} samples equal")


if __name__ == "__main__":
    fault.main([killed_at_random_moments])
