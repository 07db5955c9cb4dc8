"""Nodes among themselves: added by hand, from each other's lists, beside old nodes, and against
lists that mean ill. Addresses of loopback stand for machines.
"""

import json
import time
import unittest

import harness
import servers

BODY_BYTES_MAX = 1 << 20  # of a list
ENTRIES_MAX = 1000
MARKUP = "<script>alert('x')</script>\"&"


class MeshTest(harness.EndToEndTest):
    def start_node(self, *arguments, **options):
        """What is added by hand is the matter here, so nobody grows by itself."""
        return super().start_node("--no-grow", *arguments, **options)

    def wait_for_pings(self, node, urls):
        """Until each of them answered at least once; returns the peers."""
        def measured():
            peers = node.peers()
            return all(url in peers and peers[url]["Pings"] for url in urls) and peers
        return harness.wait_until(f"{node.base} measures {len(urls)} peers", measured)

    def wait_for_log(self, node, words):
        return harness.wait_until(f"the log says \"{words}\"", lambda: next(
            (line for line in node.log if words in line), None))

    def add_with_peers(self, node, teacher):
        answer = node.add_peer(teacher.url("/v1/peers?addpeers=true"))
        self.assertIn(answer.status, (200, 201), answer.text)
        return answer.json()


class ByHand(MeshTest):
    def test_three_nodes_measure_each_other(self):
        """Each is told of the two others by the form, and finds out itself where they are."""
        places = {1: "Paris,FR", 2: "Tokyo,JP", 3: "Sao Paulo,BR"}
        nodes = {number: self.start_node("-d", 1, "-L", place, number=number)
                 for number, place in places.items()}
        for number, node in nodes.items():
            for other in nodes.values():
                if other is not node:
                    page = node.post("/v1/addpeer", {"url": other.url("/v1/ping")},
                                     Accept="text/html")
                    self.assertEqual(page.status, 201)
                    self.assertIn(other.url("/v1/ping"), page.text)
        for number, node in nodes.items():
            others = {other.url("/v1/ping"): n for n, other in nodes.items() if n != number}
            peers = self.wait_for_pings(node, others)
            self.assertEqual({url: (peer["Location"], peer["PeerIP"], peer["Fails"])
                              for url, peer in peers.items()},
                             {url: (places[n], self.address(n), 0) for url, n in others.items()})
            page = node.get("/v1/peers?format=html").text
            for place in set(places.values()) - {places[number]}:
                self.assertIn(place, page)
        for node in nodes.values():
            self.assertEqual(node.stop(), 0)
            self.assertEqual(node.stdout.count("Recorded "), 2)

    def test_a_peer_that_comes_back(self):
        """Given up while it was away, tried again, and measured once it answers."""
        port = harness.free_port(self.address(9))
        url = f"http://{self.address(9)}:{port}/v1/ping"
        node = self.start_node("-d", 1, "-f", 2, "--given-up-retry", 1, url)
        self.wait_for_log(node, f"hit failure limit 2 on {url}, Ping quitting")
        harness.wait_until("it is listed as ended", lambda: [
            peer["Url"] for peer in node.document()["DelPeers"] or []] == [url])
        self.serve(servers.Server(servers.answers("ok"), self.address(9), port))
        self.wait_for_log(node, f"{url} answers again")
        self.wait_for_pings(node, [url])
        self.assertIsNone(node.document()["DelPeers"])


class FromAList(MeshTest):
    def test_a_joiner_takes_the_seeds_peers_once(self):
        """All but itself, each with its own place, and the seed as well."""
        seed = self.start_node("-d", 1, "-L", "Seed", number=1)
        others = [self.start_node("-d", 1, "-L", f"Other {n}", number=n) for n in (2, 3)]
        joiner = self.start_node("-d", 1, "-L", "Joiner", number=4)
        for node in (*others, joiner):
            self.assertEqual(seed.add_peer(node.url("/v1/ping")).status, 201)
        self.assertEqual(self.add_with_peers(joiner, seed),
                         {"Url": seed.url("/v1/ping"), "Added": True, "WithPeers": True})
        expected = {seed.url("/v1/ping"): "Seed", others[0].url("/v1/ping"): "Other 2",
                    others[1].url("/v1/ping"): "Other 3"}
        peers = self.wait_for_pings(joiner, expected)
        self.assertEqual({url: peer["Location"] for url, peer in peers.items()}, expected)
        late = self.start_node("-L", "Late", number=5)
        self.assertEqual(seed.add_peer(late.url("/v1/ping")).status, 201)
        self.wait_for_pings(seed, [late.url("/v1/ping")])
        self.assertEqual(set(joiner.peers()), set(expected))  # once means once
        self.assertFalse(self.add_with_peers(joiner, seed)["Added"])
        self.wait_for_pings(joiner, [*expected, late.url("/v1/ping")])

    def test_numbers_of_the_form_hold_for_the_whole_list(self):
        target = self.serve(servers.Server(servers.answers("ok"), self.address(8)))
        teacher = self.serve(servers.OldNode(peers=[target.url()], address=self.address(9)))
        node = self.start_node("-d", 60)
        node.add_peer(teacher.url("/v1/peers?addpeers=true"), limit=1000, delay=1, fails=7)
        peers = self.wait_for_pings(node, [target.url(), teacher.url("/v1/ping")])
        for peer in peers.values():
            self.assertEqual((peer["Limit"], peer["Delay"], peer["Maxfail"]), (1000, 1, 7))

    def test_two_adds_at_once_are_one_peer(self):
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        node = self.start_node("-d", 60)
        connections = [node.connect() for _ in range(8)]
        for connection in connections:
            self.addCleanup(connection.close)
            body = "url=" + target.url().replace(":", "%3A").replace("/", "%2F")
            connection.request("POST", "/v1/addpeer", body, {
                "Content-Type": "application/x-www-form-urlencoded"})
        statuses = sorted(connection.getresponse().status for connection in connections)
        self.assertEqual(statuses, [200] * 7 + [201])
        self.wait_for_pings(node, [target.url()])
        self.assertEqual(target.connections, 1)


