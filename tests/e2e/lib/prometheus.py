"""A Prometheus that takes remote writes."""
import json
import pathlib
import urllib.parse

import stack
from check import require


class Prometheus(stack.Server):
    """Its configuration, its log and its data are in a folder of its own. It scrapes nothing where `config` says nothing else."""

    def __init__(self, folder, config="global: {scrape_interval: 1h}\n", *flags):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        address = f"127.0.0.1:{stack.free_port()}"
        self.url = f"http://{address}"
        path = self.folder / "prometheus.yml"
        path.write_text(config)
        super().__init__("prometheus", ["prometheus", f"--config.file={path}", "--web.enable-remote-write-receiver",
                                        f"--web.listen-address={address}", "--log.level=warn", "--storage.remote.flush-deadline=1s",
                                        f"--storage.tsdb.path={self.folder / 'data'}", *flags],
                         self.folder / "log", self.url + "/-/ready")

    def rows(self, expression, at=None):
        """Of a query at a time, now by default, as it is answered."""
        arguments = {"query": expression, **({"time": f"{at:.3f}"} if at else {})}
        status, body = stack.http(f"{self.url}/api/v1/query", urllib.parse.urlencode(arguments).encode())
        require(status == 200, f"{expression}: {status} {body[:200]}")
        return json.loads(body)["data"]["result"]

    def range(self, expression, start, end, step):
        """Of a query over a time: [(labels, {time: value})]."""
        arguments = {"query": expression, "start": start, "end": end, "step": step}
        status, body = stack.http(f"{self.url}/api/v1/query_range", urllib.parse.urlencode(arguments).encode())
        require(status == 200, f"{expression}: {status} {body[:200]}")
        return [(row["metric"], {float(t): float(v) for t, v in row["values"]}) for row in json.loads(body)["data"]["result"]]

    def query(self, expression):
        """Of an instant vector: [(labels, value)]."""
        return [(row["metric"], float(row["value"][1])) for row in self.rows(expression)]

    def value(self, expression):
        """Of the first series that there is; None without one."""
        found = self.query(expression)
        return found[0][1] if found else None
