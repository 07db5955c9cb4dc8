"""What the attack tests stand on: a node under attack, which meanwhile goes on measuring another one
that nobody attacks; and what must hold of it under every attack.

- not one probe of its own is late, and none of them fails (unless a node that nobody attacks is kept
  from its work as well: then the machine is to blame)
- it answers others meanwhile
- its memory stays within the bound that src/api/server.h states
- no descriptor is left over when the attackers are gone
"""

import contextlib
import os
import pathlib
import re
import resource
import socket
import threading
import time

import harness

PROBES = 20        # targets of the node
INTERVAL_S = 2     # between its probes of each
SHOWN_S = 3        # an attack lasts at least, for each to be probed meanwhile
ANSWER_S_MAX = 5 if os.environ.get("PM_SANITIZE") else 1
CONNECTIONS = 512  # of a node, unless told otherwise
# A connection's head, body, parser and TLS; and what a process takes that has been busy, in the
# allocator's own stock (a sanitizer's is larger).
CONNECTION_BYTES = (16 + 16 + 32) << 10
BUSY_BYTES = (48 if os.environ.get("PM_SANITIZE") else 16) << 20
MEMORY_BOUND = CONNECTIONS * CONNECTION_BYTES + BUSY_BYTES
SMALL_QUARANTINE = "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"


def allow_many_descriptors():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def memory_bytes(node):
    status = pathlib.Path(f"/proc/{node.popen.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) << 10


def metrics(node):
    """The sum over all labels, by name; of the probes of the node that is well, those that were
    "late", those that "starved" and those that "failed"."""
    sums = {}
    for line in node.get("/metrics").text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"(\w+)(\{.*\})? (\S+)", line).groups()
        sums[name] = sums.get(name, 0) + float(value)
        if "?well=" not in (labels or ""):
            continue
        well = {"pingmesh_late_probes_total": "late", "pingmesh_starved_samples_total": "starved",
                "pingmesh_probes_total": "probes"}.get(name)
        if well:
            sums[well] = sums.get(well, 0) + float(value)
        if well == "probes" and 'outcome="success"' not in labels:
            sums["failed"] = sums.get("failed", 0) + float(value)
    return sums


def change(name, before, after):
    return after.get(name, 0) - before.get(name, 0)


def is_kept_from_work(before, after):
    """A node that nobody attacks: some probe was late, or more than a tenth of them starved."""
    return change("late", before, after) > 0 or (
        change("starved", before, after) > change("probes", before, after) / 10)


class Watch(threading.Thread):
    """Asks the node for its health all the while, and looks at its memory."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.ended = node, threading.Event()
        self.answers, self.slowest_s, self.memory_bytes, self.faults = 0, 0.0, 0, []

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                if self.node.get("/healthz").status != 200:
                    self.faults.append("unhealthy")
            except OSError as error:
                self.faults.append(f"{type(error).__name__}: {error}")
            self.answers += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.memory_bytes = max(self.memory_bytes, memory_bytes(self.node))
            self.ended.wait(0.1)


class AttackTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        allow_many_descriptors()
        self.opened = []
        self.unharmed = None
        self.addCleanup(self.close_all)

    def start_attacked(self, *arguments, env=None, tls=None, number=1):
        """A node that measures another one, which is well, and has begun to do so. A third one does
        the same in peace."""
        if not self.unharmed:
            well = self.start_node(number=250)
            self.targets = [well.url(f"/v1/ping?well={i}") for i in range(PROBES)]
            self.unharmed = self.start_node("-d", INTERVAL_S, *self.targets, number=251)
        targets = self.targets
        node = self.start_node("-d", INTERVAL_S, *arguments, *targets, number=number, tls=tls,
                               env={"ASAN_OPTIONS": SMALL_QUARANTINE, **(env or {})})
        for each in (node, self.unharmed):
            harness.wait_until("all are measured", lambda: all(
                each.peers()[url]["Pings"] > 0 for url in targets))
        return node

    @contextlib.contextmanager
    def holds(self, node, memory_bound=MEMORY_BOUND):
        """Whatever is done inside."""
        before, rss = metrics(node), memory_bytes(node)
        in_peace = metrics(self.unharmed)
        watch, began = Watch(node), time.monotonic()
        watch.start()
        try:
            yield watch
            time.sleep(max(0, began + SHOWN_S - time.monotonic()))
        finally:
            watch.ended.set()
            watch.join()
            self.close_all()
        self.assertTrue(node.is_running(), node.describe())
        self.assertEqual(watch.faults, [], node.describe())
        self.assertGreater(watch.answers, 0)
        self.assertLess(watch.slowest_s, ANSWER_S_MAX)
        self.assertLess(watch.memory_bytes - rss, memory_bound)
        harness.wait_until("all descriptors are closed again", lambda: (
            metrics(node)["process_open_fds"] <= before["process_open_fds"] + PROBES))
        after = metrics(node)
        busy = is_kept_from_work(in_peace, metrics(self.unharmed))
        if not busy:
            self.assertEqual(change("late", before, after), 0)
            self.assertEqual(change("failed", before, after), 0)
        self.tell(f"{self.id().split('.')[-1]}: memory {rss >> 20} + "
                  f"{(watch.memory_bytes - rss) / (1 << 20):.1f} MiB, slowest answer "
                  f"{1000 * watch.slowest_s:.0f} ms of {watch.answers}"
                  + f"; {change('late', before, after):.0f} late of "
                  f"{change('probes', before, after):.0f}"
                  + ("; the machine is too busy to tell" if busy else ""))

    @staticmethod
    def tell(what):
        os.write(2, f"{what}\n".encode())

    # --- connections -----------------------------------------------------------------------------

    def connect(self, node, source=None, timeout=harness.DEADLINE_S):
        """From another address than the node's operator has."""
        connection = socket.create_connection((node.address, node.port), timeout=timeout,
                                              source_address=(source or self.address(66), 0))
        self.opened.append(connection)
        return connection

    def close_all(self):
        while self.opened:
            self.opened.pop().close()

    def exchange(self, node, data, source=None):
        """What comes back until the node ends the connection."""
        connection = self.connect(node, source)
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it may have answered and gone already
        answer = harness.read_to_end(connection)
        connection.close()
        return answer


def answers_in(data):
    """Statuses of the answers in what was read."""
    return [int(status) for status in re.findall(rb"(?:\A|\n|\})HTTP/1\.1 (\d{3}) ", data)]