class OldNodes(MeshTest):
    def test_as_targets(self):
        """Where it is, it says in the page; the request names host and port."""
        old = self.serve(servers.OldNode("Berlin,DE", address=self.address(9)))
        node = self.start_node("-d", 1, old.url())
        peer = self.wait_for_pings(node, [old.url()])[old.url()]
        self.assertEqual((peer["Location"], peer["PingTotals"]["RespCode"]), ("Berlin,DE", 200))
        request = old.pings()[0]
        self.assertEqual((request.target, request.header("Host")),
                         ("/v1/ping", f"{self.address(9)}:{old.port}"))

    def test_as_teachers(self):
        """Its list is asked for once, with the query; the resolved address it names is not used."""
        target = self.serve(servers.Server(servers.answers(servers.ping_page("Own,Word")),
                                           self.address(8)))
        elsewhere = self.serve(servers.Server(servers.answers("no"), self.address(7), target.port))
        document = json.loads(servers.peers_document([target.url()], "Berlin,DE"))
        document["Peers"][0].update(PeerIP=self.address(7), Location="Teacher's,Word")
        old = self.serve(servers.OldNode("Berlin,DE", address=self.address(9),
                                         document=json.dumps(document, indent=2)))
        node = self.start_node("-d", 1)
        self.add_with_peers(node, old)
        peers = self.wait_for_pings(node, [old.url(), target.url()])
        self.assertEqual({url: peer["Location"] for url, peer in peers.items()},
                         {old.url(): "Berlin,DE", target.url(): "Own,Word"})
        self.assertEqual(elsewhere.connections, 0)
        harness.wait_until("some pings", lambda: len(old.pings()) >= 3)
        pull, = old.pulls()
        self.assertEqual(pull.target, "/v1/peers?addpeers=true")
        self.assertEqual(pull.header("Host"), f"{self.address(9)}:{old.port}")
        self.assertRegex(pull.header("User-Agent"), r"^pingmesh/")

    def test_as_readers(self):
        """An old node pulls with its own User-Agent, without port in Host and without the query. It
        pings all that it reads, so what a person watches here is not for it."""
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        node = self.start_node("-d", 1, target.url())
        self.wait_for_pings(node, [target.url()])
        answer = node.get("/v1/peers", User_Agent="pingmesh-client", Host=node.address)
        self.assertEqual(answer.status, 200)
        self.assertIsNone(answer.json()["Peers"])
        self.assertEqual(answer.json()["SrvPort"], node.port)


