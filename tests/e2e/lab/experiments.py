#!/usr/bin/env python3
"""The long experiments of the delay laboratory: how true a node's figures stay when it is busy.

Each row compares, in one run, what the node reports with what the cable wrote down about the same
handshakes, and libcurl's own time beside it. Nothing here is a test: the figures are this machine's,
and a machine that others use at the same time adds to them.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

import lab
import samples

PINGMESH = lab.BUILD / "pingmesh"
PORT = 8080
TOKEN = "operator-of-the-laboratory"
ONE_WAY_MS = 10
BAR_P50_US, BAR_P99_US = 50, 200
STARVED_BAR_MS = 2.0
STARVED_SHARE = 0.05
COVERED_BAR = 0.93
HOGS = 3
SCALES = (2000, 5000)
WARM_S = 2  # after the first probe of the last peer
FIRST_PROBES_PER_S = 200
READY_S, STOP_S = 30, 60

CPUS = sorted(os.sched_getaffinity(0))
CABLE_CPU, NODE_CPU = CPUS[0], CPUS[-1]


class Run:
    """A node with so many peers on one host, for a while; and what came of it."""

    def __init__(self, peers, seconds, answer_ms=0, hogs=0, share=None, pinned=True, loss=0,
                 whole=True):
        self.peers, self.seconds = peers, seconds
        with contextlib.ExitStack() as stack:
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            network = stack.enter_context(
                lab.Lab(directory, cpu=CABLE_CPU if pinned else None, handshakes_only=not whole))
            near, far = network.host(), network.host()
            network.set(near, far, delay_ms=ONE_WAY_MS, loss=loss)
            network.set(far, near, delay_ms=ONE_WAY_MS)
            answerer = far.answerer(PORT, answer_ms, CABLE_CPU if pinned else None)
            self._burn(stack, hogs)
            group = stack.enter_context(lab.CpuLimit(share)) if share else None
            self._measure(network, near, far, directory, group, pinned)
            self.throttled = group.throttled() if group else 0
            self.answered = answerer.stop()
            self.overflowed = network.overflowed()
            self.there, self.back = network.counts(near, far), network.counts(far, near)
            self._join(directory / "samples", network.handshakes())

    @staticmethod
    def _burn(stack, hogs):
        for _ in range(hogs):
            hog = subprocess.Popen(["taskset", "-c", str(NODE_CPU), sys.executable, "-c",
                                    "while True: pass"])
            stack.callback(hog.wait)
            stack.callback(hog.kill)

    def _measure(self, network, near, far, directory, group, pinned):
        targets = [f"http://{address}:{PORT}/v1/ping" for address in far.addresses(self.peers)]
        environment = {**os.environ, "PINGMESH_ADMIN_TOKEN": TOKEN}
        with open(directory / "samples", "wb") as out, open(directory / "log", "wb") as log:
            node = near.popen([PINGMESH, "-s", PORT, "--no-grow", "-d", 1, "--output", "json",
                               *targets],
                              cpu=NODE_CPU if pinned else None, group=group, stdout=out, stderr=log,
                              env=environment)
        base = f"http://{near.address}:{PORT}"
        try:
            wait_until_ready(node, base)
            time.sleep(1 + self.peers / FIRST_PROBES_PER_S + WARM_S)
            self.began_ns, cpu = time.time_ns(), cpu_seconds(node.pid)
            syns = network.counts(near, far).syns
            time.sleep(self.seconds)
            self.ended_ns, self.cpu_s = time.time_ns(), cpu_seconds(node.pid) - cpu
            self.syns = network.counts(near, far).syns - syns
            self.document = fetch(f"{base}/v1/peers")
        finally:
            node.terminate()
            if node.wait(timeout=STOP_S) != 0:
                sys.exit(f"the node ended with status {node.returncode}: "
                         f"{(directory / 'log').read_text()[-2000:]}")

    def _join(self, path, handshakes):
        index = lab.HandshakeIndex(handshakes)
        self.samples, self.pairs = [], []
        with open(path, encoding="utf-8") as lines:
            for sample in map(json.loads, lines):
                started = samples.started_ns(sample)
                if not self.began_ns <= started <= self.ended_ns:
                    continue
                self.samples.append((started, sample))
                handshake = index.find(sample["remote"], started)
                if sample["outcome"] == "success" and handshake and handshake.syns == 1:
                    self.pairs.append((sample, handshake))

    # --- what can be told of it ---

    def failed(self):
        return sum(sample["outcome"] != "success" for _, sample in self.samples)

    def starved(self):
        return sum(sample.get("verdict") == "starved" for _, sample in self.samples)

    def late(self):
        """Turns that were passed over, by the node's own count."""
        return sum(window["Late"] for window in self.windows())

    def windows(self):
        return [window_of(peer) for peer in self.document["Peers"]]

    def in_flight(self):
        """The most at one moment, by the samples' own beginnings and ends."""
        moments = sorted([(started, 1) for started, _ in self.samples] +
                         [(started + sample["total_ns"], -1) for started, sample in self.samples])
        now = most = 0
        for _, change in moments:
            now += change
            most = max(most, now)
        return most

    def errors_us(self, field):
        return [abs(sample[field] - handshake.rtt_ns) / 1000 for sample, handshake in self.pairs
                if sample.get(field)]

    def kernel_timed(self):
        """The share of joined samples whose round trip is the kernel's."""
        return sum(sample["timed_by"]["tcp"] == "kernel" for sample, _ in self.pairs) / max(
            1, len(self.pairs))

    def milliseconds(self, field):
        return [sample[field] / 1e6 for sample, _ in self.pairs if sample.get(field)]


