"""The command line against the recordings of the old program, and what is new of it.

A recording names a command, what it printed on both outputs, and its exit code. The same command
runs here with a free port in place of the recorded one. Numbers that differ from run to run become
placeholders of the same width on both sides; every other byte has to be the same.
"""

import datetime
import fcntl
import json
import os
import re
import shlex
import signal
import socket
import unittest

import harness
import servers

RECORDED_LOCATION = "getIpErr"  # what the old program said where it could not find its address
RECORDED_PORT = "8080"
DEAD_PORT = "1"  # nothing listened there

# Lines in the words of Go's network library, and those that stand in their place.
GO_LINES = re.compile(r'(connect \S+: dial tcp|reading response: Get) ')
OUR_DETAIL = re.compile(r"connect to \S+: connection refused")

EXIT_STATUSES = {"cli_n1_f5.txt": 3}  # a peer reached its failure limit in a run with -n


class Recording:
    def __init__(self, name):
        text = harness.recorded(name)
        head, rest = text.split("\n--- stdout\n", 1)
        self.stdout, rest = rest.split("--- stderr\n", 1)
        stderr, _ = rest.split("--- exit code ", 1)
        self.stderr = [line for line in stderr.splitlines()
                       if not GO_LINES.match(harness.LOG_LINE.fullmatch(line).group(1))]
        command, how = re.fullmatch(r"\$ (.*)   \((.*)\)", head).groups()
        self.is_interrupted = how.startswith("SIGINT")
        self.status = EXIT_STATUSES.get(name, 0)
        words = shlex.split(command)
        at = words.index("pingmesh")
        self.env = dict(word.split("=", 1) for word in words[:at])
        self.arguments = words[at + 1:]

    def with_ports(self, listen, dead):
        """The arguments and the environment, with our ports."""
        def replace(text):
            text = re.sub(rf"\b{RECORDED_PORT}\b", str(listen), text)
            return text.replace(f"127.0.0.1:{DEAD_PORT}/", f"127.0.0.1:{dead}/")
        return ([replace(word) for word in self.arguments],
                {name: replace(value) for name, value in self.env.items()})


def shape_of_stdout(text, ports, location):
    """Numbers as placeholders, tabs, blanks and widths kept."""
    for port, name in ports.items():
        text = re.sub(rf":{port}\b", f":{name}", text)
    text = text.replace(RECORDED_LOCATION.rjust(20), location.rjust(20))
    text = text.replace(RECORDED_LOCATION, location)
    lines = []
    for line in text.split("\n"):
        line = re.sub(r"^( *\d+) ([ \d]{4}\.\d{3}) msec ", r"\1 ####.### msec ", line)
        line = re.sub(r"^(\d+) \d{10}\t", r"\1 <epoch>\t", line)
        line = re.sub(r"\t\d+\.\d{3}(?=\t)", "\t<ms>", line)
        line = re.sub(r"\t(\d{3}|)\t\d+\t(?=[^\t]*\t)", r"\t\1\t<size>\t", line)
        line = re.sub(r"\t502\t<size>\t", "\t502\t0\t", line) if "\t502\t0\t" in line else line
        line = re.sub(r"^(\d+) (?=.{6}\t)\d+s +\t", r"\1 <elapsed>\t", line)
        line = re.sub(r"( samples in )\d+s(, average)", r"\1<elapsed>\2", line)
        line = re.sub(r"(\t| msec .* )::1(\t|$)", r"\g<1>127.0.0.1\2", line)
        lines.append(line)
    return lines


def shape_of_stderr(lines, ports, location):
    shaped = []
    for line in lines:
        match = harness.LOG_LINE.fullmatch(line)
        line = match.group(1) if match else f"no time: {line}"
        for port, name in ports.items():
            line = re.sub(rf"\b{port}\b", name, line)
        line = line.replace(" on ::1 in ", " on 127.0.0.1 in ")
        shaped.append(line.replace(RECORDED_LOCATION, location))
    return shaped


