#!/usr/bin/python3
"""The doors with real servers: Prometheus sends to Auspex by TLS with a client certificate and a password, scrapes it
with a bearer token, and takes its results behind a password of its own; a second Auspex takes them through a proxy, with a
client certificate and a bearer token. Whoever brings something else stays outside, secrets change while all runs, and
none is to be seen. Auspex runs as nobody and writes below its storage path alone.

usage: run.py TOP AUSPEX-BINARY FOLDER

The checks run in the order in which they stand here, on one chain; a later one may build on what an earlier one left.
"""
import base64
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import rw  # noqa: E402
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402

TLS = TOP / "tests" / "data" / "tls"
NAME = "receiver.test"
NOBODY = 65534
# Passwords with their bcrypt hashes, tokens, and a header's value: what nobody may see anywhere.
SENDER = [("sender-secret-1", "$2b$06$abcdefghijklmnopqrstuutIgYEl7TvIfYC5Rp/g42V8bg6RMoYPu"),
          ("sender-secret-2", "$2b$06$abcdefghijklmnopqrstuuY.ohRYnt7Yb1eFyvEOKCjFJE9VRfawe")]
OWNER = [("owner-secret-1", "$2b$06$abcdefghijklmnopqrstuuod7CF55fLw3De6ER//jvC0ehWSVUHju"),
         ("owner-secret-2", "$2b$06$abcdefghijklmnopqrstuuwp9te9HhVEkz/.K7Gg2SKI4/mUf9AqS")]
SCRAPE_TOKEN, FAR_TOKENS, HEADER = "scrape-token-secret-1", ["far-token-secret-1", "far-token-secret-2"], "header-secret-1"
CLIENT_SECRET, PROXY_HEADER = "client-secret-1", "proxy-header-secret-1"
SECRETS = [p for pair in SENDER + OWNER for p in pair] + [SCRAPE_TOKEN, *FAR_TOKENS, HEADER, CLIENT_SECRET,
                                                        PROXY_HEADER]


