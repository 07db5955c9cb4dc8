"""Where a node can be sent: a hostile peer with an address of the internet lists the metadata service
and services of the node's own machine and network, by name, by number, by IPv4-mapped address, by
redirect, and by a name whose address changes between two lookups. None of them is ever contacted.

All of it happens in a network namespace that has nothing but a loopback interface, on which stand
the addresses of everybody: those of the internet, of a private network, and of the metadata service.
Needs root, or a kernel that lets everybody make namespaces; elsewhere it ends with SKIPPED_STATUS.
"""

import collections
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import harness
import servers

SKIPPED_STATUS = 77
INSIDE = "PM_INSIDE_NAMESPACES"

PEER, SITE, NAMES = "5.2.1.1", "5.3.1.1", "127.0.0.53"
PRIVATE, METADATA, LOOPBACK = "10.9.8.7", "169.254.169.254", "127.0.0.1"
NODES = [f"5.1.1.{i}" for i in range(1, 17)]
ADDRESSES = [*NODES, PEER, SITE, PRIVATE, METADATA, "169.254.170.2", "100.100.100.200", "192.168.9.9",
             "fd00:ec2::254", "2600:1::1"]
PORT = 8080  # of every service that is to be protected, and of the site that may be contacted
NODE_PORT = 9000
SETTLED_S = 12  # after the site has been contacted, which is listed last


class Names(threading.Thread):
    """A name server. A list of addresses is given one at a time, in turn."""

    def __init__(self, records):
        super().__init__(daemon=True)
        self.records, self.asked = records, collections.Counter()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((NAMES, 53))

    def run(self):
        while True:
            question, client = self.socket.recvfrom(512)
            self.socket.sendto(self.answer(question), client)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode())
            at += question[at] + 1
        name = ".".join(labels).lower()
        kind, = struct.unpack(">H", question[at + 1:at + 3])
        asked, address = question[12:at + 5], None
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        known = self.records.get(name, [])
        fitting = [ip for ip in known if (":" in ip) == (family == socket.AF_INET6)]
        if fitting and family:
            address = fitting[self.asked[name, kind] % len(fitting)]
            self.asked[name, kind] += 1
        head = question[:2] + struct.pack(">HHHHH", 0x8180 if known else 0x8183, 1, int(bool(address)),
                                          0, 0)
        record = b""
        if address:
            data = socket.inet_pton(family, address)
            record = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data
        return head + asked + record


class Services:
    """On every address of this machine; who contacted which address."""

    def __init__(self):
        self.contacts = collections.defaultdict(collections.Counter)
        self.listener = socket.create_server(("::", PORT), family=socket.AF_INET6,
                                             dualstack_ipv6=True, backlog=1024)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, client = self.listener.accept()
            asked = connection.getsockname()[0].removeprefix("::ffff:")
            self.contacts[client[0].removeprefix("::ffff:")][asked] += 1
            threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    @staticmethod
    def answer(connection):
        with connection:
            try:
                connection.recv(4096)
                connection.sendall(servers.response("<html><body>secret</body></html>"))
            except OSError:
                pass


def urls(*hosts, path="/v1/ping", port=PORT):
    return [f"http://{host}:{port}{path}" for host in hosts]


RECORDS = {
    "metadata.google.internal": [METADATA],
    "inside.evil.test": [PRIVATE],
    "here.evil.test": [LOOPBACK],
    "here6.evil.test": ["::1"],
    "mapped.evil.test": ["::ffff:127.0.0.1"],
    "translated.evil.test": ["64:ff9b::7f00:1"],
    "zero.evil.test": ["0.0.0.0"],
    "many.evil.test": [LOOPBACK, METADATA, PRIVATE],
    "rebinding.evil.test": [SITE, LOOPBACK],      # first as it should be, then not
    "rebinding2.evil.test": [SITE, METADATA],
    "rebinding3.evil.test": [LOOPBACK, SITE],
    "shop.evil.test": [SITE],
}

