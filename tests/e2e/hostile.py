"""Servers that would use a mesh as a weapon: each lists addresses of somebody else, a million of
them, and another choice of them at every request.

Those addresses are all of Victim, which listens on the whole of 127.0.0.0/8 and writes down who
came, when, and to which address.
"""

import collections
import itertools
import json
import random
import threading
import time

import servers

ADDRESSES = 10**6
OLD_ENTRIES = 1000  # of one document, as many as are read
NEW_ENTRIES = 900   # as many as fit into 256 KiB
STREAM_ENTRIES = 2000
DRIP_S = 0.02


class Victim(servers.Server):
    """Half of its addresses close at once, half are a web site."""

    def __init__(self):
        super().__init__(self._meet, "0.0.0.0", reads=False)
        self.contacts = []

    def _meet(self, connection, _request):
        asked = connection.getsockname()[0]
        self.contacts.append((time.monotonic(), connection.getpeername()[0], asked))
        if int(asked.rsplit(".", 1)[1]) % 2:
            connection.recv(4096)
            connection.sendall(servers.response("<html><body>a shop</body></html>"))


class Addresses:
    """A million of the victim's, of which every choice is another one."""

    def __init__(self, victim, network):
        self.victim = victim
        self.first = network << 16

    def host(self, number):
        number += self.first
        return f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"

    def entry(self, number, mesh):
        host = self.host(number)
        entry = {"Url": f"http://{host}:{self.victim.port}/v1/ping", "PeerIP": host,
                 "Location": f"Nowhere {number}"}
        if mesh:
            entry["Mesh"] = {"Id": f"{random.getrandbits(128):032x}", "Age": 1, "Rtt": 500}
        else:
            entry |= {"Pings": 9, "LatestPing": "2019-06-01T12:00:00Z"}
        return entry

    def choice(self, count, mesh):
        return [self.entry(number, mesh) for number in random.sample(range(ADDRESSES), count)]


class Liar(servers.OldNode):
    """A node, as far as its answers to pings go. Its lists are no node's: each one is in another of
    the manners below, which several liars take turns in."""

    def __init__(self, addresses, address, manners):
        super().__init__(type(self).__name__, address=address)
        self.addresses, self.manners = addresses, manners

    def _route(self, connection, request):
        if request.path != "/v1/peers":
            super()._route(connection, request)
            return
        next(self.manners)(self, connection, request)

    def listing(self, entries, **fields):
        return json.dumps({"SrvLoc": self.location, "SrvPort": self.port, "Peers": entries,
                           "NumActive": ADDRESSES, **fields}, separators=(",", ":"))

    def full_list(self, _request):
        """As long as is read."""
        return servers.response(self.listing(self.addresses.choice(OLD_ENTRIES, mesh=False)),
                                content_type="text/plain")


class Manners:
    """Taken in turn, each counted."""

    def __init__(self):
        self.turns = itertools.cycle((full, cut_off, endless, dripping))
        self.served = collections.Counter()

    def __next__(self):
        manner = next(self.turns)
        self.served[manner.__name__] += 1
        return manner


def full(liar, connection, request):
    connection.sendall(liar.full_list(request))


def cut_off(liar, connection, request):
    """Ends in the middle of the promised length."""
    data = liar.full_list(request)
    connection.sendall(data[:len(data) // 2])


def endless(liar, connection, _request):
    """As many as the million, and then more."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    connection.sendall(f'{{"SrvLoc":"{liar.location}","Peers":['.encode())
    while not liar.closing.is_set():
        entries = liar.addresses.choice(STREAM_ENTRIES, mesh=False)
        connection.sendall("".join(json.dumps(entry) + "," for entry in entries).encode())


def dripping(liar, connection, request):
    """Some bytes at a time, so that there is always some progress."""
    data = liar.full_list(request)
    for at in range(0, len(data), 16):
        connection.sendall(data[at:at + 16])
        if liar.closing.wait(DRIP_S):
            return


class NewLiar(Liar):
    """Speaks as nodes of ours do, proof and all, and claims to know a million."""

    def __init__(self, addresses, address, manners):
        super().__init__(addresses, address, manners)
        self.id = f"{random.getrandbits(128):032x}"

    def _route(self, connection, request):
        if request.path != "/v1/ping":
            super()._route(connection, request)
            return
        header = f"Pingmesh-Node: v=1; mesh=default; id={self.id}; inc=1"
        if request.query.get("n"):
            header += f"; n={request.query['n']}"
        connection.sendall(servers.response(servers.ping_page(self.location), headers=[header]))

    def full_list(self, request):
        mesh = {"V": 1, "Name": "default", "Id": self.id, "Inc": "1", "Total": ADDRESSES,
                "More": True, "Nonce": request.query.get("n", "")}
        document = self.listing(self.addresses.choice(NEW_ENTRIES, mesh=True), Mesh=mesh)
        return servers.response(document, content_type="application/json")


class Claimer(threading.Thread):
    """Asks the node again and again, and says each time that it is reached at other addresses."""

    PAUSE_S = 0.05
    CLAIMS = 4  # of one request, as many as are read

    def __init__(self, node, addresses, source):
        super().__init__(daemon=True)
        self.node, self.addresses, self.source = node, addresses, source
        self.closing = threading.Event()
        self.sent = self.answered = 0

    def run(self):
        while not self.closing.wait(self.PAUSE_S):
            claims = [f"{host}:{self.addresses.victim.port}%7C{host}" for host in (
                self.addresses.host(random.randrange(ADDRESSES)) for _ in range(self.CLAIMS))]
            path = (f"/v1/ping?v=1&mesh=default&id={random.getrandbits(128):032x}"
                    f"&n={random.getrandbits(64):016x}&self={','.join(claims)}")
            self.sent += 1
            try:
                answer = self.node.request("GET", path, source=self.source)
                self.answered += answer.status == 200
            except OSError:
                pass

    def close(self):
        self.closing.set()
        self.join()
