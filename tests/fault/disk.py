#!/usr/bin/python3
"""A full disk, one that is or turns read-only, and what damage on it does.

usage: disk.py AUSPEX-BINARY FOLDER

The disk is a small tmpfs in a mount namespace of the process under test; where namespaces may not be made the checks
that need one are skipped, and the whole is shown so. To turn a disk read-only takes an image on a loop device.
"""
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import fault  # noqa: E402
import pair  # noqa: E402
import rw  # noqa: E402
import stack  # noqa: E402
from fault import require  # noqa: E402

BINARY, FOLDER = sys.argv[1], fault.fresh(sys.argv[2])
DISK_MIB = 64
UNSHARE = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]
MAY_MOUNT = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


def disk(folder):
    """What to put before a command so that `folder` is a tmpfs of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    return [*UNSHARE, "sh", "-c", f'mount -t tmpfs -o size={DISK_MIB}m tmpfs "{folder}" && exec "$@"', "sh"]


def inside(server, *argv):
    """Run a command in the server's mount namespace."""
    enter = ["nsenter", "-t", str(server.process.pid), "-m", *([] if os.geteuid() == 0 else ["-U", "--preserve-credentials"])]
    done = subprocess.run([*enter, *argv], capture_output=True, text=True)
    require(done.returncode == 0, f"{' '.join(argv)}: {done.stderr.strip()}")


def answer_now(server, feed):
    """What a request is answered now; its samples are the newest of the feed."""
    return stack.http(server.url + "/api/v1/write", feed.bodies[-1][0], feed.parts[0].headers)


def a_full_disk():
    """a full disk: requests are answered 503, and once there is room again nothing is missing"""
    if not MAY_MOUNT:
        raise fault.Skipped("no mount namespace may be made here")
    data = FOLDER / "full" / "victim" / "data"
    with pair.Pair(BINARY, FOLDER / "full", "--storage.snapshot-interval=3s", wrapper=disk(data)) as p:
        time.sleep(5)
        inside(p.victim, "sh", "-c", f"cat /dev/zero > '{data}/ballast' 2>/dev/null; true")
        repeats = p.feed.repeats[p.victim]
        fault.eventually(60, lambda: p.feed.repeats[p.victim] > repeats, "requests are answered with an error")
        status, text = answer_now(p.victim, p.feed)
        require(status == 503 and b"space" in text, f"answered {status} {text}")
        time.sleep(8)
        p.victim.check_alive()
        require(stack.http(p.victim.url + "/-/healthy")[0] == 200, "it is not healthy")
        require(p.victim.metric("auspex_wal_append_failures_total") > 0, "no counter tells of it")
        inside(p.victim, "rm", f"{data}/ballast")
        time.sleep(8)
        p.finish()
        n = p.require_equal()
        p.require_no_hole()
        p.require_nothing_refused()
        return f"{p.feed.repeats[p.victim]} repeats, {n} samples equal"


def a_read_only_disk():
    """a read-only disk: it does not start, and says why"""
    if not MAY_MOUNT:
        raise fault.Skipped("no mount namespace may be made here")
    folder = FOLDER / "readonly"
    data = folder / "data"
    data.mkdir(parents=True)
    wrapper = [*UNSHARE, "sh", "-c", f'mount -t tmpfs -o ro tmpfs "{data}" && exec "$@"', "sh"]
    server = fault.Auspex(BINARY, folder, "jobs: []", wrapper=wrapper)
    server.start()
    status = server.process.wait(60)
    log = server.log.read_text()
    require(status == 1 and str(data) in log and "ead-only" in log, f"it ended with {status}: {log[-300:]}")


