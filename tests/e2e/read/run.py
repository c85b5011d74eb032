#!/usr/bin/python3
"""Forecasts drawn past now: a real Prometheus reads from Auspex, and answers PromQL.

usage: run.py TOP AUSPEX-BINARY FOLDER [PROMETHEUS-BINARY]

The checks run in the order in which they stand here, on one pair of servers; each is asked again until it holds, for what is
sent is to be seen a little later.
"""
import json
import math
import pathlib
import re
import shutil
import sys
import threading
import time
import urllib.parse

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import rw  # noqa: E402
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402

INSTANCES = ("a", "b", "c")
WARM_UP_S = 14
HORIZON_S = 1200
CONFIG = """
global: {{ step: 1s, evaluation_delay: 500ms }}
remote_write: [ {{ url: {prometheus}/api/v1/write, queue_config: {{ batch_send_deadline: 200ms }} }} ]
jobs:
  - name: load
    expr: demand
    forecast: {{ output: predicted_load, horizons: [10s, 20m] }}
"""
PROMETHEUS = """
global: {{ scrape_interval: 1h, external_labels: {{ site: here }} }}
remote_read: [ {{ url: {auspex}/api/v1/read, read_recent: true, filter_external_labels: false }} ]
"""


def demand(instance, t_s):
    return 100 * (1 + INSTANCES.index(instance)) + 10 * math.sin(t_s / 7)


class Feed(threading.Thread):
    """A sample a second for each instance, to Auspex."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.ending = url, False
        self.begun = int(time.time()) + 1

    def run(self):
        t_s = self.begun
        while not self.ending:
            time.sleep(max(0, t_s - time.time()))
            body = rw.request_1(*(rw.series_1([("__name__", "demand"), ("instance", i), ("site", "here")],
                                              [(demand(i, t_s), t_s * 1000)]) for i in INSTANCES))
            status, text = stack.http(self.url + "/api/v1/write", rw.snappy(body), rw.HEADERS_1)
            require(status == 204, f"the feed was answered {status} {text}")
            t_s += 1


class Servers:
    """Auspex, and a Prometheus that reads from it and takes what it writes."""

    def __init__(self, folder, auspex, prometheus):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        address = {name: f"127.0.0.1:{stack.free_port()}" for name in ("auspex", "prometheus")}
        self.url = {name: "http://" + a for name, a in address.items()}
        (folder / "auspex.yml").write_text(CONFIG.format(**self.url))
        (folder / "prometheus.yml").write_text(PROMETHEUS.format(**self.url))
        self.servers = [
            stack.Server("prometheus", [prometheus, f"--config.file={folder / 'prometheus.yml'}",
                                        "--web.enable-remote-write-receiver", "--log.level=warn",
                                        f"--storage.tsdb.path={folder / 'data'}",
                                        f"--web.listen-address={address['prometheus']}"],
                         folder / "prometheus.log", self.url["prometheus"] + "/-/ready"),
            stack.Server("auspex", [auspex, "serve", f"--config.file={folder / 'auspex.yml'}",
                                    f"--storage.path={folder / 'auspex'}",
                                    f"--web.listen-address={address['auspex']}"],
                         folder / "auspex.log", self.url["auspex"] + "/-/ready")]

    def __enter__(self):
        for server in self.servers:
            server.start()
        for server in self.servers:
            server.wait_ready()
        return self

    def __exit__(self, *_):
        for server in reversed(self.servers):
            server.stop()

    def ask(self, path, **arguments):
        status, body = stack.http(f"{self.url['prometheus']}/api/v1/{path}?{urllib.parse.urlencode(arguments)}")
        answer = json.loads(body)
        require(status == 200 and answer["status"] == "success", f"{path} {arguments}: {status} {body[:300]}")
        require(not answer.get("warnings"), f"{path} {arguments}: {answer.get('warnings')}")
        return answer["data"]["result"]

    def at(self, expression, t_s):
        """{labels: value} at a time."""
        return {frozenset(r["metric"].items()): float(r["value"][1])
                for r in self.ask("query", query=expression, time=f"{t_s:.3f}")}

    def over(self, expression, start, end, step):
        """{labels: {time: value}}."""
        rows = self.ask("query_range", query=expression, start=f"{start:.3f}", end=f"{end:.3f}", step=step)
        return {frozenset(r["metric"].items()): {float(t): float(v) for t, v in r["values"]} for r in rows}

    def read(self, body):
        return stack.http(self.url["auspex"] + "/api/v1/read", body,
                          {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"})


def labels(name, instance, **more):
    return frozenset({"__name__": name, "for": "load", "instance": instance, "site": "here", "source": "demand",
                      **more}.items())


def the_future_can_be_asked_at_an_instant(s):
    """Ten minutes ahead, every series of the job, without the label horizon."""
    got = s.at("predicted_load_future", time.time() + 600)
    require(set(got) == {labels("predicted_load_future", i) for i in INSTANCES}, f"series {sorted(map(sorted, got))}")
    for i in INSTANCES:
        value, level = got[labels("predicted_load_future", i)], 100 * (1 + INSTANCES.index(i))
        require(abs(value - level) < 30, f"{i}: {value} is far from {level}")


def a_graph_runs_on_past_now(s):
    """query_range from now to the end of the longest horizon: not a hole in it, and bounds around it."""
    start = math.ceil(time.time()) + 2
    end = start + HORIZON_S - 30
    curves = [s.over(f"predicted_load_future{suffix}", start, end, 15) for suffix in ("_lower", "", "_upper")]
    for i in INSTANCES:
        low, mean, high = (c[labels(f"predicted_load_future{suffix}", i)]
                           for c, suffix in zip(curves, ("_lower", "", "_upper")))
        require(len(mean) == (end - start) // 15 + 1, f"{i}: {len(mean)} points from {start} to {end}")
        # Three requests, perhaps of two steps: the bounds belong to a path of a second earlier or later.
        require(sum(low[t] <= mean[t] + 5 and mean[t] <= high[t] + 5 for t in mean) == len(mean),
                f"{i}: the bounds do not lie around the forecast")
    require(not s.at("predicted_load_future", start + HORIZON_S + 400), "there is something behind the horizon")


def one_graph_holds_what_was_and_what_will_be(s):
    """`model_input or predicted_load_future`, from the past into the future."""
    now = int(time.time())
    begun = now - 8
    got = s.over('sum by (instance) (model_input{window="fine",instance="b"}) or '
                 'sum by (instance) (predicted_load_future{instance="b"})', begun, now + 900, 1)
    points = got[frozenset({("instance", "b")})]
    require(all(float(t) in points for t in range(begun, now + 900)), f"holes among {len(points)} points")


def matchers_and_aggregations_work(s):
    """Regular expressions, negations, sums over series."""
    t = time.time() + 300
    bounds = s.at('{__name__=~"predicted_load_future_(lower|upper)",instance=~"a|b"}', t)
    require(len(bounds) == 4, f"{len(bounds)} series instead of 4")
    others = s.at('predicted_load_future{instance!="a",for!~"x.*"}', t)
    require(len(others) == 2, f"{len(others)} series instead of 2")
    both = s.at('sum(predicted_load_future) or label_replace(count(predicted_load_future), "n", "1", "", "")', t)
    total, n = both[frozenset()], both[frozenset({("n", "1")})]
    require(n == 3 and abs(total - 600) < 90, f"sum {total} of {n} series")
    require(not s.at('predicted_load_future{for="nobody"}', t), "a job that is not there is served")


def what_was_sent_stands_on_the_path(s):
    """The horizon that was sent at a step equals the path's point, once Prometheus has both."""
    path = s.over("predicted_load_future{instance='a'}", time.time() + 5, time.time() + 12, 1)
    sent = s.over("predicted_load{horizon='10s',instance='a'}", time.time() - 5, time.time(), 1)
    require(path and sent, "nothing was sent")
    (path,), (sent,) = path.values(), sent.values()
    require(any(abs(p - v) < 2e-6 * abs(v) for p in path.values() for v in sent.values()),
            f"none of {sent} is on the path {path}")


