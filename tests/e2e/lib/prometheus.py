"""A Prometheus that takes remote writes, beside its configuration and its log in the folder of a test."""
import json

import stack


class Prometheus(stack.Server):
    """`config` is what prometheus.yml is to hold, or None when it is written later."""

    def __init__(self, folder, config=None, name="prometheus"):
        address = f"127.0.0.1:{stack.free_port()}"
        self.url = f"http://{address}"
        self.config = folder / f"{name}.yml"
        if config is not None:
            self.config.write_text(config)
        super().__init__(name, ["prometheus", f"--config.file={self.config}", f"--storage.tsdb.path={folder}/tsdb",
                                "--web.enable-remote-write-receiver", f"--web.listen-address={address}",
                                "--log.level=warn"], folder / f"{name}.log", self.url + "/-/ready")

    def query(self, expression):
        """Of an instant query: [(labels, value)]."""
        status, body = stack.http(f"{self.url}/api/v1/query",
                                  stack.urllib.parse.urlencode({"query": expression}).encode())
        if status != 200:
            raise OSError(f"{expression}: {status} {body[:200]}")
        return [(row["metric"], float(row["value"][1])) for row in json.loads(body)["data"]["result"]]

    def value(self, expression):
        """Of the first series that there is; None without one."""
        rows = self.query(expression)
        return rows[0][1] if rows else None
