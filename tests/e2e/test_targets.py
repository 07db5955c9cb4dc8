"""What a node makes of its targets: good ones, broken ones, hostile ones."""

import os
import re
import signal
import time
import unittest

import certificates
import harness
import servers

OVERRIDE_NAME = "node.test"


class TargetsTest(harness.EndToEndTest):
    def probe_once(self, urls, *arguments, status=None, seconds=harness.DEADLINE_S):
        """Each target until its first success or failure; its only sample by URL."""
        process = self.start("--output", "json", "-n", 1, "-f", 1, *arguments, *urls)
        exit_status = process.wait(seconds)
        samples = {sample["url"]: sample for sample in process.samples()}
        self.assertEqual(len(process.samples()), len(urls), process.describe())
        if status is None:
            status = 0 if all(s["outcome"] == "success" for s in samples.values()) else 3
        self.assertEqual(exit_status, status, process.describe())
        self.last = process
        return samples

    def outcomes(self, urls, *arguments, **how):
        return {url: sample["outcome"]
                for url, sample in self.probe_once(urls, *arguments, **how).items()}


class Outcomes(TargetsTest):
    def test_broken_targets(self):
        """Each fails in its own way within its time, and none holds up another."""
        address = self.address(9)
        pool = {
            "success": servers.Server(servers.answers("ok"), address),
            "status": servers.Server(servers.answers("no", "404 Not Found"), address),
            "timeout": servers.silent_server(address),
            "too-large": servers.Server(servers.endless_body, address),
            "closed": servers.Server(servers.closes_at_once, address),
            "protocol": servers.Server(servers.says(b"\x00\xff\xfe nothing of HTTP\r\n\r\n" * 9),
                                       address),
        }
        expected = {self.serve(server).url(): outcome for outcome, server in pool.items()}
        more = {
            servers.Server(servers.closes_at_once, address, reads=False): "closed",
            servers.silent_server(address, reads=False): "timeout",
            servers.Server(servers.drips(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 4000, 0.1),
                           address): "timeout",
            servers.Server(servers.drips(servers.response("z" * 4000), 0.05), address): "timeout",
            servers.Server(servers.says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
                           address): "closed",
            servers.Server(servers.says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 20)),
                           address): "too-large",
            servers.Server(servers.says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        b"zz\r\n"), address): "protocol",
            servers.Server(servers.answers("broken", "500 Oops"), address): "status",
            servers.Server(servers.answers("", "304 Not Modified"), address): "success",
            servers.Server(servers.answers("", "305 Use Proxy"), address): "status",
            servers.Server(servers.says(b"\x16\x03\x01" + b"\x00" * 50), address): "protocol",
        }
        expected.update({self.serve(server).url(): outcome for server, outcome in more.items()})
        plain = self.serve(servers.Server(servers.answers("ok"), address, reads=False))
        expected[f"https://{address}:{plain.port}/"] = "tls"
        expected[f"http://{address}:{self.dead_port(address)}/"] = "connect"
        expected["http://name.invalid/"] = "lookup"
        started = time.monotonic()
        samples = self.probe_once(list(expected), "--timeout", 2, "--lookup-timeout", 2,
                                  "--body-max", 65536, "-d", 60)
        self.assertEqual({url: sample["outcome"] for url, sample in samples.items()}, expected)
        self.assertLess(time.monotonic() - started, 30)
        for url, sample in samples.items():
            if sample["outcome"] == "timeout":
                self.assertGreaterEqual(sample["total_ns"], 1_900_000_000, url)
                self.assertLess(sample["total_ns"], 20_000_000_000, url)

    def test_a_failure_says_why(self):
        """One line with the reason, then the original's own, for each."""
        address = self.address(9)
        silent = self.serve(servers.silent_server(address))
        self.probe_once([silent.url()], "--timeout", 1, "-L", "Here")
        host = f"{address}:{silent.port}"
        self.assertEqual(self.last.log[1:3], [
            next(line for line in self.last.log if f"{host}: no answer within" in line),
            f"Here to {host}: HTTP error 502 hit failure limit 1 on {silent.url()}, Ping quitting"])

    def test_redirects_are_not_followed(self):
        elsewhere = self.serve(servers.Server(servers.answers("no"), self.address(8)))
        expected = {}
        for status, outcome in (("301 Moved Permanently", "success"), ("302 Found", "success"),
                                ("303 See Other", "success"), ("307 Temporary", "status"),
                                ("308 Permanent", "status")):
            target = self.serve(servers.Server(
                servers.answers("", status, headers=[f"Location: {elsewhere.url()}"]),
                self.address(9)))
            expected[target.url()] = outcome
        self.assertEqual(self.outcomes(list(expected)), expected)
        self.assertEqual(elsewhere.connections, 0)

    def test_a_failure_now_and_then_does_not_end_a_target(self):
        """Failures in a row count, not those of a lifetime."""
        turn = iter(range(1000))

        def alternates(connection, _request):
            status = "200 OK" if next(turn) % 2 == 0 else "500 Oops"
            connection.sendall(servers.response("ok", status))

        target = self.serve(servers.Server(alternates, self.address(9)))
        process = self.start("--output", "json", "-d", 1, "-f", 2, target.url())
        samples = harness.wait_until(
            "three failures", lambda: sum(s["outcome"] == "status" for s in process.samples()) >= 3
            and process.samples())
        self.assertNotIn("Ping quitting", process.stderr)
        self.assertLessEqual(max(sample["failures_in_a_row"] for sample in samples), 1)
        self.assertEqual(process.stop(signal.SIGINT), 0)

    def test_no_delay_is_one_probe(self):
        """A failing target with -d 0 is asked once, not as fast as the processor can."""
        target = self.serve(servers.Server(servers.answers("no", "500 Oops"), self.address(9)))
        process = self.run_to_end("-d", 0, "-L", "Here", target.url())
        self.assertEqual(target.connections, 1)
        self.assertIn("Recorded 0 valid samples, 1 of 100 failures", process.stdout)

    def test_a_location_from_the_remote(self):
        """Read in the body of HTML and JSON, else the URL; a fragment wins. Made harmless."""
        pages = {
            servers.ping_page("Paris,FR"): "Paris,FR",
            '{"Start": "x", "SrvLoc": "Tokyo,JP"}': "Tokyo,JP",
            "nothing": None,
            servers.ping_page("a\x1b[31m\tb"): "a?[31m?b",
            servers.ping_page("x" * 1000): "x" * 127,
        }
        expected = {}
        for page, location in pages.items():
            server = self.serve(servers.Server(servers.answers(page), self.address(9)))
            expected[server.url()] = location or server.url()
        samples = self.probe_once(list(expected))
        self.assertEqual({url: sample["to"] for url, sample in samples.items()}, expected)
        named = self.serve(servers.Server(servers.answers(servers.ping_page("A")), self.address(9)))
        sample = self.probe_once([named.url() + "#B%20b"])[named.url()]
        self.assertEqual(sample["to"], "B b")

    def test_many_targets_at_once(self):
        """Three hundred hosts, all measured, none twice."""
        server = self.serve(servers.Server(servers.answers("ok"), "0.0.0.0"))
        urls = [f"http://{self.network.rsplit('.', 1)[0]}.{250 + i // 250}.{1 + i % 250}:"
                f"{server.port}/v1/ping" for i in range(300)]
        self.assertEqual(set(self.outcomes(urls, "-d", 60).values()), {"success"})
        self.assertEqual(server.connections, 300)


