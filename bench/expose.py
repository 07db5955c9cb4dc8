#!/usr/bin/env python3
"""A node under the load that the internet may bring: 5,000 idle connections held and 2,000 new ones a
second, while it makes 500 probes a second. Not one of these may be late, and /healthz answers within
50 ms at the 99th percentile (on a machine that does nothing else). Then 10,000 connections, of which as
many are held as there are places.

    ./dev bench expose
"""

import argparse
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request

TARGETS, SERVERS = 500, 2
PLACES = 8192
HEALTH_P99_MS = 50
NODE = ("127.0.30.1", 18480)


def get(address, path):
    with urllib.request.urlopen(f"http://{address[0]}:{address[1]}{path}", timeout=20) as answer:
        return answer.read().decode()


def wait_for(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds} s: {what}")
        time.sleep(0.2)


def is_ready(address):
    try:
        return get(address, "/readyz") == "ready\n"
    except OSError:
        return False


def figures():
    sums = {}
    for line in get(NODE, "/metrics").splitlines():
        match = re.fullmatch(r"(pingmesh_late_probes_total|pingmesh_starved_samples_total|"
                             r"pingmesh_probes_total|pingmesh_loop_lag_seconds|"
                             r"process_resident_memory_bytes|process_cpu_seconds_total)"
                             r"(\{.*\})? (\S+)", line)
        if match:
            sums[match[1]] = sums.get(match[1], 0) + float(match[3])
    return sums


def run(build, held, new_per_s, seconds):
    before = figures()
    done = subprocess.run([build / "pm_expose", NODE[0], str(NODE[1]), str(held), str(new_per_s),
                           str(seconds)], capture_output=True, text=True, check=True)
    after = figures()
    change = {name: after[name] - before[name] for name in after}
    return {**json.loads(done.stdout), "late": change["pingmesh_late_probes_total"],
            "starved": change["pingmesh_starved_samples_total"],
            "probes": change["pingmesh_probes_total"],
            "lag_ms": 1000 * after["pingmesh_loop_lag_seconds"],
            "memory_mib": after["process_resident_memory_bytes"] / (1 << 20),
            "cpu_s": change["process_cpu_seconds_total"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    processes = []
    with tempfile.TemporaryDirectory(prefix="pingmesh-expose-") as directory:
        def start(address, *more):
            processes.append(subprocess.Popen(
                [build / "pingmesh", "-q", "-s", str(address[1]), "--bind", address[0], *more],
                cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"]}))
            wait_for(f"{address} is ready", lambda: is_ready(address))
        try:
            servers = [(f"127.0.30.{10 + i}", 18480) for i in range(SERVERS)]
            for server in servers:
                start(server, "--client-rate", "0", "--no-grow")
            start(NODE, "--no-grow", "-d", "1", "--max-connections", str(PLACES), *(
                f"http://{server[0]}:{server[1]}/v1/ping?{i}"
                for i in range(TARGETS // SERVERS) for server in servers))
            wait_for("all are measured",
                     lambda: figures().get("pingmesh_probes_total", 0) > 3 * TARGETS)
            failed = report(build, arguments.seconds)
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
    return failed


def report(build, seconds):
    failed = 0
    for name, held, new_per_s in (("quiet", 0, 10), ("5,000 held, 2,000/s", 5000, 2000),
                                  ("10,000 wanted, 500/s", 10000, 500)):
        result = run(build, held, new_per_s, seconds)
        health, ping = result["health"], result["ping"]
        wrong = []
        if result["late"]:
            wrong.append("late probes")
        if health["p99_ms"] > HEALTH_P99_MS:
            wrong.append("/healthz too slow")
        if held <= 5000 and (result["lost"] or health["failed"] or ping["failed"]):
            wrong.append("lost connections")
        print(f"{name:22} late {result['late']:.0f} of {result['probes']:.0f} probes, starved "
              f"{result['starved']:.0f}; /healthz p50 {health['p50_ms']} p99 {health['p99_ms']} max "
              f"{health['max_ms']} ms ({health['failed']} failed); /v1/ping {ping['count']} p99 "
              f"{ping['p99_ms']} ms ({ping['failed']} failed); holding {result['holding']}, lost "
              f"{result['lost']}; lag {result['lag_ms']:.0f} ms, memory "
              f"{result['memory_mib']:.0f} MiB, CPU {result['cpu_s']:.1f} s in {seconds + 2} s"
              + (f"   WRONG: {', '.join(wrong)}" if wrong else ""), flush=True)
        failed |= bool(wrong)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
