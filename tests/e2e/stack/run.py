#!/usr/bin/python3
"""The whole chain with real servers: node_exporter and a replayed recording, scraped by Prometheus, through Auspex,
back into Prometheus and into VictoriaMetrics, an alert in Alertmanager.

usage: run.py TOP AUSPEX-BINARY FOLDER

The checks run in the order in which they stand here, on one stack; a later one may build on what an earlier one left.
"""
import json
import math
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.parse

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import rw  # noqa: E402
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402

OUTAGE_ROW = 180  # of tests/data/replay: the first row that is labelled in ingress-05
OUTAGE_S = 75     # after the replay's start
ROWS_A_SECOND = stack.RECORDING_SPEED // 60
HORIZONS = ("5s", "15s")
MIB = 1 << 20


def label_sets(rows):
    return {tuple(sorted(labels.items())) for labels, _ in rows}


def with_labels(base, **added):
    return {tuple(sorted({**dict(labels), **added}.items())) for labels in base}


def metrics(running, name, **labels):
    """Sum of a self-metric over the cells that have these labels; None when there is none."""
    status, body = stack.http(running.url["auspex"] + "/metrics")
    require(status == 200, f"/metrics answered {status}")
    found = None
    for line in body.decode().splitlines():
        if line.startswith((name + "{", name + " ")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
            found = (found or 0) + float(line.rsplit(" ", 1)[1])
    return found


def same_labels(running, metric, expected, selector=""):
    got = label_sets(running.query(f"{metric}{selector}"))
    want = {tuple(sorted(dict(labels, __name__=metric).items())) for labels in expected}
    require(got == want, f"{metric}{selector}: unexpected {sorted(got - want)[:2]}, missing {sorted(want - got)[:2]}")
    return True


# The checks. Each takes the running stack and raises Failure.


def health_and_readiness(running):
    """Auspex answers /-/healthy and /-/ready with 200."""
    for path in ("/-/healthy", "/-/ready"):
        status, _ = stack.http(running.url["auspex"] + path)
        require(status == 200, f"{path} answered {status}")


def outputs_with_their_labels(running):
    """Within 60 s of the start every output series is in Prometheus, with exactly its labels."""
    sources = {"bandwidth": "rate(node_network_receive_bytes_total[3s])", "ingress": "rate(recorded_ingress_total[3s])"}

    def all_there():
        for job, expression in sources.items():
            source = label_sets(running.query(expression))
            require(source, f"{expression} is empty")
            chosen = f'{{for="{job}"}}'
            per_series = with_labels(source, **{"for": job})
            per_horizon = set().union(*(with_labels(per_series, horizon=h) for h in HORIZONS))
            of_job = {(("for", job), ("horizon", h)) for h in HORIZONS}
            for suffix in ("", "_lower", "_upper"):
                same_labels(running, "predicted_bandwidth" + suffix, per_horizon, chosen)
            same_labels(running, "prediction_confidence", per_horizon, chosen)
            for name in ("accuracy", "wape", "coverage"):
                same_labels(running, "prediction_" + name, of_job, chosen)
            for name in ("score", "severity", "direction", "expected", "lower", "upper"):
                same_labels(running, "anomaly_" + name, per_series, chosen)
            drift_outputs(running, job)
        entity = label_sets(running.query('group by (instance) (rate(node_cpu_seconds_total[3s]))'))
        for name in ("score", "severity", "direction"):
            same_labels(running, "anomaly_" + name, with_labels(entity, **{"for": "node"}), '{for="node"}')
        drift_outputs(running, "node")
        for job in ("bandwidth", "ingress", "node"):
            names = {k for labels, _ in running.query(f'model_ready{{for="{job}"}}') for k in labels}
            require(names <= {"__name__", "for", "reason"} and names, f"model_ready of {job} has the labels {names}")
            require(running.value(f'max(model_ready{{for="{job}"}})') == 1, f"{job} is not ready")
            names = {k for labels, _ in running.query(f'model_info{{for="{job}"}}') for k in labels}
            require(names == {"__name__", "for", "version", "role"}, f"model_info of {job} has the labels {names}")
        return True

    eventually(60 - (time.monotonic() - running.began), all_there, "outputs")


def drift_outputs(running, job):
    rows = running.query(f'drift_score{{for="{job}"}}')
    require(rows, f"no drift_score of {job}")
    for labels, value in rows:
        require(set(labels) == {"__name__", "for", "feature", "test"}, f"drift_score has the labels {sorted(labels)}")
        require(math.isfinite(value) and value >= 0, f"drift_score of {labels} is {value}")
    tests = {labels["test"] for labels, _ in rows}
    require(tests == {"js", "ks", "psi", "wasserstein"}, f"drift_score of {job} knows the tests {sorted(tests)}")
    for name in ("drift_detected", "drifted_features", "data_drift_score"):
        rows = running.query(f'{name}{{for="{job}"}}')
        require(rows, f"no {name} of {job}")
        for labels, value in rows:
            require(set(labels) - {"kind"} == {"__name__", "for"}, f"{name} has the labels {sorted(labels)}")
            require(name == "drifted_features" or 0 <= value <= 1, f"{name} is {value}")


def capacity_outputs(running):
    """Of links with a speed there are headroom and time to saturation; of the others the reason why not."""
    def all_there():
        known = label_sets(running.query("node_network_speed_bytes * node_network_carrier > 0"))
        for job in ("bandwidth", "bandwidth_transmit"):
            chosen = f'{{for="{job}"}}'
            source = label_sets(running.query(f'predicted_bandwidth{{for="{job}",horizon="5s"}}'))
            require(source, f"no forecast of {job}")
            for metric in ("predicted_headroom_ratio", "predicted_saturation_seconds"):
                same_labels(running, metric, with_labels(known, **{"for": job}), chosen)
            rows = running.query(f'prediction_ready{chosen}')
            require(len(rows) == len(source) - len(known), f"{len(rows)} of {len(source) - len(known)} reasons")
            for labels, value in rows:
                require(value == 0 and labels["reason"] in ("no_capacity", "link_down"), f"{labels} is {value}")
        # The bill of the month, as far as it was seen.
        rows = running.query('billing_observed_ratio{for="ingress"}')
        require(rows and all(0 <= v <= 1 for _, v in rows), f"billing: {rows}")
        # The recordings have a line of their own.
        rows = running.query('predicted_headroom_ratio{for="ingress"}')
        require(len(rows) == 2 and all(0 <= v <= 1 for _, v in rows), f"headroom of the recordings: {rows}")
        rows = running.query('predicted_saturation_seconds{for="ingress"}')
        require(len(rows) == 2 and all(v >= 0 for _, v in rows), f"saturation of the recordings: {rows}")
        rows = running.query('sum by (recording, horizon) (predicted_class_probability{for="ingress"})')
        require(len(rows) == 4 and all(math.isclose(v, 1, abs_tol=1e-6) for _, v in rows), f"classes: {rows}")
        rows = running.query('predicted_bandwidth_peak{for="ingress"}')
        require(len(rows) == 4, f"{len(rows)} of 4 peaks of the recordings")
        rows = running.query('predicted_bandwidth_peak{for="ingress"} < predicted_bandwidth_upper{for="ingress"}')
        require(not rows, f"a peak is below its upper bound: {rows}")
        return True

    eventually(60, all_there, "capacities")


def predictions_on_request(running):
    """POST /api/v1/predict says of the recordings what Prometheus was sent, and refuses what is wrong with a text."""
    url = running.url["auspex"] + "/api/v1/predict"
    ask = {"job": "ingress", "horizons": ["5s", "7s500ms", "15s"]}

    def answered():
        status, body = stack.http(url, json.dumps(ask).encode(), {"Content-Type": "application/json"})
        require(status == 200, f"{status} {body[:200]!r}")
        answer = json.loads(body)
        require(answer["status"] == "success" and len(answer["data"]["result"]) == 2, f"{body[:300]!r}")
        for one in answer["data"]["result"]:
            require(one["ready"] and len(one["forecasts"]) == 3, f"{one}")
        return answer["data"]["result"]

    for one in eventually(60, answered, "predictions on request"):
        selector = f'predicted_bandwidth{{for="ingress",horizon="5s",recording="{one["metric"]["recording"]}"}}'
        at, near = one["timestamp"], one["forecasts"][0]["value"]
        # What was said at a step comes to Prometheus a while after it.
        eventually(60, lambda: running.query(f"timestamp({selector}) == {at}", time_s=at), f"nothing was sent for {at}")
        sent = running.query(selector, time_s=at)
        require(math.isclose(sent[0][1], near, rel_tol=1e-6), f"{sent} was sent, {near} is said")
    for body, expected in ((b"{", 400), (b'{"job": "none"}', 404), (b'{"job": "ingress", "horizons": ["1h"]}', 400)):
        status, text = stack.http(url, body)
        require(status == expected and json.loads(text)["error"], f"{body!r}: {status} {text[:200]!r}")


def plausible_values(running):
    """Forecasts are near what they forecast, inside their interval; scores are scores."""
    def inside():
        at = time.time() - 10  # what was said then is there as a whole, or will be
        for bounds in ("predicted_bandwidth_lower <= predicted_bandwidth", "predicted_bandwidth_upper >= predicted_bandwidth"):
            rows, all_rows = (running.query(expression, time_s=at) for expression in (bounds, "predicted_bandwidth"))
            require(rows and len(rows) == len(all_rows), f"a forecast is not {bounds}")
        return True

    eventually(60, inside, "forecasts lie inside their bounds")

    def near():
        # The recorded ingress, against what it was five seconds later.
        ratio = ('avg by (recording) (avg_over_time(predicted_bandwidth{for="ingress",horizon="5s"}[10s] offset 5s))'
                 ' / avg by (recording) (avg_over_time(rate(recorded_ingress_total[3s])[10s:1s]))')
        rows = running.query(ratio)
        require(len(rows) == 2, f"{len(rows)} of 2 recordings are forecast")
        for labels, value in rows:
            require(0.8 < value < 1.25, f"the forecast of {labels} is {value:.3f} times what came")
        # This machine's loopback interface, against node_exporter's own counter.
        ratio = ('avg(avg_over_time(predicted_bandwidth{for="bandwidth",device="lo",horizon="5s"}[15s]))'
                 ' / avg(avg_over_time(rate(node_network_receive_bytes_total{device="lo"}[3s])[15s:1s]))')
        value = running.value(ratio)
        require(value and 0.4 < value < 2.5, f"the forecast of lo is {value} times what its counter says")
        return True

    eventually(60, near, "plausible forecasts")
    for expression, low, high in (("anomaly_score", 0, math.inf), ("anomaly_severity", 0, 4),
                                  ("anomaly_direction", -1, 1), ("prediction_confidence", 0, 1),
                                  ("prediction_accuracy", 0, 1), ("prediction_coverage", 0, 1)):
        for labels, value in running.query(expression):
            require(low <= value <= high, f"{labels} is {value}")
    eventually(60, lambda: running.query('stddev_over_time(anomaly_score{for="ingress"}[20s]) > 0'),
               "an anomaly_score of the recording changes within 20 s")


def garbage_is_refused(running):
    """Garbage gets the specified 4xx with a text; the process stays up and small; the next good request works."""
    url = running.url["auspex"] + "/api/v1/write"
    now = int(time.time() * 1000)
    good = rw.request_1(rw.series_1([("__name__", "good"), ("a", "b")], [(1.0, now)]))
    many = rw.request_1(rw.series_1([("__name__", "m")] + [(f"l{i:05d}", "v") for i in range(10000)], [(1.0, now)]))
    not_utf8 = rw.request_1(rw.series_1([("__name__", "m"), ("a", b"\xff\xfe")], [(1.0, now)]))
    nameless = rw.request_1(rw.series_1([("a", "b")], [(1.0, now)]))
    twice = rw.request_1(rw.series_1([("__name__", "m"), ("a", "b"), ("a", "c")], [(1.0, now)]))
    out_of_range = rw.request_2(["", "__name__", "m"], [([1, 9], [(1.0, now)])])
    odd = rw.request_2(["", "__name__", "m"], [([1], [(1.0, now)])])
    bomb = rw.varint(1 << 30) + b"\xfe\x01\x00" * 1000
    compressed = rw.snappy(good)
    h1, h2 = rw.HEADERS_1, rw.HEADERS_2
    cases = [
        ("text/plain", compressed, {**h1, "Content-Type": "text/plain"}, 415),
        ("unknown message", compressed, {**h1, "Content-Type": "application/x-protobuf;proto=a.B"}, 415),
        ("gzip", compressed, {**h1, "Content-Encoding": "gzip"}, 415),
        ("not snappy", b"\xff" * 100, h1, 400),
        ("truncated snappy", compressed[:-3], h1, 400),
        ("truncated protobuf", rw.snappy(good[:-3]), h1, 400),
        ("noise", rw.snappy(bytes(range(256)) * 64), h1, 400),
        ("a bomb that claims 1 GiB", bomb, h1, 400),
        ("10,000 labels", rw.snappy(many), h1, 400),
        ("invalid UTF-8", rw.snappy(not_utf8), h1, 400),
        ("no name", rw.snappy(nameless), h1, 400),
        ("a label twice", rw.snappy(twice), h1, 400),
        ("2.0: reference out of range", rw.snappy(out_of_range), h2, 400),
        ("2.0: odd references", rw.snappy(odd), h2, 400),
        ("40 MiB", b"\x00" * (40 * MIB), h1, 413),
    ]
    before = running.servers["auspex"].rss()
    for name, body, headers, expected in cases:
        try:
            status, text = stack.http(url, body, headers)
        except OSError as error:
            # A body that is refused by its declared length may see the connection closed while it is sent.
            require(expected == 413, f"{name}: {error}")
            continue
        require(status == expected, f"{name}: {status} {text[:200]!r}, not {expected}")
        require(text.strip(), f"{name}: {status} without a text")
    for method in ("GET", "PUT"):
        status, _ = stack.http(url, method=method)
        require(status == 405, f"{method}: {status}, not 405")
    for _ in range(200):
        stack.http(url, bomb, h1)
    running.check_alive()
    grown = running.servers["auspex"].rss() - before
    require(grown < 64 * MIB, f"resident memory has grown by {grown / MIB:.0f} MiB")
    for name, body, headers in (("1.0", good, h1), ("2.0", rw.request_2(["", "__name__", "good"],
                                                                        [([1, 2], [(1.0, now)])]), h2),
                                ("empty", b"", h1)):
        status, text = stack.http(url, rw.snappy(body) if body else b"\x00", headers)
        require(status in (200, 204), f"a good request ({name}) afterwards: {status} {text[:200]!r}")


def into_victoria_metrics(running):
    """The second target, VictoriaMetrics, has the same series and the same values."""
    def same():
        at = time.time() - 10
        for metric in ("predicted_bandwidth", "anomaly_score", "drift_score"):
            selector = f'{metric}{{for="ingress"}}'
            here = {tuple(sorted(l.items())): v for l, v in running.query(selector, time_s=at)}
            there = {tuple(sorted(l.items())): v for l, v in running.query(selector, "victoria_metrics", at)}
            require(here and here.keys() == there.keys(), f"{metric}: {len(here)} series here, {len(there)} there")
            for labels, value in here.items():
                require(math.isclose(value, there[labels], rel_tol=1e-9, abs_tol=1e-12),
                        f"{labels}: {value} here, {there[labels]} there")
        return True

    eventually(90, same, "the same in VictoriaMetrics")


def metrics_are_as_prometheus_wants_them(running):
    """promtool finds nothing to say of the names, types and help texts of /metrics."""
    status, body = stack.http(running.url["auspex"] + "/metrics")
    require(status == 200, f"/metrics answered {status}")
    done = subprocess.run(["promtool", "check", "metrics"], input=body, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    require(done.returncode == 0, f"promtool check metrics: {done.stdout.decode(errors='replace')}")


def commands_of_the_documents_are_understood(running):
    """Each curl of README.md and docs/ is answered as such a question is, though nothing here has the names of the examples."""
    commands = []
    for path in [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]:
        for block in re.findall(r"^(?: {4})?(curl .*?)(?=^\s*$|^```|\Z)", path.read_text(), re.M | re.S):
            commands += [(path.name, command) for command in re.split(r"\n(?=(?: {4})?curl )", block)]
    require(len(commands) >= 6, f"only {len(commands)} are found")
    for name, command in commands:
        told = command.strip().replace("127.0.0.1:9201", running.address["auspex"])
        require(running.address["auspex"] in told, f"{name}: not for Auspex at 127.0.0.1:9201: {command}")
        told = told.replace("curl ", "curl -sS -o answer -w '%{http_code}' ", 1).replace(" -o a.csv", "")
        answer = {}

        def understood():
            done = subprocess.run(["bash", "-c", told], cwd=running.folder, capture_output=True, text=True, timeout=60)
            answer["is"] = f"{done.stdout} {(running.folder / 'answer').read_text()[:300]} {done.stderr}"
            wanted = {"200": "", "403": '"errorType": *"forbidden"', "404": '"errorType": *"not_found"'}.get(done.stdout)
            return wanted is not None and re.search(wanted, answer["is"])

        try:
            eventually(30, understood, "it is understood")  # 503: somebody else is asking
        except Failure:
            raise Failure(f"{name}: {command}: {answer['is']}") from None


def own_output_is_dropped(running):
    """Auspex's own output, which Prometheus writes back to it, is counted and goes no further."""
    first = metrics(running, "auspex_dropped_samples_total", reason="own_output")
    require(first, "nothing is counted as own output")
    series = metrics(running, "auspex_series")
    time.sleep(5)
    eventually(60, lambda: metrics(running, "auspex_dropped_samples_total", reason="own_output") > first, "the count goes on")
    require(metrics(running, "auspex_series") <= series + 2, "the number of input series grows")
    require(not running.query('{for!="",exported_for!=""}'), "an output was modelled again")


def with_history(running, seconds, condition, text):
    """eventually(), whose Failure has what went in and came out of the recordings' job over the last minute."""
    try:
        return eventually(seconds, condition, text)
    except Failure as failure:
        lines = [str(failure)]
    for selector in ('recorded_ingress_total', 'anomaly_score{for="ingress"}', 'anomaly_severity{for="ingress"}'):
        parameters = urllib.parse.urlencode({"query": f"{selector}[1m]"})
        _, body = stack.http(f"{running.url['prometheus']}/api/v1/query?{parameters}")
        for row in json.loads(body)["data"]["result"]:
            values = " ".join(f"{time_s % 1000:.0f}:{float(value):.6g}" for time_s, value in row["values"])
            lines.append(f"    {row['metric'].get('__name__')} {row['metric'].get('recording')}: {values}")
    raise Failure("\n".join(lines))


def alert_arrives(running):
    """The recorded outage drives anomaly_score above 1, and Alertmanager lists the alert of rules/."""
    wait = OUTAGE_S - (time.monotonic() - running.replay_began)
    if wait > 0:
        time.sleep(wait)
    # The two recordings are of one service and fail together; one alert is what its owner needs.
    score = 'anomaly_score{for="ingress"} > 1'
    with_history(running, 60, lambda: running.query(score), "a score of the recordings passes 1")
    below = f'anomaly_direction{{for="ingress"}} == -1 and {score}'
    with_history(running, 60, lambda: running.query(f"max_over_time(({below})[1m:1s])"), "the outage is below")

    def listed():
        return [a for a in running.alerts() if a["alertname"].startswith("AuspexAnomaly") and a.get("for") == "ingress"]

    alert = with_history(running, 60, listed, "Alertmanager lists an AuspexAnomaly... of the recordings")[0]
    require(alert.get("severity") and alert.get("recording"), f"the alert lacks labels: {alert}")
    up = f'min_over_time(anomaly_score{{recording="{alert["recording"]}"}}[3s:1s])'  # for so long, and an alert later
    with_history(running, 60, lambda: running.query(f"max_over_time(({up})[1m:1s]) > 1"),
                 "the score stays up while the outage lasts")


def dashboards_answer(running):
    """Every query of every dashboard is answered by this Prometheus."""
    script = TOP / "tests" / "dashboards" / "check_queries.py"
    done = subprocess.run(["/usr/bin/python3", str(script), "--url", running.url["prometheus"], "--job", "ingress",
                           "--job", "bandwidth", "--job", "node", "--var", "horizon=5s", "--wait", "60",
                           "--var", "actual=rate(recorded_ingress_total[3s])"],
                          capture_output=True, text=True, timeout=300)
    require(done.returncode == 0, (done.stdout + done.stderr)[-4000:])


def reload_bad_config(running):
    """A reload of a bad config keeps the last good one, and says so."""
    path = running.folder / "auspex.yml"
    good = path.read_text()
    steps = metrics(running, "auspex_job_steps_total", **{"for": "ingress"})
    path.write_text(good.replace("jobs:", "jobz:"))
    running.servers["auspex"].process.send_signal(signal.SIGHUP)
    eventually(60, lambda: metrics(running, "auspex_config_last_reload_successful") == 0, "the metric does not say so")
    eventually(60, lambda: metrics(running, "auspex_job_steps_total", **{"for": "ingress"}) > steps, "the jobs stand still")
    require(stack.http(running.url["auspex"] + "/-/ready")[0] == 200, "not ready any more")
    path.write_text(good)


def reload_good_config(running):
    """A reload without a job ends that job's series; the others go on as they were."""
    path = running.folder / "auspex.yml"
    good = path.read_text()
    path.write_text(good[:good.index("  # This machine as a whole")])
    running.servers["auspex"].process.send_signal(signal.SIGHUP)
    eventually(60, lambda: metrics(running, "auspex_config_last_reload_successful") == 1, "the metric does not say so")
    eventually(60, lambda: not running.query('anomaly_score{for="node"}'), "the series of the job that went have not ended")
    require(running.value('min(model_ready{for="ingress"})') == 1, "a job that stayed has lost its models")
    path.write_text(good)
    running.servers["auspex"].process.send_signal(signal.SIGHUP)
    eventually(60, lambda: running.query('model_ready{for="node"}'), "the job does not come back")
    refused = metrics(running, "auspex_remote_write_failed_samples_total")
    require(not refused, f"{refused} samples were refused: the job came back before its own end")


def stop_and_restart(running):
    """SIGTERM ends it with status 0 within 10 s and leaves the series as they are; a restart goes on."""
    began = time.monotonic()
    status = running.stop("auspex")
    took = time.monotonic() - began
    require(status == 0, f"it ended with {stack.describe_exit(status)}")
    require(took < 10, f"the stop took {took:.1f} s")
    require(running.query('predicted_bandwidth{for="ingress"}'), "a stop has ended the series")
    restarted = time.time()
    running.start("auspex")
    eventually(60, lambda: (running.value('min(timestamp(predicted_bandwidth{for="ingress"}))') or 0) > restarted,
               "no forecast after the restart")


CHECKS = [health_and_readiness, outputs_with_their_labels, capacity_outputs, predictions_on_request,
          plausible_values, into_victoria_metrics, garbage_is_refused, own_output_is_dropped, alert_arrives,
          dashboards_answer, metrics_are_as_prometheus_wants_them, commands_of_the_documents_are_understood,
          reload_bad_config, reload_good_config, stop_and_restart]


def prepare(running):
    """The configs of deploy/, and VictoriaMetrics as a second target."""
    running.write_configs()
    path = running.folder / "auspex.yml"
    second = (f"  - url: {running.url['victoria_metrics']}/api/v1/write\n"
              "    queue_config: { batch_send_deadline: 1s }\n")
    text = path.read_text().replace("\njobs:\n", second + "\njobs:\n", 1)
    path.write_text(text)


def main():
    failed = 0
    with stack.Stack(sys.argv[3], sys.argv[2], recording_start=OUTAGE_ROW - OUTAGE_S * ROWS_A_SECOND) as running:
        prepare(running)
        running.start("node_exporter", "victoria_metrics", "alertmanager")
        running.began = running.replay_began = time.monotonic()
        running.start("replay", "prometheus", "auspex")
        for check in CHECKS:
            began = time.monotonic()
            try:
                running.check_alive()
                check(running)
                result = "ok"
            except (Failure, stack.StackError, OSError) as error:
                result = f"FAILED: {error}"
                failed += 1
            print(f"[{time.monotonic() - running.began:6.1f} s, took {time.monotonic() - began:5.1f} s] "
                  f"{check.__doc__.strip()} {result}", flush=True)
        if failed:
            for name in ("auspex", "prometheus"):
                log = running.folder / "logs" / f"{name}.log"
                print(f"--- end of {log}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-40:]))
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
