#!/usr/bin/python3
"""Each key of --web.config.file against real clients: openssl s_client says which suite and curve were agreed on, curl
who comes in with which certificate, and how many.

usage: web.py TOP AUSPEX-BINARY FOLDER
"""
import pathlib
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(sys.argv[1]).resolve()
sys.path[:0] = [str(TOP / "deploy" / "lib"), str(TOP / "tests" / "e2e" / "lib")]
import stack  # noqa: E402
from check import Failure, eventually, require  # noqa: E402

TLS = TOP / "tests" / "data" / "tls"
NAME = "receiver.test"
AES128, AES256, CHACHA = (f"TLS_ECDHE_RSA_WITH_{c}" for c in
                          ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"))
OPENSSL = {AES128: "ECDHE-RSA-AES128-GCM-SHA256", AES256: "ECDHE-RSA-AES256-GCM-SHA384",
           CHACHA: "ECDHE-RSA-CHACHA20-POLY1305", "cbc": "ECDHE-RSA-AES128-SHA"}
RSA = f"tls_server_config:\n  cert_file: {TLS}/rsa.pem\n  key_file: {TLS}/rsa-key.pem\n"


class Doors:
    """One Auspex behind the file that a check gives it."""

    def __init__(self, auspex, folder):
        self.auspex, self.folder = auspex, folder
        self.port, self.server, self.n = stack.free_port(), None, 0
        (folder / "auspex.yml").write_text("jobs: [{name: x, expr: x, anomaly: {}}]\n")

    def __call__(self, web):
        """Have it serve with this file."""
        self.stop()
        self.n += 1
        (self.folder / "web.yml").write_text(web)
        (self.folder / "web.yml").chmod(0o600)
        log = self.folder / f"auspex-{self.n}.log"
        self.server = stack.Server("auspex", [self.auspex, f"--config.file={self.folder}/auspex.yml",
                                              f"--web.config.file={self.folder}/web.yml",
                                              f"--storage.path={self.folder}/data-{self.n}", "--log.level=debug",
                                              f"--web.listen-address=127.0.0.1:{self.port}"], log, None)
        self.server.start()

        def listens():
            self.server.check_alive()
            return "id=ready" in log.read_text()

        eventually(60, listens, "Auspex listens")

    def stop(self):
        if self.server:
            self.server.stop()

    def agree(self, *options):
        """What openssl s_client and the server agree on: (version, suite, line of the key exchange), or None."""
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-servername", NAME, *options]
        done = subprocess.run(argv, input="", capture_output=True, text=True, timeout=60)
        words = done.stdout.replace(",", " ").split()
        if "Cipher is (NONE)" in done.stdout or "Cipher" not in words:
            return None
        lines = [line.strip() for line in done.stdout.splitlines()]
        new = next(line for line in lines if line.startswith(("New,", "Reused,")))
        version, suite = new.split(", ")[1:3]
        curve = next((line for line in lines if line.startswith("Server Temp Key")), "")
        return version, suite.removeprefix("Cipher is "), curve

    def curl(self, *options, ca="rsa", scheme="https"):
        """Status of a request by curl, with the text of the answer; (0, error) when there is none."""
        argv = ["curl", "-sS", "--noproxy", "*", "--max-time", "60", "-w", "\n%{http_code}", "--resolve",
                f"{NAME}:{self.port}:127.0.0.1", "--cacert", TLS / f"{ca}.pem", *options,
                f"{scheme}://{NAME}:{self.port}/-/healthy"]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
        text, _, status = done.stdout.rpartition("\n")
        return int(status or 0), text or done.stderr


def certificate(name):
    return "--cert", TLS / f"{name}.pem", "--key", TLS / f"{name}-key.pem"


# The checks. Each takes the doors and raises Failure.


def the_suites_are_those_of_the_list(doors):
    """Of TLS 1.2 the suites of the list are spoken and no other; TLS 1.3 has all of its own."""
    doors(RSA + f"  cipher_suites: [{CHACHA}, {AES256}]\n")
    for suite, name in OPENSSL.items():
        agreed = doors.agree("-tls1_2", "-cipher", name)
        wanted = ("TLSv1.2", name) if suite in (CHACHA, AES256) else None
        require((agreed and agreed[:2]) == wanted, f"{name} alone: {agreed}")
    for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        agreed = doors.agree("-tls1_3", "-ciphersuites", suite)
        require(agreed and agreed[:2] == ("TLSv1.3", suite), f"{suite}: {agreed}")
    require(doors.curl()[0] == 200, "curl with its own suites")
    require(doors.curl("--tls-max", "1.2", "--ciphers", OPENSSL[AES128])[0] == 0, "curl without a common suite")


def the_order_is_the_servers_or_the_clients(doors):
    """prefer_server_cipher_suites says whose order of suites counts."""
    offered = ("-tls1_2", "-cipher", ":".join(OPENSSL[s] for s in (AES128, AES256, CHACHA)))
    for prefer, chosen in (("true", CHACHA), ("false", AES128)):
        doors(RSA + f"  cipher_suites: [{CHACHA}, {AES256}, {AES128}]\n  prefer_server_cipher_suites: {prefer}\n")
        agreed = doors.agree(*offered)
        require(agreed and agreed[1] == OPENSSL[chosen], f"prefer_server_cipher_suites: {prefer}: {agreed}")


def the_curves_are_those_of_the_list(doors):
    """The key exchange uses a curve of the list, or there is none; in both versions."""
    doors(RSA + "  curve_preferences: [CurveP384, CurveP521]\n")
    for version in ("-tls1_2", "-tls1_3"):
        agreed = doors.agree(version, "-groups", "P-521:P-384:X25519")
        require(agreed and "384" in agreed[2], f"{version}, in the server's order: {agreed}")
        require(doors.agree(version, "-groups", "X25519:P-256") is None, f"{version}: a curve that is not in the list")
    require(doors.curl()[0] == 200, "curl with its own curves")


def the_versions_are_those_between_both(doors):
    """min_version and max_version."""
    doors(RSA + "  max_version: TLS12\n")
    require(doors.agree("-tls1_3") is None and doors.agree("-tls1_2")[0] == "TLSv1.2", "max_version: TLS12")
    doors(RSA + "  min_version: TLS13\n")
    require(doors.agree("-tls1_2") is None and doors.agree("-tls1_3")[0] == "TLSv1.3", "min_version: TLS13")


def only_clients_with_an_allowed_name_come_in(doors):
    """client_allowed_sans: by each kind of name, signed by the CA, and by no other."""
    for name in ("sender.test", "owner@sender.test", "192.0.2.7", "2001:db8::7", "spiffe://sender.test/prometheus"):
        doors(RSA + "  client_auth_type: RequireAndVerifyClientCert\n"
                    f"  client_ca_file: {TLS}/named-ca.pem\n  client_allowed_sans: [elsewhere.test, '{name}']\n")
        require(doors.curl(*certificate("named"))[0] == 200, f"{name} is kept out")
        require(doors.curl(*certificate("client"))[0] == 403, "another CA's certificate")
        require(doors.curl()[0] == 403, "no certificate")
    doors(RSA + "  client_auth_type: RequireAndVerifyClientCert\n"
                f"  client_ca_file: {TLS}/named-ca.pem\n  client_allowed_sans: [subject.test]\n")
    status, text = doors.curl(*certificate("named"))
    require(status == 403 and "none of the names" in text, f"the common name lets in: {status} {text}")


def what_stands_in_the_file_needs_no_other(doors):
    """Certificate, key and client CA as text; and neither key nor text of it is in the log."""
    def text(name):
        return "|\n" + "".join(f"    {line}\n" for line in (TLS / f"{name}.pem").read_text().splitlines())

    doors(f"tls_server_config:\n  cert: {text('rsa')}  key: {text('rsa-key')}  client_ca: {text('client-ca')}"
          "  client_auth_type: RequireAndVerifyClientCert\n")
    require(doors.curl(*certificate("client"))[0] == 200, "the right certificate")
    require(doors.curl(*certificate("stranger"))[0] == 403, "a stranger's")
    log = doors.server.log.read_text()
    secret = (TLS / "rsa-key.pem").read_text().splitlines()[3]
    require(secret not in log and "PRIVATE" not in log, "the key is in the log")
    # What replaces it on disk is taken without a restart.
    new = doors.folder / "web.new"
    new.write_text((doors.folder / "web.yml").read_text() + "  client_allowed_sans: [nobody.test]\n")
    new.rename(doors.folder / "web.yml")
    eventually(60, lambda: doors.curl(*certificate("client"))[0] == 403, "the new file holds")


def requests_come_in_at_the_rate(doors):
    """rate_limit: a burst, then 429 with Retry-After, for senders 503."""
    doors(RSA + "rate_limit: {interval: 1h, burst: 4}\n")
    status = [doors.curl()[0] for _ in range(4)]
    last, text = doors.curl("-i")
    sender = doors.curl("-i", "-d", "x", "--request-target", "/api/v1/write")
    require(status == [200] * 4 and last == 429 and "Retry-After: " in text, f"{status}, then {last}: {text}")
    require(sender[0] == 503 and "Retry-After: " in sender[1], f"a sender: {sender}")


def faults_are_found_before_a_start(doors):
    """auspex check names key and place of what is wrong, as a start does, and a start fails."""
    for more, place, text in (("  cipher_suites: [TLS_INVENTED]\n", ":4:19:", "TLS_INVENTED"),
                              (f"  cipher_suites: [{AES128}]\n  max_version: TLS13\n  cert: x\n", ":6:9:", "both set"),
                              ("rate_limit: {interval: 1s, burst: 0}\n", ":4:13:", "burst")):
        bad = doors.folder / "bad.yml"
        bad.write_text(RSA + more)
        done = subprocess.run([doors.auspex, "check", f"--web.config.file={bad}"], capture_output=True, text=True)
        require(done.returncode == 1 and f"bad.yml{place}" in done.stderr and text in done.stderr, done.stderr)
        done = subprocess.run([doors.auspex, f"--web.config.file={bad}", f"--storage.path={doors.folder}/bad",
                               f"--config.file={doors.folder}/auspex.yml", "--web.listen-address=127.0.0.1:0"],
                              capture_output=True, text=True, timeout=60)
        require(done.returncode != 0 and text in done.stderr, f"it starts: {done.stderr}")


CHECKS = [the_suites_are_those_of_the_list, the_order_is_the_servers_or_the_clients, the_curves_are_those_of_the_list,
          the_versions_are_those_between_both, only_clients_with_an_allowed_name_come_in,
          what_stands_in_the_file_needs_no_other, requests_come_in_at_the_rate, faults_are_found_before_a_start]


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="auspex-web-") as folder:
        doors = Doors(pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(folder))
        try:
            for check in CHECKS:
                start = time.monotonic()
                try:
                    check(doors)
                    result = "ok"
                except (Failure, stack.StackError, subprocess.SubprocessError, OSError) as error:
                    failed += 1
                    result = f"FAILED: {error}\n{doors.server.log_tail() if doors.server else ''}"
                print(f"[took {time.monotonic() - start:4.1f} s] {check.__doc__.strip()} {result}", flush=True)
        finally:
            doors.stop()
    print(f"{len(CHECKS) - failed} of {len(CHECKS)} checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