def ask(port, path, certificate="client", user=None, token=None, body=None, headers=None, ca="receiver"):
    """Status and body of a request of one's own connection."""
    context = ssl.create_default_context(cafile=TLS / f"{ca}.pem")
    if certificate:
        context.load_cert_chain(TLS / f"{certificate}.pem", TLS / f"{certificate}-key.pem")
    connection = http.client.HTTPSConnection(NAME, port, timeout=60, context=context)
    connection.sock = context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=60),
                                          server_hostname=NAME)
    headers = dict(headers or {})
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(user).encode()).decode()
    if token:
        headers["Authorization"] = "Bearer " + token
    try:
        connection.request("POST" if body is not None else "GET", path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def put(path, text):
    """A file in place of another, in one step, readable by its owner alone."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    if os.getuid() == 0:
        os.chown(new, NOBODY, NOBODY)
    new.rename(path)


class Proxy(threading.Thread):
    """An HTTP proxy that knows CONNECT alone; once it hangs, nothing passes any more."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connected, self.hangs = 0, False

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = client.recv(4096)
            if not piece:
                return
            head += piece
        method, target = head.split()[:2]
        if f"X-Proxy: {PROXY_HEADER}".encode() not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        if method != b"CONNECT":
            client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        server = socket.create_connection(("127.0.0.1", int(target.rsplit(b":", 1)[1])))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.connected += 1
        threading.Thread(target=self.pump, args=(server, client), daemon=True).start()
        self.pump(client, server)

    def pump(self, source, sink):
        try:
            while piece := source.recv(65536):
                while self.hangs:
                    time.sleep(0.1)
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Tokens(http.server.BaseHTTPRequestHandler):
    """The token_url of oauth2: gives the token that the far one takes now to who knows the client's secret."""
    folder, given, refused = None, 0, 0

    def do_POST(self):
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        client = base64.b64encode(f"auspex:{CLIENT_SECRET}".encode()).decode()
        good = (self.headers["Authorization"] == f"Basic {client}" and form["grant_type"] == ["client_credentials"] and
                form["scope"] == ["write"])
        token = (Tokens.folder / "far-tokens").read_text().split()[-1]
        body = json.dumps({"access_token": token, "token_type": "bearer", "expires_in": 3600} if good else {}).encode()
        Tokens.given, Tokens.refused = Tokens.given + good, Tokens.refused + (not good)
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Chain:
    """Prometheus, the Auspex that is tested ("near"), the one that it writes to ("far"), and the proxy between them."""

    def __init__(self, auspex, folder):
        self.folder = folder
        self.auspex = folder / "auspex"
        shutil.copy(auspex, self.auspex)
        self.port = {name: stack.free_port() for name in ("prometheus", "near", "far")}
        self.servers = {}
        self.proxy = Proxy()
        self.proxy.start()
        Tokens.folder = folder
        self.tokens = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
        threading.Thread(target=self.tokens.serve_forever, daemon=True).start()
        (folder / "ca.pem").write_text((TLS / "receiver.pem").read_text() + (TLS / "other.pem").read_text())
        for name in ("receiver", "receiver-key", "client", "client-key", "client-ca"):
            put(folder / f"{name}.pem", (TLS / f"{name}.pem").read_text())
        self.write_configs()

    def write_configs(self):
        folder, port = self.folder, self.port
        put(folder / "sender-password", SENDER[0][0] + "\n")
        put(folder / "owner-password", OWNER[0][0] + "\n")
        put(folder / "scrape-token", SCRAPE_TOKEN + "\n")
        put(folder / "far-token", FAR_TOKENS[0] + "\n")
        put(folder / "tokens", SCRAPE_TOKEN + "\n")
        put(folder / "far-tokens", FAR_TOKENS[0] + "\n")
        tls = "tls_server_config: {cert_file: receiver.pem, key_file: receiver-key.pem"
        verify = ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: client-ca.pem}\n"
        self.web = tls + verify + "bearer_token_file: tokens\nbasic_auth_users: {sender: %s}\n"
        self.owner_web = tls + "}\nbasic_auth_users: {auspex: %s}\n"
        put(folder / "near-web.yml", self.web % SENDER[0][1])
        put(folder / "far-web.yml", tls + verify + "bearer_token_file: far-tokens\n")
        put(folder / "prometheus-web.yml", self.owner_web % OWNER[0][1])
        client = (f"tls_config: {{ca_file: {folder}/ca.pem, cert_file: {folder}/client.pem,"
                  f" key_file: {folder}/client-key.pem, server_name: {NAME}}}")
        put(folder / "prometheus.yml", f"""
global: {{scrape_interval: 1s}}
remote_write:
- url: https://127.0.0.1:{port['near']}/api/v1/write
  basic_auth: {{username: sender, password_file: {folder}/sender-password}}
  {client}
  queue_config: {{batch_send_deadline: 1s}}
scrape_configs:
- job_name: prometheus
  scheme: https
  basic_auth: {{username: auspex, password_file: {folder}/owner-password}}
  {client}
  static_configs: [{{targets: ["127.0.0.1:{port['prometheus']}"]}}]
- job_name: auspex
  scheme: https
  authorization: {{credentials_file: {folder}/scrape-token}}
  {client}
  static_configs: [{{targets: ["127.0.0.1:{port['near']}"]}}]
""")
        job = """
jobs:
- name: cpu
  expr: rate(process_cpu_seconds_total[5s])
  forecast: {output: predicted_cpu, horizons: [2s]}
  anomaly: {}
"""
        put(folder / "owner-name", "auspex\n")

        def text(name):
            return "|\n" + "".join(f"      {line}\n" for line in (folder / name).read_text().splitlines())

        put(folder / "near.yml", f"""
global: {{step: 1s, evaluation_delay: 1s}}
remote_write:
- url: https://127.0.0.1:{port['prometheus']}/api/v1/write
  name: owner
  basic_auth: {{username_file: {folder}/owner-name, password_file: {folder}/owner-password}}
  tls_config: {{ca_file: {folder}/ca.pem, server_name: {NAME}}}
  queue_config: {{batch_send_deadline: 1s}}
- url: https://127.0.0.1:{port['far']}/api/v1/write
  name: far
  proxy_url: http://127.0.0.1:{self.proxy.port}
  authorization: {{credentials_file: {folder}/far-token}}
  proxy_connect_header: {{X-Proxy: [{PROXY_HEADER}]}}
  headers: {{X-Far: {HEADER}}}
  {client}
  queue_config: {{batch_send_deadline: 1s}}
- url: https://localhost:{port['far']}/api/v1/write
  name: token
  oauth2:
    client_id: auspex
    client_secret: {CLIENT_SECRET}
    token_url: http://127.0.0.1:{self.tokens.server_port}/token
    scopes: [write]
  tls_config:
    server_name: {NAME}
    ca: {text("ca.pem")}    cert: {text("client.pem")}    key: {text("client-key.pem")}  queue_config: {{batch_send_deadline: 1s}}
""" + job)
        put(folder / "far.yml", "global: {step: 1s}\n" + job)

    def start(self, name):
        """Start a server, as nobody where we may, and wait until it listens."""
        folder, port = self.folder, self.port[name]
        data = folder / f"{name}-data"
        data.mkdir()
        if os.getuid() == 0:
            os.chown(data, NOBODY, NOBODY)
        if name == "prometheus":
            argv = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--web.config.file={folder}/prometheus-web.yml",
                    f"--storage.tsdb.path={data}", f"--web.listen-address=127.0.0.1:{port}",
                    "--web.enable-remote-write-receiver", "--storage.remote.flush-deadline=1s"]
        else:
            argv = [self.auspex, f"--config.file={folder}/{name}.yml", f"--web.config.file={folder}/{name}-web.yml",
                    f"--storage.path={data}", f"--web.listen-address=127.0.0.1:{port}",
                    "--storage.remote.flush-deadline=2s", "--log.level=debug"]
        if os.getuid() == 0:
            argv = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *argv]
        server = stack.Server(name, argv, folder / f"{name}.log", None)
        server.start()
        self.servers[name] = server

        def listens():
            server.check_alive()
            return ask(port, "/-/healthy")[0] in (200, 401)

        eventually(60, listens, f"{name} listens")

    def metric(self, name, server="near", **labels):
        """Sum of a self-metric's cells with these labels."""
        token = (self.folder / ("scrape-token" if server == "near" else "far-token")).read_text().strip()
        status, body = ask(self.port[server], "/metrics", token=token)
        require(status == 200, f"/metrics of {server} answered {status}")
        rows = [line for line in body.splitlines() if line.startswith((name + "{", name + " "))]
        return sum(float(line.rsplit(" ", 1)[1]) for line in rows if all(f'{k}="{v}"' in line for k, v in labels.items()))

    def query(self, expression):
        """Values of an instant query, behind Prometheus's own doors."""
        password = (self.folder / "owner-password").read_text().strip()
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        status, body = ask(self.port["prometheus"], path, user=("auspex", password))
        require(status == 200, f"Prometheus answered {status}")
        return [float(row["value"][1]) for row in json.loads(body)["data"]["result"]]

    def urls(self):
        """Of the three endpoints of the near one."""
        owner, far = self.port["prometheus"], self.port["far"]
        return {"owner": f"https://127.0.0.1:{owner}/api/v1/write", "far": f"https://127.0.0.1:{far}/api/v1/write",
                "token": f"https://localhost:{far}/api/v1/write"}

    def stop(self):
        for server in self.servers.values():
            server.stop()


