"""What the dashboard lives on, asked of a real mesh: the matrix, direction, events, the latest
samples, and what an operator does to a peer. Addresses of loopback stand for machines.
"""

import gzip
import json
import re
import socket
import sys
import threading
import time
import unittest
from urllib.parse import quote

import growth
import harness
import servers

UNKNOWN, MEASURED, FAILED, STALE = range(4)


class Events(threading.Thread):
    """Reads a stream of server-sent events to its end."""

    def __init__(self, node, version="1.1"):
        super().__init__(daemon=True)
        self.socket = socket.create_connection((node.address, node.port), timeout=180)
        self.socket.sendall(f"GET /v1/events HTTP/{version}\r\n"
                            f"Host: {node.address}:{node.port}\r\n\r\n".encode())
        self.received = b""
        self.ended = None
        self.start()

    def run(self):
        while True:
            try:
                piece = self.socket.recv(65536)
            except OSError:
                piece = b""
            if not piece:
                self.ended = time.monotonic()
                return
            self.received += piece

    @property
    def head(self):
        return self.received.partition(b"\r\n\r\n")[0].decode()

    def all(self):
        """(id, name, data) of each whole event so far."""
        events = []
        text = self.received.partition(b"\r\n\r\n")[2].decode()
        for block in text.split("\n\n")[:-1]:
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "event" in lines:
                events.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
        return events

    def named(self, name):
        return [data for _, event, data in self.all() if event == name]

    def close(self):
        self.socket.close()


class MeshOfThree(growth.GrowthTest):
    def setUp(self):
        super().setUp()
        self.nodes = self.start_mesh([1, 2, 3])
        self.wait_for_mesh(self.nodes)

    def watch(self, node, version="1.1"):
        events = Events(node, version)
        self.addCleanup(events.close)
        return events

    def matrix(self, node, query=""):
        answer = self.ask(node, "/v1/matrix" + query)
        self.assertEqual((answer.status, answer.content_type), (200, "application/json"))
        return answer.json()

    def states(self, node):
        """State by pair of places."""
        matrix = self.matrix(node)
        places = [entry["location"] for entry in matrix["nodes"]]
        return {(places[row["from"]], places[cell[0]]): cell[1]
                for row in matrix["rows"] for cell in row["cells"]}

    def ask(self, node, path):
        """The answer: a node that takes long for each may say that many questions are too many."""
        def answer():
            answer = node.get(path)
            if answer.status == 503:
                self.assertEqual(answer.headers["Retry-After"], "1")
                return None
            return answer
        return harness.wait_until(f"an answer to {path}", answer, pause=1)

    def key_of(self, node):
        return node.get("/v1/session").json()["self"]


def place_of(node):
    return "Place " + node.address.rpartition(".")[2]


