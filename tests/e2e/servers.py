"""Targets and teachers for the end-to-end tests: well behaved, old, slow, broken and hostile ones.

A server runs in threads of this process. Its answer is a function of (connection, request), which
sends what it likes; request is None for a server that does not read. What was asked is kept in
`requests`, the number of connections in `connections`, the names that TLS clients asked for in
`server_names`.
"""

import json
import re
import socket
import ssl
import threading
import urllib.parse

import harness

HEAD_BYTES_MAX = 65536


class Request:
    def __init__(self, head, client):
        self.client = client
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]

    def header(self, name):
        """All values of a header, joined: two of them show."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def path(self):
        return self.target.split("?", 1)[0]

    @property
    def query(self):
        """The last value of each name."""
        return dict(urllib.parse.parse_qsl(self.target.partition("?")[2]))


class Server:
    def __init__(self, answer, address="127.0.0.1", port=0, tls=None, reads=True):
        self.answer, self.tls, self.reads = answer, tls, reads
        self.requests, self.server_names = [], []
        self.connections = 0
        self.closing = threading.Event()
        if tls:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(1024)
        self.address, self.port = address, self.listener.getsockname()[1]
        self.base = f"{'https' if tls else 'http'}://{harness.url_host(address)}:{self.port}"

    def url(self, path="/v1/ping"):
        return self.base + path

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.closing.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def _accept(self):
        while not self.closing.is_set():
            try:
                connection, client = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, client), daemon=True).start()

    def _serve(self, connection, client):
        try:
            connection.settimeout(harness.DEADLINE_S)
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            request = self._read(connection, client) if self.reads else None
            if request or not self.reads:
                self.answer(connection, request)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def _read(self, connection, client):
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(4096)
            if not piece or len(head) > HEAD_BYTES_MAX:
                return None
            head += piece
        head, rest = head.split(b"\r\n\r\n", 1)
        request = Request(head, client)
        request.rest = rest  # of the body, as far as it came with the head
        self.requests.append(request)
        return request


# --- answers -------------------------------------------------------------------------------------


def response(body=b"", status="200 OK", headers=(), content_type="text/html"):
    body = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}",
             "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def ping_page(location):
    return f"<html><head><title>pingmesh</title></head><body>\n<p>Served from {location}\n" \
           "</body></html>\n"


def answers(*arguments, **named):
    """Always the same response."""
    data = response(*arguments, **named)
    return lambda connection, _request: connection.sendall(data)


def says(data):
    """These bytes and nothing else."""
    return lambda connection, _request: connection.sendall(data)


def closes_at_once(_connection, _request):
    pass


def never_answers(server_of):
    """Keeps the connection open without a word until the server is closed."""
    return lambda _connection, _request: server_of().closing.wait()


def endless_body(connection, _request):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def drips(data, seconds):
    """A byte at a time, so that there is always some progress."""
    def answer(connection, _request):
        pause = threading.Event()
        for byte in data:
            connection.sendall(bytes([byte]))
            pause.wait(seconds)
    return answer


def silent_server(address="127.0.0.1", reads=True):
    server = Server(None, address, reads=reads)
    server.answer = never_answers(lambda: server)
    return server


# --- nodes ---------------------------------------------------------------------------------------


def peers_document(urls=(), location="Paris,FR", entries=None):
    """As the original wrote it, with an entry of the recording for each URL."""
    document = json.loads(harness.recorded("http_peers_1.json"))
    pattern = document["Peers"][0]
    if entries is None:
        entries = []
        for url in urls:
            entry = json.loads(json.dumps(pattern))
            entry["Url"] = entry["PingTotals"]["DestUrl"] = url
            entry["Host"] = re.sub(r"^\w+://|/.*", "", url)
            entries.append(entry)
    document.update(SrvLoc=location, Peers=entries or None, NumActive=len(entries))
    return json.dumps(document, indent=2)


class OldNode(Server):
    """Looks like a node of the old program: its pages, its JSON as text/plain, index everywhere."""

    def __init__(self, location="Paris,FR", peers=(), address="127.0.0.1", document=None):
        super().__init__(self._route, address)
        self.location = location
        self.document = document if document is not None else peers_document(peers, location)

    def _route(self, connection, request):
        if request.path == "/v1/peers":
            document = self.document() if callable(self.document) else self.document
            connection.sendall(response(document, content_type="text/plain; charset=utf-8"))
        elif request.path == "/v1/ping":
            connection.sendall(response(ping_page(self.location)))
        else:
            connection.sendall(response("<html><body>pingmesh</body></html>"))

    def pulls(self):
        return [request for request in self.requests if request.path == "/v1/peers"]

    def pings(self):
        return [request for request in self.requests if request.path == "/v1/ping"]


def tls_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
