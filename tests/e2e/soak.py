"""A mesh of twenty through whatever goes wrong, for half an hour: nodes killed and started again,
machines and halves of the mesh cut off, clocks set an hour on and back, names that do not resolve,
disks that are full, all at once and at random. Then all is put right, and within two minutes the
mesh must be whole: every node knows every other and its latest probe of it succeeded. No node's
memory may grow, no bound of growth may have been hit, no sanitizer may have anything to say.

    ./dev soak [--minutes 30] [--seed N]

Half of the nodes run under sanitizers; the others as a user would run them, and these are the ones
whose memory is measured and whose clocks are set (libfaketime). Needs root; see test_namespaces.py.
"""

import argparse
import glob
import os
import pathlib
import random
import signal
import socketserver
import statistics
import struct
import subprocess
import sys
import threading
import time
import unittest

import growth
import harness
import test_namespaces as machines

NODES = 20
STEADY = 4           # optimised nodes that are never killed: their memory is followed throughout
WHOLE_S = 120
DISK_MB = 40
INTERVAL_S = 2
RSS_EVERY_S = 10
RSS_SETTLES_S = 240  # tables fill, histograms grow to their size, a first hour's windows open
RSS_GROWTH_SHARE, RSS_GROWTH_KB = 0.10, 2048
GATEWAY = f"{machines.NETWORK}.0.1"
ISLAND = "island"    # a second bridge, for those who are cut off together
FAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Names(socketserver.ThreadingUDPServer):
    """A name server for nodeN.mesh.test, which can fail in two ways."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.mood = "well"
        super().__init__((GATEWAY, 53), NamesHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class NamesHandler(socketserver.BaseRequestHandler):
    def handle(self):
        question, sock = self.request
        if self.server.mood == "silent" or len(question) < 17:
            return
        end = question.index(b"\0", 12) + 1
        label = question[13:13 + question[12]].decode("ascii", "replace")
        kind = struct.unpack("!H", question[end:end + 2])[0]
        number = label.removeprefix("node")
        known = number.isdigit() and self.server.mood == "well"
        code = 2 if self.server.mood == "failing" else 0 if known else 3
        answers = 1 if known and kind == 1 else 0
        head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, answers, 0, 0)
        body = question[12:end + 4]
        if answers:
            address = bytes(int(part) for part in address_of(int(number)).split("."))
            body += struct.pack("!HHHIH", 0xC00C, 1, 1, 2, 4) + address
        sock.sendto(head + body, self.client_address)


def address_of(number):
    return f"{machines.NETWORK}.{number}.2"


class Member:
    """A machine and the node on it, which comes and goes."""

    def __init__(self, number, test, sanitized):
        self.number, self.test, self.sanitized = number, test, sanitized
        self.name = f"node{number}"
        self.disk = pathlib.Path("/run") / f"disk{number}"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "none", self.disk],
                       check=True)
        self.clock = test.directory / f"clock{number}"
        self.clock.write_text("+0\n")
        self.node = None
        self.began = 0.0
        self.rss = []
        machines.make_machine(self.name, address_of(number))
        ip_via_gateway(self.name)

    def start(self):
        build = harness.BUILD / "asan" if self.sanitized else harness.BUILD
        seeds = "http://node1.mesh.test:8080/v1/ping http://node2.mesh.test:8080/v1/ping"
        env = {"PINGMESH_ADMIN_TOKEN": machines.TOKEN, "PINGMESH_URL": seeds}
        if self.sanitized:
            env["ASAN_OPTIONS"] = "quarantine_size_mb=8"
        elif self.test.faketime:
            env.update(LD_PRELOAD=self.test.faketime, DONT_FAKE_MONOTONIC="1",
                       FAKETIME_NO_CACHE="1", FAKETIME_TIMESTAMP_FILE=str(self.clock))
        command = ["ip", "netns", "exec", self.name, build / "pingmesh", "-s", machines.PORT,
                   "-q", "-d", INTERVAL_S, "-L", f"Place {self.number}",
                   "--state-dir", self.disk / "state", "--state-max-mb", 16]
        self.node = harness.Node(command, self.test.directory, env, address_of(self.number),
                                 machines.PORT)
        self.began = time.monotonic()
        self.rss = []
        self.test.processes.append(self.node)

    @property
    def runs(self):
        return self.node is not None and self.node.is_running()

    def kill(self):
        self.node.stop(signal.SIGKILL)

    def measure(self):
        if self.sanitized or not self.runs:
            return
        status = pathlib.Path(f"/proc/{self.node.popen.pid}/status").read_text()
        kb = next(int(line.split()[1]) for line in status.splitlines()
                  if line.startswith("VmRSS:"))
        self.rss.append((time.monotonic() - self.began, kb))

    def document(self):
        return self.node.get("/v1/peers", Authorization=f"Bearer {machines.TOKEN}").json()


def ip_via_gateway(name):
    machines.ip(f"route add default via {GATEWAY}", namespace=name)


# --- what goes wrong: each a way to break and a way to mend ------------------------------------


class Killed:
    def __init__(self, test):
        self.member = test.random.choice([m for m in test.members[STEADY:] if m.runs])

    def begin(self):
        self.member.kill()

    def end(self):
        self.member.start()


class CutOff:
    def __init__(self, test):
        self.links = [machines.link_of(test.random.choice(test.members).name)]

    def begin(self):
        for link in self.links:
            machines.ip(f"link set dev {link} down")

    def end(self):
        for link in self.links:
            machines.ip(f"link set dev {link} up")


class Halves:
    """Half of the mesh on a bridge of its own."""

    def __init__(self, test):
        self.links = [machines.link_of(m.name) for m in test.random.sample(test.members, NODES // 2)]

    def begin(self):
        machines.ip(*(f"link set dev {link} master {ISLAND}" for link in self.links))

    def end(self):
        machines.ip(*(f"link set dev {link} master {machines.BRIDGE}" for link in self.links))


class ClockStep:
    def __init__(self, test):
        self.member = test.random.choice([m for m in test.members if not m.sanitized])
        self.by = test.random.choice(["+3600", "-3600"])

    def begin(self):
        self.member.clock.write_text(self.by + "\n")

    def end(self):
        self.member.clock.write_text("+0\n")


class NoNames:
    def __init__(self, test):
        self.names = test.names
        self.mood = test.random.choice(["silent", "failing", "empty"])

    def begin(self):
        self.names.mood = self.mood

    def end(self):
        self.names.mood = "well"


class DiskFull:
    def __init__(self, test):
        self.filler = test.random.choice(test.members).disk / "filler"

    def begin(self):
        # Without a buffer: closing one would try to write what is left in it, and fail again.
        with open(self.filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass

    def end(self):
        self.filler.unlink(missing_ok=True)


FAULTS = (Killed, Killed, Killed, CutOff, CutOff, Halves, ClockStep, ClockStep, NoNames, DiskFull)


class Soak(harness.EndToEndTest):
    minutes, seed = 30.0, 0

    def setUp(self):
        super().setUp()
        self.random = random.Random(self.seed)
        self.faketime = next(iter(glob.glob(FAKETIME)), None)
        self.names = None
        self.members = []
        self.under_way = []  # (when it ends, fault)
        self.counts = {}

    def tearDown(self):
        if self.names:
            self.names.shutdown()
            self.names.server_close()
        super().tearDown()

    def begin(self):
        machines.make_bridge()
        machines.ip(f"link add name {ISLAND} type bridge", f"link set dev {ISLAND} up")
        resolv = self.directory / "resolv.conf"
        resolv.write_text(f"nameserver {GATEWAY}\noptions timeout:1 attempts:2\n")
        subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
        self.names = Names()
        for number in range(1, NODES + 1):
            # The first ones are optimised and steady, so odd places are sanitized after them.
            sanitized = number > STEADY and number % 2 == 1 or number > 2 * (NODES // 2) - 2
            self.members.append(Member(number, self, sanitized))
        for member in self.members:
            member.start()

    def answers(self):
        """By measuring node and measured address: probes that succeeded and that failed."""
        counts = {}
        for member in self.members:
            for peer in member.document()["Peers"] or []:
                sums = counts.setdefault((member.number, peer["PeerIP"]), [0, 0])
                sums[0] += peer["Pings"]
                sums[1] += peer["Fails"]
        return counts

    def missing(self):
        """The paths that brought no answer, or a failure, in the last few seconds; None: none."""
        before = self.answers()
        time.sleep(3 * INTERVAL_S)
        after = self.answers()
        silent = []
        for member in self.members:
            for other in self.members:
                path = member.number, address_of(other.number)
                was, is_now = before.get(path, [0, 0]), after.get(path, [0, 0])
                if other is not member and (is_now[0] <= was[0] or is_now[1] > was[1]):
                    silent.append(f"{member.name} to {other.name}")
        return ", ".join(silent[:40]) or None

    def wait_until_whole(self, seconds):
        began, missing = time.monotonic(), "nothing was looked at"
        while time.monotonic() - began < seconds:
            try:
                missing = self.missing()
            except OSError as error:
                missing = str(error)
            if missing is None:
                return time.monotonic() - began
        self.fail(f"not whole within {seconds} s (seed {self.seed}): {missing}")

    def break_something(self):
        fault = self.random.choice(FAULTS)
        if any(isinstance(other, fault) for _, other in self.under_way
               if fault in (Halves, NoNames)):
            return
        if fault is ClockStep and not self.faketime:
            return
        fault_now = fault(self)
        fault_now.begin()
        self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
        self.under_way.append((time.monotonic() + self.random.uniform(5, 90), fault_now))

    def mend(self, everything=False):
        now = time.monotonic()
        due = [item for item in self.under_way if everything or item[0] <= now]
        self.under_way = [item for item in self.under_way if item not in due]
        for _, fault in due:
            fault.end()

    def check_memory(self):
        for member in self.members[:STEADY]:
            early = [kb for age, kb in member.rss if RSS_SETTLES_S <= age < RSS_SETTLES_S + 180]
            late = [kb for _, kb in member.rss[-18:]]
            if not early:
                continue
            first, last = statistics.median(early), statistics.median(late)
            print(f"{member.name}: {first:.0f} kB at {RSS_SETTLES_S} s, {last:.0f} kB at the end",
                  file=sys.stderr)
            self.assertLess(last, first * (1 + RSS_GROWTH_SHARE) + RSS_GROWTH_KB, member.name)

    def check_bounds(self):
        for member in self.members:
            bounds = member.document()["Mesh"]["Bounds"]
            self.assertEqual(bounds, dict.fromkeys(bounds, 0), member.name)

    def check_alive(self):
        """Nobody ended but those who were killed."""
        killed = {fault.member for _, fault in self.under_way if isinstance(fault, Killed)}
        for member in self.members:
            if member not in killed and not member.runs:
                self.fail(f"{member.name} ended (seed {self.seed}): {member.node.describe()}")

    def test_half_an_hour(self):
        self.begin()
        print(f"grown after {self.wait_until_whole(growth.TWENTY_GROWN_S * 2):.0f} s",
              file=sys.stderr)
        began = measured = time.monotonic()
        while time.monotonic() - began < self.minutes * 60:
            self.mend()
            self.check_alive()
            if self.random.random() < 0.25:
                self.break_something()
            if time.monotonic() - measured >= RSS_EVERY_S:
                measured = time.monotonic()
                for member in self.members:
                    member.measure()
            time.sleep(1)
        self.mend(everything=True)
        print(f"what went wrong: {self.counts}", file=sys.stderr)
        print(f"whole again after {self.wait_until_whole(WHOLE_S):.0f} s", file=sys.stderr)
        self.check_bounds()
        self.check_memory()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    if machines.INSIDE not in os.environ:
        return machines.enter()
    Soak.minutes, Soak.seed = options.minutes, options.seed
    print(f"seed {options.seed}, {options.minutes} minutes", file=sys.stderr, flush=True)
    result = unittest.TextTestRunner(verbosity=2).run(
        unittest.defaultTestLoader.loadTestsFromTestCase(Soak))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