def the_window_is_what_was_fed(s):
    """model_input holds the samples themselves."""
    end = int(time.time()) - 3
    got = s.over('model_input{window="fine"}', end - 5, end, 1)
    for i in INSTANCES:
        for t, value in got[labels("model_input", i, window="fine")].items():
            require(abs(value - demand(i, t)) < 1e-3, f"{i} at {t}: {value} instead of {demand(i, t)}")


def what_is_wrong_is_said(s):
    """400 with a text for what will never work; a counter says why."""
    for body, text in ((b"nonsense", b"snappy"), (rw.snappy(b"\x0a\x7f\x00"), b"malformed"),
                       (rw.snappy(rw.message(2, b"\x07")), b"response types")):
        status, answer = s.read(body)
        require(status == 400 and text in answer, f"{body}: {status} {answer}")
    status, _ = stack.http(s.url["auspex"] + "/api/v1/read")
    require(status == 405, f"GET is answered {status}")
    _, metrics = stack.http(s.url["auspex"] + "/metrics")
    counted = re.search(rb'auspex_remote_read_refused_total\{reason="request"\} (\d+)', metrics)
    require(counted and int(counted[1]) >= 3, "the counter does not say 3")


def holds(check, s):
    """For eventually(): a series that is not there yet is no error."""
    try:
        check(s)
    except KeyError as missing:
        raise Failure(f"no {missing}") from missing
    return True


CHECKS = (the_future_can_be_asked_at_an_instant, a_graph_runs_on_past_now, one_graph_holds_what_was_and_what_will_be,
          matchers_and_aggregations_work, what_was_sent_stands_on_the_path, the_window_is_what_was_fed,
          what_is_wrong_is_said)


def main():
    folder = pathlib.Path(sys.argv[3]).resolve()
    failed = 0
    with Servers(folder, sys.argv[2], (sys.argv[4:] or ["prometheus"])[0]) as s:
        feed = Feed(s.url["auspex"])
        feed.start()
        time.sleep(WARM_UP_S)
        for check in CHECKS:
            try:
                eventually(60, lambda c=check: holds(c, s), check.__name__)
                print(f"ok    {check.__name__}")
            except (Failure, stack.StackError) as failure:
                failed += 1
                print(f"FAIL  {check.__name__}: {failure!r}")
        feed.ending = True
        feed.join()
    sys.exit(1 if failed else 0)


main()
