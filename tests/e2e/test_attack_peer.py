"""A hostile peer: strings that want to be more than strings, answers without end, lists beyond all
measure, and requests of members that are sent again or changed. While it goes on, not one probe of
others is late, and memory stays within its bound.
"""

import contextlib
import gzip
import hashlib
import hmac
import html.parser
import itertools
import json
import random
import re
import socket
import struct
import sys
import threading
import time
import unittest

import attack
import growth
import harness
import servers

KEY = "a key that the whole mesh shares"

# --- strings ---------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title></style></textarea><svg onload=alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1",
    "a\tb\tc", "a,b;c|d", "\"quoted\",\"cells\"",
    "line\nevil_metric 1\n# HELP evil x", "line\r\nSet-Cookie: evil=1", "2026/01/01 00:00:00 forged",
    "x\"} 1\nevil_metric{a=\"", "a\\nb\\", "\\\"} 1",
    "\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\u202egnp.exe", "\u2028alert(1)\u2029",
    "%s%s%n%n", "${jndi:ldap://127.0.0.1/a}", "{{7*7}}", "'; DROP TABLE pairs; --",
    "../../../../etc/passwd", "nul\x00byte", "bad \udcff\udcfe utf-8", "x" * 5000,
]


class Markup(html.parser.HTMLParser):
    """What of a page would do something."""

    def __init__(self, text):
        super().__init__()
        self.active = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or "").lower():
                self.active.append((tag, name, value))
            if name == "src" and (value or "").startswith("x"):
                self.active.append((tag, name, value))
        if tag in ("script", "svg", "iframe", "object", "embed", "base"):
            self.active += [] if dict(attrs).get("src", "").startswith("/assets/") else [(tag,)]


class Shouting(servers.OldNode):
    """Its every string is the hostile one."""

    def __init__(self, text, address):
        self.text = text
        entry = {"Url": f"http://{address}:9/v1/ping#{text}", "Host": text, "Location": text,
                 "PeerIP": text, "Pings": 1, "LatestPing": text,
                 "Mesh": {"Id": text, "Age": text, "Rtt": text}}
        good = {**entry, "Url": f"http://{address}:9/v1/ping", "Host": f"{address}:9",
                "PeerIP": address, "Pings": 9, "LatestPing": "2019-06-01T12:00:00Z"}
        good.pop("Mesh")
        document = json.dumps({"SrvLoc": text, "SrvHost": text, "SrvPort": 9, "Peers": [entry, good],
                               "DelPeers": [entry], "NumActive": 2,
                               "Mesh": {"V": 1, "Name": text, "Id": text}})
        super().__init__(text, address=address, document=document)

    def _route(self, connection, request):
        if request.path != "/v1/ping":
            super()._route(connection, request)
            return
        line = self.text.replace("\r", " ").replace("\n", " ")
        body = servers.ping_page(self.text).encode("utf-8", "surrogateescape")
        head = "\r\n".join(["HTTP/1.1 200 " + line, f"Content-Length: {len(body)}",
                            f"Content-Type: {line}", f"Pingmesh-Node: v=1; mesh={line}; id={line}",
                            f"Pingmesh-Service-Time: {line}", f"Server: {line}", "", ""])
        connection.sendall(head.encode("utf-8", "surrogateescape") + body)