# The checks. Each takes the chain and raises Failure.


def the_files_are_found_good(chain):
    """auspex check finds nothing wrong with the file of the doors, and the place of what is."""
    argv = [chain.auspex, "check", f"--web.config.file={chain.folder}/near-web.yml", chain.folder / "near.yml"]
    done = subprocess.run(argv, capture_output=True, text=True)
    require(done.returncode == 0, done.stderr)
    bad = chain.folder / "bad-web.yml"
    put(bad, chain.web % "sender-secret-1")
    done = subprocess.run([chain.auspex, "check", f"--web.config.file={bad}"], capture_output=True, text=True)
    require(done.returncode == 1 and "bad-web.yml:3:" in done.stderr, f"{done.returncode}: {done.stderr}")
    require("sender-secret-1" not in done.stderr + done.stdout, "the message shows the password")


def all_doors_open_to_the_right_ones(chain):
    """Samples come in by TLS, certificate and password; results go out to both; the scrape works."""
    eventually(60, lambda: chain.metric("auspex_ingested_samples_total") > 0, "samples come in")
    eventually(60, lambda: chain.query("predicted_cpu"), "results are in Prometheus")
    eventually(60, lambda: chain.metric("auspex_received_samples_total", "far") > 0, "results are far away")
    eventually(60, lambda: chain.query('up{job="auspex"}') == [1.0], "the scrape with a bearer token works")
    for name, url in chain.urls().items():
        eventually(60, lambda u=url: chain.metric("auspex_remote_write_sent_samples_total", url=u) > 0, f"{name} has some")
        require(chain.metric("auspex_remote_write_failed_samples_total", url=url) == 0, f"{name} refuses")
    require(chain.proxy.connected > 0, "not through the proxy")
    require(Tokens.given == 1 and Tokens.refused == 0, f"tokens: {Tokens.given} given, {Tokens.refused} refused")


