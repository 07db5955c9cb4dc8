"""Meshes of real daemons, for the tests of how they grow: starting, killing, waiting until all
measure all. And running a file's groups of tests side by side.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.parse

import harness
import servers

GROWN_S = 90
DEATH_S = 150  # five failures in a row, and a suspect may be asked every 10 s only
QUIET_S = 20   # for what must not happen: several rounds of a growing mesh

TWENTY = 20
TWENTY_GROWN_S = 120 if os.environ.get("PM_SANITIZE") else 30
TWENTY_QUIET_S = 10


def endpoint_of(peer):
    """Where a listed peer is reached, however it calls itself."""
    return peer["PeerIP"], urllib.parse.urlsplit(peer["Url"]).port


def endpoints_of(nodes):
    return {(node.address, node.port) for node in nodes}


class GrowthTest(harness.EndToEndTest):
    def start_member(self, *arguments, seed=None, number=1):
        env = {"PINGMESH_URL": seed.url("/v1/ping")} if seed else None
        return self.start_node("-d", 1, "-L", f"Place {number}", *arguments, number=number,
                               env=env, ready=False)

    def wait_ready(self, nodes):
        for node in nodes:
            harness.wait_until("the node is ready", node.is_ready)
        return nodes

    def start_mesh(self, numbers, *arguments):
        """The first is the master, which knows nobody; the others know the master only."""
        first, *rest = numbers
        master = self.start_member(*arguments, number=first)
        self.wait_ready([master])
        return self.wait_ready([master, *(self.start_member(*arguments, seed=master, number=number)
                                          for number in rest)])

    def start_again(self, node, seed=None):
        """Where it was before, as if its machine came up again."""
        again = harness.Node(node.arguments, self.directory,
                             {"PINGMESH_URL": seed.url("/v1/ping")} if seed else None,
                             node.address, node.port)
        self.processes.append(again)
        return self.wait_ready([again])[0]

    def measured(self, node):
        return {endpoint_of(peer) for peer in node.document()["Peers"] or [] if peer["Pings"] > 0}

    def listed(self, node):
        return {endpoint_of(peer) for peer in node.document()["Peers"] or []}

    def wait_for_mesh(self, nodes, besides=frozenset(), seconds=GROWN_S):
        """Until each has measured all the others and those besides, and lists nobody else."""
        self.wait_until_measured(nodes, {node: besides for node in nodes}, seconds)
        everybody = endpoints_of(nodes) | besides
        for node in nodes:
            self.assertEqual(self.listed(node), everybody - endpoints_of([node]))
        self.check_bounds(nodes)

    def wait_until_measured(self, nodes, besides=None, seconds=GROWN_S):
        """Until each has measured all the others, and what it has besides, by node."""
        everybody = endpoints_of(nodes)
        deadline = time.monotonic() + seconds
        for node in nodes:
            others = (everybody - endpoints_of([node])) | (besides or {}).get(node, set())
            try:
                harness.wait_until("", lambda: self.measured(node) >= others,
                                   max(0, deadline - time.monotonic()))
            except AssertionError:
                missing = others - self.measured(node)
                self.fail(f"after {seconds} s, {node.base} has not measured {sorted(missing)} "
                          f"of {len(others)}; {node.describe()}")

    def wait_until_forgotten(self, nodes, gone, seconds=DEATH_S):
        deadline = time.monotonic() + seconds
        for node in nodes:
            harness.wait_until(f"{node.base} forgets {sorted(gone)}",
                               lambda: not gone & self.listed(node),
                               max(0, deadline - time.monotonic()))

    def check_bounds(self, nodes):
        """None of the bounds that a node watches itself was ever hit."""
        for node in nodes:
            bounds = node.document()["Mesh"]["Bounds"]
            self.assertEqual(bounds, dict.fromkeys(bounds, 0))
            self.assertGreater(len(bounds), 5)

    def holds(self, what, condition, seconds=QUIET_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertTrue(condition(), what)
            time.sleep(0.2)


class TwentyTest(GrowthTest):
    """What a mesh of twenty goes through, wherever its daemons run. A subclass says where, and what
    it means that a node dies and comes back."""

    def site_address(self):
        return self.address(200)

    def kill(self, node):
        node.stop(signal.SIGKILL)

    def revive(self, node, seed):
        return self.start_again(node, seed)

    def tell(self, what, started):
        print(f"{what} after {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)

    def start_twenty(self, *arguments_of_second, numbers=range(1, TWENTY + 1)):
        first, second, *rest = numbers
        master = self.start_member(number=first)
        self.wait_ready([master])
        watcher = self.start_member(*arguments_of_second, seed=master, number=second)
        return [master, watcher, *(self.start_member(seed=master, number=number)
                                   for number in rest)]

    def check_growth(self, nodes, besides=None):
        """From the moment at which the last one was started."""
        started = time.monotonic()
        self.wait_ready(nodes)
        self.wait_until_measured(nodes, besides, TWENTY_GROWN_S)
        self.tell(f"{len(nodes)} know and measure each other", started)
        self.check_bounds(nodes)

    def check_a_life(self):
        """Growth; the master's death, and growth without it; a member's death, and its return."""
        page = servers.answers("<html><body>a shop</body></html>")
        site = self.serve(servers.Server(page, self.site_address()))
        nodes = self.start_twenty(site.url("/"), site.url("/v1/ping"))
        master, watcher, *members = nodes
        watched = {watcher: endpoints_of([site])}
        self.check_growth(nodes, watched)

        victim = members.pop()
        self.kill(master)
        self.kill(victim)
        started = time.monotonic()
        newcomer = self.start_member(seed=members[0], number=TWENTY + 1)
        living = self.wait_ready([watcher, *members, newcomer])
        self.wait_until_measured(living, watched, TWENTY_GROWN_S)
        self.tell("without its master the mesh has grown by one", started)
        dead = endpoints_of([victim])
        self.wait_until_forgotten(living, dead)
        self.tell("the dead is forgotten everywhere", started)
        self.holds("the dead stays away",
                   lambda: all(not dead & self.listed(node) for node in living), TWENTY_QUIET_S)
        self.wait_until_measured(living, watched, TWENTY_GROWN_S)

        started = time.monotonic()
        everybody = [*living, self.revive(master, None), self.revive(victim, newcomer)]
        self.wait_until_measured(everybody, watched, TWENTY_GROWN_S)
        self.tell("both are back everywhere", started)
        self.check_bounds(everybody)
        self.check_watched_by_one(site, watcher, everybody)

    def check_watched_by_one(self, site, watcher, nodes):
        """Its own listener saw no other node; a path that no node has is asked for as written."""
        for node in nodes:
            lists = endpoints_of([site]) <= self.listed(node)
            self.assertEqual(lists, node is watcher, node.base)
        self.assertGreater(len(site.requests), TWENTY_QUIET_S / 2)
        self.assertEqual({request.client[0] for request in site.requests}, {watcher.address})
        self.assertEqual({request.path for request in site.requests}, {"/", "/v1/ping"})
        self.assertEqual({request.target for request in site.requests if request.path == "/"},
                         {"/"})
        self.assertEqual(site.connections, len(site.requests))


def run_side_by_side(groups):
    """Every group as a process of its own; the exit status is 0 if all of them passed."""
    running = [subprocess.Popen([sys.executable, "-B", sys.argv[0], "--verbose", group.__name__],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for group in groups]
    for process in running:
        output, _ = process.communicate()
        sys.stderr.write(output.decode(errors="backslashreplace"))
    return int(any(process.returncode for process in running))
