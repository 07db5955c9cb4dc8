"""What a running node takes over without a restart: the mesh's keys and the file of endpoints on
SIGHUP, a member's wish for fewer pings at once; and what a restart does not forget."""

import re
import signal
import sys
import unittest

import growth
import harness
import servers

KEYS = ["the first key of the mesh", "the second key of the mesh", "a key that nobody else has"]


class ReloadTest(growth.GrowthTest):
    def key_file(self, name, *keys):
        path = self.directory / name
        path.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
        return path

    def hang_up(self, node, says):
        """Waits until the node says that it has read its files again, or could not."""
        before = len(node.log)
        node.send_signal(signal.SIGHUP)
        harness.wait_until(f"it says {says!r}; {node.describe()}",
                           lambda: any(re.search(says, line) for line in node.log[before:]))


class Keys(ReloadTest):
    def start_keyed(self, numbers, *keys):
        files = {number: self.key_file(f"keys.{number}", *keys) for number in numbers}
        first, *rest = numbers
        master = self.start_member("--mesh-key-file", files[first], number=first)
        self.wait_ready([master])
        nodes = [master, *(self.start_member("--mesh-key-file", files[number], seed=master,
                                             number=number) for number in rest)]
        return self.wait_ready(nodes), files

    def rewrite(self, nodes, files, *keys):
        for node, path in zip(nodes, files.values(), strict=True):
            path.write_text("".join(f"{key}\n" for key in keys), encoding="utf-8")
            self.hang_up(node, rf"mesh: {len(keys)} keys? read")

    def lost(self, node):
        return node.document()["Mesh"]["Changes"]["lost"]

    def test_keys_rotate_without_dropping_the_mesh(self):
        """Old, then both with the old one signing, then with the new one, then the new one alone:
        nobody is lost on the way, and at its end only the new key opens the door."""
        nodes, files = self.start_keyed((1, 2, 3), KEYS[0])
        self.wait_for_mesh(nodes)
        for keys in ((KEYS[0], KEYS[1]), (KEYS[1], KEYS[0]), (KEYS[1],)):
            self.rewrite(nodes, files, *keys)
            self.holds("all stay members", lambda: all(self.lost(node) == 0 for node in nodes), 6)
        new = self.start_member("--mesh-key-file", self.key_file("new", KEYS[1]), seed=nodes[0],
                                number=4)
        old = self.start_member("--mesh-key-file", self.key_file("old", KEYS[0]), seed=nodes[0],
                                number=5)
        self.wait_ready([new, old])
        outside = (old.address, old.port)
        harness.wait_until("the newcomer with the new key measures all",
                           lambda: len(self.measured(new)) == 3, growth.GROWN_S)
        self.assertTrue(all(outside not in self.listed(node) for node in [*nodes, new]))
        self.check_bounds(nodes)

    def test_a_broken_file_changes_nothing(self):
        nodes, files = self.start_keyed((1, 2), KEYS[0])
        self.wait_for_mesh(nodes)
        files[1].write_text("short\n", encoding="utf-8")
        self.hang_up(nodes[0], r"keys\.1, line 1: .*the keys of before go on")
        files[1].unlink()
        self.hang_up(nodes[0], r"cannot be read: .*the keys of before go on")
        self.holds("all stay members", lambda: all(self.lost(node) == 0 for node in nodes), 6)
        self.assertNotIn("short", nodes[0].stderr)


class Targets(ReloadTest):
    def test_the_file_of_endpoints_is_read_again(self):
        page = servers.answers("<html><body>a shop</body></html>")
        sites = [self.serve(servers.Server(page, self.address(100 + n))) for n in range(3)]
        urls = [site.url("/") for site in sites]
        path = self.directory / "targets"
        path.write_text(f"# ours\n{urls[0]}\n{urls[1]}#Shop\n", encoding="utf-8")
        node = self.start_node("-d", 1, "--targets-file", path, urls[0])
        harness.wait_until("the file's are measured", lambda: set(node.peers()) == set(urls[:2]))
        path.write_text(f"{urls[2]}\n", encoding="utf-8")
        self.hang_up(node, "1 endpoints read")
        # The first is an argument as well: the file has no say in it.
        self.assertEqual(set(node.peers()), {urls[0], urls[2]})
        harness.wait_until("the new one is measured", lambda: node.peers()[urls[2]]["Pings"] > 0)
        path.write_text(f"{urls[1]}\n-q\n", encoding="utf-8")
        self.hang_up(node, "line 2: -q: an endpoint is wanted here.*targets of before go on")
        self.assertEqual(set(node.peers()), {urls[0], urls[2]})

    def test_a_line_written_twice_goes_with_the_last_of_its_kind(self):
        page = servers.answers("<html><body>a shop</body></html>")
        twice, other = (self.serve(servers.Server(page, self.address(100 + n))).url("/")
                        for n in range(2))
        path = self.directory / "targets"
        path.write_text(f"{twice}\n{twice}\n{other}\n", encoding="utf-8")
        node = self.start_node("-d", 1, "--targets-file", path)
        harness.wait_until("both are measured", lambda: set(node.peers()) == {twice, other})
        self.hang_up(node, "3 endpoints read")
        self.assertEqual(set(node.peers()), {twice, other})
        path.write_text(f"{other}\n", encoding="utf-8")
        self.hang_up(node, "1 endpoints read")
        self.assertEqual(set(node.peers()), {other})

    def test_a_seed_of_the_file(self):
        path = self.directory / "targets"
        path.write_text("", encoding="utf-8")
        master = self.wait_ready([self.start_member(number=1)])[0]
        node = self.wait_ready([self.start_member("--targets-file", path, number=2)])[0]
        path.write_text(f"{master.url('/v1/ping')}\n", encoding="utf-8")
        self.hang_up(node, "1 endpoints read")
        self.wait_for_mesh([master, node])


