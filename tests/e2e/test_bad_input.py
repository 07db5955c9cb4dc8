"""What a person gets wrong: one line that names the thing, the value and what would be right, and
exit status 2. And a port that is taken: tried again as of old, then exit status 1.
"""

import re
import socket
import time
import unittest

import certificates
import harness
import servers

URL = "http://127.0.0.1:9/"
TRIES = 6  # at once, then after 1, 2, 3, 4 and 5 s


def flags(*rows):
    return [(list(arguments), words) for *arguments, words in rows]


# Arguments, and what the line has to say: the thing, the value, what would be right.
WRONG_FLAGS = flags(
    ("--no-such", URL, ["--no-such", "--help"]),
    ("-x", URL, ["-x", "--help"]),
    ("--delay=3", URL, ["--delay=3"]),
    ("-d", ["-d", "value", "seconds"]),
    ("-d", "x", URL, ["-d", '"x"', "0 to 86400"]),
    ("-d", "", URL, ["-d", '""', "whole number"]),
    ("-d=", URL, ["-d", '""']),
    ("-d", "1.5", URL, ["-d", '"1.5"']),
    ("-d", "-1", URL, ["-d", '"-1"']),
    ("-d", "86401", URL, ["-d", '"86401"', "86400"]),
    ("-d", "99999999999999999999", URL, ["-d", "99999999999999999999"]),
    ("-n", "3x", URL, ["-n", '"3x"']),
    ("-n", " 3", URL, ["-n", '" 3"']),
    ("-f", "0", URL, ["-f", '"0"', "from 1"]),
    ("-s", "65536", ["-s", '"65536"', "65535"]),
    ("-s", "-1", ["-s", '"-1"']),
    ("-s", "http", ["-s", '"http"']),
    ("-r", "70000", "-s", "1234", ["-r", '"70000"', "65535"]),
    ("-v=maybe", URL, ["-v", '"maybe"', "true or false"]),
    ("--insecure=2", URL, ["--insecure", '"2"']),
    ("--timeout", "0", URL, ["--timeout", '"0"', "1 to 300"]),
    ("--timeout", "301", URL, ["--timeout", '"301"']),
    ("--body-max", "1", URL, ["--body-max", '"1"', "1024"]),
    ("--in-flight", "0", URL, ["--in-flight", '"0"']),
    ("--output", "xml", URL, ["--output", '"xml"', "json"]),
    ("--output", "", URL, ["--output", '""', "json"]),
    ("--output", "text|tsv", URL, ["--output", '"text|tsv"']),
    ("--bind", "localhost", URL, ["--bind", '"localhost"', "address"]),
    ("--bind", "127.0.0.256", URL, ["--bind", '"127.0.0.256"']),
    ("--allow", "10.0.0.0/33", URL, ["10.0.0.0/33"]),
    ("--deny", "exa mple", URL, ["exa mple", "example.net"]),
    ("--deny", "fd00::/8,10.0.0.0/x", URL, ["10.0.0.0/x"]),
    ("-I", "nonsense", URL, ["nonsense", "192.0.2.1"]),
    ("-I", "[::1]", URL, ["[::1]", "without brackets"]),
)

# Endpoints, by what the line has to say beside themselves.
WRONG_ENDPOINTS = [
    ("ftp://127.0.0.1/", ["ftp", "http://"]),
    ("file:///etc/passwd", ["file"]),
    ("http://", ["host"]),
    ("http:///path", ["host"]),
    ("http://127.0.0.1:0/", ["port", '"0"', "65535"]),
    ("http://127.0.0.1:65536/", ["port", '"65536"', "65535"]),
    ("http://127.0.0.1:x/", ["port", '"x"']),
    ("127.0.0.1:", ["port", '""']),
    ("http://[::1/", ["IPv6", "brackets"]),
    ("http://::1:80/", ["brackets"]),
    ("http://[fe80::1%eth0]/", ["IPv6", "zone"]),
    ("http://127.0.0.256/", ["127.0.0.256"]),
    ("http://a b/", ["blank"]),
    ("http://a/b c", ["blank"]),
    ("http://a/\x1b[31m", ["control"]),
    ("http://a/\u00fc", ["ASCII", "percent-encoded"]),
    ("http://a/#%zz", ["%zz", "hexadecimal"]),
    ("http://a/#" + "x" * 128, ["location", "127"]),
    ("http://a/" + "x" * 1000, ["too long", "767"]),
    ("http://" + "a" * 64 + ".test/", ["63"]),
    ("", ["endpoint"]),
]

