"""What the end-to-end tests stand on: processes, addresses of their own, waiting, and HTTP.

Environment: PM_BUILD is the directory that holds pingmesh and avgping, PM_SOURCE the repository.

Every test gets a random network 127.a.b.0/24 for itself, so that tests run side by side. Deadlines
are generous, for a slow machine under sanitizers; nothing waits longer than it has to.
"""

import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

BUILD = pathlib.Path(os.environ["PM_BUILD"]).resolve()
SOURCE = pathlib.Path(os.environ["PM_SOURCE"]).resolve()
LEGACY = SOURCE / "tests" / "data" / "legacy"
PINGMESH = BUILD / "pingmesh"

DEADLINE_S = 60
STOP_S = 30  # an orderly stop takes a second or two; a sanitizer's leak check, a few more

SANITIZER_REPORT = re.compile(r"Sanitizer|runtime error:")
LOG_LINE = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d (.*)")


def wait_until(what, condition, seconds=DEADLINE_S, pause=0.05):
    """The condition's first true value; AssertionError with what was awaited after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def free_port(address="0.0.0.0"):
    """A port that nobody has, below those that the kernel gives to connecting sockets: one of
    these could take it between now and its use."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            try:
                probe.bind((address, port))
                return port
            except OSError:
                continue


def has_ipv6_loopback():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return True
    except OSError:
        return False


def url_host(address):
    return f"[{address}]" if ":" in address else address


def recorded(name):
    return (LEGACY / name).read_text(encoding="utf-8")


# --- HTTP ----------------------------------------------------------------------------------------


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def content_type(self):
        return self.headers.get_content_type()

    def json(self):
        return json.loads(self.body)


def connection_to(address, port, source=None, tls=None, timeout=DEADLINE_S):
    source_address = (source, 0) if source else None
    if tls:
        return http.client.HTTPSConnection(address, port, timeout=timeout, context=tls,
                                           source_address=source_address)
    return http.client.HTTPConnection(address, port, timeout=timeout,
                                      source_address=source_address)


def send_request(connection, method, path, headers=None, fields=None):
    """One request with these headers and no others, but for a Host where none is given. Returns
    the answer; the connection can be used again."""
    headers = dict(headers or {})
    body = b""
    if fields is not None:
        body = urllib.parse.urlencode(fields).encode()
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    if method == "POST":
        headers.setdefault("Content-Length", str(len(body)))
    headers.setdefault("Host", f"{url_host(connection.host)}:{connection.port}")
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    return Answer(connection.getresponse())


def raw_exchange(address, port, data, timeout=DEADLINE_S):
    """Sends bytes as they are; returns all that comes back until the other side closes."""
    with socket.create_connection((address, port), timeout=timeout) as connection:
        connection.sendall(data)
        return read_to_end(connection)


def read_to_end(connection):
    received = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return received
        if not piece:
            return received
        received += piece


# --- processes -----------------------------------------------------------------------------------


class Process:
    """A process with its output in files: it never waits for a reader."""

    def __init__(self, arguments, directory, env=None, stdout=None, stderr=None):
        self.arguments = [str(argument) for argument in arguments]
        self.expected_status = 0
        self.out_path = tempfile.mktemp(suffix=".out", dir=directory)
        self.err_path = tempfile.mktemp(suffix=".err", dir=directory)
        with open(self.out_path, "ab") as out, open(self.err_path, "ab") as err:
            self.popen = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL,
                                          stdout=stdout or out, stderr=stderr or err,
                                          env=environment(env), cwd=directory)

    @property
    def stdout(self):
        return read_text(self.out_path)

    @property
    def stderr(self):
        return read_text(self.err_path)

    @property
    def log(self):
        """Standard error's lines without their time; every line must have one."""
        lines = []
        for line in self.stderr.splitlines():
            match = LOG_LINE.fullmatch(line)
            if not match:
                raise AssertionError(f"no line of a log: {line!r}")
            lines.append(match.group(1))
        return lines

    def samples(self):
        """What --output json printed so far, whole lines only."""
        text = self.stdout
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def is_running(self):
        return self.popen.poll() is None

    def send_signal(self, number):
        self.popen.send_signal(number)

    def wait(self, seconds=DEADLINE_S):
        """The exit status, which is thereby expected."""
        try:
            self.expected_status = self.popen.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {seconds} s: {self.describe()}") from None
        return self.expected_status

    def stop(self, number=signal.SIGTERM, seconds=STOP_S):
        self.send_signal(number)
        return self.wait(seconds)

    def describe(self):
        out, err = self.stdout[-4000:], self.stderr[-8000:]
        return f"{' '.join(self.arguments)[:2000]}\n--- stdout\n{out}\n--- stderr\n{err}"

    def faults(self):
        """Ends it, and tells what was wrong with it; None if nothing was."""
        was_running = self.is_running()
        if was_running:
            self.send_signal(signal.SIGTERM)
        try:
            status = self.popen.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            return f"did not stop on SIGTERM: {self.describe()}"
        if SANITIZER_REPORT.search(self.stderr):
            return f"a sanitizer's report: {self.describe()}"
        if status != self.expected_status:
            return f"status {status}, not {self.expected_status}: {self.describe()}"
        return None


