#!/usr/bin/env python3
"""CPU and memory of a node beside nginx and wrk, measured in the same run.

Absolute figures are this machine's; the ratios carry over. Each comparison is run in turn, A B A B,
and the medians are compared. Traffic goes to loopback only, and every load ends by itself.
"""
import argparse
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
ROUNDS = 3
WRK_SECONDS = 5
PROBE_WARM_SECONDS = 8
PROBE_SECONDS = 15
BODY = "<html><head><title>Lab</title></head><body><p>Served from Lab\\n</body></html>"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kb(pid, name):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"no {name} for process {pid}")


def wait_for(port, address="127.0.0.1"):
    for _ in range(200):
        try:
            socket.create_connection((address, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on {address}:{port}")


class Nginx:
    """One worker that answers every path with a page like a node's."""

    def __init__(self, directory):
        self.port = free_port()
        conf = directory / "nginx.conf"
        conf.write_text(f"""
daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  access_log off; client_body_temp_path {directory}; proxy_temp_path {directory};
  fastcgi_temp_path {directory}; uwsgi_temp_path {directory}; scgi_temp_path {directory};
  server {{
    listen {self.port} backlog=4096; default_type text/html;
    location / {{ return 200 "{BODY}"; }}
    location = /count {{ stub_status; }}
  }}
}}""")
        self.process = subprocess.Popen(["nginx", "-c", str(conf), "-p", str(directory)],
                                        stderr=subprocess.DEVNULL)
        wait_for(self.port)
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.worker = int(children.read_text().split()[0])

    def requests(self):
        """How many it has answered, this question included."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=5) as answer:
            return int(re.search(r"\d+ \d+ (\d+)", answer.read().decode()).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def run_wrk(url):
    """Requests made on connections of their own, and wrk's CPU seconds for them."""
    process = subprocess.Popen(
        ["wrk", "-t1", "-c64", f"-d{WRK_SECONDS}s", "-H", "Connection: close", url],
        stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    if not requests:
        sys.exit(f"wrk made no request:\n{output}")
    return requests, usage.ru_utime + usage.ru_stime


class Node:
    def __init__(self, binary, arguments):
        self.process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            sys.exit(f"the node ended with status {self.process.returncode}")


def bench_serve(binary, directory):
    """µs of server CPU per /v1/ping on a new connection."""
    nginx = Nginx(directory)
    port = free_port()
    node = Node(binary, ["-q", "-s", str(port), "-L", "Lab"])
    wait_for(port)
    figures = {"pingmesh": [], "nginx": []}
    try:
        for _ in range(ROUNDS):
            for name, pid, url in (("pingmesh", node.process.pid, f"http://127.0.0.1:{port}/v1/ping"),
                                   ("nginx", nginx.worker, f"http://127.0.0.1:{nginx.port}/v1/ping")):
                before = cpu_seconds(pid)
                requests, _ = run_wrk(url)
                figures[name].append((cpu_seconds(pid) - before) / requests * 1e6)
    finally:
        node.stop()
        nginx.stop()
    ours, theirs = (statistics.median(figures[name]) for name in ("pingmesh", "nginx"))
    row("serve /v1/ping, new connection", f"{ours:.1f} µs", f"nginx {theirs:.1f} µs", ours / theirs,
        1.2)


def targets(count, port):
    """Spread over addresses: one address and port would run out of local ports."""
    return [f"http://127.{1 + i // 62500}.{1 + i // 250 % 250}.{1 + i % 250}:{port}/v1/ping"
            for i in range(count)]


def probe_cost(binary, nginx, count):
    """µs of CPU per probe, and RSS, of a node with so many targets at 1 s."""
    node = Node(binary, ["-q", "-d", "1", "-L", "Lab", *targets(count, nginx.port)])
    try:
        time.sleep(PROBE_WARM_SECONDS)
        requests, cpu = nginx.requests(), cpu_seconds(node.process.pid)
        time.sleep(PROBE_SECONDS)
        probes = nginx.requests() - requests - 1
        cpu = cpu_seconds(node.process.pid) - cpu
        rss = memory_kb(node.process.pid, "VmRSS")
    finally:
        node.stop()
    expected = count * PROBE_SECONDS
    if not 0.9 * expected < probes < 1.1 * expected:
        print(f"note: {probes} probes of {count} targets in {PROBE_SECONDS} s", flush=True)
    return cpu / probes * 1e6, rss


def bench_probe(binary, directory):
    """µs of CPU per http probe, beside wrk's per request, at 100, 1,000 and 5,000 targets."""
    nginx = Nginx(directory)
    cost, wrk, rss = {}, [], {}
    try:
        url = f"http://127.0.0.1:{nginx.port}/v1/ping"
        for count in (100, 1000, 5000):
            requests, cpu = run_wrk(url)
            wrk.append(cpu / requests * 1e6)
            cost[count], rss[count] = probe_cost(binary, nginx, count)
    finally:
        nginx.stop()
    theirs = statistics.median(wrk)
    row("probe, 1,000 targets at 1 s", f"{cost[1000]:.1f} µs", f"wrk {theirs:.1f} µs",
        cost[1000] / theirs, 2.0)
    row("probe, 5,000 targets at 1 s", f"{cost[5000]:.1f} µs", f"wrk {theirs:.1f} µs",
        cost[5000] / theirs, 2.0)
    row("probe, 5,000 against 100 targets", f"{cost[5000]:.1f} µs", f"at 100 {cost[100]:.1f} µs",
        cost[5000] / cost[100], 1.4)
    row("RSS with 1,000 targets", f"{rss[1000] / 1024:.1f} MB", "bar 40 MB", rss[1000] / 1024 / 40,
        1.0)


def bench_idle(binary, _directory):
    """RssAnon of a node that serves and has nothing to do."""
    port = free_port()
    node = Node(binary, ["-q", "-s", str(port), "-L", "Lab"])
    try:
        wait_for(port)
        time.sleep(2)
        anon = memory_kb(node.process.pid, "RssAnon") / 1024
    finally:
        node.stop()
    row("idle RssAnon", f"{anon:.2f} MB", "bar 4 MB", anon / 4, 1.0)


def row(what, ours, beside, ratio, bar):
    verdict = "ok" if ratio <= bar else "OVER"
    print(f"{what:36} {ours:>12} {beside:>18} {ratio:8.2f} {bar:6.1f}  {verdict}", flush=True)


BENCHES = {"serve": bench_serve, "probe": bench_probe, "idle": bench_idle}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="directory of the pingmesh binary")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHES)}; all unless named")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHES)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not one of {', '.join(BENCHES)}")
    print(f"{'what':36} {'pingmesh':>12} {'beside':>18} {'ratio':>8} {'bar':>6}", flush=True)
    for name in arguments.names or BENCHES:
        with tempfile.TemporaryDirectory() as directory:
            BENCHES[name](pathlib.Path(arguments.build) / "pingmesh", pathlib.Path(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
