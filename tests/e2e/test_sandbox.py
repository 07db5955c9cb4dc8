"""What a node gives up once its port is open, looked at from outside, and that it does all its work
without it: probing https, keeping history, publishing, reading its files again.
"""

import os
import pathlib
import re
import signal
import sqlite3
import ssl
import subprocess
import time
import unittest

import certificates
import harness
import servers

TOKEN = "correct-horse-battery"
# The leak check traces the process from another one, which the sandbox is there to prevent.
NO_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}
SANITIZED = bool(os.environ.get("PM_SANITIZE"))


def status(path):
    text = pathlib.Path(path).read_text(encoding="ascii")
    return dict(re.findall(r"(?m)^(\w+):\s+(\S+)", text))


def threads(node):
    return list(pathlib.Path(f"/proc/{node.popen.pid}/task").iterdir())


class Sandbox(harness.EndToEndTest):
    def start_required(self, *arguments, env=None, **how):
        return self.start_node("--sandbox", "require", *arguments,
                               env={**NO_LEAK_CHECK, **(env or {})}, **how)

    def check_in_force(self, node):
        for thread in threads(node):
            fields = status(thread / "status")
            self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("1", "2"), thread)
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                self.assertEqual(int(fields[name], 16), 0, (thread, name))

    def test_all_threads_have_given_up_all(self):
        state = self.directory / "state"
        state.mkdir()
        node = self.start_required("--state-dir", state, "-d", 1, "http://127.0.0.1:9/v1/ping")
        harness.wait_until("the thread pool works", lambda: len(threads(node)) > 1)
        self.check_in_force(node)
        bounding = int(status(f"/proc/{node.popen.pid}/status")["CapBnd"], 16)
        if os.geteuid() == 0:
            self.assertEqual(bounding, 0)

    def test_the_work_goes_on(self):
        authority = certificates.Authority(self.directory / "ca")
        certificate, key = authority.certificate("node.test", addresses=[self.address(1)])
        site = self.serve(servers.Server(servers.answers(servers.ping_page("Paris,FR")),
                                         self.address(9),
                                         tls=authority.server_context(
                                             "site.test", addresses=[self.address(9)])))
        state, lines = self.directory / "state", self.directory / "lines"
        state.mkdir()
        targets, token = self.directory / "targets", self.directory / "token"
        targets.write_text(f"{site.url('/listed')}\n")
        token.write_text(TOKEN + "\n")
        node = self.start_required(
            "--state-dir", state, "--publish-file", lines, "--targets-file", targets, "--ca",
            authority.file, "--tls-cert", certificate, "--tls-key", key, "--admin-token-file",
            token, "-d", 1, site.url("/given"), "http://localhost:9/v1/ping",
            tls=ssl.create_default_context(cafile=str(authority.file)))
        urls = [site.url("/given"), site.url("/listed")]
        harness.wait_until("https is measured", lambda: all(
            node.peers()[url]["Pings"] > 1 for url in urls))
        harness.wait_until("a name is looked up", lambda: (
            node.peers()["http://localhost:9/v1/ping"]["Fails"] > 0))
        targets.write_text(f"{site.url('/new')}\n")
        node.send_signal(signal.SIGHUP)
        harness.wait_until("files are read again", lambda: site.url("/new") in node.peers())
        harness.wait_until("lines are published", lambda: lines.read_text().count("\n") > 4)
        self.assertEqual(node.get("/v1/history").status, 200)
        self.check_in_force(node)
        self.assertEqual(node.post("/v1/quit").status, 200)
        self.assertEqual(node.wait(), 0)
        files = [path for path in state.iterdir() if path.suffix == ".db"]
        self.assertEqual(len(files), 1)
        with sqlite3.connect(files[0]) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchone(), ("ok",))
        for line in node.log:
            self.assertNotIn("sandbox", line)

    def test_off_is_off(self):
        node = self.start_node("--sandbox", "off")
        fields = status(f"/proc/{node.popen.pid}/status")
        self.assertEqual((fields["NoNewPrivs"], fields["Seccomp"]), ("0", "0"))

    def test_auto_is_the_default(self):
        """Under a sanitizer without the filter, for its leak check's sake."""
        node = self.start_node()
        fields = status(f"/proc/{node.popen.pid}/status")
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(int(fields["CapEff"], 16), 0)
        self.assertEqual(fields["Seccomp"], "0" if SANITIZED else "2")

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
    def test_another_user_cannot_look_inside(self):
        """Of the same user as the node: not dumpable means that its memory and surroundings are
        closed all the same."""
        nobody = 65534
        os.chown(self.directory, nobody, nobody)
        address = self.address(1)
        port = harness.free_port(address)
        command = [harness.PINGMESH, "-s", str(port), "--bind", address, "--sandbox", "require"]
        node = harness.Node(["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups",
                             *command], self.directory,
                            {**NO_LEAK_CHECK, "PINGMESH_ADMIN_TOKEN": TOKEN}, address, port)
        self.processes.append(node)
        harness.wait_until("the node is ready", node.is_ready)
        self.check_in_force(node)
        for name in ("environ", "mem", "maps"):
            done = subprocess.run(
                ["setpriv", f"--reuid={nobody}", f"--regid={nobody}", "--clear-groups",
                 "cat", f"/proc/{node.popen.pid}/{name}"], capture_output=True, check=False)
            self.assertNotEqual(done.returncode, 0, name)
            self.assertNotIn(TOKEN.encode(), done.stdout)

    @unittest.skipIf(os.geteuid() != 0, "only root can make a root file system of its own")
    def test_a_root_that_cannot_be_written(self):
        """As nobody, in a mount namespace where all but /tmp's test directory is read-only."""
        alone = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
        if alone.returncode != 0:  # in a chroot, whose root is no mount point, for instance
            self.skipTest(alone.stderr.decode().strip())
        address = self.address(1)
        port = harness.free_port(address)
        script = ("mount --make-rprivate / && mount -o remount,bind,ro / && exec setpriv "
                  "--reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "
                  f"{harness.PINGMESH} -s {port} --bind {address} --sandbox require")
        node = harness.Node(["unshare", "--mount", "sh", "-c", script], self.directory,
                            NO_LEAK_CHECK, address, port)
        self.processes.append(node)
        harness.wait_until("the node is ready", node.is_ready)
        self.check_in_force(node)
        self.assertEqual(node.get("/v1/ping").status, 200)
        time.sleep(1)
        self.assertEqual(node.stop(), 0)

    def test_where_the_kernel_refuses(self):
        """Said once, and the node goes on; with require it does not. Brought about by a filter that
        is there already, and in which filters are refused: that of a node of ours cannot be left."""
        runner = self.directory / "runner.py"
        runner.write_text(REFUSING)
        address = self.address(1)
        for wish, ready in (("auto", True), ("require", False)):
            port = harness.free_port(address)
            node = harness.Node(["python3", "-B", runner, harness.PINGMESH, "-s", port, "--bind",
                                 address, "--sandbox", wish], self.directory, NO_LEAK_CHECK,
                                address, port)
            self.processes.append(node)
            if ready:
                harness.wait_until("the node is ready", node.is_ready)
                said = [line for line in node.log if "sandbox" in line]
                self.assertEqual(len(said), 0 if SANITIZED else 1, said)
            else:
                self.assertEqual(node.wait(), 1)
                self.assertRegex(node.stderr, "--sandbox require: system calls cannot be filtered")


# Refuses seccomp(2) with EPERM, then becomes the program in its arguments.
REFUSING = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
code = b"".join(struct.pack("HBBI", *row) for row in (
    (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)))
buffer = ctypes.create_string_buffer(code, len(code))
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]
program = Program(4, ctypes.addressof(buffer))
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""

if __name__ == "__main__":
    unittest.main()
