#!/usr/bin/python3
"""The sender against real receivers: Prometheus 2.42 and VictoriaMetrics 1.79, neither of which knows remote-write 2.0
though both answer it with 2xx. Every sample and every end of a series must be found by query, also when the receiver
was stopped for a while as they were made. A receiver may show what it has taken a little later, so each question is asked
until its answer is right.

usage: run.py SEND-BINARY FOLDER
"""
import json
import math
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

SEND, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
SERIES, SAMPLES = 250, 20  # several requests of 2,000 samples
SPECIAL = [0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, -1.5]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def eventually(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            result = condition()
            if result:
                return result
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.2)


class Server:
    """One receiver as a child process, with its log in a file."""

    def __init__(self, name, health, command):
        self.name, self.port, self.health = name, free_port(), health
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [a.replace("PORT", str(self.port)) for a in command]
        self.start()

    def start(self):
        log = open(FOLDER / f"{self.name}.log", "a")
        self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        eventually(lambda: get(self.url + self.health), f"{self.name} is up")

    def query(self, expression, at_ms):
        arguments = urllib.parse.urlencode({"query": expression, "time": f"{at_ms / 1000:.3f}", "nocache": "1"})
        answer = json.loads(get(f"{self.url}/api/v1/query?{arguments}"))
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def samples_of(server, metric, first_ms, samples=SAMPLES):
    """Raw samples of each series by its label i: [(ms, value)]. VictoriaMetrics shows a stale marker as NaN."""
    rows = server.query(metric + "[5m]", first_ms + samples * 1000 + 500)
    return {int(row["metric"]["i"]): [(round(float(t) * 1000), float(v)) for t, v in row["values"] if v != "NaN"]
            for row in rows}


def check(condition, text):
    if not condition:
        raise SystemExit(f"FAILED: {text}")


def command(server, protocol, metric, *arguments):
    message = {1: "prometheus.WriteRequest", 2: "io.prometheus.write.v2.Request"}[protocol]
    config = FOLDER / f"{metric}.yml"
    config.write_text(f"""remote_write:
  - url: {server.url}/api/v1/write
    protobuf_message: {message}
    queue_config: {{ batch_send_deadline: 100ms, max_shards: 2 }}
    write_relabel_configs:
      - {{ source_labels: [i], target_label: parity, regex: '\\d*[13579]', replacement: odd }}
""")
    return [SEND, str(config), metric, *map(str, arguments)]


def send(server, protocol, metric, first_ms):
    run = subprocess.run(command(server, protocol, metric, first_ms, SERIES, SAMPLES, FOLDER / f"{metric}.queue"),
                         capture_output=True, text=True, timeout=60)
    check(run.returncode == 0, f"{server.name}: {run.stderr}")
    return run


def expected(first_ms, samples):
    return {i: [(first_ms + k * 1000, i * 1000.0 + k) for k in range(samples)] for i in range(SERIES)}


def value_of(text, name):
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name + "{"))


def relabelled(server, metric, at_ms):
    rows = server.query(f'count({metric}{{parity="odd"}})', at_ms)
    return float(rows[0]["value"][1]) if rows else 0


def alike(got, want, exact):
    return got == want if exact else len(got) == len(want)


def present(server, metric, at_ms):
    return {int(row["metric"]["i"]) for row in server.query(metric, at_ms)}


def verify(server, protocol):
    what = f"{server.name}, protocol {protocol}.0"
    metric = f"emit_{server.name}_{protocol}"
    first_ms = (int(time.time()) - 60) * 1000
    run = send(server, protocol, metric, first_ms)
    count = SERIES * SAMPLES + SERIES // 2 + len(SPECIAL)
    check(value_of(run.stdout, "auspex_remote_write_sent_samples_total") == count,
          f"{what}: sent {value_of(run.stdout, 'auspex_remote_write_sent_samples_total')} of {count}")
    for name in ("failed", "dropped"):
        check(value_of(run.stdout, f"auspex_remote_write_{name}_samples_total") == 0, f"{what}: {name} some")
    check(run.stderr.count("id=send_falls_back") == (protocol == 2), f"{what}: {run.stderr}")

    want = expected(first_ms, SAMPLES)
    eventually(lambda: samples_of(server, metric, first_ms) == want, f"{what}: all samples are there")
    eventually(lambda: relabelled(server, metric, first_ms) == SERIES // 2, f"{what}: the odd ones are relabelled")
    # VictoriaMetrics keeps decimals with one exponent for a block of them, so only their number is the same
    exact = server.name == "prometheus"
    want_special = [(first_ms + k * 1000, v) for k, v in enumerate(SPECIAL)]
    eventually(lambda: alike(samples_of(server, metric + "_special", first_ms).get(0, []), want_special, exact),
               f"{what}: the special values are there")

    last_ms = first_ms + (SAMPLES - 1) * 1000
    eventually(lambda: present(server, metric, last_ms) == set(range(SERIES)), f"{what}: all series before the end")
    eventually(lambda: present(server, metric, last_ms + 1000) == set(range(0, SERIES, 2)),
               f"{what}: the stale markers end the odd ones alone")
    print(f"{what}: {count} samples, {SERIES // 2} ends")


def verify_outage(server):
    metric, samples = f"outage_{server.name}", 80
    first_ms = (int(time.time()) - 120) * 1000
    with subprocess.Popen(command(server, 1, metric, first_ms, SERIES, samples, FOLDER / f"{metric}.queue", 100),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        time.sleep(2)
        server.stop()
        time.sleep(3)
        server.start()
        out, log = run.communicate(timeout=60)
    check(run.returncode == 0 and "id=send_recovered" in log, f"{server.name}: {log}")
    for name in ("failed", "dropped"):
        check(value_of(out, f"auspex_remote_write_{name}_samples_total") == 0, f"{server.name}, outage: {name} some")
    want = expected(first_ms, samples)
    eventually(lambda: samples_of(server, metric, first_ms, samples) == want, f"{server.name}, outage: all samples are there")
    print(f"{server.name}: away for 3 s, {SERIES * samples} samples are there")


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    (FOLDER / "prometheus.yml").write_text("global: {}\n")
    servers = []
    try:
        servers.append(Server("prometheus", "/-/ready", [
            "prometheus", f"--config.file={FOLDER}/prometheus.yml", f"--storage.tsdb.path={FOLDER}/tsdb",
            "--web.listen-address=127.0.0.1:PORT", "--web.enable-remote-write-receiver"]))
        servers.append(Server("victoria", "/health", [
            "victoria-metrics", f"-storageDataPath={FOLDER}/victoria", "-httpListenAddr=127.0.0.1:PORT",
            "-search.latencyOffset=0s", "-memory.allowedBytes=64MB"]))
        for server in servers:
            for protocol in (1, 2):
                verify(server, protocol)
            verify_outage(server)
    finally:
        for server in servers:
            server.stop()


if __name__ == "__main__":
    main()