WRONG_VARIABLES = [
    ({"PINGMESH_TIMEOUT": "x"}, ["PINGMESH_TIMEOUT", '"x"', "1 to 300"]),
    ({"PINGMESH_OUTPUT": "xml"}, ["PINGMESH_OUTPUT", '"xml"', "json"]),
    ({"PINGMESH_BIND": "nowhere"}, ["nowhere", "address"]),
    ({"PINGMESH_INSECURE": "perhaps"}, ["PINGMESH_INSECURE", '"perhaps"', "true"]),
    ({"PINGMESH_ALLOW": "1.2.3.4/64"}, ["1.2.3.4/64"]),
    ({"PINGMESH_URL": "http://a/ ftp://b/"}, ["ftp"]),
]

SECRET = "tell-nobody"

WRONG_TOKENS = [
    ("short7!", ["PINGMESH_ADMIN_TOKEN", "7", "8 to 256"]),
    (SECRET + "x" * 300, ["PINGMESH_ADMIN_TOKEN", "256"]),
    (SECRET + " with a blank", ["PINGMESH_ADMIN_TOKEN", "blank", "visible"]),
    (SECRET + "\u00fc", ["PINGMESH_ADMIN_TOKEN", "ASCII"]),
]


class WrongUse(harness.EndToEndTest):
    def check(self, arguments, words, env=None):
        """Exit 2, nothing on standard output, and one line with these words."""
        process = self.start(*arguments, env=env)
        status = process.wait()
        with self.subTest(arguments=arguments, env=env):
            stderr = process.stderr
            self.assertEqual(status, 2, process.describe())
            self.assertEqual(process.stdout, "")
            self.assertEqual(stderr.count("\n"), 1, stderr)
            self.assertTrue(stderr.endswith("\n") and len(stderr) < 1000, stderr)
            self.assertTrue(stderr.startswith("pingmesh: "), stderr)
            self.assertTrue(stderr[:-1].isprintable(), repr(stderr))
            for word in words:
                self.assertIn(word, stderr)
        return stderr

    def test_flags(self):
        for arguments, words in WRONG_FLAGS:
            self.check(arguments, words)

    def test_endpoints(self):
        for endpoint, words in WRONG_ENDPOINTS:
            self.check(["--", endpoint], words)

    def test_a_password_is_not_repeated(self):
        stderr = self.check([f"http://user:{SECRET}@127.0.0.1/"], ["user name", "127.0.0.1"])
        self.assertNotIn(SECRET, stderr)

    def test_variables(self):
        for env, words in WRONG_VARIABLES:
            self.check([URL], words, env)

    def test_tokens(self):
        port = harness.free_port(self.address(1))
        serving = ["-s", port, "--bind", self.address(1)]
        for token, words in WRONG_TOKENS:
            self.assertNotIn(SECRET, self.check(serving, words, {"PINGMESH_ADMIN_TOKEN": token}))
            file = self.directory / "token"
            file.write_text(token + "\n", encoding="utf-8")
            words = [str(file), *words[1:]]
            self.assertNotIn(SECRET, self.check([*serving, "--admin-token-file", file], words))

    def test_token_files(self):
        empty = self.directory / "empty"
        empty.write_text("")
        port = harness.free_port(self.address(1))
        serving = ["-s", port, "--bind", self.address(1)]
        for file, word in ((empty, "empty"), (self.directory / "none", "No such file"),
                           (self.directory, "directory")):
            self.check([*serving, "--admin-token-file", file],
                       ["--admin-token-file", str(file), word])
        self.check([*serving, "--admin-token-file", empty],
                   ["PINGMESH_ADMIN_TOKEN", "--admin-token-file"],
                   {"PINGMESH_ADMIN_TOKEN": "long-enough-1"})

    def test_authorities(self):
        garbage = self.directory / "garbage.pem"
        garbage.write_text("no certificate\n")
        for file in (garbage, self.directory / "none.pem", self.directory):
            self.check(["--ca", file, "https://127.0.0.1:9/"], ["certificate", str(file)])

    def test_certificates(self):
        authority = certificates.Authority(self.directory / "ca")
        certificate, key = authority.certificate("a.test")
        _, other_key = authority.certificate("b.test")
        garbage = self.directory / "garbage.pem"
        garbage.write_text("no certificate\n")
        missing = self.directory / "none.pem"
        port = harness.free_port(self.address(1))
        serving = ["-s", port, "--bind", self.address(1)]
        self.check([*serving, "--tls-cert", certificate], ["--tls-cert", "--tls-key", "missing"])
        self.check([*serving, "--tls-key", key], ["--tls-cert", "--tls-key", "missing"])
        for cert, private, wrong in ((missing, key, missing), (certificate, missing, missing),
                                     (garbage, key, garbage), (certificate, garbage, garbage),
                                     (certificate, other_key, other_key),
                                     (certificate, self.directory, self.directory)):
            self.check([*serving, "--tls-cert", cert, "--tls-key", private], [str(wrong)])

    def test_an_address_that_is_not_ours(self):
        """192.0.2.0/24 is for documentation: nobody has such an address."""
        port = harness.free_port()
        process = self.start("-s", port, "--bind", "192.0.2.1")
        self.assertIn(process.wait(), (1, 2), process.describe())
        self.assertIn("192.0.2.1", process.stderr)

    def test_nothing_to_do(self):
        """Neither an endpoint nor a server: the usage, on standard error."""
        process = self.run_to_end(status=2)
        self.assertEqual(process.stdout, "")
        self.assertTrue(process.stderr.startswith("Usage: pingmesh "), process.stderr)
        self.assertIn("--bind", process.stderr)

    def test_given_twice(self):
        """Probed once, and said so; no fault."""
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        process = self.run_to_end("-n", 1, target.url(), target.url())
        self.assertEqual(process.stderr.count(f"{target.url()} is given twice"), 1)
        self.assertEqual(target.connections, 1)