class Node(Process):
    """A pingmesh that serves."""

    def __init__(self, arguments, directory, env, address, port, tls=None):
        super().__init__(arguments, directory, env)
        self.address, self.port, self.tls = address, port, tls
        self.base = f"{'https' if tls else 'http'}://{url_host(address)}:{port}"

    def url(self, path):
        return self.base + path

    def connect(self, source=None):
        return connection_to(self.address, self.port, source, self.tls)

    def request(self, method, path, headers=None, fields=None, source=None):
        connection = self.connect(source)
        try:
            return send_request(connection, method, path, headers, fields)
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, {k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path, fields=None, **headers):
        return self.request("POST", path, {k.replace("_", "-"): v for k, v in headers.items()},
                            fields)

    def add_peer(self, url, **fields):
        return self.post("/v1/addpeer", {"url": url, **fields}, Accept="application/json")

    def document(self):
        return self.get("/v1/peers").json()

    def peers(self):
        """The peers being probed, by URL."""
        return {peer["Url"]: peer for peer in self.document()["Peers"] or []}

    def is_ready(self):
        if not self.is_running():
            raise AssertionError(f"ended before it was ready: {self.describe()}")
        try:
            return self.get("/readyz").status == 200
        except OSError:
            return False


def read_text(path):
    with open(path, encoding="utf-8", errors="backslashreplace") as file:
        return file.read()


def environment(extra=None):
    """Nothing of the caller's surroundings but what finds programs and sets sanitizers."""
    kept = {name: os.environ[name]
            for name in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
            if name in os.environ}
    return {**kept, "LC_ALL": "C", **(extra or {})}


# --- the tests' base -----------------------------------------------------------------------------


class EndToEndTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="pingmesh-e2e-"))
        self.network = f"127.{random.randrange(1, 255)}.{random.randrange(0, 255)}"
        self.processes = []
        self.servers = []

    def tearDown(self):
        faults = [process.faults() for process in self.processes]
        for server in self.servers:
            server.close()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.assertFalse(any(faults), "\n".join(fault for fault in faults if fault))

    def address(self, number):
        return f"{self.network}.{number}"

    def start(self, *arguments, env=None, program=PINGMESH):
        process = Process([program, *arguments], self.directory, env)
        self.processes.append(process)
        return process

    def run_to_end(self, *arguments, env=None, status=0, seconds=DEADLINE_S):
        process = self.start(*arguments, env=env)
        self.assertEqual(process.wait(seconds), status, process.describe())
        return process

    def start_node(self, *arguments, number=1, env=None, tls=None, ready=True):
        """A node on the number-th address of this test's network, which it probes from, too."""
        address = self.address(number)
        port = free_port(address)
        node = Node([PINGMESH, "-s", port, "--bind", address, *arguments], self.directory, env,
                    address, port, tls)
        self.processes.append(node)
        if ready:
            wait_until("the node is ready", node.is_ready)
        return node

    def serve(self, server):
        """Starts a server of servers.py, and ends it with the test."""
        self.servers.append(server)
        server.start()
        return server

    def dead_port(self, address="127.0.0.1"):
        """A port where nothing listens, kept so that nobody else gets it meanwhile."""
        taken = socket.socket()
        taken.bind((address, 0))
        self.addCleanup(taken.close)
        return taken.getsockname()[1]
