#!/usr/bin/env python3
"""A five-node mesh on loopback that grows from one master, and is ended with Ctrl-C.

The first node is the master and knows nobody. Every other one is told of the master alone, by
PINGMESH_URL; how they find each other is theirs.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

NODES = [
    ("127.0.0.1", "Sunnyvale,US"),
    ("127.0.0.2", "Paris,FR"),
    ("127.0.0.3", "Tokyo,JP"),
    ("127.0.0.4", "Sydney,AU"),
    ("127.0.0.5", "Sao Paulo,BR"),
]
START_SECONDS_MAX = 20
GROW_SECONDS_MAX = 60


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


def start(binary, address, port, location, delay, master, log):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("PINGMESH_")}
    if master:
        environment["PINGMESH_URL"] = master + "/v1/ping"
    return subprocess.Popen(
        [binary, "-q", "-s", str(port), "-d", str(delay), "-L", location, "-H", address,
         "--bind", address], env=environment, stdout=log, stderr=log)


def peers_of(base):
    with urllib.request.urlopen(base + "/v1/peers", timeout=5) as answer:
        return json.load(answer)["Peers"] or []


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


def measured(base):
    return sum(1 for peer in peers_of(base) if peer["Pings"] > 0)


def wait_until_grown(bases):
    """Until every node has measured every other one."""
    began = time.monotonic()
    while any(measured(base) < len(bases) - 1 for base in bases):
        if time.monotonic() - began > GROW_SECONDS_MAX:
            break
        time.sleep(0.5)
    print(f"grown after {time.monotonic() - began:.0f} s", flush=True)


def show(bases):
    print(f"\n{'node':24} {'place':14} peers measured", flush=True)
    for base, (_, location) in zip(bases, NODES):
        print(f"{base:24} {location:14} {measured(base)} of {len(peers_of(base))}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="directory of the pingmesh binary")
    parser.add_argument("--port", type=int, default=8080, help="first port to try")
    parser.add_argument("--delay", type=int, default=2, help="seconds between pings of a peer")
    parser.add_argument("--seconds", type=int, default=0, help="end by itself after so long")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's "&" leaves it ignored

    binary = pathlib.Path(arguments.build) / "pingmesh"
    port = free_port(arguments.port)
    log = tempfile.TemporaryFile()
    bases = [f"http://{address}:{port}" for address, _ in NODES]
    processes = []
    try:
        for address, location in NODES:
            master = bases[0] if processes else None
            processes.append(start(binary, address, port, location, arguments.delay, master, log))
        for base, process in zip(bases, processes):
            wait_until_ready(base, process)
        wait_until_grown(bases)
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
