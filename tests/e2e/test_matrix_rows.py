"""The whole matrix at each node: five daemons that know only the first one hold the rows of all, from
their own mouths; one that is killed turns failed and then stale in all of them, and is never shown
as measured again. A person's outside target is in nobody's row."""

import json
import signal
import time
import unittest

import growth
import harness
import servers

NODES = 5
STALE_S = 120  # lost after several failures, or 90 s without a word
FAILED_S = 30  # two failures in a row at an interval of a second, and a busy machine


class Matrix:
    """One answer of /v1/matrix, with nodes by where they are reached instead of by number."""

    def __init__(self, node):
        document = node.get("/v1/matrix").json()
        self.sources, self.cells, self.figures = {}, {}, {}
        names = [self.place(document, node, each) for each in document["nodes"]]
        for row in document["rows"]:
            start = names[row["from"]]
            self.sources[start] = row["source"]
            for to, state, *figures in row["cells"]:
                self.cells[start, names[to]] = document["states"][state]
                self.figures[start, names[to]] = dict(zip(document["fields"][2:], figures))

    @staticmethod
    def place(document, node, each):
        return node.port if each["key"] == document["self"] else int(each["host"].split(":")[-1])

    def states_of(self, port):
        """Of the cells to that node and from it, but for those it would have of itself."""
        return ({state for (_, to), state in self.cells.items() if to == port},
                {state for (start, _), state in self.cells.items() if start == port})


class MatrixRowsTest(growth.GrowthTest):
    def whole(self, viewer, nodes):
        matrix = Matrix(viewer)
        pairs = {(a.port, b.port) for a in nodes for b in nodes if a is not b}
        measured = {pair for pair, state in matrix.cells.items() if state == "measured"}
        return matrix if measured >= pairs else None

    def wait_whole(self, nodes):
        return [harness.wait_until(f"all {NODES * (NODES - 1)} cells at {node.base}",
                                   lambda node=node: self.whole(node, nodes), growth.GROWN_S)
                for node in nodes]

    def test_every_node_holds_the_rows_of_all(self):
        nodes = self.start_mesh(range(1, NODES + 1))
        for node, matrix in zip(nodes, self.wait_whole(nodes)):
            self.assertEqual(matrix.sources, {each.port: "self" if each is node else "direct"
                                              for each in nodes})
            for pair, figures in matrix.figures.items():
                self.assertLessEqual(figures["age_s"], 60, pair)
                self.assertGreater(figures["p50_ns"], 0, pair)
                self.assertLessEqual(figures["p50_ns"], figures["p99_ns"], pair)
                self.assertGreaterEqual(figures["sent"], 1, pair)

    def test_who_is_killed_turns_failed_and_then_stale(self):
        nodes = self.start_mesh(range(1, NODES + 1))
        self.wait_whole(nodes)
        victim, *_, viewer = nodes[1:]
        victim.expected_status = -signal.SIGKILL
        victim.send_signal(signal.SIGKILL)
        victim.wait()

        seen, killed = [], time.monotonic()
        while not seen or seen[-1] != ({"stale"}, {"stale"}):
            self.assertLess(time.monotonic() - killed, STALE_S, seen)
            states = Matrix(viewer).states_of(victim.port)
            if not seen or seen[-1] != states:
                seen.append(states)
                if states[0] == {"failed"}:
                    self.assertLess(time.monotonic() - killed, FAILED_S)
            time.sleep(0.2)
        self.assertIn({"failed"}, [to for to, _ in seen])
        failed = [to for to, _ in seen].index({"failed"})
        for to, _ in seen[failed:]:
            self.assertNotIn("measured", to)
        self.assertTrue(self.whole(viewer, [node for node in nodes if node is not victim]))

    def test_an_outside_target_is_in_nobodys_row(self):
        site = self.serve(servers.Server(servers.answers("ok"), self.address(99)))
        first = self.start_member(site.url(), number=1)
        self.wait_ready([first])
        nodes = self.wait_ready([first, self.start_member(seed=first, number=2)])
        harness.wait_until("the site is measured",
                           lambda: first.peers().get(site.url(), {}).get("Pings", 0) >= 2)
        for node in nodes:
            matrix = harness.wait_until(f"both cells at {node.base}",
                                        lambda node=node: self.whole(node, nodes), growth.GROWN_S)
            self.assertEqual(len(matrix.cells), 2, matrix.cells)
        self.assertNotIn(site.url(), nodes[1].get("/v1/matrix").text)

    def test_an_old_nodes_sums_are_its_row(self):
        """Its list names the other member; what it found is told as means, under its URL."""
        old = self.serve(servers.OldNode("Berlin,DE", address=self.address(99)))
        first = self.start_member(old.url(), number=1)
        self.wait_ready([first])
        other = self.wait_ready([self.start_member(seed=first, number=2)])[0]
        old.document = old_document(other.url("/v1/ping"))
        key = old.url()

        def row():
            document = first.get("/v1/matrix").json()
            for row in document["rows"]:
                if row["source"] == "old-node" and row["cells"]:
                    return document["nodes"], row
            return None

        nodes, row = harness.wait_until("the old node's row", row, growth.GROWN_S)
        self.assertEqual(nodes[row["from"]]["key"], key)
        (to, state, _, sent, lost, *quantiles), = [cell[:10] for cell in row["cells"]]
        self.assertEqual(nodes[to]["host"], f"{other.address}:{other.port}")
        self.assertEqual((state, sent, lost, set(quantiles)), (1, 5, 1, {3000000}))


def old_document(url):
    totals = {"DnsLk": 0, "TcpHs": 12000000, "TlsHs": 0, "Reply": 8000000, "Close": 0,
              "Total": 24000000}
    peer = {"Url": url, "PeerIP": url.split("/")[2].split(":")[0], "Delay": 1, "Maxfail": 100,
            "Limit": 0, "Location": "x", "LatestPing": "2026-11-22T10:32:52Z", "Pings": 4, "Fails": 1,
            "PingTotals": totals}
    return json.dumps({"SrvLoc": "Berlin,DE", "SrvHost": "old", "SrvPort": 80, "Peers": [peer],
                       "Requests": 1, "NumActive": 1, "NumDeleted": 0, "DelPeers": None})


if __name__ == "__main__":
    unittest.main()