class Requests(TargetsTest):
    def test_path_query_and_host_are_sent_as_written(self):
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        host = f"{self.address(9)}:{target.port}"
        written = ["/", "/v1/ping?x=1&y=%20%7e&addpeers", "/a/../b//c/./d", "/%2F%zz?a=/?b",
                   "/~a!$&'()*+,;=:@%41", "/q?"]
        self.outcomes([target.base + path for path in written])
        self.assertEqual(sorted(request.target for request in target.requests), sorted(written))
        for request in target.requests:
            self.assertEqual(request.method, "GET")
            self.assertEqual(request.version, "HTTP/1.1")
            self.assertEqual(request.header("Host"), host)
            self.assertRegex(request.header("User-Agent"), r"^pingmesh/\d")
        target.requests.clear()
        self.outcomes([host])
        self.assertEqual([request.target for request in target.requests], ["/"])

    def test_proxies_of_the_environment_are_not_used(self):
        proxy = self.serve(servers.Server(servers.answers("proxied"), self.address(8)))
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        named = dict.fromkeys(("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"), proxy.base)
        process = self.run_to_end("-n", 1, target.url(), env=named)
        self.assertIn("Recorded 1 samples", process.stdout)
        self.assertEqual((proxy.connections, target.connections), (0, 1))

    def test_override_keeps_the_name(self):
        """-I says where to connect; the name stays in Host."""
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        url = f"http://{OVERRIDE_NAME}:{target.port}/x"
        sample = self.probe_once([url], "-I", self.address(9))[url]
        self.assertEqual(sample["remote"], self.address(9))
        self.assertEqual(sample["dns_ns"], 0)
        self.assertEqual(target.requests[0].header("Host"), f"{OVERRIDE_NAME}:{target.port}")

    @unittest.skipUnless(harness.has_ipv6_loopback(), "no IPv6 on loopback")
    def test_ipv6(self):
        target = self.serve(servers.Server(servers.answers("ok"), "::1"))
        url = f"http://[::1]:{target.port}/v1/ping"
        sample = self.probe_once([url])[url]
        self.assertEqual((sample["outcome"], sample["remote"]), ("success", "::1"))
        self.assertEqual(target.requests[0].header("Host"), f"[::1]:{target.port}")
        named = f"http://{OVERRIDE_NAME}:{target.port}/v1/ping"
        self.assertEqual(self.outcomes([named], "-I", "::1"), {named: "success"})
        self.assertEqual(target.requests[1].header("Host"), f"{OVERRIDE_NAME}:{target.port}")

    def test_probes_leave_from_the_bound_address(self):
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        self.outcomes([target.url()], "--bind", self.address(5))
        self.assertEqual(target.requests[0].client[0], self.address(5))


