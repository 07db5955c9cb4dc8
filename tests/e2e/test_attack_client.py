"""A hostile client: requests that two programs could read differently, too much of everything, and
connections that only take up room. While it goes on, not one probe of the node is late.
"""

import random
import socket
import ssl
import sys
import time
import unittest

import attack
import certificates
import growth
import harness

HOST = b"Host: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
HIDDEN = b"GET /v1/hidden HTTP/1.1\r\nHost: x\r\n\r\n"  # what a proxy would not have seen


def post(headers, body=b"", host=HOST):
    return b"POST /v1/login HTTP/1.1\r\n" + host + headers + b"\r\n" + body


# A request, and the statuses that are right. There is one answer to each at most, and none to what
# is hidden in it.
SMUGGLED = [
    # Two lengths, or a length and chunks.
    (post(b"Content-Length: 4\r\n" + CHUNKED, b"0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED + b"Content-Length: 4\r\n", b"0\r\n\r\n" + HIDDEN), (400,)),
    (post(b"Content-Length: 0\r\nContent-Length: 44\r\n", HIDDEN), (400,)),
    (post(b"Content-Length: 44\r\nContent-Length: 44\r\n", HIDDEN), (400,)),
    (post(b"Content-Length: 0, 44\r\n", HIDDEN), (400,)),
    (post(b"content-length: 0\r\nCONTENT-LENGTH: 44\r\n", HIDDEN), (400,)),
    # Lengths that are none.
    (post(b"Content-Length: +0\r\n", HIDDEN), (400,)),
    (post(b"Content-Length: -1\r\n", HIDDEN), (400,)),
    (post(b"Content-Length: 0x10\r\n", HIDDEN), (400,)),
    (post(b"Content-Length: 1 1\r\n", HIDDEN), (400,)),
    (post(b"Content-Length: \r\n", HIDDEN), (400,)),
    (post(b"Content-Length: 18446744073709551616\r\n", HIDDEN), (400, 413)),
    (post(b"Content-Length : 0\r\n", HIDDEN), (400,)),
    (post(b"Content-Length\t: 0\r\n", HIDDEN), (400,)),
    # Codings that are written in many ways.
    (post(b"Transfer-Encoding: xchunked\r\n", HIDDEN), (400, 501)),
    (post(b"Transfer-Encoding: chunked, identity\r\n", HIDDEN), (400, 501)),
    (post(b"Transfer-Encoding: identity, chunked\r\n", HIDDEN), (400, 501)),
    (post(b"Transfer-Encoding: gzip, chunked\r\n", HIDDEN), (400, 501)),
    (post(CHUNKED + CHUNKED, b"0\r\n\r\n" + HIDDEN), (400, 501)),
    (post(b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n" + HIDDEN), (400, 501)),
    (post(b"Transfer-Encoding: chunked\x00\r\n", b"0\r\n\r\n" + HIDDEN), (400,)),
    (post(b"Transfer-Encoding\r\n : chunked\r\n", b"0\r\n\r\n" + HIDDEN), (400,)),
    (b"POST /v1/login HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN, (400, 501, 505)),
    # Chunks.
    (post(CHUNKED, b"0x1\r\na\r\n0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"+1\r\na\r\n0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"1 \r\na\r\n0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"1\na\r\n0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"1\r\nab\r\n0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"1\r\na0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"1;a\nb\r\na\r\n0\r\n\r\n" + HIDDEN), (400,)),
    (post(CHUNKED, b"FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n" + HIDDEN), (400, 413)),
    (post(CHUNKED, b"fffffffffffffffe\r\na\r\n0\r\n\r\n" + HIDDEN), (400, 413)),
    # Ends of lines.
    (b"GET /v1/ping HTTP/1.1\rHost: x\r\r" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\nHost: x\n\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\rX: y\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\rX: y\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX: a\r\n\tb\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\n Host: x\r\n\r\n" + HIDDEN, (400,)),
    # NUL, and other controls.
    (b"GET /v1/ping\x00 HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\x00y\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX\x00: y\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n" + HIDDEN, (400,)),
    # Other forms of the target, and of whom it is asked of.
    (b"GET http://x/v1/hidden HTTP/1.1\r\nHost: y\r\n\r\n", (400, 404, 421)),
    (b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN, (400, 405, 501)),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN, (400, 405, 501)),
    (b"GET //evil.test/v1/hidden HTTP/1.1\r\nHost: x\r\n\r\n", (400, 404)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x, y\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: a b\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1\r\n\r\n" + HIDDEN, (400,)),
    # Lines that nearly are requests.
    (b"GET  /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping HTTP/1.1 \r\nHost: x\r\n\r\n" + HIDDEN, (400,)),
    (b"GET /v1/ping\r\n" + HIDDEN, (400, 505)),
    (b"GET /v1/ping HTTP/1.1x\r\nHost: x\r\n\r\n" + HIDDEN, (400, 505)),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN, (400, 405, 501, 505)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + HIDDEN,
     (200, 400)),
    # What follows a whole request is not read as another one.
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN, (200,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + HIDDEN, (200,)),
    (b"GET /v1/ping HTTP/1.1\r\nHost: x\r\n\r\n" + b"\x00" * 100, (200,)),
    (post(CHUNKED, b"0\r\n\r\n" + HIDDEN), (400, 401, 403)),
]

ENDLESS = 4 << 20  # bytes, of what has no end

OVERSIZED = [
    (b"GET /" + b"x" * ENDLESS, (400, 414, 431)),
    (b"GET / HTTP/1.1\r\nHost: " + b"x" * ENDLESS, (400, 431)),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * ENDLESS, (431,)),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"x" * ENDLESS, (400, 431)),
    (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * (ENDLESS // 6), (431,)),
    (b"x" * ENDLESS, (400, 414, 431, 501)),
    (b"\r\n" * (ENDLESS // 2), (400, 431)),
    (b"GET /v1/history?" + b"a=b&" * 4000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (400, 414, 431)),
    (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 4000 + b"\r\n\r\n", (431,)),
    (post(b"Content-Length: 99999999\r\n", b"x" * ENDLESS), (413,)),
    (post(CHUNKED, b"fffff\r\n" + b"x" * ENDLESS), (413,)),
    (post(CHUNKED, b"1\r\nx\r\n" * (ENDLESS // 6)), (400, 413)),
    (post(CHUNKED, b"1;" + b"x" * ENDLESS), (400, 413, 431)),
    (post(CHUNKED, b"0\r\n" + b"X: y\r\n" * (ENDLESS // 6)), (400, 413, 431)),
    (post(CHUNKED, b"0" * ENDLESS), (400, 413, 431)),
    (post(b"Content-Length: 16000\r\nContent-Type: application/x-www-form-urlencoded\r\n",
          b"a=b&" * 4000), (400, 413)),
    (post(b"Content-Length: 16000\r\nContent-Type: application/x-www-form-urlencoded\r\n",
          b"token=" + b"%" * 15994), (400,)),
]


class Requests(attack.AttackTest):
    def check(self, node, data, statuses):
        with self.subTest(data[:120]):
            answer = self.exchange(node, data)
            found = attack.answers_in(answer)
            self.assertLessEqual(len(found), 1, answer[:400])
            self.assertNotIn(b"hidden", answer.replace(b"/v1/hidden", b"", 1))
            # A reset may overtake the answer to somebody who goes on sending for too long.
            if found or len(data) < attack.CONNECTIONS << 8:
                self.assertIn(found[0] if found else None, statuses, answer[:400])

    def test_what_two_programs_read_differently(self):
        node = self.start_attacked()
        before = attack.metrics(node)["pingmesh_requests_total"]
        with self.holds(node) as watch:
            for data, statuses in SMUGGLED:
                self.check(node, data, statuses)
            self.tell(f"{len(SMUGGLED)} requests with something hidden")
        handled = attack.metrics(node)["pingmesh_requests_total"] - before - watch.answers
        self.assertLess(handled, len(SMUGGLED) + 60)  # the watch's and our own besides

    def test_too_much_of_everything(self):
        node = self.start_attacked()
        with self.holds(node):
            for data, statuses in OVERSIZED:
                self.check(node, data, statuses)

    def test_floods_of_requests_on_a_connection(self):
        """Each gets one answer, since what comes after a request is never read as one."""
        node = self.start_attacked()
        one = b"GET /v1/peers?stats=all HTTP/1.1\r\nHost: x\r\n\r\n"
        with self.holds(node):
            for i in range(100):
                answer = self.exchange(node, one * 2000, self.address(60 + i % 10))
                self.assertLessEqual(len(attack.answers_in(answer)), 1)

    def test_strings_of_a_client_reach_nobody(self):
        """Not as markup, not as another header, not as another line of the log."""
        node = self.start_attacked("-V")
        lines = len(node.log)
        hostile = ["<script>alert(1)</script>", "\"onload=alert(1)", "%0d%0aSet-Cookie:%20a=b",
                   "%1b[2J", "%e2%80%ae", "'; DROP TABLE pairs; --", "{{7*7}}", "=cmd|' /C calc'!A0",
                   "%25n%25n", "..%2f..%2fetc%2fpasswd", "%00", "%ff%fe"]
        browser = {"Accept": "text/html", "User-Agent": "<script>alert(1)</script>\t\x1b[2J"}
        with self.holds(node):
            for text in hostile:
                path = text.replace(" ", "%20").replace("\"", "%22").replace("<", "%3C")
                for where in (f"/{path}", f"/v1/peers?stats={path}", f"/v1/history?from={path}",
                              f"/v1/login?next={path}", f"/v1/profile?to={path}"):
                    answer = node.request("GET", where, browser, source=self.address(66))
                    self.assertNotIn("<script>alert", answer.text)
                    self.assertNotIn("\"onload=", answer.text)
                    self.assertNotIn("\x1b", answer.text)
                    self.assertIsNone(answer.headers["Set-Cookie"])
                host = node.get("/v1/sd", Host=text.replace(" ", ""))
                self.assertIn(host.status, (200, 400))
                if host.status == 200:
                    host.json()
        for line in node.log[lines:]:
            self.assertTrue(line.isprintable(), repr(line))


class Connections(attack.AttackTest):
    def test_thousands_of_them(self):
        """From 30 addresses: some silent, some with half a request, some with half a body."""
        node = self.start_attacked()
        begun = [b"", b"GET /v1/ping HTTP/1.1\r\nHo", post(b"Content-Length: 100\r\n", b"x" * 50)]
        with self.holds(node):
            for i in range(3000):
                connection = self.connect(node, self.address(30 + i % 30))
                connection.sendall(begun[i % len(begun)])
                if i % 300 == 0:
                    self.assertEqual(node.request("GET", "/v1/ping", source=self.address(99)).status,
                                     200)
            open_fds = attack.metrics(node)["process_open_fds"]
            self.assertLess(open_fds, attack.CONNECTIONS + 200)

    def test_one_address_has_its_share(self):
        """Half of the places: who was there before stays, and others come in."""
        node = self.start_attacked()
        with self.holds(node):
            others = [node.connect(self.address(90 + i)) for i in range(20)]
            for other in others:
                self.assertEqual(harness.send_request(other, "GET", "/healthz").status, 200)
            for _ in range(700):
                self.connect(node).sendall(b"GET /v1/ping HTTP/1.1\r\n")
            for other in others:  # on the connections of before
                self.assertEqual(harness.send_request(other, "GET", "/healthz").status, 200)
                other.close()
            figures = attack.metrics(node)
            self.assertLess(figures["process_open_fds"], attack.CONNECTIONS / 2 + 150)

    def test_one_address_has_its_rate(self):
        """Others, and the operator at the machine, notice nothing."""
        node = self.start_attacked("--client-rate", 20)
        with self.holds(node):
            answered = refused = 0
            for _ in range(600):
                try:
                    data = self.exchange(node, b"GET /healthz HTTP/1.0\r\n\r\n")
                except OSError:
                    data = b""
                answered += data.startswith(b"HTTP/1.1 200 ")
                refused += not data
            self.assertGreaterEqual(answered, 200)
            self.assertGreater(refused, 100)
            harness.wait_until("the refusals are counted", lambda: attack.metrics(node)[
                "pingmesh_connections_refused_total"] >= refused)
            other = node.request("GET", "/healthz", source=self.address(67))
            self.assertEqual(other.status, 200)
            kept = node.connect(self.address(68))
            statuses = [harness.send_request(kept, "GET", "/healthz").status for _ in range(200)]
            self.assertEqual(set(statuses), {200})
            late = harness.send_request(kept, "GET", "/healthz")
            while late.status == 200:
                late = harness.send_request(kept, "GET", "/healthz")
            self.assertEqual((late.status, late.headers["Retry-After"]), (429, "1"))
            kept.close()

    def test_answers_that_nobody_reads(self):
        node = self.start_attacked()
        with self.holds(node, attack.MEMORY_BOUND + (64 << 20)):
            for i in range(400):
                connection = socket.socket()
                self.opened.append(connection)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                connection.bind((self.address(30 + i % 30), 0))
                connection.connect((node.address, node.port))
                connection.sendall(b"GET /v1/peers?stats=all HTTP/1.1\r\nHost: x\r\n\r\n")


class Drips(attack.AttackTest):
    HEADER_S = 10

    def test_heads_and_bodies_a_byte_at_a_time(self):
        """Heads end after their ten seconds, however many bytes come; bodies would after twenty."""
        node = self.start_attacked()
        head = b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200
        body = post(b"Content-Length: 10000\r\n", b"z" * 200)
        dripping = []
        with self.holds(node):
            began = time.monotonic()
            for i in range(200):
                data = head if i % 4 else body
                connection = self.connect(node, self.address(30 + i % 20))
                start = 0 if i % 4 else len(body) - 200
                connection.sendall(data[:start + 1])
                dripping.append((connection, data[start + 1:]))
            for at in range(150):
                for connection, rest in dripping:
                    try:
                        connection.send(rest[at:at + 1], socket.MSG_DONTWAIT)
                    except OSError:
                        pass
                if time.monotonic() - began > self.HEADER_S + 1.5:
                    break
                time.sleep(0.1)
            heads = [connection for i, (connection, _) in enumerate(dripping) if i % 4]
            for connection in heads:
                answer = harness.read_to_end(connection)
                self.assertIn(attack.answers_in(answer), ([408], []))
            self.assertLess(time.monotonic() - began, self.HEADER_S + 10)


class TlsGarbage(attack.AttackTest):
    HELLO = bytes.fromhex("16030100c8010000c40303") + b"\x11" * 32

    def test_what_is_no_handshake(self):
        authority = certificates.Authority(self.directory / "ca")
        certificate, key = authority.certificate("node.test", addresses=[self.address(1)])
        trusting = ssl.create_default_context(cafile=str(authority.file))
        node = self.start_attacked("--tls-cert", certificate, "--tls-key", key, tls=trusting)
        noise = random.Random(7)
        garbage = [
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"\x80\x2e\x01\x03\x01" + b"\x00" * 60,                   # SSL 2
            b"\x16\x03\x00\x00\x05\x01\x00\x00\x01\x00",              # SSL 3
            self.HELLO,                                              # cut off
            self.HELLO[:5] + b"\xff" * 200,                          # a length beyond its record
            b"\x16\x03\x01\xff\xff" + b"\x01" * 70000,                # a record beyond the limit
            b"\x18\x03\x02\x00\x03\x01\x40\x00",                      # heartbeat
            b"\x15\x03\x01\x00\x02\x02\x28" * 100,                    # alerts
            b"\x14\x03\x03\x00\x01\x01" * 5000,                       # changes of cipher
            b"\x17\x03\x03\x40\x00" + b"\x00" * 16384,                # data before the keys
            b"\x16\x03\x01\x00\x01\x01" * 3000,                       # a hello in pieces of a byte
            *(noise.randbytes(noise.randrange(1, 2000)) for _ in range(100)),
        ]
        with self.holds(node):
            for i, data in enumerate(garbage):
                connection = self.connect(node, self.address(60 + i % 20))
                try:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                self.assertNotIn(b"HTTP/1.1 200", harness.read_to_end(connection))
                connection.close()
            for i in range(600):  # handshakes that are begun, and no more
                self.connect(node, self.address(30 + i % 30)).sendall(self.HELLO)
            self.assertEqual(node.request("GET", "/v1/ping", source=self.address(99)).status, 200)
        self.assertEqual(node.get("/v1/ping").status, 200)


GROUPS = (Requests, Connections, Drips, TlsGarbage)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
