"""What other programs expect of a node: the health check of a container, the notifications of a service
manager, manual pages, and completions. Images, packages and charts are in tests/deploy."""

import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest

import certificates
import harness
import servers

PAGES = harness.BUILD / "pages"
WATCHDOG_S = 1.0
HEALTHCHECK_S = 4  # node/healthcheck.h: PM_HEALTHCHECK_MS


class HealthcheckTest(harness.EndToEndTest):
    def check(self, *arguments, status=0, env=None):
        return self.run_to_end("--healthcheck", *arguments, status=status, env=env)

    def test_a_node_that_serves_is_well(self):
        node = self.start_node()
        self.check(node.url("/healthz"))
        self.check("-s", node.port, "--bind", node.address)
        self.check(env={"PINGMESH_LISTEN_PORT": str(node.port), "PINGMESH_BIND": node.address})

    def test_flags_win_over_the_environment(self):
        node = self.start_node()
        self.check("-s", node.port, "--bind", node.address, env={"PINGMESH_LISTEN_PORT": "1"})

    def test_seeds_are_not_asked(self):
        node = self.start_node()
        process = self.check("-s", self.dead_port(), status=1,
                             env={"PINGMESH_URL": node.url("/v1/ping")})
        self.assertIn("connection refused", process.stderr)

    def test_its_own_certificate_is_not_verified(self):
        authority = certificates.Authority(self.directory / "authority")
        certificate, key = authority.certificate("node.test")
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        node = self.start_node("--tls-cert", certificate, "--tls-key", key, tls=tls)
        self.check("-s", node.port, "--bind", node.address, "--tls-cert", certificate, "--tls-key",
                   key)

    def test_another_status_is_not_well(self):
        node = self.start_node()
        process = self.check(node.url("/nowhere"), status=1)
        self.assertRegex(process.stderr, r"^pingmesh: --healthcheck: .*404")

    def test_who_does_not_answer_is_not_well(self):
        with socket.socket() as silent:
            silent.bind((self.address(9), 0))
            silent.listen()
            began = time.monotonic()
            self.check(f"http://{self.address(9)}:{silent.getsockname()[1]}/", status=1)
            self.assertGreaterEqual(time.monotonic() - began, HEALTHCHECK_S - 0.1)

    def test_nobody_to_ask(self):
        process = self.check(status=1)
        self.assertIn("nothing says whom to ask", process.stderr)


class Manager:
    """The socket that a service manager listens on."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        self.env = {"NOTIFY_SOCKET": name}

    def close(self):
        self.socket.close()

    def next(self, seconds=harness.DEADLINE_S):
        """The next notification as a dictionary; None if none comes in that time."""
        self.socket.settimeout(seconds)
        try:
            lines = self.socket.recv(4096).decode().split("\n")
        except (TimeoutError, BlockingIOError):
            return None
        return dict(line.split("=", 1) for line in lines)

    def wait_for(self, name, seconds=harness.DEADLINE_S):
        """The next notification that says so, whatever comes before it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            told = self.next(max(0.01, deadline - time.monotonic()))
            if told and name in told:
                return told
        raise AssertionError(f"no {name} within {seconds} s")

    def drain(self):
        while self.next(0) is not None:
            pass


