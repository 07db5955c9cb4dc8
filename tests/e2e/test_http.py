"""What a node answers: every endpoint, who may use it, and what no client can do to it."""

import json
import re
import signal
import socket
import ssl
import time
import unittest

import certificates
import harness
import servers

TOKEN = "a-token-of-nobody"
HEADER_S = 10  # within which a whole head has to come
FOREIGN_HOST = {"Host": "node.example.net"}


def recorded_shape(name):
    return shape(json.loads(harness.recorded(name)))


def shape(value):
    """Names, their order, and types: what the old reader looks at."""
    if isinstance(value, dict):
        return [(name, shape(member)) for name, member in value.items() if name != "Mesh"]
    if isinstance(value, list):
        return [shape(member) for member in value]
    if isinstance(value, str):
        return "time" if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", value) else "text"
    return type(value).__name__


class Endpoints(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.node = self.start_node("-d", 1, "-L", "Here,XX", "-H", "my.host", "-r", 4242)

    def test_all_of_them(self):
        html, json_type = "text/html", "application/json"
        for path, status, content_type in (
                ("/", 200, html), ("/v1", 200, html), ("/v1/ping", 200, html),
                ("/v1/peers", 200, json_type), ("/v1/peers?addpeers=true", 200, json_type),
                ("/v1/peers?format=html", 200, html), ("/v1/addpeer", 200, html),
                ("/v1/metrics", 200, json_type), ("/memstats", 200, json_type),
                ("/v1/memstats", 200, json_type), ("/v1/env", 200, html),
                ("/v1/env?format=json", 200, json_type), ("/v1/login", 200, html),
                ("/healthz", 200, "text/plain"), ("/readyz", 200, "text/plain"),
                ("/v1/nothing", 404, "application/problem+json"), ("/v1/", 404, None),
                ("/index.html", 404, None), ("/v1/ping/", 404, None), ("//v1/ping", 404, None),
                ("/V1/PING", 404, None)):
            with self.subTest(path):
                answer = self.node.get(path)
                self.assertEqual(answer.status, status)
                if content_type:
                    self.assertEqual(answer.content_type, content_type)
                self.assertEqual(int(answer.headers["Content-Length"]), len(answer.body))
                self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
                if answer.content_type == html:
                    self.assertIn("default-src 'none'", answer.headers["Content-Security-Policy"])
                    self.assertNotIn("<script", answer.text)

    def test_the_index_links_to_what_there_is(self):
        page = self.node.get("/").text
        links = set(re.findall(r'href="(/[^"]*)"', page))
        for path in ("/v1/ping", "/v1/peers", "/v1/addpeer", "/v1/metrics", "/v1/env", "/v1/quit"):
            self.assertIn(path, links)
        for path in links - {"/v1/quit"}:
            self.assertEqual(self.node.get(path).status, 200, path)

    def test_ping_page(self):
        """As old nodes read it: a title, and a line with the location."""
        page = self.node.get("/v1/ping").text
        self.assertRegex(page, r"<title>[^<]+</title>")
        self.assertRegex(page, r"(?m)^<p>Served from Here,XX$")

    def test_methods(self):
        for method, path, allowed in (("POST", "/v1/ping", "GET, HEAD"),
                                      ("PUT", "/v1/peers", "GET, HEAD"),
                                      ("DELETE", "/v1/addpeer", "GET, HEAD, POST"),
                                      ("GET", "/v1/logout", "POST")):
            answer = self.node.request(method, path)
            self.assertEqual((answer.status, answer.headers["Allow"]), (405, allowed), path)
            self.assertEqual(answer.json()["status"], 405)
        for path, status in (("/v1/ping", 200), ("/v1/peers", 200), ("/v1/none", 404)):
            answer = self.node.request("HEAD", path)
            self.assertEqual((answer.status, answer.body), (status, b""))
            self.assertGreater(int(answer.headers["Content-Length"]), 0)

    def test_errors_fit_who_asks(self):
        problem = self.node.get("/v1/<nothing>")
        self.assertEqual(problem.content_type, "application/problem+json")
        self.assertEqual(problem.json()["status"], 404)
        self.assertIn("/v1/<nothing>", problem.json()["detail"])
        page = self.node.get("/v1/%3Cscript%3E", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
        self.assertEqual((page.status, page.content_type), (404, "text/html"))
        self.assertIn("/v1/&lt;script&gt;", page.text)
        self.assertNotIn("<script>", page.text)

    def test_a_head_of_get_changes_nothing(self):
        self.assertEqual(self.node.request("HEAD", "/v1/addpeer?url=127.0.0.1:9").status, 200)
        self.assertEqual(self.node.request("HEAD", "/v1/quit").status, 200)
        self.assertEqual(self.node.peers(), {})

    def test_documents_are_those_of_old(self):
        """Names, order, types and indentation as recorded, in each state."""
        target = self.serve(servers.Server(servers.answers(servers.ping_page("Paris,FR")),
                                           self.address(9)))
        dead = f"http://{self.address(8)}:{self.dead_port(self.address(8))}/v1/ping"
        # An operator gets our own "Mesh" beside it; who comes through a proxy is none.
        empty = self.node.get("/v1/peers", X_Forwarded_For="192.0.2.1")
        self.assertEqual(shape(empty.json()), recorded_shape("http_peers_0.json"))
        self.assertEqual([empty.json()[name] for name in ("SrvLoc", "SrvHost", "SrvPort")],
                         ["Here,XX", "my.host", 4242])
        metrics = self.node.get("/v1/metrics")
        self.assertEqual(shape(metrics.json()), recorded_shape("http_metrics.json"))

        self.assertEqual(self.node.add_peer(target.url()).status, 201)
        harness.wait_until("it is measured", lambda: self.node.peers()[target.url()]["Pings"] >= 2)
        one = self.node.get("/v1/peers", X_Forwarded_For="192.0.2.1")
        self.assertEqual(shape(one.json()), recorded_shape("http_peers_1.json"))
        # Our statistics stand on one line; the rest is indented as of old, with and without them.
        self.assertIn("Stats", one.json()["Peers"][0]["Mesh"])
        sums = self.node.get("/v1/peers?stats=none", X_Forwarded_For="192.0.2.1")
        self.assertEqual(shape(sums.json()), recorded_shape("http_peers_1.json"))
        for answer in (empty, sums, metrics):
            pretty = json.dumps(answer.json(), indent=2, ensure_ascii=False)
            self.assertEqual(answer.text.rstrip("\n"), pretty)
        peer = one.json()["Peers"][0]
        totals = peer["PingTotals"]
        self.assertEqual((peer["Location"], peer["PeerIP"], peer["Host"], peer["Fails"]),
                         ("Paris,FR", self.address(9), f"{self.address(9)}:{target.port}", 0))
        self.assertEqual((totals["DestUrl"], totals["RespCode"]), (target.url(), 200))
        self.assertEqual(totals["Size"], len(servers.ping_page("Paris,FR")) * peer["Pings"])
        self.assertGreater(totals["TcpHs"], 0)
        self.assertGreaterEqual(totals["Total"], totals["TcpHs"] + totals["Reply"])

        recorded = json.loads(harness.recorded("http_peers_failing.json"))
        failing = next(peer for peer in recorded["Peers"] if not peer["Pings"])
        self.node.add_peer(dead, fails=2)
        harness.wait_until("a failure", lambda: self.node.peers()[dead]["Fails"] >= 1)
        self.assertEqual(shape(self.node.peers()[dead]), shape(failing))
        harness.wait_until("it is given up", lambda: dead not in self.node.peers())
        document = self.node.document()
        self.assertEqual((document["NumActive"], document["NumDeleted"]), (1, 1))
        self.assertEqual([peer["Url"] for peer in document["DelPeers"]], [dead])
        self.assertEqual([peer["Fails"] for peer in document["DelPeers"]], [2])

    def test_requests_are_counted(self):
        before = self.node.document()["Requests"]
        for _ in range(5):
            self.node.get("/v1/ping")
        self.assertEqual(self.node.document()["Requests"], before + 6)

    def test_adding_by_the_form(self):
        """The form names its fields; what is typed wrong comes back with a sentence."""
        form = self.node.get("/v1/addpeer").text
        self.assertEqual(re.findall(r'<form method="post" action="([^"]*)"', form), ["/v1/addpeer"])
        self.assertEqual(set(re.findall(r'name="(\w+)"', form)) - {"viewport"},
                         {"url", "ip", "limit", "delay", "fails", "insecure"})
        browser = {"Accept": "text/html"}
        typed = {"url": "ftp://<b>x</b>/", "ip": "", "limit": "7"}
        page = self.node.request("POST", "/v1/addpeer", browser, typed)
        self.assertEqual((page.status, page.content_type), (400, "text/html"))
        self.assertIn('role="alert"', page.text)
        self.assertIn("http:// or https://", page.text)
        self.assertNotIn("<b>", page.text)
        self.assertIn('value="7"', page.text)
        url = f"http://{self.address(9)}:9/v1/ping"
        typed = {"url": url, "ip": self.address(8), "limit": "5", "delay": "60", "fails": "9"}
        for status in (201, 200):  # the second time it is known
            page = self.node.request("POST", "/v1/addpeer", browser, typed)
            self.assertEqual(page.status, status)
            self.assertIn(url, page.text)
        peer = self.node.peers()[url]
        self.assertEqual((peer["Limit"], peer["Delay"], peer["Maxfail"], peer["PeerIP"]),
                         (5, 60, 9, self.address(8)))

    def test_adding_what_is_wrong(self):
        for fields, word in (({}, "url"), ({"url": ""}, "url"), ({"url": "http://"}, "host"),
                             ({"url": "a.test", "ip": "b.test"}, "address"),
                             ({"url": "a.test", "limit": "-1"}, "limit"),
                             ({"url": "a.test", "limit": "x"}, "limit"),
                             ({"url": "a.test", "delay": "86401"}, "86400"),
                             ({"url": "a.test", "delay": "9" * 40}, "delay"),
                             ({"url": "a.test", "fails": "0"}, "fails"),
                             ({"url": "javascript:alert(1)"}, ""),
                             ({"url": "http://169.254.169.254/latest/"}, "metadata"),
                             ({"url": "a.test", "ip": "169.254.169.254"}, "metadata"),
                             ({"url": "http://[ff02::1]/"}, ""), ({"url": "http://0.0.0.0/"}, "")):
            with self.subTest(fields):
                answer = self.node.post("/v1/addpeer", fields)
                self.assertIn(answer.status, (400, 403))
                self.assertIn(word, answer.json()["detail"])
        for body, content_type, status in ((b"url=%zz", None, 400), (b"url=a%00b", None, 400),
                                           (b"&".join([b"a=b"] * 100), None, 413),
                                           (b'{"url": "a.test"}', "application/json", 415)):
            head = (f"POST /v1/addpeer HTTP/1.1\r\nHost: {self.address(1)}\r\nContent-Type: "
                    f"{content_type or 'application/x-www-form-urlencoded'}\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
            got = harness.raw_exchange(self.node.address, self.node.port, head.encode() + body)
            self.assertTrue(got.startswith(f"HTTP/1.1 {status} ".encode()), (body, got[:200]))
        self.assertEqual(self.node.peers(), {})

    def test_by_get_as_of_old(self):
        """For a program of the operator's, not for a browser that any page could send here."""
        program = {"User-Agent": "curl/7.88.1"}
        browser = {"User-Agent": "Mozilla/5.0", "Accept": "text/html"}
        path = "/v1/addpeer?url=127.0.0.1:9%2Fv1%2Fping&limit=3"
        page = self.node.request("GET", path, browser)
        self.assertEqual((page.status, self.node.peers()), (200, {}))
        self.assertIn("127.0.0.1:9/v1/ping", page.text)
        self.assertEqual(self.node.request("GET", path, program).status, 201)
        self.assertEqual(list(self.node.peers()), ["http://127.0.0.1:9/v1/ping"])


class Operators(harness.EndToEndTest):
    OPERATOR_PATHS = (("GET", "/v1/env"), ("GET", "/v1/addpeer"), ("POST", "/v1/addpeer"),
                      ("GET", "/v1/quit"), ("POST", "/v1/quit"))

    def check_refused(self, node, headers, status):
        for method, path in self.OPERATOR_PATHS:
            answer = node.request(method, path, headers, {"url": "a.test"} if method == "POST"
                                  else None)
            self.assertEqual(answer.status, status, (method, path, headers))
            self.assertNotIn(b"PINGMESH", answer.body.replace(b"PINGMESH_ADMIN_TOKEN", b""))
        self.assertTrue(node.is_running())
        self.assertEqual(node.peers(), {})

    def test_who_is_not_direct_is_refused(self):
        node = self.start_node()
        loopback = f"{node.address}:{node.port}"
        for headers in (FOREIGN_HOST, {"Host": "localhost.example.net"}, {"Host": "192.0.2.1"},
                        {"Host": "127.0.0.1.example.net"}, {"Host": "localhost:80:80"},
                        {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Host": "localhost"},
                        {"Forwarded": "for=127.0.0.1"}, {"Via": "1.1 proxy"},
                        {"X-Real-IP": "127.0.0.1"},
                        {"Authorization": "Bearer " + TOKEN, **FOREIGN_HOST}):
            self.check_refused(node, headers, 403)
        for host in (loopback, "localhost", f"LOCALHOST:{node.port}", "127.0.0.1", "[::1]:80"):
            self.assertEqual(node.get("/v1/env", Host=host).status, 200, host)
        for path in ("/v1/ping", "/v1/peers", "/", "/healthz", "/v1/metrics"):
            self.assertEqual(node.get(path, **FOREIGN_HOST).status, 200, path)

    def test_other_sites_are_refused(self):
        node = self.start_node(env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                        {"Origin": "http://evil.example.net"}, {"Origin": "null"},
                        {"Referer": "http://evil.example.net/page"},
                        {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example.net"},
                        {"Authorization": "Bearer " + TOKEN, "Sec-Fetch-Site": "cross-site"}):
            self.check_refused(node, headers, 403)
        own = f"http://{node.address}:{node.port}"
        answer = node.post("/v1/addpeer", {"url": "127.0.0.1:9"}, Origin=own,
                           Sec_Fetch_Site="same-origin")
        self.assertEqual(answer.status, 201)

    def test_bearer(self):
        node = self.start_node(env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        self.check_refused(node, FOREIGN_HOST, 401)
        wanted = node.get("/v1/env", **FOREIGN_HOST).headers["WWW-Authenticate"]
        self.assertEqual(wanted, 'Bearer realm="pingmesh"')
        right = node.get("/v1/env", Authorization="Bearer " + TOKEN, **FOREIGN_HOST)
        self.assertEqual(right.status, 200)
        other_kind = node.get("/v1/env", Authorization="Basic eA==", **FOREIGN_HOST)
        self.assertEqual(other_kind.status, 401)
        wrong = {"Authorization": "Bearer wrong-wrong", **FOREIGN_HOST}
        statuses = [node.get("/v1/env", **wrong).status for _ in range(7)]
        self.assertEqual(statuses, [401] * 5 + [429] * 2)
        self.assertGreater(int(node.get("/v1/env", **wrong).headers["Retry-After"]), 0)

    def test_token_from_a_file(self):
        file = self.directory / "token"
        file.write_text(TOKEN + "\n")
        node = self.start_node("--admin-token-file", file)
        answer = node.get("/v1/env", Authorization="Bearer " + TOKEN, **FOREIGN_HOST)
        self.assertEqual(answer.status, 200)

    def test_login_with_the_form(self):
        node = self.start_node(env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        browser = {"Accept": "text/html", "User-Agent": "Mozilla/5.0", **FOREIGN_HOST}
        page = node.request("GET", "/v1/addpeer", browser)
        self.assertEqual((page.status, page.content_type), (401, "text/html"))
        self.assertIn('action="/v1/login"', page.text)
        self.assertIn('name="next" value="/v1/addpeer"', page.text)

        wrong = node.request("POST", "/v1/login", browser, {"token": "wrong-wrong"})
        self.assertEqual((wrong.status, wrong.headers["Set-Cookie"]), (401, None))
        foreign = node.request("POST", "/v1/login", {**browser, "Origin": "http://evil.test"},
                               {"token": TOKEN})
        self.assertEqual((foreign.status, foreign.headers["Set-Cookie"]), (403, None))
        right = node.request("POST", "/v1/login", browser, {"token": TOKEN, "next": "/v1/addpeer"})
        self.assertEqual((right.status, right.headers["Location"]), (303, "/v1/addpeer"))
        cookie, *attributes = right.headers["Set-Cookie"].split("; ")
        self.assertLessEqual({"HttpOnly", "SameSite=Strict", "Path=/"}, set(attributes))
        self.assertNotIn(TOKEN, cookie)

        logged_in = {**browser, "Cookie": f"other=1; {cookie}"}
        self.assertEqual(node.request("GET", "/v1/addpeer", logged_in).status, 200)
        own = {**logged_in, "Origin": "http://" + FOREIGN_HOST["Host"]}
        added = node.request("POST", "/v1/addpeer", own, {"url": "127.0.0.1:9"})
        self.assertEqual(added.status, 201)
        cross = {**logged_in, "Sec-Fetch-Site": "cross-site"}
        self.assertEqual(node.request("POST", "/v1/addpeer", cross, {"url": "a.test"}).status, 403)
        flipped = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
        self.assertEqual(node.request("GET", "/v1/env", {**browser, "Cookie": flipped}).status, 401)
        out = node.request("POST", "/v1/logout", own, {})
        self.assertEqual(out.status, 303)
        self.assertIn("Max-Age=0", out.headers["Set-Cookie"])

    def test_after_the_login_only_to_our_own_pages(self):
        node = self.start_node(env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        for wanted in ("http://evil.test/", "//evil.test/", "/\\evil.test", "/v1/env?x=1",
                       "/v1/logout", "/v1/env\r\nX: y"):
            answer = node.post("/v1/login", {"token": TOKEN, "next": wanted})
            self.assertEqual((answer.status, answer.headers["Location"]), (303, "/"), wanted)
            self.assertIsNone(answer.headers["X"])

    def test_secrets_are_not_shown(self):
        """Neither the token nor anything of the environment that is not ours."""
        node = self.start_node("--timeout", 9, env={"PINGMESH_ADMIN_TOKEN": TOKEN,
                                                     "AWS_SECRET_ACCESS_KEY": "aws-" + TOKEN,
                                                     "PINGMESH_DELAY": "3"})
        for path in ("/v1/env", "/v1/env?format=json", "/", "/v1/peers", "/v1/addpeer"):
            self.assertNotIn(TOKEN, node.get(path).text)
        document = node.get("/v1/env?format=json").json()
        shown = {row["Name"]: (row["Value"], row["Origin"]) for row in document["Settings"]}
        self.assertEqual(shown["PINGMESH_ADMIN_TOKEN"][0], "(set)")
        self.assertEqual(shown["timeout"], ("9", "flag"))
        self.assertEqual(shown["d"], ("3", "PINGMESH_DELAY"))
        self.assertNotIn("AWS_SECRET_ACCESS_KEY", shown)
        self.assertNotIn(TOKEN, node.stderr)


class Quit(harness.EndToEndTest):
    def test_by_post(self):
        """The page lists the peers, the end is orderly, summaries and all."""
        target = self.serve(servers.Server(servers.answers(servers.ping_page("Paris,FR")),
                                           self.address(9)))
        node = self.start_node("-d", 1, target.url())
        harness.wait_until("it is measured", lambda: node.peers()[target.url()]["Pings"] >= 1)
        page = node.post("/v1/quit")
        self.assertEqual(page.status, 200)
        self.assertIn(target.url(), page.text)
        self.assertIn("Paris,FR", page.text)
        self.assertEqual(node.wait(), 0)
        self.assertRegex(node.stdout, r"Recorded \d+ samples in ")
        self.assertTrue(any("asked to quit" in line for line in node.log), node.stderr)
        self.assertRegex(node.log[-1], r"server shutdown, exiting ")

    def test_by_get(self):
        """From a program as of old; a browser gets a button."""
        node = self.start_node()
        page = node.get("/v1/quit", User_Agent="Mozilla/5.0")
        self.assertEqual(page.status, 200)
        self.assertIn('<form method="post" action="/v1/quit"', page.text)
        self.assertEqual(node.get("/healthz").status, 200)
        self.assertEqual(node.get("/v1/quit", User_Agent="Wget/1.21").status, 200)
        self.assertEqual(node.wait(), 0)


class Clients(harness.EndToEndTest):
    """What clients do, on purpose or not."""

    def raw(self, node, data):
        if isinstance(data, str):
            data = data.replace("\n", "\r\n").encode("latin-1")
        return harness.raw_exchange(node.address, node.port, data)

    def test_what_is_no_request(self):
        node = self.start_node()
        host = "Host: x\n"
        for data, status in (
                ("GET /v1/ping HTTP/1.1\n\n", 400),
                (f"GET /v1/ping HTTP/1.1\n{host}{host}\n", 400),
                (f"GET /v1/ping HTTP/2.0\n{host}\n", 505),
                (f"BREW /v1/ping HTTP/1.1\n{host}\n", 501),
                (f"GET v1/ping HTTP/1.1\n{host}\n", 400),
                (f"GET /v1/../ping HTTP/1.1\n{host}\n", 400),
                (f"GET /v1/%2e%2e/ping HTTP/1.1\n{host}\n", 400),
                (f"GET /v1/%00 HTTP/1.1\n{host}\n", 400),
                (f"GET /v1/%zz HTTP/1.1\n{host}\n", 400),
                (f"GET /v1/ping HTTP/1.1\n{host} folded\n\n", 400),
                (f"GET /v1/ping HTTP/1.1\n{host}Bad Name: x\n\n", 400),
                (f"GET /v1/ping HTTP/1.1\n{host}Name : x\n\n", 400),
                (b"GET /v1/ping HTTP/1.1\nHost: x\n\n", 400),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Content-Length: x\n\n", 400),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Content-Length: 1\n"
                 "Content-Length: 2\n\na", 400),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Content-Length: 3\n"
                 "Transfer-Encoding: chunked\n\n0\n\n", 400),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Transfer-Encoding: gzip\n\n", 501),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Content-Length: 99999999\n\n", 413),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Content-Length: {'9' * 30}\n\n", (400, 413)),
                (f"POST /v1/addpeer HTTP/1.1\n{host}Transfer-Encoding: chunked\n\n-1\n", 400),
                (f"GET /{'x' * 20000} HTTP/1.1\n{host}\n", (414, 431)),
                (f"GET / HTTP/1.1\n{host}X: {'y' * 20000}\n\n", 431),
                (f"GET / HTTP/1.1\n{host}" + "A: b\n" * 100 + "\n", 431),
                (f"GET / HTTP/1.1\n{host}Expect: the-unexpected\n\n", 417),
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40, 400),
                (b"\x00" * 64, 400)):
            with self.subTest(data[:80]):
                got = self.raw(node, data)
                statuses = status if isinstance(status, tuple) else (status,)
                self.assertIn(int(got[9:12] or 0), statuses, got[:200])
                self.assertIn(b"\r\nConnection: close\r\n", got)
        self.assertEqual(node.get("/v1/ping").status, 200)

    def test_keep_alive_and_no_pipelining(self):
        node = self.start_node()
        connection = node.connect()
        for path in ("/v1/ping", "/v1/peers", "/nothing", "/healthz"):
            answer = harness.send_request(connection, "GET", path)
            self.assertNotEqual(answer.headers["Connection"], "close")
            self.assertIsNotNone(connection.sock, path)
        connection.close()
        one = "GET /healthz HTTP/1.1\nHost: x\n\n"
        self.assertEqual(self.raw(node, one + one).count(b"HTTP/1.1 200 OK"), 1)
        old = self.raw(node, "GET /healthz HTTP/1.0\n\n")
        self.assertTrue(old.endswith(b"\r\n\r\nok\n"), old)

    def test_a_body_in_pieces(self):
        """Chunked, after 100 Continue, and cut at every byte."""
        node = self.start_node()
        head = (f"POST /v1/addpeer HTTP/1.1\r\nHost: {node.address}\r\nConnection: close\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n")
        chunked = (head + "Transfer-Encoding: chunked\r\n\r\n"
                   "4\r\nurl=\r\nb;x=y\r\n127.0.0.1:9\r\n0\r\nTrailer: x\r\n\r\n").encode()
        with socket.create_connection((node.address, node.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in chunked:
                connection.sendall(bytes([byte]))
            self.assertTrue(harness.read_to_end(connection).startswith(b"HTTP/1.1 201 "))
        with socket.create_connection((node.address, node.port), timeout=30) as connection:
            head += "Expect: 100-continue\r\nContent-Length: 15\r\n\r\n"
            connection.sendall(head.encode())
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 100 "))
            connection.sendall(b"url=127.0.0.1:8")
            self.assertTrue(harness.read_to_end(connection).startswith(b"HTTP/1.1 201 "))
        self.assertEqual(len(node.peers()), 2)

    def test_a_slow_head_is_cut_off(self):
        """Bytes that go on dripping do not prolong its time, which is as long for all."""
        node = self.start_node()
        started = time.monotonic()
        drips = [socket.create_connection((node.address, node.port)) for _ in range(3)]
        head = iter(b"GET /v1/ping HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000)
        while drips and time.monotonic() - started < 6 * HEADER_S:
            byte = bytes([next(head)])
            drips = [drip for drip in drips if self.is_open_after(drip, byte)]
            time.sleep(0.2)
        self.assertEqual(drips, [])
        self.assertGreaterEqual(time.monotonic() - started, HEADER_S - 1)
        self.assertEqual(node.get("/v1/ping").status, 200)

    @staticmethod
    def is_open_after(connection, byte):
        """Whether it is taken without an answer or an end."""
        try:
            connection.sendall(byte)
            connection.setblocking(False)
            connection.recv(1)
        except BlockingIOError:
            connection.setblocking(True)
            return True
        except OSError:
            pass
        connection.close()
        return False

    def test_a_slow_reader_holds_up_nobody(self):
        """Of a document larger than what the kernel takes: adds go on, and so does the end."""
        target = self.serve(servers.Server(servers.answers("ok"), "0.0.0.0"))
        urls = [f"http://{self.address(1 + i % 250)}:{target.port}/v1/ping?{i}{'x' * 600}"
                for i in range(1500)]
        listed = [f"http://{self.address(1 + i)}:{target.port}/v1/ping" for i in range(250)]
        teacher = self.serve(servers.OldNode(peers=listed, address=self.address(253)))
        node = self.start_node("-d", 3600, *urls)
        self.assertEqual(len(node.peers()), len(urls))
        readers = []
        for _ in range(4):
            reader = socket.socket()
            self.addCleanup(reader.close)
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            reader.connect((node.address, node.port))
            reader.sendall(b"GET /v1/peers HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(reader.recv(10).startswith(b"HTTP/1.1 2"))
            readers.append(reader)
        started = time.monotonic()
        self.assertEqual(node.add_peer("http://127.0.0.1:9/v1/ping").status, 201)
        self.assertEqual(node.add_peer(teacher.url("/v1/peers?addpeers=true")).status, 201)
        self.assertEqual(node.get("/healthz").status, 200)
        self.assertLess(time.monotonic() - started, 20)
        harness.wait_until("the list is taken", lambda: (
            node.get("/v1/metrics").json()["NumActive"] == len(urls) + 2 + len(listed)))
        started = time.monotonic()
        self.assertEqual(node.stop(signal.SIGINT), 0)
        self.assertLess(time.monotonic() - started, 20)

    def test_more_connections_than_there_is_room_for(self):
        """Idle ones give way, and half requests too: the node goes on answering."""
        for begun in b"", b"GET /v1/ping HT":
            node = self.start_node()
            for _ in range(700):
                taken = socket.create_connection((node.address, node.port), timeout=30)
                self.addCleanup(taken.close)
                taken.sendall(begun)
            self.assertEqual(node.get("/v1/ping").status, 200)
            self.assertEqual(node.stop(), 0)


class Tls(harness.EndToEndTest):
    def test_serving_and_probing_https(self):
        """One node serves with a private authority's certificate, another measures it."""
        authority = certificates.Authority(self.directory / "ca")
        certificate, key = authority.certificate("node.test", addresses=[self.address(1)])
        trusting = ssl.create_default_context(cafile=str(authority.file))
        served = self.start_node("--tls-cert", certificate, "--tls-key", key, "-L", "Safe,XX",
                                 tls=trusting, env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        self.assertEqual(served.get("/v1/ping").status, 200)
        plain = harness.raw_exchange(served.address, served.port, b"GET / HTTP/1.0\r\n\r\n")
        self.assertNotIn(b"200 OK", plain)
        login = served.request("POST", "/v1/login", FOREIGN_HOST, {"token": TOKEN})
        self.assertIn("Secure", login.headers["Set-Cookie"].split("; "))
        prober = self.start_node("-d", 1, "--ca", authority.file, served.url("/v1/ping"), number=2)
        peer = harness.wait_until("it is measured", lambda: next(
            (peer for peer in prober.peers().values() if peer["Pings"]), None))
        self.assertEqual(peer["Location"], "Safe,XX")
        self.assertGreater(peer["PingTotals"]["TlsHs"], 0)
        self.assertEqual(served.get("/v1/peers").status, 200)


if __name__ == "__main__":
    unittest.main()