# By kind; each kind is told to a node of its own, so that the budget for failures lasts.
TOLD = {
    "by number": urls(METADATA, LOOPBACK, PRIVATE, "192.168.9.9", "169.254.170.2",
                      "100.100.100.200", "127.0.0.2", "0.0.0.0", "224.0.0.1", "255.255.255.255"),
    "by other numbers": urls("2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "127.0.0.1.",
                             "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.43518"),
    "by IPv6": urls("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]",
                    "[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::7f00:1]",
                    "[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1]"),
    "by name": urls("localhost", "LOCALHOST", "metadata.google.internal", "inside.evil.test",
                    "here.evil.test", "here6.evil.test", "mapped.evil.test",
                    "translated.evil.test", "zero.evil.test", "many.evil.test"),
    "by rebinding": urls("rebinding.evil.test", "rebinding2.evil.test", "rebinding3.evil.test"),
    "by other words": [f"http://{SITE}:{PORT}@{LOOPBACK}:{PORT}/v1/ping",
                       f"http://{LOOPBACK}:{PORT}#@{SITE}/v1/ping",
                       f"http://{SITE}:{PORT}\\@{LOOPBACK}:{PORT}/v1/ping",
                       f"http://{LOOPBACK}\t:{PORT}/v1/ping", f"http:{LOOPBACK}:{PORT}/v1/ping",
                       f"http:///{LOOPBACK}:{PORT}/v1/ping", f"//{LOOPBACK}:{PORT}/v1/ping",
                       f"gopher://{LOOPBACK}:{PORT}/v1/ping", f"ftp://{LOOPBACK}:{PORT}/v1/ping",
                       "file:///etc/passwd", f"dict://{LOOPBACK}:{PORT}/v1/ping",
                       f"http://{LOOPBACK}:{PORT}/v1/ping%0d%0aX:%20y"],
}


def entry(url, **more):
    return {"Url": url, "Location": "Nowhere", "Pings": 9, "LatestPing": "2019-06-01T12:00:00Z",
            **more}


def peer_that_lists(entries):
    """Seems to be an old node."""
    document = json.dumps({"SrvLoc": "Nowhere", "SrvPort": PORT, "Peers": entries,
                           "NumActive": len(entries)})
    peer = servers.OldNode("Nowhere", address=PEER, document=document)
    peer.start()
    return peer


class Redirecting(servers.OldNode):
    """Of pings and of pulls; in five manners."""

    def __init__(self):
        super().__init__("Nowhere", address=PEER)
        self.asked = []

    def _route(self, connection, request):
        self.asked.append(request.path)
        target = [*urls(LOOPBACK, METADATA, PRIVATE, SITE), f"//{LOOPBACK}:{PORT}/"]
        status = ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
        i = len(self.asked) % len(status)
        connection.sendall(servers.response(
            servers.ping_page("Nowhere"), status[i],
            headers=[f"Location: {target[i]}", f"Refresh: 0; url={target[i]}",
                     f"Content-Location: {target[i]}", f"Alt-Svc: http/1.1=\":{PORT}\""]))


# The name beside an address may be anything: what is connected to is the address.
BESIDE = [entry(f"http://a{i}.shop.evil.test:{PORT}/v1/ping", PeerIP=ip)
          for i, ip in enumerate([LOOPBACK, METADATA, PRIVATE, "::1", "::ffff:127.0.0.1",
                                  "64:ff9b::a9fe:a9fe", "0.0.0.0", "127.1", "fe80::1"])]
CLAIMS = [LOOPBACK, METADATA, "192.168.9.9", "::1", "::ffff:127.0.0.1"]
BEARER = {"Authorization": "Bearer of-the-operator"}