class Tls(TargetsTest):
    def setUp(self):
        super().setUp()
        self.ours = certificates.Authority(self.directory / "ours")
        self.theirs = certificates.Authority(self.directory / "theirs")
        self.page = servers.answers(servers.ping_page("Paris,FR"))

    def tls_server(self, context, number=9):
        return self.serve(servers.Server(self.page, self.address(number), tls=context))

    def url(self, server):
        return f"https://{OVERRIDE_NAME}:{server.port}/v1/ping"

    def test_private_authority(self):
        """Verified against --ca; SNI and Host are the name's, the connection the override's."""
        server = self.tls_server(self.ours.server_context(OVERRIDE_NAME))
        url = self.url(server)
        sample = self.probe_once([url], "--ca", self.ours.file, "-I", self.address(9))[url]
        self.assertEqual((sample["outcome"], sample["tls_verified"], sample["to"]),
                         ("success", True, "Paris,FR"))
        self.assertGreater(sample["tls_ns"], 0)
        self.assertEqual(server.server_names, [OVERRIDE_NAME])
        self.assertEqual(server.requests[0].header("Host"), f"{OVERRIDE_NAME}:{server.port}")

    def test_certificate_for_an_address(self):
        server = self.tls_server(self.ours.server_context("a.test", addresses=[self.address(9)]))
        self.assertEqual(self.outcomes([server.url()], "--ca", self.ours.file),
                         {server.url(): "success"})
        self.assertEqual(server.server_names, [None])

    def wrong_servers(self):
        return {
            "another name": self.tls_server(self.ours.server_context("other.test")),
            "an unknown authority": self.tls_server(self.theirs.server_context(OVERRIDE_NAME)),
            "expired": self.tls_server(self.ours.server_context(OVERRIDE_NAME, expired=True)),
        }

    def test_wrong_certificates(self):
        """Refused before a request is sent, with a reason for people."""
        wrong = self.wrong_servers()
        urls = {self.url(server): what for what, server in wrong.items()}
        samples = self.probe_once(list(urls), "--ca", self.ours.file, "-I", self.address(9))
        self.assertEqual({urls[url]: (s["outcome"], s["status"]) for url, s in samples.items()},
                         {what: ("tls", 0) for what in wrong})
        for what, server in wrong.items():
            self.assertEqual(server.requests, [], what)
            self.assertRegex(self.last.stderr,
                             rf"TLS handshake with {OVERRIDE_NAME}:{server.port}\b.*: \S+")

    def test_a_refused_certificate_leaves_no_descriptor_behind(self):
        """The old program leaked a connection at each https error."""
        server = self.tls_server(self.theirs.server_context(OVERRIDE_NAME))
        urls = [f"{self.url(server)}?{number}" for number in range(20)]
        process = self.start("--output", "json", "-d", 1, "--ca", self.ours.file,
                             "-I", self.address(9), *urls)
        descriptors = f"/proc/{process.popen.pid}/fd"
        harness.wait_until("a round", lambda: len(process.samples()) >= len(urls))
        before = len(os.listdir(descriptors))
        harness.wait_until("five more", lambda: len(process.samples()) >= 6 * len(urls))
        self.assertEqual({sample["outcome"] for sample in process.samples()}, {"tls"})
        self.assertLess(len(os.listdir(descriptors)), before + len(urls))
        self.assertEqual(process.stop(), 0)

    def test_the_systems_authorities_do_not_know_ours(self):
        server = self.tls_server(self.ours.server_context(OVERRIDE_NAME))
        self.assertEqual(self.outcomes([self.url(server)], "-I", self.address(9)),
                         {self.url(server): "tls"})

    def test_insecure_by_flag(self):
        urls = [self.url(server) for server in self.wrong_servers().values()]
        samples = self.probe_once(urls, "--insecure", "-I", self.address(9))
        self.assertEqual([(s["outcome"], s["tls_verified"]) for s in samples.values()],
                         [("success", False)] * 3)

    def test_insecure_by_target(self):
        """For this target alone."""
        wrong = self.wrong_servers()["another name"]
        other = self.tls_server(self.ours.server_context("third.test"))
        loose = self.url(wrong).replace("https://", "https+insecure://")
        process = self.run_to_end("--output", "json", "-n", 1, "-f", 1, "-I", self.address(9),
                                  "--ca", self.ours.file, loose, self.url(other), status=3)
        self.assertEqual({s["url"]: (s["outcome"], s["tls_verified"]) for s in process.samples()},
                         {self.url(wrong): ("success", False), self.url(other): ("tls", False)})

    def test_insecure_is_shown(self):
        """In the row of its target, and in no other; and when it is added."""
        wrong = self.wrong_servers()["another name"]
        good = self.tls_server(self.ours.server_context(OVERRIDE_NAME))
        loose = self.url(wrong).replace("https://", "https+insecure://")
        node = self.start_node("--no-grow", "-v", "-d", 1, "-I", self.address(9), "--ca",
                               self.ours.file, loose, self.url(good))
        harness.wait_until("both are measured", lambda: len(node.peers()) == 2 and all(
            peer["Pings"] for peer in node.peers().values()))
        page = node.get("/v1/peers?format=html").text
        rows = [row for row in re.findall(r"<tr>.*?</tr>", page, re.S) if OVERRIDE_NAME in row]
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertEqual("insecure: certificate not verified" in row,
                             f":{wrong.port}/" in row, row)
        added = [line for line in node.log if "(certificate not verified)" in line]
        self.assertEqual(added, [f"ping {self.url(wrong)} (certificate not verified)"])


if __name__ == "__main__":
    unittest.main()
