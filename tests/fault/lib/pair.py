"""Two processes that get the same samples and send to one Prometheus, told apart by the external label `run`: what is
done to `victim` must not show in what it says, compared with `whole`."""
import json
import sys
import time

import fault
import stack
from fault import require

STEP_S = 1

CONFIG = """
global: {{ step: {step}s, external_labels: {{ run: {run} }}, ha_tracker: {{ enabled: true }} }}
remote_write: [ {{ url: "{url}/api/v1/write", remote_timeout: {timeout}s }} ]
jobs:
  - name: demand
    expr: demand
    evaluation_delay: 1s
    forecast: {{ output: predicted_demand, horizons: [5s, 15s] }}
    anomaly: {{}}
    drift: {{ reference: 60, current: 30 }}
  - name: bandwidth
    expr: rate(received_bytes_total[10s])
    evaluation_delay: 1s
    forecast: {{ output: predicted_bandwidth, horizons: [5s] }}
    anomaly: {{}}
  - name: groups
    expr: sum by (group) (rate(received_bytes_total[10s])) / avg by (group) (demand)
    evaluation_delay: 1s
    forecast: {{ output: predicted_ratio, horizons: [5s] }}
  - name: latency
    expr: histogram_quantile(0.9, sum by (instance) (rate(request_seconds[10s])))
    evaluation_delay: 1s
    forecast: {{ output: predicted_latency, horizons: [5s] }}
  - name: hosts
    evaluation_delay: 1s
    by: [instance]
    features:
      demand: avg by (instance) (demand)
      network: sum by (instance) (rate(received_bytes_total[10s]))
    anomaly: {{}}
    drift: {{ reference: 60, current: 30 }}
"""
JOBS = ("demand", "bandwidth", "groups", "latency", "hosts")


class Pair:
    """Use as `with Pair(...) as pair:`; options are those of fault.Auspex, for the victim alone."""

    def __init__(self, binary, folder, *flags, target_of_victim=None, timeout_s=30, instances=30, unwanted=500, **options):
        self.timeout_s = timeout_s
        self.folder = folder
        self.prometheus = fault.Prometheus(folder / "prometheus")
        self.whole = fault.Auspex(binary, folder / "whole", self._config("whole"), name="whole")
        url = target_of_victim(self.prometheus) if target_of_victim else self.prometheus.url
        self.victim = fault.Auspex(binary, folder / "victim", self._config("victim", url), *flags, name="victim",
                                   **options)
        self.feed = fault.Feed((self.whole, self.victim), fault.parts(instances, unwanted))

    def _config(self, run, url=None):
        return CONFIG.format(step=STEP_S, run=run, url=url or self.prometheus.url, timeout=self.timeout_s)

    def __enter__(self):
        try:
            for server in (self.prometheus, self.whole, self.victim):
                server.start()
            for server in (self.prometheus, self.whole, self.victim):
                server.wait_ready()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        self.feed.begin()
        time.sleep(4)
        return self

    def __exit__(self, kind, error, trace):
        self.feed.abandon()
        for server in (self.whole, self.victim, self.prometheus):
            server.stop()

    def finish(self, seconds=90):
        """End the feed and wait until both have sent their last step."""
        self.feed.end()
        last = self.feed.start_s + len(self.feed.bodies) - 1 - STEP_S
        for run in ("whole", "victim"):
            fault.eventually(seconds, lambda: self._newest(run) >= last, f"{run} has sent its step at {last}")

    def _newest(self, run):
        """Time that all jobs of a run have reached."""
        rows = self.prometheus.rows(f'max by (for) (timestamp(model_info{{run="{run}"}}))')
        return min((float(row["value"][1]) for row in rows), default=0) if len(rows) == len(JOBS) else 0

    def require_equal(self):
        """Every series of the two holds the same values at the same times; returns how many samples."""
        whole, victim = (self.prometheus.samples(f'{{run="{run}",for!=""}}') for run in ("whole", "victim"))
        require(len(whole) > 50, f"only {len(whole)} output series")
        require(whole.keys() == victim.keys(),
                f"other series: {sorted(whole.keys() ^ victim.keys())[:3]} (of {len(whole)} and {len(victim)})")
        n = 0
        for labels in sorted(whole):
            a, b = whole[labels], victim[labels]
            missing, more = sorted(a.keys() - b.keys()), sorted(b.keys() - a.keys())
            require(not missing and not more,
                    f"{dict(labels)}: without {len(missing)} samples {missing[:4]}, with {len(more)} more {more[:4]}")
            for t in sorted(a):
                require(a[t] == b[t], f"{dict(labels)} at {t}: {a[t]} became {b[t]}")
            n += len(a)
        return n

    @staticmethod
    def _features(run):
        rows = []
        for job in JOBS:
            status, body = stack.http(f"{run.url}/api/v1/features?limit=10000&job={job}", timeout=60)
            require(status == 200, f"/api/v1/features: {status} {body[:300]}")
            data = json.loads(body)["data"]
            rows += data["series"] + data["entities"]
        return rows

    def require_same_windows(self):
        """Windows and models of the two stand alike: what each job has of each series after the newest step."""
        rows, others = (self._features(run) for run in (self.whole, self.victim))
        require(len(rows) > 50, f"only {len(rows)} windows")
        require(len(rows) == len(others), f"{len(rows)} windows became {len(others)}")
        for row, other in zip(rows, others):
            require(row == other, f"another window: {str(row)[:400]} became {str(other)[:400]}")
        return len(rows)

    def require_no_hole(self):
        """Every job has said something at every step."""
        for run in ("whole", "victim"):
            for labels, values in self.prometheus.samples(f'model_info{{run="{run}"}}').items():
                times = sorted(values)
                holes = [b for a, b in zip(times, times[1:]) if b - a != STEP_S]
                require(not holes, f"{run} {dict(labels)['for']}: a hole before {holes[:3]}")

    def require_nothing_refused(self):
        refused = self.prometheus.refused_requests()
        require(refused == 0, f"Prometheus refused {refused:.0f} requests")
