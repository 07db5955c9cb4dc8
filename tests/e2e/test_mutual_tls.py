"""Nodes that know each other by certificates (--mutual-tls): who has none of the right authority is not
of the mesh, in either direction. What TLS is spoken at all; and certificates that are changed without
a restart.
"""

import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import unittest
import xml.etree.ElementTree

import certificates
import growth
import harness

PULL = ("/v1/peers?addpeers=true&v=1&mesh=default&id=" + "1" * 32 + "&n=" + "2" * 16 +
        "&limit=256&self={host}:{port}%7C{host}")


class MutualTest(growth.GrowthTest):
    def setUp(self):
        super().setUp()
        self.authority = certificates.Authority(self.directory / "ca")
        self.other_authority = certificates.Authority(self.directory / "other")

    def material(self, number, authority=None, **how):
        return (authority or self.authority).certificate(f"node{number}.test",
                                                         addresses=[self.address(number)], **how)

    def trusting(self, material=None):
        context = ssl.create_default_context(cafile=str(self.authority.file))
        if material:
            context.load_cert_chain(*material)
        return context

    def start_certified(self, number, *arguments, seed=None, material=None, mutual=True,
                        tls=None):
        certificate, key = material or self.material(number)
        env = {"PINGMESH_URL": seed.url("/v1/ping")} if seed else None
        return self.start_node("-d", 1, *(["--mutual-tls"] if mutual else []), "--ca",
                               self.authority.file, "--tls-cert", certificate, "--tls-key", key,
                               *arguments, number=number, env=env, tls=tls or self.trusting())


class Mesh(MutualTest):
    def test_only_the_certified_are_of_it(self):
        master = self.start_certified(1)
        members = [master, *(self.start_certified(n, seed=master) for n in (2, 3))]
        self.wait_for_mesh(members)
        # Theirs is a mesh of the same name, and they trust our authority; only the proof is missing.
        strangers = [
            self.start_certified(4, seed=master, mutual=False),
            self.start_node("-d", 1, "--ca", self.authority.file, number=5,
                            env={"PINGMESH_URL": master.url("/v1/ping")}),
            self.start_certified(6, seed=master, mutual=False,
                                 material=self.material(6, self.other_authority),
                                 tls=ssl._create_unverified_context()),
        ]
        for stranger in strangers:
            harness.wait_until("it has measured the master", lambda: any(
                peer["Pings"] > 2 for peer in stranger.document()["Peers"] or []))
        outside = growth.endpoints_of(strangers)
        self.holds("the strangers stay outside", lambda: all(
            not outside & self.listed(node) for node in members), 5)
        # They measure whom they were told to, and have learned of nobody.
        for stranger in strangers:
            self.assertLessEqual(self.listed(stranger), growth.endpoints_of([master]))
        self.check_bounds(members)
        late = self.start_certified(7, seed=members[2])
        self.wait_until_measured([*members, late])

    def test_a_seed_without_tls_is_no_member(self):
        plain = self.start_member(number=2)
        self.wait_ready([plain])
        node = self.start_certified(1, seed=plain)
        harness.wait_until("it is measured", lambda: self.measured(node))
        self.holds("it is no member", lambda: not any(
            member["State"] == "verified" for member in node.document()["Mesh"]["Members"]), 5)


class Handshakes(MutualTest):
    def get(self, node, path, material=None):
        context = self.trusting(material)
        connection = harness.connection_to(node.address, node.port, self.address(9), context)
        try:
            return harness.send_request(connection, "GET", path, {"Host": "node1.test"})
        finally:
            connection.close()

    def pull(self, node, material=None):
        return self.get(node, PULL.format(host=self.address(9), port=9), material)

    def test_a_pull_needs_the_certificate(self):
        node = self.start_certified(1, "--public-read", "off")
        self.assertEqual(self.pull(node).status, 403)
        answer = self.pull(node, self.material(9))
        self.assertEqual((answer.status, answer.json()["Mesh"]["V"]), (200, 1))
        for path in "/v1/ping", "/healthz":  # to be measured needs none
            self.assertEqual(self.get(node, path).status, 200)
        self.assertEqual(self.get(node, "/v1/peers", self.material(9)).status, 403)  # not a pull

    def test_certificates_of_others_are_refused(self):
        node = self.start_certified(1, "--public-read", "off")
        for material in (self.material(9, self.other_authority), self.material(9, expired=True),
                         self.authority.certificate("server-only.test", usage="serverAuth")):
            with self.assertRaises((ssl.SSLError, ConnectionError, OSError)):
                self.pull(node, material)
        self.assertEqual(self.pull(node, self.material(9)).status, 200)

    def test_what_it_takes(self):
        certificate, key = self.material(1)
        for arguments, word in ((["--mutual-tls"], "--ca"),
                                (["--mutual-tls", "--ca", self.authority.file], "--tls-cert"),
                                (["--mutual-tls", "--ca", self.authority.file, "--tls-cert",
                                  certificate, "--tls-key", key, "--insecure"], "--insecure")):
            process = self.run_to_end(*arguments, "-s", 1, status=2)
            self.assertIn(word, process.stderr)
            self.assertEqual(process.stderr.count("\n"), 1)