def window_of(peer):
    """The node's own statistics of a peer, of the last ten minutes."""
    return peer["Mesh"]["Stats"]["10m"]


def fetch(url):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def wait_until_ready(node, base):
    deadline = time.monotonic() + READY_S
    while node.poll() is None and time.monotonic() < deadline:
        try:
            return urllib.request.urlopen(f"{base}/readyz", timeout=READY_S).close()
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the node does not serve")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pair(values, form="{:.0f}"):
    if not values:
        return "-"
    return " / ".join(form.format(samples.percentile(values, share)) for share in (0.5, 0.99))


def table(title, columns):
    print(f"\n{title}\n{columns}", flush=True)


def verdict(good):
    return "ok" if good else "OVER"


# --- experiments ---------------------------------------------------------------------------------


def rtt_row(name, run):
    ours = run.errors_us("tcp_ns")
    good = bool(ours) and samples.percentile(ours, 0.5) <= BAR_P50_US and \
        samples.percentile(ours, 0.99) <= BAR_P99_US
    share = run.starved() / max(1, len(run.samples))
    print(f"{name:24} {run.in_flight():9d} {len(run.pairs):8d} {pair(ours):>16} "
          f"{pair(run.errors_us('libcurl_tcp_ns')):>20} {run.kernel_timed():7.1%} {share:8.1%} "
          f"{run.failed():6d} {run.overflowed:5d}  {verdict(good)}", flush=True)


RTT_COLUMNS = (f"{'case':24} {'in flight':>9} {'samples':>8} {'reported, µs':>16} "
               f"{'libcurl, µs':>20} {'kernel':>7} {'starved':>8} {'failed':>6} {'lost':>5}")


def experiment_rtt(seconds):
    """The answer takes 700 ms, so that probes overlap: 1.35 peers make one in flight."""
    table(f"Error of the TCP round trip on a path of {2 * ONE_WAY_MS} ms against the cable's record, "
          f"p50 / p99 (bar {BAR_P50_US} / {BAR_P99_US} µs)", RTT_COLUMNS)
    rtt_row("one at a time", Run(10, seconds))
    rtt_row("100 in flight", Run(135, seconds, answer_ms=700))
    rtt_row("1,000 in flight", Run(1350, seconds, answer_ms=700))
    rtt_row(f"100, {HOGS} hogs on its core", Run(135, seconds, answer_ms=700, hogs=HOGS))
    rtt_row(f"1,000, {HOGS} hogs on its core", Run(1350, seconds, answer_ms=700, hogs=HOGS))


