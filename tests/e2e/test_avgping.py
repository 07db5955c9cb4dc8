"""avgping against a small server that answers as old nodes did, and as nobody should.

Environment: PM_BUILD names the directory that holds avgping, PM_SOURCE the repository.
"""

import contextlib
import datetime
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

AVGPING = os.path.join(os.environ["PM_BUILD"], "avgping")
LEGACY = os.path.join(os.environ["PM_SOURCE"], "tests", "data", "legacy")
BODY_BYTES_MAX = 64 << 20
ENTRIES_MAX = 16384


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


def recorded(name):
    with open(os.path.join(LEGACY, name), encoding="utf-8") as file:
        return file.read()


def recorded_stdout(name):
    """What a recorded command printed: between the markers."""
    return recorded(name).split("--- stdout\n", 1)[1].split("--- stderr\n", 1)[0]


def answer(body, status="200 OK", headers=("Content-Type: text/plain; charset=utf-8",)):
    body = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return ("\r\n".join(head) + "\r\n\r\n").encode() + body


def peers_document(**members):
    document = {"Start": "2026-11-22T10:35:09Z", "SrvLoc": "Paris,FR", "SrvHost": "h",
                "SrvPort": 80, "Peers": None, "Requests": 1, "NumActive": 0, "NumDeleted": 0,
                "DelPeers": None}
    document.update(members)
    return json.dumps(document)


def peer(location, **members):
    entry = {"Url": "http://a/v1/ping", "Host": "a", "Location": location, "PeerIP": "192.0.2.1",
             "FirstPing": "2026-11-22T10:35:09Z", "LatestPing": "2026-11-22T10:35:16Z",
             "Pings": 2, "Fails": 0, "PingTotals": {"TcpHs": 3000000, "Total": 5000000}}
    entry.update(members)
    return entry


class Server:
    """One connection at a time on a random loopback port. respond(request, connection) sends what
    it likes; a bytes or str answer stands for sending just that. Requests are kept."""

    def __init__(self, respond, host="127.0.0.1", tls=None):
        self.respond = respond if callable(respond) else lambda request, connection: (
            connection.sendall(respond.encode() if isinstance(respond, str) else respond))
        self.requests = []
        self.server_names = []
        self.tls = tls
        if tls is not None:
            tls.sni_callback = lambda sock, name, context: self.server_names.append(name)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen(16)
        self.port = self.listener.getsockname()[1]
        self.host = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(timeout=30)

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                self.serve_one(connection)

    def serve_one(self, connection):
        connection.settimeout(30)
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                request += chunk
            self.requests.append(request.decode("latin-1"))
            self.respond(request, connection)