def the_wrong_ones_stay_outside(chain):
    """Without certificate, password or token, or with wrong ones: 401, 403 or no handshake, and counters."""
    port = chain.port["near"]
    body = rw.snappy(rw.request_1(rw.series_1([("__name__", "x"), ("a", "b")], [(1.0, int(time.time() * 1000))])))
    cases = [
        ("nothing", dict(), 401, "missing"),
        ("a wrong password", dict(user=("sender", "sender-secret-0")), 401, "wrong"),
        ("a wrong name", dict(user=("root", SENDER[0][0])), 401, "wrong"),
        ("a wrong token", dict(token="scrape-token-secret-0"), 401, "wrong"),
        ("no certificate", dict(user=("sender", SENDER[0][0]), certificate=None), 403, "certificate"),
        ("a stranger's certificate", dict(user=("sender", SENDER[0][0]), certificate="stranger"), 403, "certificate"),
    ]
    for what, brought, expected, reason in cases:
        for path, sent in (("/metrics", None), ("/api/v1/write", body)):
            before = chain.metric("auspex_http_auth_failures_total", reason=reason)
            status, text = 503, ""
            while status == 503:  # after a wrong password, for a moment
                status, text = ask(port, path, body=sent, headers=rw.HEADERS_1, **brought)
            require(status == expected, f"{what} at {path}: {status} {text}")
            eventually(60, lambda r=reason, n=before + 1: chain.metric("auspex_http_auth_failures_total", reason=r) == n,
                       f"{what} is counted")
    before = chain.metric("auspex_http_tls_handshake_failures_total")
    with socket.create_connection(("127.0.0.1", port)) as plain:
        plain.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        require(b"200" not in plain.recv(100), "plain HTTP is answered")
    eventually(60, lambda: chain.metric("auspex_http_tls_handshake_failures_total") == before + 1, "counted")
    for path in ("/-/reload", "/-/quit", "/api/v1/admin/tsdb/snapshot"):
        status, _ = ask(port, path, user=("sender", SENDER[0][0]), body=b"")
        require(status in (403, 404), f"{path} answered {status} without its flag")


def secrets_change_while_all_runs(chain):
    """Passwords, tokens and the certificate are changed on disk, and everything goes on."""
    put(chain.folder / "far-tokens", "\n".join(FAR_TOKENS) + "\n")
    eventually(60, lambda: ask(chain.port["far"], "/metrics", token=FAR_TOKENS[1])[0] == 200, "the new token holds")
    put(chain.folder / "far-token", FAR_TOKENS[1] + "\n")
    put(chain.folder / "far-tokens", FAR_TOKENS[1] + "\n")
    eventually(60, lambda: ask(chain.port["far"], "/metrics", token=FAR_TOKENS[0])[0] == 401, "the old token is gone")
    put(chain.folder / "prometheus-web.yml", chain.owner_web % OWNER[1][1])
    put(chain.folder / "owner-password", OWNER[1][0] + "\n")
    put(chain.folder / "near-web.yml", chain.web % SENDER[1][1])
    put(chain.folder / "sender-password", SENDER[1][0] + "\n")
    put(chain.folder / "receiver.pem", (TLS / "other.pem").read_text())
    put(chain.folder / "receiver-key.pem", (TLS / "other-key.pem").read_text())
    port = chain.port["near"]
    eventually(60, lambda: ask(port, "/-/ready", token=SCRAPE_TOKEN, ca="other")[0] == 200, "the new certificate")
    eventually(60, lambda: ask(port, "/-/ready", user=("sender", SENDER[0][0]), ca="other")[0] == 401, "the old password")

    def counts():
        status, body = ask(port, "/metrics", token=SCRAPE_TOKEN, ca="other")
        require(status == 200, f"/metrics answered {status}")
        rows = {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in body.splitlines() if line[0] != "#"}
        sent = {name: rows[f'auspex_remote_write_sent_samples_total{{url="{url}"}}'] for name, url in chain.urls().items()}
        for name in ("far", "token"):
            failed = f'auspex_remote_write_failed_samples_total{{url="{chain.urls()[name]}"'
            require(not sum(v for k, v in rows.items() if k.startswith(failed)), f"samples were refused: {name}")
        require(rows["auspex_web_config_last_reload_successful"] == 1, "the doors have not changed")
        return rows["auspex_ingested_samples_total"], *sent.values()

    before = counts()
    eventually(60, lambda: all(now > then for now, then in zip(counts(), before)), "everything goes on")
    require(Tokens.given == 2, f"{Tokens.given} tokens were given: one, and one when that was not taken any more")


