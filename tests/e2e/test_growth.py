"""How the mesh grows by itself: from one master, without it, around the dead, and against those
who would use it. A node listens on an address of its own and asks from it, so that whoever is
asked sees who asks.

Some of this is waiting for what must not happen. So the groups of tests run side by side, as
processes of their own, when the file is run without the name of one: a little over one minute
instead of three.
"""

import collections
import itertools
import json
import random
import signal
import sys
import time
import unittest
import urllib.parse

import growth
import harness
import servers
from growth import DEATH_S, GROWN_S, QUIET_S

ENTRIES = 1000     # of the document that misleads
HOSTILE_S = 60
CONTACTS_MAX = 32  # of one node, at strangers' word: failure budget of 30, and 1 a minute


class FromOneMaster(growth.GrowthTest):
    def test_eight_machines(self):
        self.wait_for_mesh(self.start_mesh(range(1, 9)))

    def test_six_ports_of_one_machine(self):
        nodes = self.start_mesh([1] * 6)
        self.assertEqual(len({node.port for node in nodes}), 6)
        self.wait_for_mesh(nodes)

    def test_growth_goes_on_without_the_master(self):
        master, *members = self.start_mesh(range(1, 5))
        self.wait_for_mesh([master, *members])
        master.stop(signal.SIGKILL)
        newcomer = self.start_member(seed=members[0], number=9)
        self.wait_ready([newcomer])
        living = [*members, newcomer]
        expected = {(node.address, node.port) for node in living}
        for node in living:
            others = expected - {(node.address, node.port)}
            harness.wait_until(f"{node.base} measures all that live",
                               lambda: self.measured(node) >= others, GROWN_S)
        self.check_bounds(living)


class Limits(growth.GrowthTest):
    def test_a_node_that_does_not_grow(self):
        """It measures what it was told to, as it was told, and answers those who ask; but it asks
        for no list, lists nobody, and admits nobody who contacts it."""
        teacher = self.serve(servers.OldNode(address=self.address(9)))
        still = self.start_node("-d", 1, "--no-grow", number=1,
                                env={"PINGMESH_URL": teacher.url("/v1/ping")})
        asking = self.wait_ready([self.start_member(seed=still, number=n) for n in (2, 3)])
        target = {(teacher.address, teacher.port)}
        alone = {(still.address, still.port)}
        harness.wait_until("it measures its target", lambda: self.measured(still) == target)
        for node in asking:
            harness.wait_until(f"{node.base} measures what it could learn",
                               lambda: self.measured(node) == alone, GROWN_S)
        self.holds("nobody learns more", lambda: self.listed(still) == target and all(
            self.listed(node) == alone for node in asking))
        pinged_from = [request.client[0] for request in teacher.pings()]
        self.assertGreater(pinged_from.count(still.address), QUIET_S / 2)
        self.assertEqual({request.target for request in teacher.pings()}, {"/v1/ping"})
        self.assertNotIn(still.address, [request.client[0] for request in teacher.pulls()])

    def test_meshes_of_different_names(self):
        """A node of another mesh is measured by the one that was told to, and no more."""
        red = self.start_mesh((1, 2), "--mesh", "red")
        self.wait_for_mesh(red)
        blue = self.start_member("--mesh", "blue", seed=red[0], number=3)
        self.wait_ready([blue])
        told = {(red[0].address, red[0].port)}
        harness.wait_until("the other mesh's node is measured", lambda: self.measured(blue) == told)
        ends = {node: {(other.address, other.port) for other in red if other is not node}
                for node in red}
        self.holds("nobody else is admitted", lambda: self.listed(blue) == told and all(
            self.listed(node) == others for node, others in ends.items()))

    def test_what_one_node_watches_is_its_own_affair(self):
        """Neither a page at a node's path nor one elsewhere is ever asked by another node."""
        page = servers.answers("<html><body>a shop</body></html>")
        like_a_node = self.serve(servers.Server(page, self.address(101)))
        site = self.serve(servers.Server(page, self.address(102)))
        master, *members = self.start_mesh((1, 2, 3))
        watcher = self.start_node("-d", 1, "-L", "Watcher", like_a_node.url("/v1/ping"),
                                  site.url("/"), number=4,
                                  env={"PINGMESH_URL": master.url("/v1/ping")})
        nodes = [master, *members, watcher]
        everybody = {(node.address, node.port) for node in nodes}
        sites = {(server.address, server.port) for server in (like_a_node, site)}
        for node in nodes:
            expected = everybody - {(node.address, node.port)}
            expected |= sites if node is watcher else set()
            harness.wait_until(f"{node.base} measures what it should",
                               lambda: self.measured(node) == expected, GROWN_S)
        self.holds("only the watcher lists them", lambda: all(
            not self.listed(node) & sites for node in nodes if node is not watcher))
        for server in (like_a_node, site):
            self.assertGreater(len(server.requests), QUIET_S / 2)
            self.assertEqual({request.client[0] for request in server.requests},
                             {watcher.address})
        self.assertEqual({request.target for request in site.requests}, {"/"})
        self.check_bounds(nodes)