class WholeMesh(MeshOfThree):
    def test_everybody_sees_everything(self):
        """Who is killed turns failed at the others, and is still called by its names."""
        pairs = {(place_of(a), place_of(b)) for a in self.nodes for b in self.nodes if a is not b}
        for node in self.nodes:
            harness.wait_until("all pairs are measured", lambda: self.states(node) ==
                               dict.fromkeys(pairs, MEASURED), growth.GROWN_S)
        first, second, third = self.nodes
        matrix = self.matrix(first)
        self.assertEqual(matrix["self"], self.key_of(first))
        self.assertEqual({entry["location"] for entry in matrix["nodes"]},
                         {"Place 1", "Place 2", "Place 3"})
        for row in matrix["rows"]:
            for cell in row["cells"]:
                figures = dict(zip(matrix["fields"], cell))
                self.assertGreaterEqual(figures["sent"], 1)
                self.assertLessEqual(figures["p25_ns"], figures["p50_ns"])
                self.assertLess(figures["p50_ns"], 10**9)
        one = self.matrix(first, f"?from={quote(self.key_of(second))}")
        self.assertEqual([one["nodes"][row["from"]]["key"] for row in one["rows"]],
                         [self.key_of(second)])

        page = self.ask(first, "/v1/matrix?format=html")
        self.assertEqual(page.content_type, "text/html")
        self.assertIn("Place 3", page.text)
        direction = self.ask(first, "/v1/asymmetry").json()
        self.assertEqual(direction["judged"], 3)
        self.assertIn("Place 2", self.ask(first, "/v1/asymmetry?format=html").text)
        self.check_events(first, second, third, pairs)

    def check_events(self, first, second, third, pairs):
        events = self.watch(first)
        old = self.watch(first, "1.0")
        harness.wait_until("samples are told", lambda: len(events.named("sample")) >= 2)
        self.assertIn("HTTP/1.1 200", events.head)
        self.assertIn("text/event-stream", events.head)
        self.assertNotIn("Content-Length", events.head)
        self.assertEqual(events.named("hello")[0]["self"], self.key_of(first))
        self.assertTrue(old.named("hello"))
        victim = self.key_of(third)
        third.stop(9)

        def is_told():
            return [cell for row in events.named("row") if row["from"] == self.key_of(first)
                    for cell in row["cells"] if cell[0] == victim and cell[1] == FAILED]
        harness.wait_until("the path to the dead node is told to fail", is_told)
        harness.wait_until("the other's is known to fail, too", lambda: self.states(first).get(
            (place_of(second), place_of(third))) == FAILED)
        ids = [number for number, _, _ in events.all()]
        self.assertEqual(ids, sorted(set(ids)))
        harness.wait_until("it is lost", lambda: [
            member for member in events.named("member")
            if (member["change"], member["key"]) == ("lost", victim)], growth.DEATH_S)
        lost = [entry for entry in self.matrix(first)["nodes"] if entry["key"] == victim]
        self.assertEqual([(entry["state"], entry["host"], entry["location"]) for entry in lost],
                         [("lost", f"{third.address}:{third.port}", "Place 3")])
        self.assertNotIn(MEASURED, [state for (_, to), state in self.states(first).items()
                                    if to == place_of(third)])

        stopping = time.monotonic()
        first.stop()
        for stream in (events, old):
            stream.join(harness.STOP_S)
            self.assertIsNotNone(stream.ended)
            self.assertLess(stream.ended - stopping, 1, "streams have no grace")

    def test_a_member_is_removed_for_an_hour(self):
        first, second, third = self.nodes
        events = self.watch(first)
        answer = first.post("/v1/removepeer", {"url": self.key_of(third)},
                            Accept="application/json")
        self.assertEqual(answer.status, 200, answer.text)
        self.assertEqual(answer.json()["url"], third.url("/v1/ping"))
        gone = growth.endpoints_of([third])
        self.assertFalse(gone & self.listed(first))
        self.holds("it stays away", lambda: not gone & self.listed(first))
        self.assertTrue(gone <= self.listed(second))
        self.assertIn((third.url("/v1/ping"), "forgotten"), [
            (member["url"], member["change"]) for member in events.named("member")])
        self.check_bounds([first])
        again = first.post("/v1/removepeer", {"url": third.url("/v1/ping")},
                           Accept="application/json")
        self.assertEqual(again.status, 404, again.text)

    def test_a_member_is_paused(self):
        first, second, _ = self.nodes
        url = second.url("/v1/ping")
        form = {"url": url, "paused": "true"}
        paused = first.post("/v1/pausepeer", form, Accept="application/json")
        self.assertEqual((paused.status, paused.json()["result"]), (200, "paused"), paused.text)
        entry = first.peers()[url]
        self.assertTrue(entry["Mesh"]["Paused"])
        self.holds("it is not measured", lambda: first.peers()[url]["Pings"] == entry["Pings"], 5)
        harness.wait_until("its cell is stale", lambda: self.states(first).get(
            (place_of(first), place_of(second))) in (STALE, None), growth.GROWN_S)
        form["paused"] = "false"
        going_on = first.post("/v1/pausepeer", form, Accept="application/json")
        self.assertEqual(going_on.json()["result"], "probed again")
        harness.wait_until("it is measured again",
                           lambda: first.peers()[url]["Pings"] > entry["Pings"])
        self.assertNotIn("Paused", first.peers()[url]["Mesh"])