class NotifyTest(harness.EndToEndTest):
    def manager(self, name=None):
        manager = Manager(name or str(self.directory / "notify"))
        self.addCleanup(manager.close)
        return manager

    def test_a_life(self):
        for name in (None, f"@pingmesh-test-{os.getpid()}"):
            manager = self.manager(name)
            node = self.start_node(env=manager.env, ready=False)
            ready = manager.next()
            self.assertEqual(ready, {"READY": "1", "STATUS": f"serving on port {node.port}"})
            self.assertTrue(node.is_ready())
            before_usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            node.send_signal(signal.SIGHUP)
            reloading = manager.next()
            self.assertEqual(reloading["RELOADING"], "1")
            self.assertGreaterEqual(int(reloading["MONOTONIC_USEC"]), before_usec)
            self.assertEqual(manager.next()["READY"], "1")
            node.stop()
            self.assertEqual(manager.next()["STOPPING"], "1")
            self.assertIsNone(manager.next(0))

    def test_it_is_not_ready_before_it_has_its_port(self):
        manager = self.manager()
        address, port = self.address(1), harness.free_port(self.address(1))
        taken = socket.socket()
        taken.bind((address, port))
        taken.listen()
        node = harness.Node([harness.PINGMESH, "-s", port, "--bind", address], self.directory,
                            manager.env, address, port)
        self.processes.append(node)
        told = manager.next()
        self.assertNotIn("READY", told)
        self.assertIn("in use", told["STATUS"])
        taken.close()
        manager.wait_for("READY")

    def test_a_node_without_a_server_is_ready_at_once(self):
        manager = self.manager()
        target = self.serve(servers.Server(servers.answers("ok"), self.address(2)))
        self.start(target.url(), env=manager.env)
        self.assertEqual(manager.next(), {"READY": "1", "STATUS": "measuring, without a server"})

    def test_a_loop_that_hangs_stops_beating(self):
        manager = self.manager()
        env = {**manager.env, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        node = self.start_node(env=env)
        manager.wait_for("WATCHDOG")
        began = time.monotonic()
        for _ in range(3):
            manager.wait_for("WATCHDOG", WATCHDOG_S * 5)
        self.assertGreater(time.monotonic() - began, WATCHDOG_S)  # half the interval, three times
        node.send_signal(signal.SIGSTOP)
        self.addCleanup(node.send_signal, signal.SIGCONT)
        os.waitid(os.P_PID, node.popen.pid, os.WSTOPPED | os.WNOWAIT)
        manager.drain()
        self.assertIsNone(manager.next(WATCHDOG_S * 1.5))
        node.send_signal(signal.SIGCONT)
        manager.wait_for("WATCHDOG")

    def test_a_watchdog_meant_for_another_process(self):
        manager = self.manager()
        self.start_node(env={**manager.env, "WATCHDOG_USEC": "10000", "WATCHDOG_PID": "1"})
        manager.wait_for("READY")
        self.assertIsNone(manager.next(0.2))

    def test_a_socket_that_cannot_be(self):
        node = self.start_node(env={"NOTIFY_SOCKET": "vsock:2:1"})
        self.assertTrue(any("the service manager is told nothing" in line for line in node.log))


def flags_of(program):
    """The flags that --help names, with their dashes."""
    text = subprocess.run([harness.BUILD / program, "--help"], text=True, check=True,
                          capture_output=True).stdout
    return [name if len(name) == 2 else "-" + name.replace("--", "-", 1)
            for name in re.findall(r"^  (--?[A-Za-z][\w-]*)", text, re.M)]


class PagesTest(unittest.TestCase):
    def test_the_manual_renders_without_a_warning(self):
        if not shutil.which("groff"):
            self.skipTest("needs groff")
        for program in ("pingmesh", "avgping"):
            done = subprocess.run(["groff", "-man", "-Kutf8", "-Tutf8", "-ww",
                                   PAGES / f"{program}.1"], capture_output=True, check=True)
            self.assertEqual(done.stderr.decode(), "")
            shown = re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout.decode())
            for flag in flags_of(program):
                self.assertRegex(shown, rf"(?m)^ +{re.escape(flag)}\b", program)

    def test_the_manual_names_every_variable(self):
        table = (harness.SOURCE / "src/node/options_table.c").read_text(encoding="utf-8")
        names = set(re.findall(r'\.env = "(\w+)"', table))
        self.assertGreater(len(names), 40)
        page = (PAGES / "pingmesh.1").read_text(encoding="utf-8")
        self.assertEqual([name for name in names if name not in page], [])

    def test_completions_name_every_flag(self):
        for program in ("pingmesh", "avgping"):
            flags = flags_of(program)
            self.assertGreater(len(flags), 8)
            scripts = {shell: (PAGES / f"{program}.{shell}").read_text(encoding="utf-8")
                       for shell in ("bash", "zsh", "fish")}
            for flag in flags:
                name = flag.lstrip("-")
                self.assertRegex(scripts["bash"], rf"[\" ]{flag}[\" ]")
                self.assertRegex(scripts["zsh"], rf"(?m)^  '\*?{flag}(=-)?\[")
                self.assertRegex(scripts["fish"], rf"(?m) -[ls] {name} ")

    def test_completions_parse(self):
        for program in ("pingmesh", "avgping"):
            for shell in filter(shutil.which, ("bash", "zsh", "fish")):
                done = subprocess.run([shell, "-n", PAGES / f"{program}.{shell}"], text=True,
                                      capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""), shell)

    def bash_offers(self, *words):
        """What bash offers for the last of these words."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pingmesh; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", PAGES / "pingmesh.bash", *words],
                              text=True, capture_output=True, check=True, cwd=PAGES)
        return done.stdout.split()

    def test_bash_completes(self):
        self.assertEqual(self.bash_offers("pingmesh", "--state-"), ["--state-dir", "--state-max-mb"])
        self.assertEqual(self.bash_offers("pingmesh", "--output", ""), ["text", "tsv", "json"])
        self.assertEqual(self.bash_offers("pingmesh", "--output", "j"), ["json"])
        self.assertEqual(self.bash_offers("pingmesh", "--ca", "pingmesh.b"), ["pingmesh.bash"])
        self.assertEqual(self.bash_offers("pingmesh", "--timeout", ""), [])

    def test_fish_completes(self):
        if not shutil.which("fish"):
            self.skipTest("needs fish")
        done = subprocess.run(["fish", "--no-config", "-c",
                               f"source {PAGES}/pingmesh.fish; complete -C 'pingmesh --state-'"],
                              text=True, capture_output=True, check=True)
        offered = [line.split("\t")[0] for line in done.stdout.splitlines()]
        self.assertEqual(offered, ["--state-dir", "--state-max-mb"])


if __name__ == "__main__":
    unittest.main()