def a_disk_that_turns_read_only():
    """a disk that turns read-only under it: requests are answered 503, and on a sound one it goes on with all of them"""
    folder = FOLDER / "turned"
    data = folder / "victim" / "data"
    data.mkdir(parents=True)
    image = folder / "image"
    with open(image, "wb") as file:
        file.truncate(DISK_MIB << 20)
    require(subprocess.run(["mkfs.ext4", "-q", image], capture_output=True).returncode == 0, "no mkfs.ext4")
    loop = ["unshare", "-m", "mount", "-o", "loop", str(image), str(data)]
    if subprocess.run(loop, capture_output=True).returncode != 0:
        raise fault.Skipped("no image can be mounted here")
    wrapper = ["unshare", "-m", "sh", "-c", f'mount -o loop "{image}" "{data}" && exec "$@"', "sh"]
    # Pages that wait for the disk go with it: each record is there before it counts.
    with pair.Pair(BINARY, folder, "--storage.fsync=always", "--storage.snapshot-interval=3s", wrapper=wrapper) as p:
        time.sleep(8)
        repeats = p.feed.repeats[p.victim]
        inside(p.victim, "mount", "-o", "remount,abort", str(data))  # as the kernel does after an error of the disk
        fault.eventually(60, lambda: p.feed.repeats[p.victim] > repeats, "requests are answered with an error")
        status, text = answer_now(p.victim, p.feed)
        require(status == 503, f"answered {status} {text}")
        time.sleep(5)
        p.victim.check_alive()
        require(stack.http(p.victim.url + "/-/healthy")[0] == 200, "it is not healthy")
        require(p.victim.metric("auspex_wal_append_failures_total") > 0, "no counter tells of it")
        p.victim.kill()
        p.victim.start()
        p.victim.wait_ready()
        time.sleep(5)
        p.finish()
        n = p.require_equal()
        p.require_no_hole()
        return f"{p.feed.repeats[p.victim]} repeats, {n} samples equal"


def segments(server):
    return sorted((server.folder / "data" / "wal").glob("*.log"))


def restarted_with(name, damage, told, check):
    """Kill it, damage what lies on the disk, and start it again: it says what was lost, and works. check(pair, there,
    back) says what must be so in the end, of the samples that were there before and those that came back."""
    with pair.Pair(BINARY, FOLDER / name, "--storage.snapshot-interval=1h", "--storage.wal-segment-size=16KiB") as p:
        time.sleep(12)
        there = p.victim.metric("auspex_ingested_samples_total")
        p.victim.kill()
        damage(p.victim)
        p.victim.start()
        p.victim.wait_ready()
        back = p.victim.metric("auspex_replay_samples_total")
        time.sleep(6)
        p.finish()
        p.require_nothing_refused()
        log = p.victim.log.read_text()
        require(told in log, f"its log does not say '{told}'")
        text = check(p, there, back)
        require(p.victim.stop(60) == 0, "it does not end well")
        return text


def a_torn_tail():
    """a torn tail is cut off, and all before it is there"""
    def damage(victim):
        with open(segments(victim)[-1], "ab") as segment:
            segment.write(b"\x40\x00\x00\x00\x12\x34\x56\x78\x01torn")

    def check(p, there, back):
        require(back >= there, f"of {there:.0f} samples {back:.0f} came back")
        require(p.victim.metric("auspex_wal_torn_bytes_total") > 0, "no counter tells of it")
        n = p.require_equal()
        p.require_no_hole()
        return f"{back:.0f} samples came back, {n} of the outputs equal"
    return restarted_with("torn", damage, "torn", check)


def a_flipped_byte():
    """a flipped byte in the log is reported and costs its record alone; the process starts with what is sound"""
    def damage(victim):
        path = segments(victim)[0]
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x10
        path.write_bytes(data)

    def check(p, there, back):
        most = max(len(part.series) for part in p.feed.parts)
        require(back >= there - most, f"of {there:.0f} samples {back:.0f} came back; a record holds {most} at most")
        require(p.victim.metric("auspex_wal_corruptions_total") == 1, "no counter tells of one damaged place")
        p.require_no_hole()
        return f"{back:.0f} of {there:.0f} samples came back"
    return restarted_with("flipped", damage, "damage", check)


def a_missing_segment():
    """a missing segment is reported and costs what it held; the process starts with what is there"""
    shares = []

    def damage(victim):
        found = segments(victim)
        require(len(found) > 2, f"only {len(found)} segments")
        shares.append(found[1].stat().st_size / sum(path.stat().st_size for path in found))
        found[1].unlink()

    def check(p, there, back):
        least = there * (1 - 2 * shares[0])  # samples are not spread evenly over the log
        require(least <= back, f"of {there:.0f} samples {back:.0f} came back; {shares[0]:.0%} of the log were lost")
        require(p.victim.metric("auspex_wal_corruptions_total") > 0, "no counter tells of it")
        p.require_no_hole()
        return f"{shares[0]:.0%} of the log were lost, {back:.0f} of {there:.0f} samples came back"
    return restarted_with("missing", damage, "missing", check)


if __name__ == "__main__":
    fault.main([a_full_disk, a_read_only_disk, a_disk_that_turns_read_only, a_torn_tail, a_flipped_byte, a_missing_segment])