# Options of `openssl s_client`, and whether that is spoken.
SPOKEN = [
    (["-tls1_3"], True),
    (["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], True),
    (["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"], True),
    (["-tls1_2"], True),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], True),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], True),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], False),  # CBC
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], False),
    (["-tls1_2", "-cipher", "AES128-GCM-SHA256"], False),          # no forward secrecy
    (["-tls1_2", "-cipher", "AES256-SHA256"], False),
    (["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], False),
    (["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"], False),
    (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False),
    (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], False),
]


class Spoken(MutualTest):
    def test_only_new_versions_with_forward_secrecy(self):
        node = self.start_certified(1, mutual=False)
        for options, spoken in SPOKEN:
            done = subprocess.run(
                ["openssl", "s_client", "-connect", f"{node.address}:{node.port}", "-CAfile",
                 self.authority.file, "-verify_return_error", *options],
                input="", capture_output=True, text=True, timeout=harness.DEADLINE_S, check=False)
            with self.subTest(options):
                self.assertEqual("Verify return code: 0 (ok)" in done.stdout and
                                 "Cipher is (NONE)" not in done.stdout, spoken,
                                 done.stdout[-600:] + done.stderr)
                if not spoken:  # it is the node that refuses, not the client that cannot
                    self.assertRegex(done.stderr, "alert (handshake failure|protocol version)")
        self.assertEqual(node.get("/v1/ping").status, 200)

    @unittest.skipUnless(shutil.which("sslscan"), "sslscan is not installed")
    def test_a_scan(self):
        node = self.start_certified(1, mutual=False)
        done = subprocess.run(["sslscan", "--no-colour", "--xml=-",
                               f"{node.address}:{node.port}"], capture_output=True, text=True,
                              timeout=harness.DEADLINE_S, check=False)
        scan = xml.etree.ElementTree.fromstring(done.stdout[done.stdout.index("<?xml"):])
        enabled = {(p.get("type"), p.get("version")) for p in scan.iter("protocol")
                   if p.get("enabled") == "1"}
        self.assertEqual(enabled, {("tls", "1.2"), ("tls", "1.3")})
        ciphers = {cipher.get("cipher") for cipher in scan.iter("cipher")}
        self.assertGreater(len(ciphers), 4)
        for cipher in ciphers:
            self.assertRegex(cipher, r"^(TLS_(AES|CHACHA)|ECDHE-\w+-(AES\d+-GCM|CHACHA20))")
        self.assertEqual({c.get("supported") for c in scan.iter("compression")} - {"0"}, set())
        self.assertEqual({h.get("vulnerable") for h in scan.iter("heartbleed")} - {"0"}, set())


class Reload(MutualTest):
    def name_of(self, node):
        """Of the certificate that a new connection is shown."""
        context = self.trusting()
        context.check_hostname = False
        with socket.create_connection((node.address, node.port), timeout=30) as plain:
            with context.wrap_socket(plain) as connection:
                return dict(part[0] for part in connection.getpeercert()["subject"])["commonName"]

    def hang_up(self, node, says):
        before = len(node.log)
        node.send_signal(signal.SIGHUP)
        harness.wait_until(f"it says {says!r}", lambda: any(
            re.search(says, line) for line in node.log[before:]))

    def test_a_new_certificate_is_taken_over(self):
        first, second = self.material(1), self.authority.certificate("renewed.test",
                                                                     addresses=[self.address(1)])
        certificate, key = self.directory / "cert.pem", self.directory / "key.pem"

        def install(material):
            for source, target in zip(material, (certificate, key)):
                target.write_bytes(source.read_bytes())

        install(first)
        node = self.start_certified(1, material=(certificate, key))
        kept = node.connect()
        self.assertEqual(harness.send_request(kept, "GET", "/healthz").status, 200)
        self.assertEqual(self.name_of(node), "node1.test")
        install(second)
        self.assertEqual(self.name_of(node), "node1.test")
        self.hang_up(node, "reading keys")
        harness.wait_until("the new one is shown", lambda: self.name_of(node) == "renewed.test")
        self.assertEqual(harness.send_request(kept, "GET", "/healthz").status, 200)
        kept.close()
        key.write_bytes(first[1].read_bytes())  # of another certificate
        self.hang_up(node, r"TLS key .*the certificate of before goes on")
        certificate.write_text("nothing\n")
        self.hang_up(node, r"TLS certificate .*the certificate of before goes on")
        self.assertEqual(self.name_of(node), "renewed.test")


GROUPS = (Mesh, Handshakes, Spoken, Reload)

if __name__ == "__main__":
    if any(not argument.startswith("-") for argument in sys.argv[1:]):
        unittest.main()
    sys.exit(growth.run_side_by_side(GROUPS))
