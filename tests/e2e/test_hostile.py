"""A million addresses of somebody who asked for nothing, on the word of everybody whom a node
knows: what the node sends there stays within its failure budget at every moment, and it stays what
it was.
"""

import itertools
import os
import pathlib
import random
import sys
import time
import unittest

import growth
import hostile

WATCHED_S = 75
FAILURES = 30           # at once; then
FAILURES_PER_MINUTE = 1
SUCCESS_PAYS = 0.5      # failures
CLOCKS_S = 2            # between the node's dial and our looking at the clock
MEANT_AT_LEAST = 20     # contacts: else nobody was misled, and nothing is shown
RSS_GROWTH_MAX = 24 << 20
ANSWER_S_MAX = 5 if os.environ.get("PM_SANITIZE") else 1
CPU_SHARE_MAX = 0.5


class HostileTest(growth.GrowthTest):
    def setUp(self):
        super().setUp()
        self.victim = self.serve(hostile.Victim())
        self.addresses = hostile.Addresses(self.victim, random.randrange(1, 200))
        self.honest = self.start_member(number=2)
        self.wait_ready([self.honest])

    def start_misled(self, *seeds):
        """Its memory is to be measured, so a sanitizer must not keep much of what was freed."""
        seeds = " ".join(server.url("/v1/ping") for server in [*seeds, self.honest])
        return self.start_node("-d", 1, "-L", "Misled", number=1, env={
            "PINGMESH_URL": seeds,
            "ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64"})

    def contacts_of(self, node):
        return [when for when, source, _ in list(self.victim.contacts) if source == node.address]

    def check_contacts(self, node, successes):
        """In every window from one contact to another."""
        times = self.contacts_of(node)
        burst = FAILURES + SUCCESS_PAYS * successes
        for first, last in itertools.combinations_with_replacement(range(len(times)), 2):
            minutes = (times[last] - times[first] + CLOCKS_S) / 60
            self.assertLessEqual(last - first + 1, burst + FAILURES_PER_MINUTE * minutes,
                                 f"contacts of {node.base} within {minutes:.1f} minutes")

    def watch(self, misled, successes):
        """Who listens to the misled node may be misled as well, and no further."""
        nodes = [misled, self.honest]
        rss, cpu, began, slowest_s = rss_bytes(misled), cpu_seconds(misled), time.monotonic(), 0
        while time.monotonic() - began < WATCHED_S:
            asked = time.monotonic()
            self.assertEqual(misled.get("/v1/ping").status, 200)
            slowest_s = max(slowest_s, time.monotonic() - asked)
            for node in nodes:
                self.check_contacts(node, successes)
            time.sleep(1)
        growth_bytes = rss_bytes(misled) - rss
        share = (cpu_seconds(misled) - cpu) / (time.monotonic() - began)
        tell(f"{[len(self.contacts_of(node)) for node in nodes]} contacts in {WATCHED_S} s; "
             f"memory {rss >> 10} + {growth_bytes >> 10} KiB, {100 * share:.1f} % of a core, "
             f"slowest answer {1000 * slowest_s:.0f} ms")
        self.assertGreaterEqual(len(self.contacts_of(misled)), MEANT_AT_LEAST)
        self.assertLess(growth_bytes, RSS_GROWTH_MAX)
        self.assertLess(share, CPU_SHARE_MAX)
        self.assertLess(slowest_s, ANSWER_S_MAX)
        self.check_mesh(nodes)

    def check_mesh(self, nodes):
        """It stands, and nobody else's address is in it."""
        contacted = {(asked, self.victim.port) for *_, asked in list(self.victim.contacts)}
        self.wait_until_measured(nodes)
        for node in nodes:
            self.assertEqual(self.listed(node) & contacted, set())
        self.check_bounds(nodes)


class Lists(HostileTest):
    def test_lists_of_all_kinds(self):
        manners = hostile.Manners()
        kinds = (hostile.Liar, hostile.Liar, hostile.NewLiar, hostile.NewLiar)
        liars = [self.serve(kind(self.addresses, self.address(100 + i), manners))
                 for i, kind in enumerate(kinds)]
        self.watch(self.start_misled(*liars), successes=len(liars) + 1)
        tell(f"lists served: {dict(manners.served)}")
        self.assertEqual(len(manners.served), 4)


class Claims(HostileTest):
    def test_claims_to_be_elsewhere(self):
        node = self.start_misled()
        claimer = hostile.Claimer(node, self.addresses, self.address(110))
        self.addCleanup(claimer.close)
        claimer.start()
        self.watch(node, successes=1)
        tell(f"claims answered: {claimer.answered}")
        self.assertGreater(claimer.answered, WATCHED_S)


def tell(what):
    print(what, file=sys.stderr, flush=True)


def rss_bytes(process):
    status = pathlib.Path(f"/proc/{process.popen.pid}/status").read_text(encoding="ascii")
    line, = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) << 10


def cpu_seconds(process):
    stat = pathlib.Path(f"/proc/{process.popen.pid}/stat").read_text(encoding="ascii")
    user, system = stat.rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


GROUPS = (Lists, Claims)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