def nothing_is_to_be_seen(chain):
    """No secret in logs, in metrics, in the configuration that is shown, nor in a core."""
    port = chain.port["near"]
    seen = {path: ask(port, path, token=SCRAPE_TOKEN, ca="other")[1]
            for path in ("/metrics", "/api/v1/status/config", "/api/v1/status/jobs", "/")}
    seen.update({name: (chain.folder / f"{name}.log").read_text() for name in ("near", "far")})
    require("<secret>" in seen["/api/v1/status/config"], "the configuration is not shown")
    for where, text in seen.items():
        require(text, f"{where} is empty")
        for secret in SECRETS:
            require(secret not in text, f"{secret} is in {where}")
    for name in ("near", "far"):
        pid = chain.servers[name].process.pid
        if os.getuid() == 0:  # what the kernel shows of a process whose memory is dumped for nobody
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            require(f"Uid:\t{NOBODY}\t{NOBODY}\t{NOBODY}" in status, f"{name} does not run as nobody")
            require(os.stat(f"/proc/{pid}/environ").st_uid == 0, f"{name} may dump core")


def only_the_storage_is_written(chain):
    """The process has no file open for writing but below its storage path, and left none elsewhere."""
    process = chain.servers["near"].process
    data = chain.folder / "near-data"
    opened = 0
    for fd in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
        try:
            target = os.readlink(fd)
            flags = int(pathlib.Path(f"/proc/{process.pid}/fdinfo/{fd.name}").read_text().split("flags:")[1].split()[0], 8)
        except OSError:
            continue  # closed meanwhile
        if target.startswith("/") and flags & os.O_ACCMODE != os.O_RDONLY and int(fd.name) > 2:
            opened += 1
            require(pathlib.Path(target).is_relative_to(data), f"{target} is open for writing")
    require(opened, "not even its lock is open")
    for path in data.rglob("*"):
        require(path.lstat().st_mode & 0o077 == 0, f"{path} can be read by others")
    if os.getuid() != 0:
        return
    # Where everybody may write; elsewhere nobody may not.
    places = [p for p in ("/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/var/crash") if os.path.isdir(p)]
    argv = ["find", *places, "-xdev", "-path", "/tmp/auspex-doors-*", "-prune", "-o", "-uid", str(NOBODY),
            "-newer", chain.auspex, "-print"]
    written = subprocess.run(argv, capture_output=True, text=True).stdout
    require(not written, f"written elsewhere: {written}")


def it_stops_in_time_whatever_hangs(chain):
    """With an endpoint that hangs and a request that never ends, SIGTERM is obeyed within its deadlines."""
    chain.proxy.hangs = True
    context = ssl.create_default_context(cafile=TLS / "other.pem")
    context.load_cert_chain(TLS / "client.pem", TLS / "client-key.pem")
    slow = context.wrap_socket(socket.create_connection(("127.0.0.1", chain.port["near"])), server_hostname=NAME)
    slow.sendall(f"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SCRAPE_TOKEN}\r\n"
                 "Content-Length: 1000\r\n\r\nx".encode())
    time.sleep(2)  # something waits to be sent
    began = time.monotonic()
    status = chain.servers["near"].stop(60)
    took = time.monotonic() - began
    slow.close()
    require(status == 0, f"it ended with {stack.describe_exit(status)}: {chain.servers['near'].log_tail()}")
    require(took < 30, f"the stop took {took:.1f} s: 5 s for requests and 2 s for what waits are its deadlines")


CHECKS = [the_files_are_found_good, all_doors_open_to_the_right_ones, the_wrong_ones_stay_outside,
          secrets_change_while_all_runs, nothing_is_to_be_seen, only_the_storage_is_written,
          it_stops_in_time_whatever_hangs]


def main():
    logs = pathlib.Path(sys.argv[3])
    logs.mkdir(parents=True, exist_ok=True)
    failed = 0
    # Not in the build folder: nobody may not be able to look into that.
    with tempfile.TemporaryDirectory(prefix="auspex-doors-") as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        chain = Chain(sys.argv[2], folder)
        began = time.monotonic()
        try:
            for name in ("prometheus", "far", "near"):
                chain.start(name)
            for check in CHECKS:
                start = time.monotonic()
                try:
                    check(chain)
                    result = "ok"
                except (Failure, stack.StackError, OSError) as error:
                    result = f"FAILED: {error}"
                    failed += 1
                print(f"[{time.monotonic() - began:6.1f} s, took {time.monotonic() - start:5.1f} s] "
                      f"{check.__doc__.strip()} {result}", flush=True)
        finally:
            chain.stop()
            for log in folder.glob("*.log"):
                shutil.copy(log, logs)
        if failed:
            for name in ("near", "far", "prometheus"):
                tail = (logs / f"{name}.log").read_text(errors="replace").splitlines()[-40:]
                print(f"--- end of {name}.log\n" + "\n".join(tail))
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
