"""One node under valgrind: targets good and bad, a pulled list, requests good and bad, and a clean
stop. No error and no leak.

Not a test of the suite (it is slow, and sanitizers look at the rest): `./dev memcheck` runs it, on
a build without sanitizers. Environment as for the tests: PM_BUILD, PM_SOURCE.
"""

import re
import signal
import socket
import ssl
import sys
import unittest

import certificates
import harness
import servers

ERROR_STATUS = 99
START_S = 120  # valgrind slows everything down by a factor of 30 or so
TOKEN = "a-token-of-nobody"

LEAKS = "definite,indirect,possible"
FREE = ["--sandbox", "off"]  # valgrind writes code and runs it, which the sandbox is there to prevent
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", f"--show-leak-kinds={LEAKS}",
            f"--errors-for-leak-kinds={LEAKS}", f"--error-exitcode={ERROR_STATUS}"]


class Memcheck(harness.EndToEndTest):
    def node_under_valgrind(self, *arguments, tls=None):
        address = self.address(1)
        port = harness.free_port(address)
        command = [*VALGRIND, f"--log-file={self.directory / 'valgrind'}", harness.PINGMESH,
                   *FREE, "-s", port, "--bind", address, *arguments]
        node = harness.Node(command, self.directory, {"PINGMESH_ADMIN_TOKEN": TOKEN}, address, port,
                            tls)
        self.processes.append(node)
        harness.wait_until("the node is ready", node.is_ready, START_S)
        return node

    def check_end(self, node, status):
        report = (self.directory / "valgrind").read_text()
        self.assertEqual(report, "")
        self.assertEqual(status, 0, node.describe())

    def bad_targets(self):
        address = self.address(9)
        pool = [servers.Server(servers.answers("no", "500 Oops"), address),
                servers.silent_server(address), servers.Server(servers.endless_body, address),
                servers.Server(servers.closes_at_once, address),
                servers.Server(servers.says(b"\x00 no HTTP\r\n\r\n"), address),
                servers.Server(servers.drips(servers.response("x" * 1000), 0.05), address)]
        return [self.serve(server).url() for server in pool] + [
            f"http://{address}:{self.dead_port(address)}/", "http://name.invalid/"]

    def requests(self, node, teacher):
        """Good and bad ones, over connections kept, cut off, and left open."""
        foreign = {"Host": "node.example.net"}
        for path in ("/", "/v1", "/v1/ping", "/v1/peers", "/v1/peers?format=html", "/v1/addpeer",
                     "/v1/metrics", "/v1/env", "/v1/login", "/healthz", "/none"):
            node.get(path)
            node.get(path, Accept="text/html", **foreign)
        node.post("/v1/login", {"token": TOKEN, "next": "/v1/env"}, **foreign)
        node.post("/v1/login", {"token": "wrong-wrong"}, **foreign)
        for fields in ({"url": "ftp://x/"}, {"url": self.target.url()}, {"url": "127.0.0.1:9"}):
            node.post("/v1/addpeer", fields)
        self.assertEqual(node.add_peer(teacher.url("/v1/peers?addpeers=true")).status, 201)
        if not node.tls:
            for data in (b"\x00", b"GET\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20000,
                         b"POST /v1/addpeer HTTP/1.1\r\nHost: x\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n"
                         b"5\r\nurl=a\r\n0\r\n\r\nGET / HTTP/1.1\r\n"):
                with socket.create_connection((node.address, node.port), timeout=60) as connection:
                    connection.sendall(data)
                    connection.shutdown(socket.SHUT_WR)
                    harness.read_to_end(connection)
        for data in (b"", b"GET /v1/pi", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"):
            half = socket.create_connection((node.address, node.port))
            self.addCleanup(half.close)
            half.sendall(data)

    def check_node(self, *arguments, tls=None, end):
        """Runs it until everything happened at least once; then ends it in the middle of things."""
        authority = certificates.Authority(self.directory / "trusted")
        strangers = certificates.Authority(self.directory / "strangers")
        page = servers.answers(servers.ping_page("Paris,FR"))
        self.target = self.serve(servers.Server(page, self.address(9)))
        secure = self.serve(servers.Server(
            page, self.address(9),
            tls=authority.server_context("a.test", addresses=[self.address(9)])))
        untrusted = self.serve(servers.Server(
            page, self.address(9),
            tls=strangers.server_context("b.test", addresses=[self.address(9)])))
        listed = [self.target.url("/v1/ping"), "http://169.254.169.254/v1/ping", "nonsense",
                  f"http://{self.address(8)}:9/v1/ping"]
        teacher = self.serve(servers.OldNode(peers=listed, address=self.address(7)))
        node = self.node_under_valgrind(
            "-v", "-d", 1, "-f", 2, "--timeout", 3, "--given-up-retry", 1, "--body-max", 65536,
            "--ca", authority.file, *arguments, self.target.url(), secure.url(),
            untrusted.url(), untrusted.url("/2").replace("https://", "https+insecure://"),
            *self.bad_targets(), tls=tls)
        self.requests(node, teacher)
        harness.wait_until("the list is read", lambda: "peers of " in node.stderr, START_S)
        measured = {self.target.url(), secure.url(), untrusted.url("/2"), teacher.url()}
        harness.wait_until("the good ones are measured", lambda: all(
            url in node.peers() and node.peers()[url]["Pings"] >= 2 for url in measured), START_S)
        harness.wait_until("the bad ones are given up", lambda: (
            len(re.findall("Ping quitting", node.stderr)) >= 9), START_S)
        if end == "quit":
            self.assertEqual(node.post("/v1/quit").status, 200)
            status = node.wait(START_S)
        else:
            status = node.stop(end, START_S)
        self.check_end(node, status)

    def test_http(self):
        self.check_node(end=signal.SIGTERM)

    def test_https(self):
        authority = certificates.Authority(self.directory / "own")
        certificate, key = authority.certificate("node.test", addresses=[self.address(1)])
        self.check_node("--tls-cert", certificate, "--tls-key", key, "--output", "json", end="quit",
                        tls=ssl.create_default_context(cafile=str(authority.file)))

    def test_without_a_server(self):
        """A run with a limit, to its own end."""
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        node = self.start(*VALGRIND[1:], f"--log-file={self.directory / 'valgrind'}",
                          harness.PINGMESH, *FREE, "-n", 3, "-d", 1, target.url(),
                          program="valgrind")
        self.check_end(node, node.wait(START_S))

    def test_wrong_use(self):
        """What is wrong is found before, between and after the parts are opened."""
        for arguments in (["--no-such"], ["ftp://x/"], ["-h"], ["--print-config", "a.test"],
                          ["--ca", self.directory / "none", "a.test"],
                          ["-s", "9", "--admin-token-file", self.directory / "none"],
                          ["-s", "9", "--tls-cert", "none", "--tls-key", "none"]):
            log = self.directory / "valgrind"
            process = self.start(*VALGRIND[1:], f"--log-file={log}", harness.PINGMESH, *arguments,
                                 program="valgrind")
            self.assertNotEqual(process.wait(START_S), ERROR_STATUS, log.read_text())
            self.assertEqual(log.read_text(), "")


if __name__ == "__main__":
    if "sanitize=address" in (harness.BUILD / "build.ninja").read_text():
        sys.exit(f"{harness.BUILD} is built with sanitizers: valgrind needs a build without them")
    unittest.main(verbosity=2)