class Ssrf(unittest.TestCase):
    """Each node is told something else, all of them at the same time."""

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(os.environ["PM_SSRF_DIRECTORY"])
        cls.peers, cls.nodes = {}, {}
        for kind, told in TOLD.items():
            cls.start(kind, peer_that_lists([entry(url) for url in
                                             [*told, *urls("shop.evil.test")]]))
        cls.start("beside", peer_that_lists([*BESIDE, entry(f"http://good.test:{PORT}/v1/ping",
                                                            PeerIP=SITE)]))
        redirecting = Redirecting()
        redirecting.start()
        cls.start("redirects", redirecting)
        cls.start("claims", peer_that_lists([entry(url) for url in urls(PRIVATE, LOOPBACK)]),
                  "--allow", "10.9.8.0/24")
        cls.start("operator", peer_that_lists([]))
        for node in cls.nodes.values():
            harness.wait_until("the node is ready", node.is_ready)
        cls.claim(cls.nodes["claims"])
        cls.operate(cls.nodes["operator"])
        for kind in [*TOLD, "beside"]:
            harness.wait_until(f"{kind}: the site is contacted; {cls.nodes[kind].describe()}",
                               lambda: cls.contacts(kind)[SITE])  # pylint: disable=cell-var-from-loop
        for kind in "claims", "operator":
            harness.wait_until(f"{kind}: the private one is contacted; "
                               f"{cls.nodes[kind].describe()}",
                               lambda: cls.contacts(kind)[PRIVATE])  # pylint: disable=cell-var-from-loop
        time.sleep(SETTLED_S)

    @classmethod
    def tearDownClass(cls):
        faults = [node.faults() for node in cls.nodes.values()]
        assert not any(faults), "\n".join(fault for fault in faults if fault)

    @classmethod
    def start(cls, kind, peer, *arguments):
        """A node with an address of the internet, that listens to the peer."""
        address = NODES[len(cls.nodes)]
        cls.peers[kind] = peer
        cls.nodes[kind] = harness.Node(
            [harness.PINGMESH, "-V", "-s", NODE_PORT, "--bind", address, "-d", 1, *arguments],
            cls.directory, {"PINGMESH_URL": peer.url("/v1/ping"),
                            "PINGMESH_ADMIN_TOKEN": "of-the-operator"}, address, NODE_PORT)

    @classmethod
    def contacts(cls, kind):
        return SERVICES.contacts[cls.nodes[kind].address]

    @staticmethod
    def claim(node):
        """Contacts the node, and says to be reached elsewhere."""
        for i, claim in enumerate(CLAIMS):
            host = f"%5B{claim}%5D" if ":" in claim else claim
            path = (f"/v1/ping?v=1&mesh=default&id={i:032x}&n={i:016x}"
                    f"&self={host}:{PORT}%7C{claim}")
            assert node.request("GET", path, source=PEER).status == 200

    @classmethod
    def operate(cls, node):
        wrong = urls(METADATA, "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "0.0.0.0")
        right = urls("metadata.google.internal", PRIVATE)  # what the name means is seen later
        cls.added = [node.request("POST", "/v1/addpeer", BEARER, {"url": url}).status
                     for url in [*wrong, *right]]

    def check(self, kind, *allowed):
        contacts = dict(self.contacts(kind))
        with self.subTest(kind):
            self.assertEqual(set(contacts), set(allowed), contacts)

    def test_lists(self):
        """Beside an endpoint of the internet, which is contacted: the list was believed."""
        for kind in TOLD:
            self.check(kind, SITE)
            self.assertTrue(self.peers[kind].pulls())

    def test_an_address_beside_the_name(self):
        self.check("beside", SITE)

    def test_redirects(self):
        self.assertGreater(len(self.peers["redirects"].asked), 5)
        self.check("redirects")

    def test_claims_and_what_allow_opens(self):
        self.check("claims", PRIVATE)

    def test_the_operator_may_do_more(self):
        """His own network; but not the metadata service, by whatever name."""
        self.assertEqual(self.added, [403] * 4 + [201] * 2)
        self.check("operator", PRIVATE)


def prepare():
    commands = ["link set dev lo up"]
    commands += [f"addr add {ip}/{128 if ':' in ip else 32} dev lo nodad" if ":" in ip else
                 f"addr add {ip}/32 dev lo" for ip in ADDRESSES]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands), text=True, check=True)
    directory = pathlib.Path(os.environ["PM_SSRF_DIRECTORY"])
    resolv = directory / "resolv.conf"
    resolv.write_text(f"nameserver {NAMES}\noptions timeout:2\n")
    subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)


def run_inside():
    """This file again, in namespaces of its own."""
    import tempfile  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory(prefix="pingmesh-ssrf-") as directory:
        command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if os.geteuid() != 0:
            command.append("--map-root-user")
        probe = subprocess.run([*command, "true"], capture_output=True, check=False)
        if probe.returncode != 0:
            print(f"skipped: {probe.stderr.decode().strip()}", file=sys.stderr)
            return SKIPPED_STATUS
        env = {**os.environ, INSIDE: "1", "PM_SSRF_DIRECTORY": directory}
        return subprocess.run([*command, sys.executable, "-B", *sys.argv], env=env,
                              check=False).returncode


if __name__ == "__main__":
    if INSIDE not in os.environ:
        sys.exit(run_inside())
    prepare()
    Names(RECORDS).start()
    SERVICES = Services()
    unittest.main()
