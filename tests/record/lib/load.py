"""Clients of an etcd cluster, and what they see of it as Prometheus metrics.

usage: load.py LISTEN_ADDRESS:PORT SEED NAME=URL...

Each member has CLIENTS clients of its own that put and get keys at a rate which rises and falls, by HTTP (etcd's
gateway to its gRPC). Arrivals are random; a client that waits for an answer sends nothing meanwhile.
"""
import base64
import http.client
import http.server
import json
import math
import random
import sys
import threading
import time
import urllib.parse

CLIENTS = 4
RATE = 16.0       # requests a second to one member, on average
SWING = 0.4       # of it, up and down
PERIOD_S = 420.0  # in which it swings
KEYS = 2000
TIMEOUT_S = 3.0

lock = threading.Lock()
seen = {}  # name -> [seconds, requests, errors]


def rate(t_s):
    return RATE * (1 + SWING * math.sin(2 * math.pi * t_s / PERIOD_S))


def request(connection, rng):
    key = base64.b64encode(f"key-{rng.randrange(KEYS)}".encode()).decode()
    if rng.random() < 0.5:
        value = base64.b64encode(rng.randbytes(rng.randrange(100, 500))).decode()
        path, body = "/v3/kv/put", {"key": key, "value": value}
    else:
        path, body = "/v3/kv/range", {"key": key}
    connection.request("POST", path, json.dumps(body))
    answer = connection.getresponse()
    answer.read()
    return answer.status == 200


def client(name, url, seed):
    rng = random.Random(seed)
    where = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=TIMEOUT_S)
    while True:
        time.sleep(rng.expovariate(rate(time.time()) / CLIENTS))
        begin = time.monotonic()
        try:
            fine = request(connection, rng)
        except (OSError, http.client.HTTPException):
            fine = False
            connection.close()
        with lock:
            mine = seen[name]
            mine[0] += time.monotonic() - begin
            mine[1] += 1
            mine[2] += not fine


class Metrics(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        lines = []
        with lock:
            for k, metric in enumerate(("client_request_seconds_sum", "client_request_seconds_count",
                                        "client_errors_total")):
                lines.append(f"# TYPE {metric} counter")
                lines += [f'{metric}{{instance="{name}"}} {v[k]:.6f}' for name, v in sorted(seen.items())]
        body = ("\n".join(lines) + "\n").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    seed = int(sys.argv[2])
    for i, pair in enumerate(sys.argv[3:]):
        name, url = pair.split("=", 1)
        seen[name] = [0.0, 0, 0]
        for j in range(CLIENTS):
            threading.Thread(target=client, args=(name, url, seed * 1000 + i * CLIENTS + j), daemon=True).start()
    http.server.ThreadingHTTPServer((host, int(port)), Metrics).serve_forever()


main()