class RecordedCommandLines(harness.EndToEndTest):
    def check(self, name):
        recording = Recording(name)
        listen, dead = harness.free_port(), self.dead_port()
        arguments, env = recording.with_ports(listen, dead)
        process = self.start(*arguments, env=env)
        if recording.is_interrupted:
            harness.wait_until("the summary", lambda: "Recorded " in process.stdout)
            harness.wait_until("the log of the end", lambda: (
                "-v" not in arguments or "Deleted pinger" in process.stderr))
            process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), recording.status, process.describe())

        location = re.search(r" starting in (.*)", process.stderr).group(1)
        ours = {str(listen): "LISTEN", str(dead): "DEAD"}
        theirs = {RECORDED_PORT: "LISTEN", "127.0.0.1:1": "127.0.0.1:DEAD"}
        theirs_in_urls = {RECORDED_PORT: "LISTEN", DEAD_PORT: "DEAD"}
        self.assertEqual(shape_of_stdout(process.stdout, ours, location),
                         shape_of_stdout(recording.stdout, theirs_in_urls, location))
        stderr = [line for line in process.stderr.splitlines()
                  if not OUR_DETAIL.fullmatch(harness.LOG_LINE.fullmatch(line).group(1))]
        self.assertEqual(shape_of_stderr(stderr, ours, location),
                         shape_of_stderr(recording.stderr, theirs, location))

    def test_every_recording_has_a_test(self):
        names = {path.name for path in harness.LEGACY.glob("cli_*.txt")}
        tested = {f"cli_{name[len('test_cli_'):]}.txt" for name in dir(self)
                  if name.startswith("test_cli_")}
        self.assertTrue(names)
        self.assertEqual(names, tested)

    def test_cli_d0(self):
        self.check("cli_d0.txt")

    def test_cli_dead_f3(self):
        self.check("cli_dead_f3.txt")

    def test_cli_default(self):
        self.check("cli_default.txt")

    def test_cli_env(self):
        self.check("cli_env.txt")

    def test_cli_envbad(self):
        self.check("cli_envbad.txt")

    def test_cli_locfrag(self):
        self.check("cli_locfrag.txt")

    def test_cli_n1_f5(self):
        self.check("cli_n1_f5.txt")

    def test_cli_q(self):
        self.check("cli_q.txt")

    def test_cli_v(self):
        self.check("cli_v.txt")


HEADER = ("# timestamp\tDNS\tTCP\tTLS\tFirst\tLastB\tTotal\tHTTP\tSize\tFrom_Location\tRemote_Addr"
          "\tproto://uri")