class Strings(attack.AttackTest):
    PATHS = ("/", "/v1", "/v1/peers?format=html", "/v1/history?format=html",
             "/v1/profile?format=html", "/v1/asymmetry?format=html", "/v1/matrix?format=html", "/v1/addpeer",
             "/v1/env", "/v1/quit", "/v1/metrics?format=html")

    def setUp(self):
        super().setUp()
        self.lines = self.directory / "lines"
        state = self.directory / "state"
        state.mkdir()
        self.state = state / "mesh.state"
        self.peers = [self.serve(Shouting(text, self.address(100 + i)))
                      for i, text in enumerate(HOSTILE)]
        targets = self.directory / "targets"
        targets.write_text("".join(peer.url() + "\n" for peer in self.peers))
        self.node = self.start_attacked("-V", "--publish-file", self.lines, "--state-dir", state,
                                        "--targets-file", targets, "--output", "tsv")

    def test_strings_stay_strings(self):
        with self.holds(self.node):
            harness.wait_until("all are measured", lambda: all(
                len(peer.pings()) > 1 for peer in self.peers))
            harness.wait_until("their lists are read", lambda: sum(
                bool(peer.pulls()) for peer in self.peers) >= 3)
            self.check_pages()
            self.check_documents()
            self.check_metrics()
        self.node.stop()
        self.check_lines()

    def check_pages(self):
        for path in self.PATHS:
            page = self.node.get(path, Accept="text/html", User_Agent="Mozilla/5.0")
            self.assertEqual(page.content_type, "text/html", path)
            self.assertEqual(Markup(page.text).active, [], path)
            self.assertNotRegex(page.text, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")
            self.assertIsNone(page.headers["Set-Cookie"])

    def check_documents(self):
        for path in ("/v1/peers?stats=all", "/v1/sd", "/v1/metrics", "/v1/env?format=json",
                     "/v1/matrix", "/v1/asymmetry"):
            answer = self.node.get(path, Accept="application/json")
            if answer.status != 404:
                answer.json()
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        table = self.node.get("/v1/matrix?format=csv")
        if table.content_type == "text/csv":
            for cell in re.split(r"[,\r\n]", table.text):
                self.assertNotRegex(cell.strip('"'), r"^[=+@\t]|^-(?![\d.])", "a formula")

    def check_metrics(self):
        """Names, labels in quotation marks, a number: nothing else, and no metric of somebody's."""
        for line in self.node.get("/metrics").text.splitlines():
            self.assertNotRegex(line, r"^\W*evil_metric")
            if not line.startswith("# "):
                self.assertRegex(line, r'^[a-z_]+(\{(\w+="([^"\\\n]|\\[n"\\])*",?)+\})? \S+$')

    def check_lines(self):
        for line in self.node.log:
            self.assertTrue(line.isprintable(), repr(line))
        samples = [line for line in self.node.stdout.splitlines()
                   if re.match(r"(# timestamp|\d+ \d{9,})\t", line)]
        self.assertGreater(len(samples), len(HOSTILE))
        self.assertEqual({line.count("\t") for line in samples}, {11})
        for line in self.node.stdout.split("\n"):
            self.assertNotRegex(line, "[\x00-\x08\x0b-\x1f\x7f-\x9f]")
            self.assertFalse(line.startswith("evil"), line)
        for line in self.lines.read_text(encoding="utf-8").splitlines():
            json.loads(line)
        kept = self.state.read_text(encoding="ascii").splitlines()
        for line in kept:
            self.assertRegex(line, r"^(pingmesh-mesh \d|id |key |saved |end$|member |lost |refused |\w+ )")
            self.assertNotIn("evil", line.split(" ")[0])


# --- answers and lists -------------------------------------------------------------------------------

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def endless(head, piece):
    """The piece again and again."""
    def answer(connection, closing):
        connection.sendall(head)
        while not closing.is_set():
            connection.sendall(piece)
    return answer


def whole(data):
    return lambda connection, _closing: connection.sendall(data)


def body(data, *headers):
    return whole(OK + b"".join(header + b"\r\n" for header in headers) +
                 b"Content-Length: %d\r\n\r\n" % len(data) + data)


def dripping(data, seconds=0.05):
    def answer(connection, closing):
        for byte in itertools.cycle(data):
            connection.sendall(bytes([byte]))
            if closing.wait(seconds):
                return
    return answer


BOMB = gzip.compress(b"\x00" * (64 << 20))  # 64 kB that become 64 MiB

ANSWERS = {
    "a body without end": endless(OK + b"\r\n", b"x" * 65536),
    "a body without end, in chunks": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n",
                                             chunk(b"x" * 65536)),
    "a chunk's extension without end": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n1;",
                                               b"x" * 65536),
    "trailers without end": endless(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n",
                                    b"X: yyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 100),
    "headers without end": endless(b"HTTP/1.1 200 OK\r\n", b"X: yyyyyyyyyyyyyyyyyyyyy\r\n" * 100),
    "a header without end": endless(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536),
    "a status without end": endless(b"HTTP/1.1 200 ", b"x" * 65536),
    "100 Continue without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "103 Early Hints without end": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 99),
    "a bomb": body(BOMB, b"Content-Encoding: gzip"),
    "a bomb in a coding of the transfer": endless(
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n", chunk(BOMB)),
    "a length beyond all": endless(OK + b"Content-Length: 9223372036854775807\r\n\r\n", b"x" * 4096),
    "a length that is none": whole(OK + b"Content-Length: -1\r\n\r\nx"),
    "two lengths": whole(OK + b"Content-Length: 1\r\nContent-Length: 9\r\n\r\nxxxxxxxxx"),
    "a slow head": dripping(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9999),
    "a slow body": dripping(OK + b"Content-Length: 9999\r\n\r\n" + b"x" * 9999),
    "no HTTP": endless(b"", bytes(range(256)) * 16),
    "HTTP/0.9": whole(b"<p>Served from Nowhere\n"),
    "silence": lambda _connection, closing: closing.wait(),
    "the other protocol": whole(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + b"\x00" * 100),
    "an upgrade": whole(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade"
                        b"\r\n\r\n" + b"\x00" * 99),
}


def member(number):
    return {"Url": f"http://127.9.{number >> 8 & 255}.{number & 255}:9/v1/ping",
            "PeerIP": f"127.9.{number >> 8 & 255}.{number & 255}", "Location": "Nowhere",
            "Pings": 9, "LatestPing": "2019-06-01T12:00:00Z"}


ENTRY = json.dumps(member(7)).encode() + b","
HEAD = b'{"SrvLoc":"Nowhere","Peers":['

LISTS = {
    "a million entries": endless(OK + b"\r\n" + HEAD, ENTRY * 1000),
    "a million entries, with an end": lambda connection, closing: endless_list(connection, closing),
    "as many small ones as there is room for": body(HEAD + b"{}," * 340000 + b"{}]}"),
    "as many numbers": body(HEAD + b"1," * 510000 + b"1]}"),
    "10,000 arrays, one in another": body(b"[" * 10000 + b"]" * 10000),
    "10,000 objects, one in another": body(b'{"Peers":' * 10000 + b"1" + b"}" * 10000),
    "10,000 in an entry": body(HEAD + b'{"Mesh":' * 10000 + b"{}" + b"}" * 10000 + b"]}"),
    "brackets without end": endless(OK + b"\r\n", b"[" * 65536),
    "a string as long as there is room for": body(b'{"SrvLoc":"' + b"x" * 1000000 + b'"}'),
    "a name as long": body(b'{"' + b"x" * 1000000 + b'":1}'),
    "a number as long": body(b'{"SrvPort":' + b"9" * 1000000 + b"}"),
    "numbers beyond numbers": body(b'{"SrvPort":1e999999,"NumActive":-1e999,"Peers":[]}'),
    "the same name again and again": body(b"{" + b'"Peers":[],' * 90000 + b'"Peers":[]}'),
    "many others": body(b"{" + b",".join(b'"n%d":1' % i for i in range(90000)) + b"}"),
    "escapes": body(b'{"SrvLoc":"' + b"\\ud800" * 100000 + b'"}'),
    "what is no UTF-8": body(b'{"SrvLoc":"' + bytes(range(128, 256)) * 5000 + b'"}'),
    "NUL": body(HEAD + b"\x00" * 100000 + b"]}"),
    "a bomb": body(gzip.compress(HEAD + ENTRY * 100000 + b"{}]}"), b"Content-Encoding: gzip"),
    "nothing": body(b""),
}


def endless_list(connection, _closing):
    connection.sendall(OK + b"\r\n" + HEAD)
    for _ in range(1000):
        connection.sendall(ENTRY * 1000)
    connection.sendall(b"{}]}")


class Rude(servers.Server):
    """Answers pings in one manner."""

    def __init__(self, manner, address):
        super().__init__(self._route, address)
        self.manner, self.served = manner, 0

    def _route(self, connection, _request):
        self.served += 1
        self.manner(connection, self.closing)


class Teacher(servers.Server):
    """Answers pings as a node does, and each pull in the next manner of those that several teachers
    share."""

    def __init__(self, manners, address):
        super().__init__(self._route, address)
        self.manners = manners

    def _route(self, connection, request):
        if request.path == "/v1/peers":
            next(self.manners)(connection, self.closing)
        else:
            connection.sendall(servers.response(servers.ping_page("Nowhere")))


class Turns:
    """The manners one after the other, and again; how many turns there were."""

    def __init__(self, manners):
        self.cycle, self.lock, self.taken = itertools.cycle(manners), threading.Lock(), 0

    def __next__(self):
        with self.lock:
            self.taken += 1
            return next(self.cycle)


class Answers(attack.AttackTest):
    NODES = 5  # that pull; each does so less often with every round

    def test_answers_to_pings(self):
        """Each is a seed, and is asked again and again for a proof that it is a node."""
        rude = {name: self.serve(Rude(manner, self.address(100 + i)))
                for i, (name, manner) in enumerate(ANSWERS.items())}
        node = self.start_attacked("--timeout", 5, env={"PINGMESH_URL": " ".join(
            server.url() for server in rude.values())})
        with self.holds(node):
            for name, server in rude.items():
                harness.wait_until(f"{name} is served", lambda: server.served)
            time.sleep(3)
        states = {entry["State"] for entry in node.document()["Mesh"]["Members"]
                  if entry["Contact"].split("|")[0] in
                  {f"{server.address}:{server.port}" for server in rude.values()}}
        self.assertLessEqual(states, {"local", "candidate", "heard", "refused", "lost"})

    def test_lists(self):
        """Of peers that prove to be nodes."""
        turns = Turns(LISTS.values())
        teachers = [self.serve(Teacher(turns, self.address(100 + i))) for i in range(2 * self.NODES)]
        nodes = [self.start_attacked(number=1 + i, env={"PINGMESH_URL": " ".join(
            teacher.url() for teacher in teachers[2 * i:2 * i + 2])}) for i in range(self.NODES)]
        with contextlib.ExitStack() as stack:
            for node in nodes:
                stack.enter_context(self.holds(node))
            harness.wait_until("each list is pulled", lambda: turns.taken >= len(LISTS))
        for node in nodes:
            self.assertFalse([url for url in node.peers() if "/127.9." in url])


# --- signed pulls ------------------------------------------------------------------------------------


def signature(key, role, challenge, node_id, ip, port, path, mesh="default"):
    """As docs and src/gossip/auth.c have it."""
    address = socket.inet_aton(ip).ljust(16, b"\x00")
    data = (b"pingmesh/1\x00" + role + struct.pack(">Q", challenge) + node_id + b"\x01" + address +
            struct.pack(">H", port) + path.encode() + b"\x00" + mesh.encode())
    return hmac.new(key.encode(), data, hashlib.sha256).digest()[:16]


class Signed(growth.GrowthTest):
    """A mesh of two with a key, and a program that has the key as well."""

    def setUp(self):
        super().setUp()
        self.keys = self.directory / "keys"
        self.keys.write_text(KEY + "\n")
        self.nodes = self.start_mesh((1, 2), "--mesh-key-file", self.keys)
        self.wait_for_mesh(self.nodes)
        self.id = random.randbytes(16)

    def challenge(self, node, source):
        answer = node.request("GET", f"/v1/ping?v=1&mesh=default&id={self.id.hex()}&n={'2' * 16}",
                              source=source)
        return int(re.search(r"; c=([0-9a-f]{16})", answer.headers["Pingmesh-Node"]).group(1), 16)

    def fields(self, node, challenge, **changed):
        """Of a pull that is right, but for what is changed."""
        made = {"key": KEY, "role": b"Q", "challenge": challenge, "node_id": self.id,
                "ip": node.address, "port": node.port, "path": "/v1/peers", **changed}
        return {"addpeers": "true", "v": "1", "mesh": "default", "id": self.id.hex(), "n": "2" * 16,
                "to": f"{node.address}:{node.port}", "c": f"{challenge:016x}",
                "mac": signature(**made).hex(), "limit": "256"}

    def listed_to(self, node, fields, source, path="/v1/peers"):
        query = "&".join(f"{name}={value}" for name, value in fields.items() if value is not None)
        answer = node.request("GET", f"{path}?{query}", source=source)
        self.assertEqual(answer.status, 200)
        return len(answer.json()["Peers"] or [])

    def test_replayed_and_tampered(self):
        node, other = self.nodes
        source, elsewhere = self.address(77), self.address(78)
        challenge = self.challenge(node, source)
        right = self.fields(node, challenge)
        self.assertEqual(self.listed_to(node, right, source), 1)  # it is right indeed
        flipped = f"{int(right['mac'], 16) ^ 1:032x}"
        wrong = {
            "from elsewhere": (right, elsewhere),
            "at another node": (right, source, other),
            "a bit of the signature": ({**right, "mac": flipped}, source),
            "no signature": ({**right, "mac": None}, source),
            "no challenge": ({**right, "c": None}, source),
            "not whom it was meant for": ({**right, "to": None}, source),
            "another challenge": ({**right, "c": f"{challenge ^ 1:016x}"}, source),
            "a challenge of its own": (self.fields(node, 1), source),
            "an old challenge": (self.fields(node, challenge - (6 << 48)), source),
            "another's challenge": (self.fields(node, self.challenge(node, elsewhere)), source),
            "another identity": ({**right, "id": "3" * 32}, source),
            "another endpoint": ({**right, "to": f"{other.address}:{other.port}"}, source),
            "another port": ({**right, "to": f"{node.address}:{node.port ^ 1}"}, source),
            "signed for another endpoint": (self.fields(node, challenge, ip=other.address), source),
            "another mesh": ({**right, "mesh": "other"}, source),
            "signed for another mesh": (self.fields(node, challenge, mesh="other"), source),
            "signed for a ping": (self.fields(node, challenge, path="/v1/ping"), source),
            "an answer sent back": (self.fields(node, challenge, role=b"A"), source),
            "another key": (self.fields(node, challenge, key=KEY + "!"), source),
        }
        for what, (fields, where, *whom) in wrong.items():
            with self.subTest(what):
                self.assertEqual(self.listed_to(*(whom or [node]), fields, where), 0)
        self.assertEqual(self.listed_to(node, right, source), 1)
        self.check_bounds(self.nodes)

    def test_a_relay_in_the_middle(self):
        """It passes everything on, and so has nothing that is signed for its own address."""
        node = self.nodes[0]
        relay = Relay(node, self.address(90))
        self.addCleanup(relay.close)
        relay.start()
        victim = self.start_member("--mesh-key-file", self.keys, number=3)
        misled = self.start_node("-d", 1, "--mesh-key-file", self.keys, number=4,
                                 env={"PINGMESH_URL": relay.url})
        self.wait_ready([victim])
        harness.wait_until("it is asked for proof", lambda: relay.requests >= 4)
        self.holds("nobody is let in", lambda: not any(
            entry["State"] == "verified" for entry in misled.document()["Mesh"]["Members"]), 4)
        self.assertNotIn((misled.address, misled.port), self.listed(node))


class Relay(threading.Thread):
    """From an address of its own to the node's, there and back."""

    def __init__(self, node, address):
        super().__init__(daemon=True)
        self.node, self.requests = node, 0
        self.listener = socket.create_server((address, 0))
        self.url = f"http://{address}:{self.listener.getsockname()[1]}/v1/ping"

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.relay, args=(client,), daemon=True).start()

    def relay(self, client):
        with client, socket.create_connection((self.node.address, self.node.port)) as server:
            try:
                server.sendall(client.recv(65536))
                self.requests += 1
                client.sendall(server.recv(1 << 20))
            except OSError:
                pass

    def close(self):
        self.listener.close()


GROUPS = (Strings, Answers, Signed)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
