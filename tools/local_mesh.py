#!/usr/bin/env python3
"""A five-node mesh on loopback: started, introduced to each other, and ended with Ctrl-C.

The first node is the master. Every other one is told of it as a person would, by the add-peer form
with `/v1/peers?addpeers=true`, and the master is told of every other one.
"""
import argparse
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

NODES = [
    ("127.0.0.1", "Sunnyvale,US"),
    ("127.0.0.2", "Paris,FR"),
    ("127.0.0.3", "Tokyo,JP"),
    ("127.0.0.4", "Sydney,AU"),
    ("127.0.0.5", "Sao Paulo,BR"),
]
START_SECONDS_MAX = 20


def free_port(first):
    """The first port from `first` on that no address of the mesh has taken."""
    for port in range(first, first + 100):
        try:
            for address, _ in NODES:
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((address, port))
            return port
        except OSError:
            continue
    sys.exit(f"no free port from {first} to {first + 99}")


def start(binary, address, port, location, delay, log):
    return subprocess.Popen(
        [binary, "-q", "-s", str(port), "-d", str(delay), "-L", location, "-H", address,
         "--bind", address], stdout=log, stderr=log)


def ask(url, fields=None):
    data = urllib.parse.urlencode(fields).encode() if fields else None
    request = urllib.request.Request(url, data=data, headers={"Accept": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def wait_until_ready(base, process):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            sys.exit(f"the node at {base} ended with status {process.returncode}")
        try:
            urllib.request.urlopen(base + "/readyz", timeout=1).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    sys.exit(f"the node at {base} was not ready after {START_SECONDS_MAX} s")


def introduce(bases):
    """Master first: then its list holds everybody when the others pull it."""
    for base in bases[1:]:
        ask(bases[0] + "/v1/addpeer", {"url": base + "/v1/ping"})
    for base in bases[1:]:
        ask(base + "/v1/addpeer", {"url": bases[0] + "/v1/peers?addpeers=true"})


def show(bases):
    print(f"\n{'node':24} {'place':14} peers measured", flush=True)
    for base, (_, location) in zip(bases, NODES):
        peers = ask(base + "/v1/peers")["Peers"] or []
        measured = sum(1 for peer in peers if peer["Pings"] > 0)
        print(f"{base:24} {location:14} {measured} of {len(peers)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="directory of the pingmesh binary")
    parser.add_argument("--port", type=int, default=8080, help="first port to try")
    parser.add_argument("--delay", type=int, default=2, help="seconds between pings of a peer")
    parser.add_argument("--seconds", type=int, default=0, help="end by itself after so long")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    binary = pathlib.Path(arguments.build) / "pingmesh"
    port = free_port(arguments.port)
    log = tempfile.TemporaryFile()
    bases = [f"http://{address}:{port}" for address, _ in NODES]
    processes = []
    try:
        for address, location in NODES:
            processes.append(start(binary, address, port, location, arguments.delay, log))
        for base, process in zip(bases, processes):
            wait_until_ready(base, process)
        introduce(bases)
        time.sleep(3)
        show(bases)
        print(f"\nOpen {bases[0]}/ in a browser; Ctrl-C ends the mesh.", flush=True)
        if arguments.seconds:
            time.sleep(arguments.seconds)
        else:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