class Output(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        page = servers.answers(servers.ping_page("Paris,FR"))
        self.target = self.serve(servers.Server(page, self.address(9)))

    def wait_for_pings(self, server, count):
        harness.wait_until(f"{count} pings", lambda: len(server.requests) >= count)

    def test_verbosity(self):
        """-q prints the summary alone, -v and -V the header first; -V says no less than -v."""
        quiet = self.run_to_end("-q", "-n", 1, self.target.url())
        self.assertRegex(quiet.stdout, r"\A\nRecorded 1 samples in 0s, average values:\n# time")
        default = self.run_to_end("-n", 1, self.target.url())
        self.assertRegex(default.stdout, r"\A  1 [ \d]{4}\.\d{3} msec             Paris,FR "
                                         + re.escape(self.address(9)) + "\n")
        verbose = self.run_to_end("-v", "-n", 1, self.target.url())
        self.assertTrue(verbose.stdout.startswith(HEADER + "\n1 "), verbose.stdout)
        most = self.run_to_end("-V", "-n", 1, self.target.url())
        self.assertTrue(most.stdout.startswith(HEADER + "\n1 "), most.stdout)
        self.assertGreaterEqual(len(most.log), len(verbose.log))
        tsv = self.run_to_end("--output", "tsv", "-n", 1, self.target.url())
        self.assertTrue(tsv.stdout.startswith(HEADER + "\n1 "), tsv.stdout)

    def check_signal(self, number, word):
        other = self.serve(servers.Server(servers.answers("ok"), self.address(8)))
        dead = f"http://{self.address(7)}:{self.dead_port(self.address(7))}/v1/ping"
        process = self.start("-d", 1, self.target.url(), other.url(), dead)
        self.wait_for_pings(self.target, 2)
        self.wait_for_pings(other, 2)
        harness.wait_until("a failure", lambda: "failure 1 of" in process.stderr)
        harness.wait_until("two samples each", lambda: all(
            re.search(rf"^  2 .* {name} ", process.stdout, re.M)
            for name in ("Paris,FR", re.escape(other.url()))))
        self.assertNotIn("Recorded", process.stdout)
        self.assertEqual(process.stop(number), 0)

        self.assertEqual(process.stdout.count(f"\nreceived {word} signal, terminating\n"), 1)
        summaries = process.stdout.split(" signal, terminating\n")[1]
        self.assertRegex(summaries, r"\A\nRecorded [2-9] samples in [1-9]s, average values:\n# ")
        self.assertRegex(summaries, rf"(?m)^[2-9] .*\tParis,FR\t{re.escape(self.target.url())}$")
        self.assertRegex(summaries, rf"(?m)^[2-9] .*\t{re.escape(other.url())}$")
        self.assertRegex(summaries, r"(?m)^Recorded 0 valid samples, [1-9] of 100 failures$")
        self.assertLess(summaries.index(self.target.url()), summaries.index(other.url()))
        self.assertRegex(process.log[-2], rf"^pingmesh signal {int(number)}, exiting ")
        self.assertRegex(process.log[-1], r"^:0 server shutdown, exiting ")

    def test_sigint_prints_the_summaries(self):
        self.check_signal(signal.SIGINT, "interrupt")

    def test_sigterm_prints_the_summaries(self):
        self.check_signal(signal.SIGTERM, "terminated")

    def test_json_lines(self):
        """One object a sample, successes and failures, nothing else on standard output."""
        dead = f"http://{self.address(7)}:{self.dead_port(self.address(7))}/v1/ping"
        process = self.start("--output", "json", "-L", "Here", "-d", 1, "-f", 9,
                             self.target.url(), dead)
        harness.wait_until("four lines", lambda: len(process.samples()) >= 4)
        self.assertEqual(process.stop(signal.SIGINT), 0)
        lines = process.stdout.splitlines()
        samples = [json.loads(line) for line in lines]
        self.assertTrue(process.stdout.endswith("\n"))
        good = [sample for sample in samples if sample["url"] == self.target.url()]
        bad = [sample for sample in samples if sample["url"] == dead]
        self.assertEqual(len(good) + len(bad), len(lines))
        for number, sample in enumerate(good, 1):
            self.assertEqual(
                (sample["outcome"], sample["status"], sample["from"], sample["to"],
                 sample["remote"], sample["successes"], sample["failures_in_a_row"],
                 sample["tls_verified"]),
                ("success", 200, "Here", "Paris,FR", self.address(9), number, 0, None))
            self.assertEqual(sample["bytes"], len(servers.ping_page("Paris,FR")))
            self.assertGreater(sample["tcp_ns"], 0)
            self.assertGreater(sample["first_ns"], 0)
            self.assertGreaterEqual(sample["total_ns"], sample["tcp_ns"] + sample["first_ns"])
            datetime.datetime.fromisoformat(sample["time"].replace("Z", "+00:00")[:26] + "+00:00")
        for number, sample in enumerate(bad, 1):
            self.assertEqual(
                (sample["outcome"], sample["status"], sample["bytes"], sample["successes"],
                 sample["failures_in_a_row"]), ("connect", 0, 0, 0, number))

    def test_an_unread_output_does_not_stop_probing(self):
        """Standard output is a pipe that nobody reads; the log goes on, and so do the probes."""
        reader, writer = socket.socketpair()
        self.addCleanup(reader.close)
        writer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        targets = [self.target.url(f"/v1/ping?{number}") for number in range(30)]
        with writer:
            process = self.start_with_stdout(writer, "--output", "json", "-d", 1, *targets)
        self.wait_for_pings(self.target, 150)
        self.assertEqual(process.stop(signal.SIGINT), 0)

    def test_an_unread_log_does_not_stop_probing(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        targets = [f"127.0.0.{number}:{DEAD_PORT}" for number in range(2, 40)]
        with open(writer, "wb", buffering=0) as log:
            process = self.start_with_stdout(None, "-d", 1, self.target.url("/v1/ping"), *targets,
                                             stderr=log)
        self.wait_for_pings(self.target, 4)
        self.assertEqual(process.stop(signal.SIGINT), 0)

    def test_without_standard_descriptors(self):
        """Nothing of ours takes their places, where it would be written over."""
        process = harness.Process(
            ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', harness.PINGMESH, "-d", 1,
             self.target.url("/v1/ping"), f"127.0.0.2:{DEAD_PORT}"], self.directory)
        self.processes.append(process)
        self.wait_for_pings(self.target, 2)
        self.assertEqual(process.stop(), 0)

    def start_with_stdout(self, stdout, *arguments, stderr=None):
        process = harness.Process([harness.PINGMESH, *arguments], self.directory, stdout=stdout,
                                  stderr=stderr)
        self.processes.append(process)
        return process


class Flags(harness.EndToEndTest):
    def test_help_and_version(self):
        for flag in ("--help", "-h", "-help"):
            shown = self.run_to_end(flag)
            self.assertEqual(shown.stderr, "")
            for name in ("-d ", "-s ", "--bind ", "--output ", "PINGMESH_ADMIN_TOKEN",
                         "Exit status"):
                self.assertIn(name, shown.stdout)
        self.assertRegex(self.run_to_end("--version").stdout, r"\Apingmesh \d+\.\d+\S*\n\Z")

    def test_flags_are_written_as_in_go(self):
        target = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        for count, arguments in enumerate((
                ["-n", "1", target.url()], ["-n=1", target.url()], ["--n=1", target.url()],
                ["--n", "1", "-q=false", "--", target.url()]), 1):
            with self.subTest(arguments):
                process = self.run_to_end(*arguments)
                self.assertIn("Recorded 1 samples", process.stdout)
                self.assertEqual(len(target.requests), count)

    def test_parsing_stops_at_the_first_endpoint(self):
        """A flag behind it would be an endpoint, which is never what was meant."""
        process = self.run_to_end("--print-config", "-v", "a.test", "-q", status=2)
        self.assertIn("-q: an endpoint is wanted here; flags come before", process.stderr)

    def test_print_config_parses_again(self):
        written = ["-H", "my-host", "-L", "It's \"here\", Q", "-d", 7, "-f", 8, "-n", 9, "-r", 4242,
                   "-s", 8080, "-v", "--bind", "127.0.0.1", "--output", "json", "--timeout", 5,
                   "--connect-timeout", 4, "--lookup-timeout", 3, "--body-max", 65536,
                   "--in-flight", 10, "--given-up-retry", 60, "--allow", "10.0.0.0/8,example.net",
                   "--deny", "192.0.2.0/24", "--deny", "2001:db8::/32",
                   "http://a.test/v1/ping?x=1&y=%20#Paris,FR", "https+insecure://b.test:8443",
                   "[::1]:81/'quoted'#Sao Paulo,BR"]
        env = {"PINGMESH_ADMIN_TOKEN": "correct-horse-battery", "PINGMESH_URL": "c.test",
               "PINGMESH_DELAY": "11"}
        first = self.run_to_end("--print-config", *written, env=env).stdout
        self.assertNotIn("correct-horse", first)
        arguments = shlex.split(first)
        for wanted in ("-d=11", "-f=8", "-n=9", "-s=8080", "-r=4242", "-v", "--output=json",
                       "-L=It's \"here\", Q", "--deny=2001:db8::/32", "--body-max=65536",
                       "http://a.test/v1/ping?x=1&y=%20#Paris,FR", "https+insecure://b.test:8443",
                       "http://[::1]:81/'quoted'#Sao Paulo,BR", "http://c.test"):
            self.assertIn(wanted, arguments)
        again = self.run_to_end("--print-config", *arguments).stdout
        self.assertEqual(first, again)

    def test_print_config_keeps_the_override(self):
        first = self.run_to_end("--print-config", "-I", "127.0.0.5", "a.test").stdout
        self.assertIn("-I=127.0.0.5", shlex.split(first))
        self.assertEqual(first, self.run_to_end("--print-config", *shlex.split(first)).stdout)

    def test_environment(self):
        """The flag wins over its variable, but for the three where the variable always has."""
        shown = shlex.split(self.run_to_end(
            "--print-config", "--timeout", 5, "-L", "Here", "-n", 1, "a.test",
            env={"PINGMESH_TIMEOUT": "6", "REP_LOCATION": "There", "PINGMESH_LIMIT": "2",
                 "PINGMESH_CONNECT_TIMEOUT": "3", "PINGMESH_HOSTNAME": "name"}).stdout)
        for wanted in ("--timeout=5", "-L=Here", "-n=2", "--connect-timeout=3", "-H=name"):
            self.assertIn(wanted, shown)

    def test_a_run_with_a_limit_ends(self):
        """0 when every target has reached it, 3 when one was given up, whatever the others did."""
        good = self.serve(servers.Server(servers.answers("ok"), self.address(9)))
        dead = f"http://{self.address(7)}:{self.dead_port(self.address(7))}/"
        self.run_to_end("-n", 2, "-d", 1, good.url(), status=0)
        self.assertEqual(len(good.requests), 2)
        process = self.run_to_end("-n", 2, "-d", 1, good.url(), dead, status=3)
        self.assertEqual(len(good.requests), 4)
        self.assertIn("hit failure limit 2 on " + dead, process.stderr)


if __name__ == "__main__":
    unittest.main()