class Pace(ReloadTest):
    def test_a_wish_for_fewer_pings_is_obeyed_when_it_changes(self):
        """The same node comes back with another wish: as a member of before, it is known still."""
        asker = self.wait_ready([self.start_member(number=1)])[0]
        asked = self.wait_ready([self.start_member(seed=asker, number=2)])[0]
        self.wait_for_mesh([asker, asked])
        end = (asked.address, asked.port)

        def delay():
            return {growth.endpoint_of(peer): peer["Delay"]
                    for peer in asker.peers().values()}.get(end)

        self.assertEqual(delay(), 1)
        for wish, expected in ((9, 10), (0, 1)):
            asked.stop()
            again = harness.Node([*asked.arguments, "--pace", wish], self.directory,
                                 {"PINGMESH_URL": asker.url("/v1/ping")}, asked.address, asked.port)
            self.processes.append(again)
            self.wait_ready([again])
            harness.wait_until(f"it is pinged every {expected} s; {asker.describe()}",
                               lambda: delay() == expected, growth.GROWN_S)
            asked = again
            asked.arguments = asked.arguments[:-2]
        self.assertEqual(asker.document()["Mesh"]["Changes"]["lost"], 0)


class Sharing(ReloadTest):
    def test_people_see_what_is_not_shared(self):
        site = self.serve(servers.Server(servers.answers("a shop"), self.address(100)))
        master = self.wait_ready([self.start_member(number=1)])[0]
        node = self.start_node("-d", 1, site.url("/"), number=2,
                               env={"PINGMESH_URL": master.url("/v1/ping")})
        ends = {(master.address, master.port), (site.address, site.port)}
        harness.wait_until("both are measured", lambda: self.measured(node) == ends)

        def shared():
            return {growth.endpoint_of(peer): peer.get("Mesh", {}).get("Share", True)
                    for peer in node.peers().values()}

        harness.wait_until("the seed is shared, the site is not", lambda: shared() == {
            (master.address, master.port): True, (site.address, site.port): False})


class News(ReloadTest):
    def test_who_joined_and_was_lost_is_a_line_each(self):
        nodes = self.start_mesh((1, 2))
        self.wait_for_mesh(nodes)
        member = f"mesh: {nodes[1].address}:{nodes[1].port}"

        def told(what):
            return [line for line in nodes[0].log if line.startswith(member) and what in line]

        self.assertEqual(len(told("verified, learned by consent")), 1)
        nodes[1].stop(signal.SIGKILL)
        harness.wait_until("the loss is told", lambda: told("lost"), growth.DEATH_S)
        self.assertEqual(len(told("lost")), 1)


class Restart(ReloadTest):
    def state_of(self, node, other):
        """What the node knows of the other, as operators see it."""
        end = f"{other.address}:{other.port}|{other.address}"
        return {member["Contact"]: member["State"]
                for member in node.document()["Mesh"]["Members"]}.get(end)

    def test_the_dead_stay_dead(self):
        """What was lost before a restart is known as lost after it; who lives is found again
        without a seed."""
        state = self.directory / "state"
        state.mkdir()
        keeper = self.start_member("--state-dir", state, number=1)
        self.wait_ready([keeper])
        members = self.wait_ready([self.start_member(seed=keeper, number=n) for n in (2, 3)])
        self.wait_for_mesh([keeper, *members])
        living, dead = members
        dead.stop(signal.SIGKILL)
        harness.wait_until("it is lost", lambda: self.state_of(keeper, dead) == "lost",
                           growth.DEATH_S)
        keeper.stop()
        saved = (state / "mesh.state").read_text(encoding="utf-8")
        self.assertRegex(saved, rf"(?m)^lost {dead.address}:{dead.port}\|")
        self.assertEqual((state / "mesh.state").stat().st_mode & 0o777, 0o600)
        again = self.start_again(keeper)
        self.assertEqual(self.state_of(again, dead), "lost")
        harness.wait_until("the living is found again",
                           lambda: self.state_of(again, living) == "verified", growth.GROWN_S)
        self.assertEqual(self.state_of(again, dead), "lost")
        self.assertNotIn((dead.address, dead.port), self.listed(again))

    def test_a_damaged_file_is_said_and_begun_anew(self):
        state = self.directory / "state"
        state.mkdir()
        (state / "mesh.state").write_text("pingmesh-mesh 2\nid 12\n", encoding="utf-8")
        node = self.wait_ready([self.start_member("--state-dir", state, number=1)])[0]
        self.assertTrue(any("is damaged: line 2" in line for line in node.log))
        node.stop()
        self.assertRegex((state / "mesh.state").read_text(encoding="utf-8"),
                         r"^pingmesh-mesh 2\nid [0-9a-f]{32}\nkey [0-9a-f]{16}\nsaved \d+\nend\n$")


GROUPS = (Keys, Targets, Pace, Sharing, News, Restart)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