def dead_port():
    """A loopback port where nothing listens, taken so that nobody else gets it meanwhile."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken, taken.getsockname()[1]


def environment():
    """Far from UTC, with a proxy that would fail, so that reading either shows."""
    env = dict(os.environ, TZ="Asia/Tokyo", http_proxy="http://127.0.0.1:1",
               https_proxy="http://127.0.0.1:1", all_proxy="http://127.0.0.1:1")
    env.pop("no_proxy", None)
    return env


def run(*args, stdout=subprocess.PIPE):
    return subprocess.run([AVGPING, *args], stdout=stdout, stderr=subprocess.PIPE, timeout=60,
                          env=environment(), text=True, encoding="utf-8", errors="strict")


class AvgpingTest(unittest.TestCase):
    def assert_ran(self, result, status=0):
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertNotIn("Sanitizer", result.stderr)

    def assert_failed(self, result, says):
        """Exit 1, nothing printed, and one line of log that says why."""
        self.assert_ran(result, 1)
        self.assertEqual(result.stdout, "")
        self.assertRegex(result.stderr, r"\A\d{4}/\d\d/\d\d \d\d:\d\d:\d\d cannot get [^\n]*\n\Z")
        self.assertIn(says, result.stderr)


class Recorded(AvgpingTest):
    """Byte for byte what the original printed for the same document."""

    def setUp(self):
        started = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=8)
        document = recorded_stdout("avg_J_1.txt").replace(
            '"Start": "2026-11-22T10:35:09Z"', f'"Start": "{started:%Y-%m-%dT%H:%M:%SZ}"', 1)
        self.server = self.enterContext(Server(answer(document)))

    def enterContext(self, context):  # unittest has its own since Python 3.11
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def assert_printed(self, result, expected):
        self.assert_ran(result)
        self.assertEqual(result.stderr, "")
        printed = re.sub(r"started (8|9|[1-5]\d)s ago", "started 8s ago", result.stdout)
        self.assertEqual(printed, expected.replace("127.0.0.1:8081", self.server.host))

    def test_table(self):
        self.assert_printed(run("-H", self.server.host), recorded_stdout("avg_text_1.txt"))

    def test_table_with_deleted_peers(self):
        self.assert_printed(run("-d", "-H", self.server.host), recorded_stdout("avg_d_1.txt"))

    def test_override_is_named_in_the_titles(self):
        expected = recorded_stdout("avg_d_1.txt").replace(
            "127.0.0.1:8081 has", f"node.example:{self.server.port} at 127.0.0.1 has")
        self.assert_printed(run("-d", "-I", "127.0.0.1", "-H", f"node.example:{self.server.port}"),
                            expected)
        self.assertIn(f"\r\nHost: node.example:{self.server.port}\r\n", self.server.requests[0])

    def test_flags_in_every_style_of_go(self):
        expected = recorded_stdout("avg_d_1.txt")
        for args in (["-d=true", f"-H={self.server.host}"], ["--d", "--H", self.server.host],
                     ["--d=T", f"--H={self.server.host}", "--J=false"],
                     ["-d=0", "-d=1", "-H", "other", "-H", self.server.host, "--"]):
            with self.subTest(args=args):
                self.assert_printed(run(*args), expected)


class Json(AvgpingTest):
    def test_recorded_documents_come_out_as_they_were(self):
        documents = [recorded_stdout("avg_J_1.txt")]
        documents += [recorded(f"http_peers_{name}.json")
                      for name in ("0", "1", "deleted", "failing")]
        for document in documents:
            with Server(answer(document)) as server:
                result = run("-J", "-H", server.host)
            self.assert_ran(result)
            self.assertEqual(result.stdout, document)

    def test_any_layout_comes_out_canonical(self):
        document = recorded("http_peers_deleted.json")
        squeezed = json.dumps(json.loads(document), separators=(",", ":"))
        with Server(answer(squeezed)) as server:
            result = run("-J", "-H", server.host)
        self.assertEqual(result.stdout, document)

    def test_what_later_nodes_add_is_left_out(self):
        document = json.loads(recorded("http_peers_1.json"))
        document["Mesh"] = {"V": 1, "Lost": [["00ff", 3]]}
        document["Peers"][0]["Mesh"] = {"Id": "00ff", "Coord": [1.5, 2.5]}
        with Server(answer(json.dumps(document))) as server:
            result = run("-J", "-H", server.host)
        self.assert_ran(result)
        self.assertEqual(result.stdout, recorded("http_peers_1.json"))


class Request(AvgpingTest):
    def test_request_is_what_any_node_understands(self):
        with Server(answer(peers_document())) as server:
            self.assert_ran(run("-H", server.host))
        lines = server.requests[0].split("\r\n")
        self.assertEqual(lines[0], "GET /v1/peers HTTP/1.1")
        self.assertIn(f"Host: {server.host}", lines)
        self.assertEqual([line for line in lines if line.startswith("User-Agent: avgping/")],
                         lines[2:3])
        self.assertEqual(len(server.requests), 1)

    def test_path_of_a_proxy_is_kept(self):
        for path, asked in (("/", "/v1/peers"), ("/mesh", "/mesh/v1/peers"),
                            ("/mesh/", "/mesh/v1/peers"), ("/v1/peers", "/v1/peers")):
            with self.subTest(path=path), Server(answer(peers_document())) as server:
                self.assert_ran(run("-H", f"http://{server.host}{path}"))
                self.assertTrue(server.requests[0].startswith(f"GET {asked} HTTP/1.1\r\n"))

    @unittest.skipUnless(has_ipv6_loopback(), "no IPv6 on loopback")
    def test_ipv6(self):
        with Server(answer(peers_document()), host="::1") as server:
            result = run("-H", server.host)
            self.assert_ran(result)
            self.assertIn(f"Paris,FR [::1]:{server.port} has 0 peers", result.stdout)
            self.assertIn(f"\r\nHost: [::1]:{server.port}\r\n", server.requests[0])
            result = run("-H", f"node.example:{server.port}", "-I", "::1")
            self.assert_ran(result)
            self.assertIn(f"\r\nHost: node.example:{server.port}\r\n", server.requests[1])


class OldNodes(AvgpingTest):
    def test_no_peers_prints_the_title_alone(self):
        for peers in (None, []):
            with Server(answer(peers_document(Peers=peers, DelPeers=peers))) as server:
                result = run("-d", "-H", server.host)
            self.assert_ran(result)
            self.assertRegex(result.stdout, r"\AParis,FR \S+ has 0 peers and started \S+ ago:\n\Z")

    def test_start_that_never_was(self):
        document = peers_document(Start="0001-01-01T00:00:00Z")
        with Server(answer(document)) as server:
            result = run("-H", server.host)
        self.assertEqual(result.stdout, f"Paris,FR {server.host} has 0 peers"
                                        " and started at an unknown time:\n")

    def test_body_ended_by_close_and_in_chunks(self):
        document = recorded("http_peers_1.json").encode()
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in
                           (document[:10], document[10:])) + b"0\r\n\r\n"
        for response in (b"HTTP/1.0 200 OK\r\n\r\n" + document,
                         b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked):
            with Server(response) as server:
                result = run("-J", "-H", server.host)
            self.assert_ran(result)
            self.assertEqual(result.stdout, document.decode())

    def test_rows(self):
        """Sorted by location, equals as they came; a scheme in a location is not shown; width
        counts characters; a silent peer has no duration and no averages."""
        peers = [peer("Zürich,CH", PeerIP="192.0.2.1"),
                 peer("https://b.example/x", PeerIP="192.0.2.2"),
                 peer("Aachen,DE", PeerIP="192.0.2.3", Pings=0, Fails=9,
                      LatestPing="0001-01-01T00:00:00Z"),
                 peer("Zürich,CH", PeerIP="192.0.2.4", LatestPing="2026-11-24T13:35:10Z"),
                 peer("Aachen,DE", PeerIP="", FirstPing="2026-11-02T01:02:03Z",
                      LatestPing="2026-11-02T01:03:08Z")]
        with Server(answer(peers_document(Peers=peers))) as server:
            result = run("-H", server.host)
        self.assert_ran(result)
        self.assertEqual(result.stdout.split("\n")[2:], [
            "           Aachen,DE\t0\t9\tNov 22 10:35\t          0s\t0.000\t       0.000\t192.0.2.3",
            "           Aachen,DE\t2\t0\tNov  2 01:02\t       1m05s\t1.500\t       2.500\t unknown ",
            "           Zürich,CH\t2\t0\tNov 22 10:35\t          7s\t1.500\t       2.500\t192.0.2.1",
            "           Zürich,CH\t2\t0\tNov 22 10:35\t  2d3h00m01s\t1.500\t       2.500\t192.0.2.4",
            "         b.example/x\t2\t0\tNov 22 10:35\t          7s\t1.500\t       2.500\t192.0.2.2",
            ""])

    def test_malformed_entries_cost_no_more_than_themselves(self):
        peers = [peer("Rome,IT"), None, {"Url": 7}, peer("Oslo,NO", Pings="many"), peer("Bern,CH")]
        with Server(answer(peers_document(Peers=peers))) as server:
            result = run("-H", server.host)
        self.assert_ran(result)
        self.assertIn("has 2 peers", result.stdout)
        self.assertEqual([line.split("\t")[0].strip() for line in result.stdout.split("\n")[2:4]],
                         ["Bern,CH", "Rome,IT"])
        self.assertIn("left out 3 malformed or surplus entries", result.stderr)


class Unreachable(AvgpingTest):
    def test_dead_node_is_tried_with_both_schemes(self):
        taken, port = dead_port()
        with taken:
            result = run("-H", f"127.0.0.1:{port}")
        self.assert_ran(result, 1)
        self.assertEqual(result.stdout, recorded_stdout("avg_dead.txt"))
        lines = result.stderr.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertIn(f"cannot get http://127.0.0.1:{port}/v1/peers: ", lines[0])
        self.assertIn(f"cannot get https://127.0.0.1:{port}/v1/peers: ", lines[1])

    def test_scheme_named_is_the_only_one_tried(self):
        taken, port = dead_port()
        with taken:
            for scheme in ("http", "https"):
                result = run("-H", f"{scheme}://127.0.0.1:{port}")
                self.assert_failed(result, f"{scheme}://127.0.0.1:{port}/v1/peers")

    def test_statuses_and_redirects_are_no_answer(self):
        with Server(answer(peers_document())) as elsewhere:
            for status in ("301 Moved", "302 Found", "404 Not Found", "500 Oops", "204 Nothing"):
                location = (f"Location: http://{elsewhere.host}/v1/peers",)
                with Server(answer(peers_document(), status, location)) as server:
                    result = run("-H", f"http://{server.host}")
                self.assert_failed(result, f"HTTP status {status[:3]}")
            self.assertEqual(elsewhere.requests, [])

    def test_full_standard_output(self):
        with Server(answer(peers_document())) as server, open("/dev/full", "wb") as full:
            result = run("-H", server.host, stdout=full)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "avgping: cannot write to standard output\n")


class Tls(AvgpingTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.certificate = os.path.join(cls.folder.name, "cert.pem")
        key = os.path.join(cls.folder.name, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test",
                        "-addext", "subjectAltName=DNS:node.example", "-keyout", key,
                        "-out", cls.certificate], check=True, capture_output=True)
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(cls.certificate, key)

    def server(self):
        return Server(answer(peers_document()), tls=self.context)

    def test_https_is_found_after_http_failed(self):
        with self.server() as server:
            result = run("-H", f"node.example:{server.port}", "-I", "127.0.0.1",
                         "-ca", self.certificate)
        self.assert_ran(result)
        self.assertRegex(result.stdout, r"\ATrying with https:// protocol\nParis,FR node\.example")
        self.assertIn(f"\r\nHost: node.example:{server.port}\r\n", server.requests[0])
        self.assertEqual(server.server_names, ["node.example"])

    def test_unknown_authority_and_wrong_name_are_refused(self):
        with self.server() as server:
            self.assert_failed(run("-H", f"https://node.example:{server.port}", "-I", "127.0.0.1"),
                               "certificate")
            self.assert_failed(run("-H", f"https://other.example:{server.port}",
                                   "-I", "127.0.0.1", "-ca", self.certificate), "other.example")
            self.assertEqual(server.requests, [])

    def test_verification_off_is_asked_for_and_shown(self):
        with self.server() as server:
            for flag in ("-k", "--insecure"):
                result = run("-H", f"https://{server.host}", flag)
                self.assert_ran(result)
                self.assertIn("has 0 peers", result.stdout)
                self.assertIn("not verifying the certificate", result.stderr)


class WrongUse(AvgpingTest):
    def test_one_clear_line_and_exit_2(self):
        cases = (([], "-H is missing"), (["-H"], "-H needs a value"), (["-H", ""], "-H is missing"),
                 (["-H="], "-H is missing"), (["host"], '"host"'), (["-H", "h", "more"], '"more"'),
                 (["-x", "-H", "h"], "-x"), (["--nope=1"], "--nope"), (["---H", "h"], "---H"),
                 (["-J=maybe", "-H", "h"], '"maybe"'), (["-w", "0", "-H", "h"], '"0"'),
                 (["-w", "1.5", "-H", "h"], '"1.5"'), (["-w", "", "-H", "h"], "-w"),
                 (["-w", "86401", "-H", "h"], "86400"), (["-w=5s", "-H", "h"], '"5s"'),
                 (["-w", "99999999999999999999", "-H", "h"], "86400"),
                 (["-H", "h", "-w"], "-w needs a value"), (["-H", "h:0"], "0"),
                 (["-H", "h:70000"], "70000"), (["-H", "h:x"], "x"), (["-H", "a b"], "a b"),
                 (["-H", "ftp://h"], "ftp"), (["-H", "user:pw@h"], ""), (["-H", "h?x=1"], "query"),
                 (["-H", "h", "-I", "nowhere"], "nowhere"), (["-H", "h", "-I", "127.1"], "127.1"),
                 (["-H", "h", "-ca", "/nonexistent/ca.pem"], "/nonexistent/ca.pem"),
                 (["-H", "x" * 5000], ""), (["-H", "\x1b[2J\nfake"], "?[2J?fake"))
        for args, says in cases:
            with self.subTest(args=args):
                result = run(*args)
                self.assert_ran(result, 2)
                self.assertEqual(result.stdout, "")
                self.assertRegex(result.stderr, r"\Aavgping: [^\n\x1b]+\n\Z")
                self.assertIn(says, result.stderr)

    def test_help(self):
        for flag in ("-h", "-help", "--help"):
            result = run(flag)
            self.assert_ran(result)
            self.assertEqual(result.stderr, "")
            for name in ("-H host[:port]", "-I ip", "-J", "-d", "-w seconds", "-ca file", "-k"):
                self.assertIn(f"  {name} ", result.stdout)


def statistics(**members):
    """A window as a node of ours sends it."""
    window = {"Sent": 60, "Succeeded": 60, "Lost": 0, "Starved": 0, "Retransmitted": 0, "Late": 0,
              "Segments": 60, "SegmentsResent": 0, "Trials": 60, "TrialsLost": 3, "Loss": 0.05,
              "LossLow": 0.010426, "LossHigh": 0.139193}
    window.update(members)
    return window


def phase(p50_ns, **members):
    figures = {"Count": 60, "Mean": p50_ns, "P50": p50_ns, "P90": 2 * p50_ns, "P95": 3 * p50_ns,
               "P99": 4 * p50_ns, "Max": 5 * p50_ns, "Jitter": p50_ns // 10}
    figures.update(members)
    return figures


class Percentiles(AvgpingTest):
    def test_a_row_for_each_peer_and_phase(self):
        stats = {"1m": statistics(Tcp=phase(1)),
                 "10m": statistics(Tcp=phase(2000000), Total=phase(3500000))}
        peers = [peer("Rome,IT", PeerIP="192.0.2.2"),
                 peer("Oslo,NO", Mesh={"Stats": stats, "Later": [1]}),
                 peer("Bern,CH", Mesh={"Stats": {"10m": statistics(Trials=0, Loss=None)}})]
        with Server(answer(peers_document(Peers=peers))) as server:
            result = run("--percentiles", "-H", server.host)
        self.assert_ran(result)
        self.assertEqual(server.requests[0].splitlines()[0], "GET /v1/peers?stats=all HTTP/1.1")
        lines = result.stdout.splitlines()
        rows = [[cell.strip() for cell in line.split("\t")] for line in lines[1:6]]
        self.assertEqual(rows, [
            ["Location", "Phase", "Count", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "max ms",
             "jitter ms", "Loss %", "95% within", "PeerIP or URL"],
            ["Bern,CH"] + ["-"] * 10 + ["192.0.2.1"],
            ["Oslo,NO", "Tcp", "60", "2.000", "4.000", "6.000", "8.000", "10.000", "0.200", "5.00",
             "1.04-13.92", "192.0.2.1"],
            ["Oslo,NO", "Total", "60", "3.500", "7.000", "10.500", "14.000", "17.500", "0.350",
             "5.00", "1.04-13.92", "192.0.2.1"],
            ["Rome,IT"] + ["-"] * 10 + ["192.0.2.2"]])
        self.assertEqual(lines[6:], [
            "No percentiles of 1 of them: nothing was measured in the last 10 minutes, or the node "
            "asked is an old one, which has none."])

    def test_old_nodes_have_none(self):
        with Server(answer(recorded("http_peers_deleted.json"))) as server:
            result = run("--percentiles", "-d", "-H", server.host)
        self.assert_ran(result)
        self.assertRegex(result.stdout, r"\nNo percentiles of \d+ of them: .* old one")
        self.assertIn("deleted peers:\n", result.stdout)

    def test_json_has_every_window_that_was_sent(self):
        stats = {name: statistics(Tcp=phase(p50)) for name, p50 in
                 (("1m", 1), ("10m", 2), ("1h", (1 << 53) - 1))}
        peers = [peer("Oslo,NO", Mesh={"Stats": stats, "Later": 1}), peer("Rome,IT")]
        document = peers_document(Peers=peers, DelPeers=[peers[0]])
        with Server(answer(document)) as server:
            plain = run("-J", "-H", server.host)
        with Server(answer(document)) as server:
            result = run("-J", "--percentiles", "-H", server.host)
        self.assert_ran(plain)
        self.assertNotIn("Mesh", plain.stdout)
        self.assert_ran(result)
        read = json.loads(result.stdout)
        for name in ("1m", "10m"):
            self.assertEqual(read["Peers"][0]["Mesh"]["Stats"][name], stats[name])
        self.assertNotIn("1h", read["Peers"][0]["Mesh"]["Stats"])  # P90 is past every integer
        self.assertNotIn("Mesh", read["Peers"][1])
        self.assertEqual(read["DelPeers"][0]["Mesh"], read["Peers"][0]["Mesh"])
        without = json.loads(plain.stdout)
        for entry in read["Peers"] + read["DelPeers"]:
            entry.pop("Mesh", None)
        self.assertEqual(read, without)

    def test_malformed_statistics_are_none(self):
        for mesh in (7, "x", [], {"Stats": 7}, {"Stats": {"10m": []}}, {"Stats": {"10m": {}}},
                     {"Stats": {"10m": statistics(Sent="many")}},
                     {"Stats": {"10m": statistics(Loss="x")}},
                     {"Stats": {"10m": statistics(Tcp=7)}},
                     {"Stats": {"10m": statistics(Tcp=phase(1, P99=0.5))}},
                     {"Stats": {"10m": statistics(Tcp=phase(1, P99=None))}}):
            with self.subTest(mesh=mesh):
                peers = [peer("Oslo,NO", Mesh=mesh)]
                with Server(answer(peers_document(Peers=peers))) as server:
                    result = run("--percentiles", "-H", server.host)
                self.assert_ran(result)
                self.assertIn("No percentiles of 1 of them", result.stdout)

    def test_as_many_entries_as_a_node_has_and_no_more(self):
        entry = peer("Oslo,NO", Mesh={"Stats": {"10m": statistics(Tcp=phase(1000))}})
        document = peers_document(Peers=[entry] * (ENTRIES_MAX + 1), DelPeers=[entry])
        with Server(answer(document)) as server:
            result = run("--percentiles", "-H", server.host)
        self.assert_ran(result)
        self.assertEqual(len(result.stdout.splitlines()), 2 + ENTRIES_MAX)
        self.assertIn("left out 1 malformed or surplus entries", result.stderr)


class Hostile(AvgpingTest):
    def test_texts_cannot_garble_the_terminal(self):
        nasty = "\x1b]0;owned\x07\r\n\t\u009b2J\u202egnp.exe\u2028<script>"
        safe = "?]0;owned?????2J?gnp.exe?<script>"
        document = peers_document(SrvLoc=nasty, Peers=[peer(nasty, PeerIP=nasty)],
                                  DelPeers=[peer(nasty)])
        with Server(answer(document)) as server:
            result = run("-d", "-H", server.host)
        self.assert_ran(result)
        self.assertNotRegex(result.stdout, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]")
        lines = result.stdout.splitlines()
        self.assertEqual(len(lines), 6)
        self.assertTrue(lines[0].startswith(f"{safe} {server.host} has 1 peers"))
        columns = lines[2].split("\t")
        self.assertEqual(len(columns), 8)
        self.assertEqual(columns[0], safe)
        self.assertEqual(columns[7], safe)

    def test_numbers_of_any_size(self):
        big = (1 << 53) - 1
        peers = [peer("a", Pings=-5, Fails=-big), peer("b", Pings=big),
                 peer("c", LatestPing="2261-01-01T00:00:00Z", FirstPing="1970-01-01T00:00:01Z"),
                 peer("d", Pings=1e300)]
        with Server(answer(peers_document(Peers=peers))) as server:
            result = run("-H", server.host)
        self.assert_ran(result)
        rows = [line.split("\t") for line in result.stdout.splitlines()[2:]]
        self.assertEqual([row[0].strip() for row in rows], ["a", "b", "c"])
        self.assertEqual(rows[0][1:3] + rows[0][5:6], ["-5", str(-big), "0.000"])
        self.assertEqual(rows[1][5], "0.000")
        self.assertEqual(rows[2][4].strip(), "106285d23h59m59s")

    def test_bodies_that_are_no_peers_document(self):
        for body in ("", "<html>", "[]", "null", "{}", '{"Peers":7}', '{"Peers":[}', "\xff\xfe",
                     peers_document(SrvLoc=7), peers_document()[:-1],
                     '{"Peers":' + "[" * 100000, '{"Peers":[' + "0," * (5 << 20) + "0]}"):
            with self.subTest(body=body[:20]), Server(answer(body)) as server:
                self.assert_failed(run("-H", f"http://{server.host}"), "")

    def test_body_past_the_limit(self):
        padding = " " * (BODY_BYTES_MAX - len(peers_document()))
        with Server(answer(peers_document() + padding)) as server:
            self.assert_ran(run("-H", server.host))
        with Server(answer(peers_document() + padding + " ")) as server:
            self.assert_failed(run("-H", f"http://{server.host}"), "larger than 67108864 bytes")
        with Server(answer(peers_document(SrvLoc="x" * (65 << 20)))) as server:
            self.assert_failed(run("-H", f"http://{server.host}"), "larger than 67108864 bytes")

    def test_streams_without_end(self):
        def endless(head, piece):
            def respond(_, connection):
                connection.sendall(head)
                while True:  # until the other side has had enough
                    connection.sendall(piece)
            return respond
        cases = ((b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536, "larger than 67108864 bytes"),
                 (b"HTTP/1.1 200 OK\r\n", b"X-More: 0123456789\r\n" * 100,
                  "header is larger than 65536 bytes"),
                 (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 65536, ""))
        for head, piece, says in cases:
            with self.subTest(head=head), Server(endless(head, piece)) as server:
                self.assert_failed(run("-H", f"http://{server.host}"), says)

    def test_closed_early_and_no_http_at_all(self):
        for response in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", b"SSH-2.0-x\r\n",
                         b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
            with self.subTest(response=response), Server(response) as server:
                self.assert_failed(run("-H", f"http://{server.host}"), "")

    def test_silence_ends_after_ten_seconds(self):
        released = threading.Event()
        with Server(lambda request, connection: released.wait(30)) as server:
            begun = time.monotonic()
            result = run("-H", f"http://{server.host}")
            took = time.monotonic() - begun
            released.set()
        self.assert_failed(result, "no whole answer within 10 s")
        self.assertGreaterEqual(took, 9.9)
        self.assertLess(took, 20)


class Watch(AvgpingTest):
    def start(self, *args):
        return subprocess.Popen([AVGPING, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment(), text=True, encoding="utf-8")

    def finish(self, process, ending):
        process.send_signal(ending)
        rest, log = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 0, log)
        self.assertNotIn("Sanitizer", log)
        return rest, log

    def test_refreshes_until_a_signal(self):
        for ending in (signal.SIGINT, signal.SIGTERM):
            with Server(answer(peers_document())) as server:
                process = self.start("-w", "1", "-H", server.host)
                lines = [process.stdout.readline() for _ in range(3)]
                rest, log = self.finish(process, ending)
            self.assertIn("has 0 peers", lines[0])
            self.assertEqual(lines[1], "\n")
            self.assertIn("has 0 peers", lines[2])
            self.assertNotIn("\x1b", "".join(lines) + rest)
            self.assertEqual(log, "")

    def test_one_failure_in_between_is_told_and_survived(self):
        answers = [answer(peers_document()), answer("gone", "503 Busy"), answer(peers_document())]

        def respond(_, connection):
            connection.sendall(answers.pop(0) if answers else answer(peers_document()))
        with Server(respond) as server:
            process = self.start("-w", "1", "-H", f"http://{server.host}")
            lines = [process.stdout.readline() for _ in range(3)]
            _, log = self.finish(process, signal.SIGINT)
        self.assertIn("has 0 peers", lines[2])
        self.assertEqual(log.count("HTTP status 503"), 1)

    def test_the_first_failure_ends_it(self):
        taken, port = dead_port()
        with taken:
            self.assert_failed(run("-w", "1", "-H", f"http://127.0.0.1:{port}"), "")

    def test_signal_while_the_node_is_silent(self):
        released = threading.Event()
        asked = threading.Event()

        def respond(_, connection):
            asked.set()
            released.wait(30)
        with Server(respond) as server:
            process = self.start("-w", "1", "-H", f"http://{server.host}")
            self.assertTrue(asked.wait(30))
            begun = time.monotonic()
            self.finish(process, signal.SIGINT)
            self.assertLess(time.monotonic() - begun, 5)
            released.set()


if __name__ == "__main__":
    unittest.main()