class HostileLists(MeshTest):
    def setUp(self):
        super().setUp()
        self.node = self.start_node("-d", 1, "-L", "Here")

    def teach(self, document, location="Paris,FR"):
        """Serves the document as a list and makes the node read it; what it said of it."""
        teacher = self.serve(servers.OldNode(location, address=self.address(9), document=document))
        self.add_with_peers(self.node, teacher)
        line = self.wait_for_log(self.node, f"peers of {teacher.url()}: ")
        self.wait_for_pings(self.node, [teacher.url()])
        return teacher, line.split(": ", 1)[1]

    def entry(self, url):
        return json.loads(servers.peers_document([url]))["Peers"][0]

    def check_unharmed(self):
        self.assertEqual(self.node.get("/v1/ping").status, 200)
        for path in ("/", "/v1/peers?format=html", "/v1/env", "/v1/addpeer", "/v1/quit"):
            page = self.node.get(path, User_Agent="Mozilla/5.0")
            self.assertEqual(page.status, 200)
            self.assertNotIn("<script", page.text.lower())
            self.assertNotIn("javascript:", page.text.lower())
        self.assertEqual(self.node.stop(), 0)
        self.assertTrue(self.node.log)  # every line is whole and has its time
        self.assertNotIn("\x1b", self.node.stderr + self.node.stdout)

    def test_urls_that_must_not_be_asked(self):
        """Our own pages, metadata, link-local, other schemes and paths: neither kept nor asked."""
        good = self.serve(servers.Server(servers.answers("ok"), self.address(8)))
        trap = self.serve(servers.Server(servers.answers("caught"), self.address(7)))
        own = self.node.base
        host = f"{self.address(7)}:{trap.port}"
        urls = [own + "/v1/quit", own + "/v1/ping", own + "/v1/addpeer?url=" + trap.url("/x"),
                own + "/v1/quit#/v1/ping", trap.url("/"), trap.url("/v1/quit"),
                trap.url("/v1/pings"), trap.url("/v1/ping/../quit"), trap.url("/x/v1/ping"),
                trap.url("/v1/ping;x"),
                f"http://{host}", f"ftp://{host}/v1/ping", f"gopher://{host}/v1/ping",
                f"//{host}/v1/ping", f"http://user:pw@{host}/v1/ping", f"http://{host}\\@x/v1/ping",
                f"http://{host}/v1/ping\r\nX: y", f"http:// {host}/v1/ping",
                f"http://a.test:{trap.port}:1/v1/ping",
                "http://169.254.169.254/v1/ping", "http://169.254.1.1/v1/ping",
                "http://[fe80::1]/v1/ping", "http://[::ffff:169.254.169.254]/v1/ping",
                "http://[fd00:ec2::254]/v1/ping", "http://0.0.0.0/v1/ping", "http://[::]/v1/ping",
                "http://224.0.0.1/v1/ping", "http://255.255.255.255/v1/ping",
                "http://10.0.0.1/v1/ping", "http://192.168.1.1/v1/peers",
                "http://0x7f000001/v1/ping", "http://2130706433/v1/ping", "http://127.1/v1/ping",
                "javascript:alert(1)", "file:///v1/ping", "data:text/html,/v1/ping", "", "/v1/ping",
                "http:///v1/ping", "http://%00/v1/ping", "http://[::1/v1/ping", "x" * 1900,
                good.url("/v1/ping"), good.url("/v1/peers?format=html")]
        teacher, line = self.teach(servers.peers_document(urls))
        peers = self.wait_for_pings(self.node, [good.url("/v1/ping")])
        self.assertEqual(set(peers), {teacher.url(), good.url("/v1/ping")})
        self.assertRegex(line, r"^1 added, 1 known, ")
        harness.wait_until("more pings", lambda: len(good.requests) >= 3)
        self.assertEqual(set(self.node.peers()), {teacher.url(), good.url("/v1/ping")})
        self.assertIsNone(self.node.document()["DelPeers"])
        self.assertEqual(trap.connections, 0)
        self.assertEqual({request.target for request in good.requests}, {"/v1/ping"})
        self.assertNotIn("169.254", self.node.stderr + self.node.stdout)
        self.check_unharmed()

    def test_too_many_entries(self):
        """The first thousand of ten thousand, and no more by asking again."""
        target = self.serve(servers.Server(servers.answers("ok"), "0.0.0.0"))
        net = self.network.rsplit(".", 1)[0]
        entries = [{"Url": f"http://{net}.{i // 250}.{1 + i % 250}:{target.port}/v1/ping"}
                   for i in range(10000)]
        document = servers.peers_document(entries=entries)
        self.assertLess(len(document), BODY_BYTES_MAX)
        teacher = self.serve(servers.OldNode(address=self.address(9), document=document))
        for _ in range(2):
            answer = self.node.add_peer(teacher.url("/v1/peers?addpeers=true"), delay=3600)
            self.assertIn(answer.status, (200, 201))
            harness.wait_until("it is read", lambda: (
                len([line for line in self.node.log if f"peers of {teacher.url()}: " in line])
                >= len(teacher.pulls()) >= 1))
        self.assertEqual(self.node.document()["NumActive"], ENTRIES_MAX + 1)
        self.check_unharmed()

    def test_malformed_entries(self):
        """Each is passed over; the good one between them is taken."""
        good = self.serve(servers.Server(servers.answers("ok"), self.address(8)))
        entry = self.entry(good.url())
        entries = [None, 1, "text", [], {}, {"Url": None}, {"Url": 1},
                   {"Url": ["http://a/v1/ping"]}, {"Url": {"x": "y"}}, {**entry, "Pings": "many"},
                   {**entry, "Pings": 1e300},
                   {**entry, "PingTotals": []}, {**entry, "PingTotals": {"Total": "x"}},
                   {**entry, "Url": "http://" + "a" * 5000}, {**entry, "FirstPing": "yesterday"},
                   {**entry, "Location": 5}, entry]
        teacher, line = self.teach(servers.peers_document(entries=entries))
        self.wait_for_pings(self.node, [good.url()])
        self.assertEqual(set(self.node.peers()), {teacher.url(), good.url()})
        self.assertRegex(line, r"^1 added, .* \d+ malformed")
        self.check_unharmed()

    def test_documents_that_are_none(self):
        """Each is refused with a sentence, the teacher stays a target, the node goes on."""
        head = '{"SrvLoc": "x", "Peers": '
        for document in ("", "null", "[]", "{}", "nonsense", "\x00\x01", '{"Peers": {}}',
                         '{"Peers": 5}', '{"SrvLoc": 5, "Peers": null}', head, head + "[",
                         head + '[{"Url": "http://a/v1/pi', head + '[{"Url": "\\ud800"}]}',
                         "[" * 100000, '{"a":' * 100000,
                         head + "[" * 50000 + "]" * 50000 + "}",
                         head + '[{"Url":' * 20000,
                         head + "[" + ",".join(["{}"] * 300000) + "]}",
                         head + "[" + ",".join(["0"] * 70000) + "]}",
                         head + '"' + "x" * (1 << 20) + '"}',
                         servers.peers_document([]) + " " * (2 * BODY_BYTES_MAX),
                         "\ufeff" + servers.peers_document([])):
            with self.subTest(document[:60]):
                teacher, line = self.teach(document)
                self.assertNotIn("added", line)
                self.assertLess(len(line), 500)
                self.assertIn(teacher.url(), self.node.peers())
        self.check_unharmed()

    def test_lists_that_do_not_come(self):
        """A body without end, one that drips, an error, a redirect, and no answer."""
        elsewhere = self.serve(servers.OldNode(peers=["http://127.0.0.1:9/v1/ping"],
                                               address=self.address(7)))
        for answer, words in ((servers.endless_body, "too large"),
                              (servers.answers("no", "500 Oops"), "HTTP status 500"),
                              (servers.closes_at_once, "closed"),
                              (servers.answers("", "302 Found", [
                                  f"Location: {elsewhere.url('/v1/peers')}"]), ""),
                              (servers.drips(b"x" * 10000, 0.05), "not HTTP")):
            with self.subTest(words):
                teacher = self.serve(servers.Server(answer, self.address(9)))
                self.add_with_peers(self.node, teacher)
                line = self.wait_for_log(self.node, f"peers of {teacher.url()}: ")
                self.assertIn(words, line)
        silent = self.serve(servers.silent_server(self.address(9)))
        started = time.monotonic()
        self.add_with_peers(self.node, silent)
        line = self.wait_for_log(self.node, f"peers of {silent.url()}: ")
        self.assertIn("no answer", line)
        self.assertGreater(time.monotonic() - started, 8)
        self.assertEqual(elsewhere.connections, 0)
        self.check_unharmed()

    def test_too_many_lists_at_once(self):
        """Silent teachers take a bounded number of places; the rest is told to come later."""
        silent = self.serve(servers.silent_server("0.0.0.0"))
        statuses = [self.node.add_peer(f"http://{self.address(10 + i)}:{silent.port}"
                                       "/v1/peers?addpeers=true").status for i in range(20)]
        self.assertEqual(statuses, [201] * 16 + [503] * 4)
        self.check_unharmed()

    def test_names_with_markup_and_controls(self):
        """They are shown as text, in pages, in JSON, in the log and on the console."""
        nasty = MARKUP + "\x1b[2J\r\nX-Injected: 1\u202e"
        good = self.serve(servers.Server(servers.answers(json.dumps({"SrvLoc": MARKUP})),
                                         self.address(8)))
        entry = self.entry(good.url())
        entry.update(Location=nasty, Host=nasty, PeerIP=nasty)
        entry["PingTotals"].update(Location=nasty, DestUrl=nasty, Remote=nasty)
        strange = self.entry(f"http://{MARKUP}/v1/ping")
        teacher, _ = self.teach(
            servers.peers_document(location=nasty, entries=[entry, strange]), location=nasty)
        peers = self.wait_for_pings(self.node, [good.url()])
        self.assertEqual(set(peers), {teacher.url(), good.url()})
        self.assertEqual(peers[good.url()]["Location"], MARKUP)
        page = self.node.get("/v1/peers?format=html")
        self.assertIn("&lt;script&gt;", page.text)
        self.assertIsNone(page.headers["X-Injected"])
        self.assertNotIn("\x1b", page.text)
        self.check_unharmed()


if __name__ == "__main__":
    unittest.main()