class TakenPort(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.host = self.address(1)
        self.port = harness.free_port(self.host)
        self.taken = socket.create_server((self.host, self.port))
        self.addCleanup(self.taken.close)

    def taken_lines(self, process):
        return [line for line in process.log if f"{self.port}" in line and "in use" in line]

    def test_it_gives_up_in_the_end(self):
        """After 1 + 2 + 3 + 4 + 5 s, with status 1; targets are measured meanwhile."""
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        started = time.monotonic()
        process = self.start("-s", self.port, "--bind", self.host, "-d", 1, target.url())
        self.assertEqual(process.wait(), 1, process.describe())
        self.assertGreaterEqual(time.monotonic() - started, 15)
        lines = self.taken_lines(process)
        self.assertEqual([re.sub(r".*; ", "", line) for line in lines],
                         [f"trying again in {s} s" for s in range(1, TRIES)] + ["giving up"])
        self.assertGreaterEqual(target.connections, 5)
        self.assertRegex(process.stdout, r"Recorded \d+ samples in ")

    def test_it_serves_once_the_port_is_free(self):
        node = harness.Node([harness.PINGMESH, "-v", "-s", self.port, "--bind", self.host],
                            self.directory, None, self.host, self.port)
        self.processes.append(node)
        harness.wait_until("it is tried again", lambda: "trying again in 2 s" in node.stderr)
        self.taken.close()
        harness.wait_until("it is ready", node.is_ready)
        self.assertEqual(len(self.taken_lines(node)), 2)
        self.assertIn(f"starting meshSrv listening on port {self.port} reporting on {self.port}",
                      node.log)
        self.assertEqual(node.stop(), 0)

    def test_a_signal_ends_the_waiting(self):
        process = self.start("-s", self.port, "--bind", self.host)
        harness.wait_until("it is tried again", lambda: "trying again in 1 s" in process.stderr)
        started = time.monotonic()
        self.assertEqual(process.stop(), 0)
        self.assertLess(time.monotonic() - started, 10)


if __name__ == "__main__":
    unittest.main()