class Death(growth.GrowthTest):
    def test_the_dead_are_forgotten_and_the_restarted_found(self):
        master, *members = self.start_mesh(range(1, 6))
        self.wait_for_mesh([master, *members])
        victim = members.pop()
        dead = (victim.address, victim.port)
        victim.stop(signal.SIGKILL)
        living = [master, *members]
        started = time.monotonic()
        for node in living:
            left_s = round(DEATH_S - (time.monotonic() - started))
            harness.wait_until(f"{node.base} forgets the dead",
                               lambda: dead not in self.listed(node), left_s)
        self.holds("the dead stay away",
                   lambda: all(dead not in self.listed(node) for node in living))
        self.wait_for_mesh(living)
        self.wait_for_mesh([*living, self.start_again(victim, master)])


class Hostile(growth.GrowthTest):
    def test_a_list_of_strangers_cannot_aim_the_mesh(self):
        """A thousand addresses where nobody ever answers, on the word of an old node that is one
        member's seed, and that the others come to know, too: each spends its failure budget on it
        at most, and the mesh stands beside it."""
        victim = self.serve(servers.Server(servers.closes_at_once, "0.0.0.0"))
        second = random.randrange(1, 255)
        hosts = itertools.islice((f"127.{second}.{z}.{w}" for z in range(10, 20)
                                  for w in range(1, 255)), ENTRIES)
        urls = [f"http://{host}:{victim.port}/v1/ping" for host in hosts]
        evil = self.serve(servers.OldNode("Evil", address=self.address(100),
                                          document=self.misleading(urls)))
        misled = self.start_member(seed=evil, number=1)
        self.wait_ready([misled])
        harness.wait_until("it was believed a little", lambda: victim.connections >= 10, GROWN_S)
        nodes = self.wait_ready([misled, *(self.start_member(seed=misled, number=number)
                                           for number in (2, 3))])
        self.wait_for_mesh(nodes, besides={(evil.address, evil.port)})
        self.holds("all are ready", lambda: all(node.is_ready() for node in nodes), HOSTILE_S)
        contacts = collections.Counter(request.client[0] for request in victim.requests)
        self.assertLessEqual(set(contacts), {node.address for node in nodes})
        self.assertLessEqual(max(contacts.values()), CONTACTS_MAX)
        self.assertLessEqual(victim.connections, len(nodes) * CONTACTS_MAX)
        self.wait_for_mesh(nodes, besides={(evil.address, evil.port)})

    def misleading(self, urls):
        """With an address beside each name, as the original has it: no lookup is needed."""
        document = json.loads(servers.peers_document(urls, "Evil"))
        for url, entry in zip(urls, document["Peers"], strict=True):
            entry["PeerIP"] = urllib.parse.urlsplit(url).hostname
        return json.dumps(document)


GROUPS = (FromOneMaster, Limits, Death, Hostile)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