class OneNode(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.target = self.serve(servers.Server(servers.answers("ok"), self.address(2)))
        self.node = self.start_node("-d", 1, "-L", "Oslo", self.target.url("/x"))

    def test_the_latest_samples(self):
        url = self.target.url("/x")
        path = f"/v1/recent?to={quote(url, safe='')}"
        harness.wait_until("two samples", lambda: self.node.get(path).status == 200 and
                           len(self.node.get(path).json()["samples"]) >= 2)
        recent = self.node.get(path).json()
        self.assertEqual((recent["from"], recent["to"]),
                         (self.node.get("/v1/session").json()["self"], url))
        for sample in recent["samples"]:
            self.assertEqual(sample["outcome"], "success")
            self.assertGreater(sample["total_ns"], sample["tcp_ns"])
        self.assertEqual(self.node.get("/v1/recent?to=nobody").status, 404)

    def test_a_target_is_removed(self):
        url = self.target.url("/x")
        page = self.node.post("/v1/removepeer", {"url": url}, Accept="text/html")
        self.assertEqual((page.status, page.content_type), (200, "text/html"))
        self.assertEqual(self.node.peers(), {})
        requests = len(self.target.requests)
        time.sleep(2.5)
        self.assertEqual(len(self.target.requests), requests)
        self.assertEqual(self.node.add_peer(url).status, 201)
        self.assertIn(url, self.node.peers())

    def test_strangers_change_nothing(self):
        for path in ("/v1/removepeer", "/v1/pausepeer"):
            answer = self.node.request("POST", path, {"X-Forwarded-For": "192.0.2.1"},
                                       {"url": self.target.url("/x"), "paused": "true"})
            self.assertEqual(answer.status, 403, answer.text)
        self.assertIn(self.target.url("/x"), self.node.peers())

    def test_the_dashboard_is_served_as_it_lies(self):
        """Where it is built in: each file by its hash, compressed for who takes it."""
        page = self.node.get("/", Accept="text/html", Accept_Encoding="gzip")
        if "script-src 'self'" not in page.headers["Content-Security-Policy"]:
            self.skipTest("built without the dashboard")
        self.assertEqual(page.headers["Content-Encoding"], "gzip")
        text = gzip.decompress(page.body).decode()
        self.assertEqual(self.node.get("/", Accept="text/html").text, text)
        names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', text)
        self.assertTrue(names)
        transferred = len(page.body)
        for name in names:
            answer = self.node.get(name, Accept_Encoding="gzip")
            self.assertEqual(answer.status, 200, name)
            self.assertIn("immutable", answer.headers["Cache-Control"])
            transferred += len(answer.body)
            again = self.node.get(name, Accept_Encoding="gzip",
                                  If_None_Match=answer.headers["ETag"])
            self.assertEqual((again.status, again.body), (304, b""))
        self.assertLess(transferred, 200 * 1024)
        self.assertIn("/v1/peers", self.node.get("/?plain", Accept="text/html").text)
        self.assertIn("/v1/peers", self.node.get("/").text)

    def test_a_head_opens_no_stream(self):
        answer = self.node.request("HEAD", "/v1/events")
        self.assertEqual((answer.status, answer.content_type), (200, "text/event-stream"))
        self.assertIsNone(answer.headers["Content-Length"])

    def test_sixty_four_watch_and_no_more(self):
        """32 of one address at most."""
        sockets = []
        for source in (1, 2, 3):
            for _ in range(33):
                stream = socket.create_connection((self.node.address, self.node.port), 30,
                                                  (self.address(200 + source), 0))
                self.addCleanup(stream.close)
                stream.sendall(b"GET /v1/events HTTP/1.1\r\nHost: h\r\n\r\n")
                sockets.append((source, stream.recv(65536)))
        statuses = [(source, answer.split(b" ")[1]) for source, answer in sockets]
        for source, most in ((1, 32), (2, 32), (3, 0)):
            self.assertEqual(statuses.count((source, b"200")), most)
            self.assertEqual(statuses.count((source, b"503")), 33 - most)
        self.assertTrue(all(b"\r\nRetry-After: 5\r\n" in answer for _, answer in sockets
                            if answer.split(b" ")[1] == b"503"))
        self.assertEqual(self.node.get("/v1/ping").status, 200)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        unittest.main()
    sys.exit(growth.run_side_by_side([WholeMesh, OneNode]))