def experiment_starved(seconds, peers=400):
    table(f"{peers} peers a second, in a group with {STARVED_SHARE:.0%} of a processor "
          f"(bar: p99 within {STARVED_BAR_MS:.0f} ms of the free run)",
          f"{'case':12} {'samples':>8} {'network, ms':>18} {'libcurl, ms':>18} {'starved':>8} "
          f"{'failed':>6} {'throttled':>9} {'late':>6}")
    p99 = []
    for name, share in (("free", None), ("throttled", STARVED_SHARE)):
        run = Run(peers, seconds, share=share)
        p99.append(samples.percentile(run.milliseconds("tcp_ns"), 0.99))
        print(f"{name:12} {len(run.samples):8d} {pair(run.milliseconds('tcp_ns'), '{:.2f}'):>18} "
              f"{pair(run.milliseconds('libcurl_tcp_ns'), '{:.2f}'):>18} "
              f"{run.starved() / max(1, len(run.samples)):8.1%} {run.failed():6d} "
              f"{run.throttled:9d} {run.late():6d}", flush=True)
    good = abs(p99[1] - p99[0]) <= STARVED_BAR_MS
    print(f"difference of p99: {p99[1] - p99[0]:.2f} ms  {verdict(good)}", flush=True)


def experiment_loss(seconds, peers=200):
    table(f"Loss of one direction, {peers} peers a second for {seconds} s "
          f"(bar: {COVERED_BAR:.0%} of the peers' intervals cover the truth)",
          f"{'injected':>8} {'cable, SYNs':>16} {'node, trials':>16} {'cover':>7} "
          f"{'mean width':>10} "
          f"{'failed':>6}")
    for loss in (0.001, 0.01, 0.05):
        run = Run(peers, seconds, loss=loss)
        windows = [window for window in run.windows() if window["Trials"]]
        share = sum(window["LossLow"] <= loss <= window["LossHigh"]
                    for window in windows) / len(windows)
        width = statistics.fmean(window["LossHigh"] - window["LossLow"] for window in windows)
        trials, lost = (sum(window[name] for window in windows) for name in ("Trials", "TrialsLost"))
        print(f"{loss:8.1%} {run.there.syns_lost:6d} / {run.there.syns:7d} {lost:6d} / {trials:7d} "
              f"{share:7.1%} {width:10.4f} {run.failed():6d}  {verdict(share >= COVERED_BAR)}",
              flush=True)


def experiment_scale(seconds):
    """Only handshakes go through the cable: the rest would need cores of its own."""
    table("Scale: peers at one-second intervals, node, peers and cable on these "
          f"{len(CPUS)} processors", RTT_COLUMNS)
    for peers in SCALES:
        run = Run(peers, seconds, pinned=False, whole=False)
        rtt_row(f"{peers:,} peers", run)
        print(f"{'':24} {run.late()} late, {run.syns / seconds:.0f} probes a second, of which "
              f"{len(run.samples) / seconds:.0f} were printed, {run.cpu_s / seconds:.0%} of a core",
              flush=True)


EXPERIMENTS = {"rtt": (experiment_rtt, 25), "starved": (experiment_starved, 25),
               "loss": (experiment_loss, 60), "scale": (experiment_scale, 20)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, help="of each run; each experiment has its own")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(EXPERIMENTS)}; all unless named")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(EXPERIMENTS)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(EXPERIMENTS)}")
    lab.enter_or_skip()
    if not lab.cable_class().has_record:
        sys.exit("netem keeps no record of handshakes: there is nothing to compare with")
    for name in arguments.names or EXPERIMENTS:
        experiment, seconds = EXPERIMENTS[name]
        print(f"\nload before: {' '.join(f'{load:.2f}' for load in os.getloadavg())}", end="")
        experiment(arguments.seconds or seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
