"""The packages that ./dev package makes: lintian, the unit's sandbox, the tarball where nothing else is
installed, and the Debian package in a system that was booted for it."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

import roots
import harness

BUILD = roots.SOURCE / "build"
EXPOSURE_MAX = 2.5
BOOT_S = 120
BOOTED = ["systemd", "systemd-sysv", "dbus", "ca-certificates"]


def deb():
    found = sorted(BUILD.glob("pingmesh_*.deb"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise unittest.SkipTest("there is no package: ./dev package makes it")
    return found[-1]


def tarball():
    found = sorted(BUILD.glob("pingmesh-*.tar.gz"), key=lambda file: file.stat().st_mtime)
    if not found:
        raise unittest.SkipTest("there is no tarball: ./dev package makes it")
    return found[-1]


def libraries():
    """The packages that ours depends on, without versions; the first of alternatives."""
    depends = roots.run("dpkg-deb", "--field", deb(), "Depends").stdout
    return [re.match(r"\S+", part.strip()).group(0) for part in depends.split(",")]


class DebianPackage(unittest.TestCase):
    def setUp(self):
        roots.need("lintian", "dpkg-deb")

    def test_lintian_finds_no_error(self):
        roots.run("lintian", "--allow-root", "--fail-on", "error", deb(), seconds=300)

    def test_what_is_in_it(self):
        listing = roots.run("dpkg-deb", "--contents", deb()).stdout
        for path in ("usr/bin/pingmesh", "usr/bin/avgping", "etc/default/pingmesh",
                     "usr/lib/systemd/system/pingmesh.service", "usr/lib/sysusers.d/pingmesh.conf",
                     "usr/share/man/man1/pingmesh.1.gz", "usr/share/man/man1/avgping.1.gz",
                     "usr/share/bash-completion/completions/pingmesh",
                     "usr/share/zsh/vendor-completions/_pingmesh",
                     "usr/share/fish/vendor_completions.d/pingmesh.fish"):
            self.assertIn(f"./{path}\n", listing)
        conffiles = roots.run("dpkg-deb", "--info", deb(), "conffiles").stdout
        self.assertEqual(conffiles.split(), ["/etc/default/pingmesh"])


class Unit(unittest.TestCase):
    def test_exposure(self):
        roots.need("systemd-analyze")
        unit = roots.SOURCE / "deploy" / "systemd" / "pingmesh.service"
        told = roots.run("systemd-analyze", "security", "--offline=true", "--no-pager", unit).stdout
        exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", told).group(1))
        self.assertLessEqual(exposure, EXPOSURE_MAX)


class Tarball(unittest.TestCase):
    def test_it_runs_where_nothing_is_installed(self):
        """In a minimal root, with none of our libraries but those of the tarball."""
        roots.need("unshare", "ip")
        root = roots.unpack(roots.archive("base", "bookworm", ["ca-certificates"]),
                            roots.WORK / "tarball")
        self.assertEqual(list(root.glob("usr/lib/*/libuv*")), [])
        target = root / "opt" / "pingmesh"
        target.mkdir()
        roots.run("tar", "--extract", "--file", tarball(), "--directory", target,
                  "--strip-components=1")
        script = """
            cd /opt/pingmesh/bin && ./pingmesh --version && ./avgping -h >/dev/null || exit 3
            ./pingmesh -q -s 8080 --state-dir /tmp & node=$!
            well=1
            for try in 1 2 3 4 5 6 7 8 9 10; do
              if ./pingmesh --healthcheck -s 8080; then well=0; break; fi
              sleep 1
            done
            kill $node; wait $node || well=4
            exit $well"""
        roots.run("unshare", "--net", "--pid", "--mount", "--fork", f"--mount-proc={root}/proc",
                  "sh", "-c", 'ip link set lo up && exec chroot "$0" /bin/sh -c "$1"', root, script,
                  seconds=60)
        for name in ("LICENSE", "README.md", "lib/systemd/system/pingmesh.service",
                     "share/man/man1/pingmesh.1.gz"):
            self.assertTrue((target / name).is_file(), name)
        unit = (target / "lib/systemd/system/pingmesh.service").read_text(encoding="utf-8")
        self.assertIn("ExecStart=/opt/pingmesh/bin/pingmesh ", unit)


class Machine:
    """A system in a container of systemd-nspawn, booted, with a network of its own."""

    def __init__(self, root):
        self.log = open(root.with_suffix(".log"), "wb")
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", f"--directory={root}", "--boot", "--register=no", "--keep-unit",
             "--private-network", "--link-journal=no", "--console=pipe"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            harness.wait_until("it has booted", self._is_up, BOOT_S, 0.5)
        except AssertionError:
            self.end()
            raise

    @property
    def leader(self):
        """The system's process 1, by its number here. While it boots, nspawn has another child."""
        if self.nspawn.poll() is not None:
            raise AssertionError("systemd-nspawn ended: see " + self.log.name)
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        return (children.read_text(encoding="utf-8").split() or ["0"])[0]

    def _is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def run(self, *arguments, check=True, seconds=120):
        return roots.run("nsenter", "--target", self.leader, "--all", "--", *arguments,
                         check=check, seconds=seconds)

    def get_json(self, url):
        """Asked in its network, with this machine's Python: it has none."""
        script = f"import urllib.request; print(urllib.request.urlopen({url!r}).read().decode())"
        return json.loads(roots.run("nsenter", "--target", self.leader, "--net", "python3", "-c",
                                    script).stdout)

    def shown(self, what):
        return self.run("systemctl", "show", "--property", what, "--value",
                        "pingmesh.service").stdout.strip()

    def end(self):
        self.nspawn.send_signal(signal.SIGTERM)
        try:
            self.nspawn.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()
        self.log.close()


