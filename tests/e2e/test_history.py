"""History in the daemon: what was measured is in the state directory after a stop, is added to by the
next run, and no state of the disk keeps a node from probing."""

import base64
import os
import re
import sqlite3
import subprocess
import unittest

import harness
import servers


class HistoryTest(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.directory, "state")
        os.mkdir(self.state)
        self.file = os.path.join(self.state, "history.db")
        self.target = self.serve(servers.Server(servers.answers("ok"), self.address(2)))

    def run_for(self, probes, *arguments):
        """A node that stops by itself after so many successes; its samples."""
        process = self.start("--output", "json", "--state-dir", self.state, "-d", 1, "-n", probes,
                             *arguments, self.target.url())
        self.assertEqual(process.wait(), 0, process.describe())
        self.assertEqual(len(process.samples()), probes, process.describe())
        return process

    def rows(self, sql):
        connection = sqlite3.connect(self.file)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def test_a_stopped_node_has_written_its_last_minute(self):
        self.run_for(2)
        pairs = self.rows("SELECT a.key, b.key, b.url FROM pairs JOIN nodes a ON a.id=from_id"
                          " JOIN nodes b ON b.id=to_id")
        self.assertEqual(pairs, [("self", self.target.url(), self.target.url())])
        self.assertIn(len(self.rows("SELECT * FROM minutes")), (1, 2))  # a minute may have ended
        self.assertEqual(self.rows("PRAGMA integrity_check"), [("ok",)])

    def test_another_run_goes_on_with_it(self):
        self.run_for(1)
        self.run_for(1)
        self.assertEqual(self.rows("SELECT count(*) FROM pairs"), [(1,)])
        self.assertIn(len(self.rows("SELECT * FROM minutes")), (1, 2))

    def test_a_node_that_serves_writes_under_its_identity(self):
        node = self.start_node("--state-dir", self.state, "-d", 1, self.target.url())
        harness.wait_until("a successful probe",
                           lambda: node.peers().get(self.target.url(), {}).get("Pings", 0) > 0)
        node.stop()
        with open(os.path.join(self.state, "mesh.state"), encoding="ascii") as file:
            identity = re.search(r"^id ([0-9a-f]{32})$", file.read(), re.M).group(1)
        identity = base64.urlsafe_b64encode(bytes.fromhex(identity)).decode().rstrip("=")
        self.assertEqual(self.rows("SELECT a.key FROM pairs JOIN nodes a ON a.id=from_id"),
                         [(identity,)])

    def test_a_spoilt_file_is_said_once_and_moved_aside(self):
        with open(self.file, "wb") as file:
            file.write(b"no database at all " * 500)
        process = self.run_for(2)
        self.assertEqual(len([line for line in process.log if "history.db is damaged" in line]), 1)
        aside = [name for name in os.listdir(self.state) if ".damaged-" in name]
        self.assertEqual(len(aside), 1, aside)
        self.assertRegex(aside[0], r"^history\.db\.damaged-\d{8}T\d{6}Z$")
        with open(os.path.join(self.state, aside[0]), "rb") as file:
            self.assertTrue(file.read().startswith(b"no database at all "))
        self.assertEqual(self.rows("SELECT count(*) FROM pairs"), [(1,)])

    def expect_probing(self, process, said):
        """Probes went on, none was late, and the disk was complained of once."""
        self.assertEqual(process.wait(), 0, process.describe())
        samples = process.samples()
        self.assertEqual(len(samples), 3, process.describe())
        lines = [line for line in process.log if "history.db" in line]
        self.assertEqual(len(lines), 1, process.describe())
        self.assertIn(said, lines[0])

    def probe_thrice(self, *before):
        """A node that is started through another program."""
        return self.start(*before, harness.PINGMESH, "--output", "json", "--state-dir", self.state,
                          "-d", 1, "-n", 3, self.target.url(), program="/usr/bin/env")

    def in_a_mount(self, mount):
        """What starts a program with that mounted over the state directory, for it alone."""
        probe = subprocess.run(["unshare", "-m", "sh", "-c", f"{mount} {self.state}"],
                               capture_output=True, check=False)
        if probe.returncode != 0:
            self.skipTest("mounting is not allowed here")
        return ["unshare", "-m", "sh", "-c", f'{mount} {self.state} && exec "$@"', "sh"]

    def test_a_full_disk_is_said_once(self):
        full = self.in_a_mount("mount -t tmpfs -o size=64k tmpfs")
        self.expect_probing(self.probe_thrice(*full), "full")

    def test_a_disk_that_may_only_be_read_is_said_once(self):
        self.run_for(1)
        read_only = self.in_a_mount(f"mount --bind -o ro {self.state}")
        self.expect_probing(self.probe_thrice(*read_only), "cannot be")

    def test_a_limit_of_a_files_size_is_no_end(self):
        self.expect_probing(self.probe_thrice("prlimit", "--fsize=16384"), "cannot be")

    def test_no_probe_is_late_for_a_full_disk(self):
        address = self.address(1)
        port = harness.free_port(address)
        node = harness.Node([*self.in_a_mount("mount -t tmpfs -o size=64k tmpfs"),
                             harness.PINGMESH, "-s", port, "--bind", address, "--state-dir",
                             self.state, "-d", 1, self.target.url()],
                            self.directory, None, address, port)
        self.processes.append(node)
        harness.wait_until("the node is ready", node.is_ready)

        def five_probes():
            peer = node.get("/v1/peers?stats=all").json()["Peers"][0]
            return peer if peer["Pings"] >= 5 else None

        stats = harness.wait_until("five probes", five_probes)["Mesh"]["Stats"]
        self.assertEqual({window["Late"] for window in stats.values()}, {0})
        self.assertRegex(node.get("/metrics").text, r"(?m)^pingmesh_history_failures_total [1-9]")
        node.stop()
        said = [line for line in node.log if "history.db" in line]
        self.assertEqual(len(said), 1, node.describe())

    def test_a_directory_of_its_own_is_made(self):
        os.rmdir(self.state)
        process = self.run_for(2)
        self.assertEqual([line for line in process.log if "cannot be used" in line], [])
        self.assertEqual(os.stat(self.state).st_mode & 0o777, 0o700)

    def test_a_directory_that_is_not_there_is_said_once(self):
        os.rmdir(self.state)
        self.state = os.path.join(self.state, "history")
        process = self.run_for(2)
        said = [line for line in process.log if "history.db cannot be used" in line]
        self.assertEqual(len(said), 1, process.describe())


if __name__ == "__main__":
    unittest.main()
