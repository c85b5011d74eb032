"""One host's traffic: streams to another host, a sink for those of others, and a probe of the way there.

usage: traffic.py OWN_ADDRESS PEER_ADDRESS SEED

STREAMS TCP connections send pieces to the peer at a rate that rises and falls; whoever is held up sends no more for it
later. A probe is a question to the peer's sink, a new connection each. An order on standard input, a number, says how many
of the streams stall: they stay connected and send nothing. What has been seen is at OWN_ADDRESS:METRICS/metrics.
"""
import http.server
import math
import random
import socket
import socketserver
import sys
import threading
import time

STREAMS = 3
RATE = 400_000    # bytes a second of a stream, on average
SWING = 0.4       # of it, up and down
PERIOD_S = 420.0  # in which it swings
PIECE_S = 0.1     # from one piece to the next, about
NOISE = 0.25      # of the logarithm of a piece
PROBE_S = 0.2
TIMEOUT_S = 2.0
SINK, METRICS = 5201, 9200
STREAM, PROBE = b"s", b"p"

lock = threading.Lock()
seen = {"traffic_sent_bytes_total": 0, "traffic_received_bytes_total": 0, "traffic_probe_seconds_sum": 0.0,
        "traffic_probe_seconds_count": 0, "traffic_probe_failures_total": 0}
stalled = 0  # streams, from the first on


def count(name, value=1):
    with lock:
        seen[name] += value


def rate(t_s):
    return RATE * (1 + SWING * math.sin(2 * math.pi * t_s / PERIOD_S))


def stream(index, peer, seed):
    rng = random.Random(seed)
    while True:
        try:
            with socket.create_connection((peer, SINK), TIMEOUT_S) as s:
                s.settimeout(None)
                s.sendall(STREAM)
                while True:
                    time.sleep(rng.expovariate(1 / PIECE_S))
                    if index < stalled:
                        continue
                    piece = int(rate(time.time()) * PIECE_S * rng.lognormvariate(0, NOISE))
                    s.sendall(bytes(piece))
                    count("traffic_sent_bytes_total", piece)
        except OSError:
            time.sleep(PIECE_S)


def probe(peer):
    while True:
        begin = time.monotonic()
        try:
            with socket.create_connection((peer, SINK), TIMEOUT_S) as s:
                s.sendall(PROBE)
                fine = s.recv(1) == PROBE
        except OSError:
            fine = False
        count("traffic_probe_seconds_sum", time.monotonic() - begin)
        count("traffic_probe_seconds_count")
        count("traffic_probe_failures_total", int(not fine))
        time.sleep(PROBE_S)


class Sink(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            if self.request.recv(1) == PROBE:
                self.request.sendall(PROBE)
                return
            while data := self.request.recv(1 << 16):
                count("traffic_received_bytes_total", len(data))
        except OSError:
            pass


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with lock:
            body = "".join(f"# TYPE {n.removesuffix('_sum').removesuffix('_count')} untyped\n{n} {v:.6f}\n" if "seconds" in n else
                           f"# TYPE {n} counter\n{n} {v}\n" for n, v in seen.items()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 64


class MetricsListener(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # whoever asked is gone: links fail here


def main():
    global stalled
    own, peer, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    work = [threading.Thread(target=Listener((own, SINK), Sink).serve_forever),
            threading.Thread(target=MetricsListener((own, METRICS), Metrics).serve_forever),
            threading.Thread(target=probe, args=(peer,)),
            *(threading.Thread(target=stream, args=(i, peer, seed * 100 + i)) for i in range(STREAMS))]
    for thread in work:
        thread.daemon = True
        thread.start()
    for line in sys.stdin:  # until the recorder ends
        stalled = int(line)


main()