class Booted(unittest.TestCase):
    """One system, in the order of its life: install, look, use, break, restart, purge."""

    @classmethod
    def setUpClass(cls):
        roots.need("systemd-nspawn", "nsenter", "dpkg-deb")
        packages = BOOTED + [name for name in libraries() if name not in BOOTED]
        root = roots.unpack(roots.archive("booted", roots.release(), packages),
                            roots.WORK / "machine")
        roots.run("cp", deb(), root / "srv" / "pingmesh.deb")
        cls.root = root
        cls.machine = Machine(root)

    @classmethod
    def tearDownClass(cls):
        cls.machine.end()

    def pid(self):
        return self.machine.shown("MainPID")

    def wait_active(self):
        harness.wait_until("the service is active",
                           lambda: self.machine.shown("ActiveState") == "active" and
                           self.machine.shown("SubState") == "running")

    def drop_in(self, text):
        directory = self.root / "etc/systemd/system/pingmesh.service.d"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "test.conf").write_text(f"[Service]\n{text}\n", encoding="utf-8")
        self.machine.run("systemctl", "daemon-reload")

    def test_1_installing_starts_it(self):
        self.machine.run("dpkg", "--install", "/srv/pingmesh.deb")
        self.wait_active()
        self.assertEqual(self.machine.shown("StatusText"), "serving on port 8080")
        self.assertEqual(self.machine.shown("UnitFileState"), "enabled")
        self.machine.run("/usr/bin/pingmesh", "--healthcheck", "-s", "8080")

    def test_2_the_sandbox_is_in_force(self):
        status = self.machine.run("cat", f"/proc/{self.pid()}/status").stdout
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        self.assertNotEqual(fields["Uid"].split()[0], "0")
        self.assertEqual(fields["NoNewPrivs"], "1")
        self.assertEqual(fields["Seccomp"], "2")
        self.assertEqual(int(fields["CapBnd"], 16), 1 << 10)  # CAP_NET_BIND_SERVICE and no other
        # What the node gives up by itself once it serves, which the unit's filter must not prevent.
        self.assertEqual((int(fields["CapEff"], 16), int(fields["CapAmb"], 16)), (0, 0))
        told = self.machine.run("journalctl", "--unit", "pingmesh", "--no-pager").stdout
        self.assertNotIn("sandbox", told)
        inside = ["nsenter", "--target", self.pid(), "--mount", "--"]
        for path in ("/usr/forbidden", "/etc/forbidden", "/home/forbidden"):
            done = self.machine.run(*inside, "touch", path, check=False)
            self.assertIn("Read-only", done.stderr, path)
        told = self.machine.run("systemd-analyze", "security", "--no-pager", "pingmesh.service")
        exposure = float(re.search(r"exposure level for \S+: ([\d.]+)", told.stdout).group(1))
        self.assertLessEqual(exposure, EXPOSURE_MAX)

    def test_3_a_low_port(self):
        defaults = self.root / "etc/default/pingmesh"
        before = defaults.read_text(encoding="utf-8")
        defaults.write_text(before.replace("=8080", "=80"), encoding="utf-8")
        self.machine.run("systemctl", "restart", "pingmesh")
        self.assertEqual(self.machine.shown("StatusText"), "serving on port 80")
        defaults.write_text(before, encoding="utf-8")
        self.machine.run("systemctl", "restart", "pingmesh")

    def test_4_reloading(self):
        before = self.pid()
        self.machine.run("systemctl", "reload", "pingmesh")
        harness.wait_until("it says so", lambda: "hangup signal" in self.machine.run(
            "journalctl", "--unit", "pingmesh", "--no-pager").stdout)
        self.wait_active()
        self.assertEqual(self.pid(), before)

    def test_5_a_restart_keeps_history(self):
        """What was measured before a restart is told after it, and by the same node."""
        self.machine.run("systemd-run", "--unit=other", "/usr/bin/pingmesh", "-q", "-s", "8081",
                         "-L", "Other")
        self.drop_in("Environment=PINGMESH_URL=http://127.0.0.1:8081/v1/ping PINGMESH_DELAY=1")
        self.machine.run("systemctl", "restart", "pingmesh")
        url = ("http://127.0.0.1:8080/v1/history?to=http://127.0.0.1:8081/v1/ping"
               "&since=-30m&step=1m&phase=total")

        def told():
            try:
                document = self.machine.get_json(url)
            except AssertionError:  # it has not measured anything yet
                return None, 0
            return document["from"], sum(row["n"] for row in document["rows"])

        harness.wait_until("twenty probes", lambda: told()[1] >= 20, 200, 1)
        node, count = told()
        self.machine.run("systemctl", "stop", "other")  # nothing can be measured anew
        self.machine.run("systemctl", "restart", "pingmesh")
        self.wait_active()
        # The minute of the restart is told in whole once it is over.
        harness.wait_until("all of it is told", lambda: told()[1] >= count, 90, 1)
        self.assertEqual(told()[0], node)

    def test_6_a_node_that_hangs_is_started_anew(self):
        self.drop_in("WatchdogSec=2\nRestartSec=1\nTimeoutAbortSec=2\nLimitCORE=0")
        self.machine.run("systemctl", "restart", "pingmesh")
        before = self.pid()
        time.sleep(5)  # two intervals and more: a loop that turns is let live
        self.assertEqual(self.pid(), before)
        self.machine.run("systemctl", "kill", "--signal=STOP", "pingmesh")
        harness.wait_until("another process runs", lambda: self.pid() not in (before, "0"))
        self.wait_active()
        self.assertIn("watchdog", self.machine.run("journalctl", "--unit", "pingmesh", "--no-pager")
                      .stdout)

    def test_7_wrong_use_is_not_tried_again(self):
        self.drop_in("Environment=PINGMESH_TIMEOUT=soon\nRestartSec=1")
        self.machine.run("systemctl", "restart", "pingmesh", check=False)
        self.assertEqual(self.machine.shown("ActiveState"), "failed")
        self.assertEqual(self.machine.shown("ExecMainStatus"), "2")

    def test_8_purging_leaves_nothing(self):
        self.machine.run("rm", "-r", "/etc/systemd/system/pingmesh.service.d")
        self.machine.run("dpkg", "--install", "/srv/pingmesh.deb")  # over itself, as an upgrade
        self.wait_active()
        self.machine.run("dpkg", "--purge", "pingmesh")
        for path in ("usr/bin/pingmesh", "etc/default/pingmesh", "var/lib/pingmesh",
                     "etc/systemd/system/multi-user.target.wants/pingmesh.service"):
            self.assertFalse(os.path.lexists(self.root / path), path)


if __name__ == "__main__":
    unittest.main()
