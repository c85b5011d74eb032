#!/usr/bin/python3
"""Targets that are down, slow, hang, refuse, or ask for patience: nothing is lost that they did not refuse.

usage: target.py AUSPEX-BINARY FOLDER      DOWN_S=25 by default (600 for the long run)

Between the process under test and a real Prometheus stands a relay that passes requests on, except while it is told
to answer otherwise.
"""
import http.server
import os
import pathlib
import re
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "lib"))
import fault  # noqa: E402
import pair  # noqa: E402
import stack  # noqa: E402
from fault import require  # noqa: E402

BINARY, FOLDER = sys.argv[1], fault.fresh(sys.argv[2])
DOWN_S = int(os.environ.get("DOWN_S", "25"))


class Relay(http.server.ThreadingHTTPServer):
    """Passes remote-write requests on to a Prometheus. `answer`, when set, is asked first: it gives None to pass the
    request on, or (status, headers, text)."""
    daemon_threads = True

    def __init__(self, prometheus):
        self.prometheus, self.answer, self.log = prometheus, None, []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.closed = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        """Nobody listens any more, and connections that are there end."""
        self.closed = True
        self.shutdown()
        self.server_close()

    def reopen(self):
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        self.closed = False
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.closed:
            self.close_connection = True
            return
        said = self.server.answer(self, body) if self.server.answer else None
        if said is None:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "content-length")}
            try:
                status, text = stack.http(self.server.prometheus.url + self.path, body, headers)
                said = (status, {}, text)
            except OSError as error:
                said = (502, {}, str(error).encode())
        self.server.log.append((time.monotonic(), said[0]))
        self.send_response(said[0])
        for name, value in said[1].items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(said[2])))
        try:
            self.end_headers()
            self.wfile.write(said[2])
        except OSError:
            self.close_connection = True

    def log_message(self, *arguments):
        pass


class Relayed:
    """A pair whose victim sends through a relay."""

    def __init__(self, name, *flags, **options):
        self.pair = pair.Pair(BINARY, FOLDER / name, *flags, target_of_victim=self._relay, **options)

    def _relay(self, prometheus):
        self.relay = Relay(prometheus)
        return self.relay.url

    def __enter__(self):
        return self.pair.__enter__(), self.relay

    def __exit__(self, *what):
        self.relay.shutdown()
        return self.pair.__exit__(*what)


def loses_nothing(p, relay, answer, seconds):
    relay.answer = answer
    time.sleep(seconds)
    p.victim.check_alive()
    relay.answer = None
    time.sleep(5)
    p.finish()
    n = p.require_equal()
    p.require_no_hole()
    return n


def down_under_load():
    """a target that says that it is down, and then is not there at all, gets everything, in order, once it is back"""
    with Relayed("down") as (p, relay):
        relay.answer = lambda *_: (503, {}, b"down")
        time.sleep(DOWN_S / 2)
        relay.close()
        retries = p.victim.metric("auspex_remote_write_retries_total")
        time.sleep(DOWN_S / 2)
        require(p.victim.metric("auspex_remote_write_retries_total") > retries, "it did not try while nobody listened")
        relay.reopen()
        n = loses_nothing(p, relay, None, 0)
        p.require_nothing_refused()
        return f"down for {DOWN_S} s, {n} samples equal"


def killed_while_the_target_is_down():
    """what waits for a target outlives kill -9"""
    with Relayed("killed", "--storage.snapshot-interval=5s") as (p, relay):
        relay.answer = lambda *_: (503, {}, b"down")
        for _ in range(3):
            time.sleep(4)
            p.victim.kill()
            p.victim.start()
            p.victim.wait_ready()
        n = loses_nothing(p, relay, relay.answer, 2)
        p.require_nothing_refused()
        return f"{n} samples equal"


def asks_for_patience():
    """429 with Retry-After: nothing is sent before the time asked for, and nothing is lost"""
    with Relayed("patience") as (p, relay):
        wait_s = 4
        n = loses_nothing(p, relay, lambda *_: (429, {"Retry-After": str(wait_s)}, b"slow down"), 12)
        said = [at for at, status in relay.log if status == 429]
        gaps = [b - a for a, b in zip(said, said[1:])]
        require(said and all(gap >= wait_s - 0.1 for gap in gaps), f"asked again after {gaps} s")
        p.require_nothing_refused()
        return f"{len(said)} answers 429, {n} samples equal"


def hangs():
    """a target that does not answer at all is given up on in time, and nothing is lost"""
    timeout_s, came, release = 3, [], threading.Event()

    def hang(handler, body):
        came.append((time.monotonic(), body))
        release.wait()  # longer than anybody waits
        return (503, {}, b"too late")

    with Relayed("hangs", timeout_s=timeout_s) as (p, relay):
        try:
            n = loses_nothing(p, relay, hang, 14)
        finally:
            release.set()
        again = [(a, b) for i, (a, body) in enumerate(came) for b, other in came[i + 1:i + 1 + len(came)] if other == body]
        require(again, f"of {len(came)} requests none was sent again")
        require(all(b - a > timeout_s - 0.2 for a, b in again), f"sent again before {timeout_s} s")
        p.require_nothing_refused()
        return f"given up on {len(again)} times, {n} samples equal"


def refuses_one_series():
    """a target that answers 400 for one series of a batch costs that series alone"""
    refused = re.compile(rb'predicted_demand_lower.*?host003', re.S)

    def answer(handler, body):
        import snappy
        return (400, {}, b"no predicted_demand_lower of host003") if refused.search(snappy.uncompress(body)) else None

    def others(samples):
        return {k: v for k, v in samples.items()
                if not {("__name__", "predicted_demand_lower"), ("instance", "host003:9100")} <= set(k)}

    with Relayed("refuses") as (p, relay):
        relay.answer = answer
        time.sleep(10)
        p.finish()
        whole, victim = (others(p.prometheus.samples(f'{{run="{run}",for="demand"}}')) for run in ("whole", "victim"))
        require(whole == victim, f"others are missing: {sorted(whole.keys() - victim.keys())[:3]}")
        failed = p.victim.metric("auspex_remote_write_failed_samples_total")
        require(failed > 0, "no counter tells of it")
        return f"{failed:.0f} samples refused, {sum(map(len, whole.values()))} others equal"


if __name__ == "__main__":
    fault.main([down_under_load, killed_while_the_target_is_down, asks_for_patience, hangs, refuses_one_series])
