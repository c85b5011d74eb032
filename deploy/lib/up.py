"""The second half of deploy/up: runs the stack, says when there is something to see and where, and waits for Ctrl-C.

usage: up.py [--once | --check-ports]
"""
import os
import pathlib
import signal
import sys
import time
import urllib.parse

import stack

PORTS = {"prometheus": 19090, "alertmanager": 19093, "node_exporter": 19100, "replay": 19101, "auspex": 19201}
START_ROW = 0  # the recorded outage, in row 180, begins a minute and a half after the start
FIRST_SIGHT_LIMIT_S = 180

SERIES = 'for="ingress",recording="ingress-01"'
ACTUAL = 'rate(recorded_ingress_total{recording="ingress-01"}[3s])'
PREDICTED = f'predicted_bandwidth{{{SERIES},horizon="15s"}}'
SCORE = f"anomaly_score{{{SERIES}}}"

# What must be seen before we say that it works: text and expression.
MILESTONES = [
    ("Prometheus scrapes node_exporter and the recording", "count(rate(node_network_receive_bytes_total[3s]))"
     " and on () count(rate(recorded_ingress_total[3s]))"),
    ("Auspex receives what Prometheus writes", "sum(auspex_ingested_samples_total) > 0"),
    ("first predictions", "count(predicted_bandwidth)"),
    ("first anomaly scores of warm models", 'count(model_ready == 1) and on () count(anomaly_score)'),
    ("first drift scores", "count(drift_score)"),
]


class Interrupted(Exception):
    pass


def ports():
    chosen = {name: stack.environment_port(f"{name.upper()}_PORT", port) for name, port in PORTS.items()}
    for name, port in chosen.items():
        if not stack.port_is_free(port):
            raise stack.StackError(
                f"port {port}, meant for {name}, is taken by another process. End that one "
                f"(ss -ltnp 'sport = :{port}' names it), or choose another port: {name.upper()}_PORT=... deploy/up")
    return chosen


def number(value):
    return "nothing yet" if value is None else f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def wait_for_first_sight(running, began):
    print("Waiting for the first predictions; models warm up on some 30 steps of one second.", flush=True)
    for text, expression in MILESTONES:
        while not running.query(expression):
            running.check_alive()
            if time.monotonic() - began > FIRST_SIGHT_LIMIT_S:
                raise stack.StackError(f"still without '{text}' after {FIRST_SIGHT_LIMIT_S} s: {expression} is empty "
                                       f"in Prometheus. Logs: {running.folder}/logs")
            time.sleep(0.5)
        print(f"  {time.monotonic() - began:4.0f} s  {text}", flush=True)


def graph(running, *expressions):
    query = []
    for i, expression in enumerate(expressions):
        query += [(f"g{i}.expr", expression), (f"g{i}.tab", "0"), (f"g{i}.range_input", "10m")]
    return f"{running.url['prometheus']}/graph?{urllib.parse.urlencode(query)}"


def print_where_to_look(running):
    print("\nWhere to look")
    print(f"  Prometheus    {graph(running, ACTUAL, PREDICTED, SCORE)}")
    print(f"  alert rules   {running.url['prometheus']}/alerts")
    print(f"  Alertmanager  {running.url['alertmanager']}")
    print(f"  Auspex        {running.url['auspex']}/")
    print("  Grafana       import dashboards/*.json and choose this Prometheus as data source")
    print("\nAsk Prometheus (value now)")
    for expression in (ACTUAL, PREDICTED, SCORE, 'max by (for, device) (predicted_bandwidth{for="bandwidth",horizon="15s"})',
                       'anomaly_score{for="node"}', "max by (for, test) (drift_score)"):
        for labels, value in sorted(running.query(expression), key=str)[:6]:
            shown = {k: v for k, v in labels.items() if k in ("for", "device", "test", "recording")}
            suffix = " {" + ", ".join(f"{k}={v}" for k, v in shown.items()) + "}" if "by (" in expression else ""
            print(f"  {expression}{suffix}: {number(value)}")
    print("\nThe recording is played 120 times as fast as it was taken; the durations in the alert rules are divided by 120\n"
          "too (so AuspexModelNotReady may fire at first: its hour is half a minute here). A minute and a half after the start\n"
          "comes the outage that its owner's experts labelled. Ctrl-C ends all of it.\n",
          flush=True)


def follow(running, began):
    """A line every few seconds, and every alert as it comes and goes, until interrupted."""
    terminal = sys.stdout.isatty()
    known = set()
    while True:
        running.check_alive()
        alerts = {(a["alertname"], a.get("for", ""), a.get("recording") or a.get("device") or a.get("instance") or "")
                  for a in running.alerts()}
        clear = "\r\033[K" if terminal else ""
        minute = time.strftime("%M:%S", time.gmtime(time.monotonic() - began))
        for alert in sorted(alerts - known):
            print(f"{clear}{minute}  alert {' '.join(alert)}")
        for alert in sorted(known - alerts):
            print(f"{clear}{minute}  over  {' '.join(alert)}")
        known = alerts
        line = (f"{minute}  ingress-01: {number(running.value(ACTUAL))}/s now, {number(running.value(PREDICTED))}/s "
                f"predicted in 15 s, anomaly score {number(running.value(SCORE))}; alerts: {len(alerts)}")
        print(clear + line, end="" if terminal else "\n", flush=True)
        time.sleep(2 if terminal else 10)


def run(once):
    folder = pathlib.Path(os.environ.get("AUSPEX_UP_DIR") or stack.TOP / "var" / "up").resolve()
    with stack.Stack(folder, stack.TOP / "build" / "release" / "auspex", ports(), START_ROW) as running:
        try:
            running.write_configs()
            began = time.monotonic()
            print("Starting " + ", ".join(f"{name} ({running.address[name]})" for name in PORTS), flush=True)
            running.start("node_exporter", "replay", "alertmanager", "prometheus", "auspex")
            wait_for_first_sight(running, began)
            print_where_to_look(running)
            if not once:
                follow(running, began)
        except Interrupted:
            print()
        finally:
            for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(s, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
            print("Stopping " + ", ".join(n for n in running.STOP_ORDER if n in running.servers), flush=True)
            running.stop()
            print(f"Stopped. Logs are in {folder}/logs, data and configs in {folder}.", flush=True)


def main():
    def interrupt(*_):
        raise Interrupted

    for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(s, interrupt)
    try:
        if sys.argv[1:] == ["--check-ports"]:
            ports()
        else:
            run("--once" in sys.argv[1:])
    except stack.StackError as error:
        print(f"deploy/up: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
