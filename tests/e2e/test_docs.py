"""Every command in README.md and in docs/ is run, each document in a directory of its own, and
what it is said to print is compared with what it prints (documents.py says how it is written).

A document names ports from 8080 to 8099 as a reader would; each of them becomes a port that nobody
has. Programs that it starts in the background are awaited where they serve, and ended at its end by
their ids. What looks at a mesh that is still growing is repeated until it shows what it should.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import documents
import harness
from documents import Fault

DOCUMENTS = ["README.md", *sorted(f"docs/{path.name}" for path in
                                  (harness.SOURCE / "docs").glob("*.md"))]
LOOK_S = 120  # until a look shows what it should: a mesh grows meanwhile, a minute ends
STEP_S = 120  # any other command

PORT = re.compile(r"\b80[89]\d\b")

# Does what it reads, line after line. bash owns what a document starts, and keeps its variables from
# one block to the next.
DRIVER = 'while IFS= read -r line <&{}; do eval "$line"; done'


class Ports:
    """A document's ports as ports that nobody has, and back."""

    def __init__(self):
        self.real = {}

    def into(self, text):
        return PORT.sub(lambda match: self.of(match.group(0)), text)

    def of(self, port):
        if port not in self.real:
            self.real[port] = str(harness.free_port())
        return self.real[port]

    def back(self, text):
        for port, real in self.real.items():
            text = re.sub(rf"(?<![\d.]){real}(?![\d.]\d)", port, text)
        return text


class Shell:
    """One bash for a whole document."""

    def __init__(self, directory):
        self.directory = directory
        self.count = 0
        self.awaited = set()  # processes that serve, or are none that would
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        environment = harness.environment({
            "PATH": f"{harness.BUILD}:{os.environ['PATH']}", "HOME": str(directory), "TZ": "UTC",
            "LC_ALL": "C.UTF-8"})
        # What is started in the background keeps standard output and error, and neither of these.
        self.closed = f"{requests}<&- {answers}>&-"
        self.answer = f"echo $? >&{answers}"
        self.popen = subprocess.Popen(
            ["bash", "-c", DRIVER.format(requests)], cwd=directory, env=environment,
            pass_fds=(requests, answers), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(requests)
        os.close(answers)

    def run(self, script, apart=False, seconds=STEP_S):
        """Status, standard output and standard error. Apart: in a shell that is gone afterwards;
        otherwise a command that fails ends the document's shell, and the status is None."""
        self.count += 1
        path = self.directory / f".step{self.count}"
        path.write_text(script, encoding="utf-8")
        body = f"( set -e; . {path} )" if apart else f"set -e; . {path}; set +e"
        self.send(f"{{ {body}\n}} >{path}.out 2>{path}.err {self.closed}; {self.answer}", path)
        answer = self.receive(seconds)
        return answer, harness.read_text(f"{path}.out"), harness.read_text(f"{path}.err")

    def send(self, command, path):
        wrapper = pathlib.Path(f"{path}.sh")
        wrapper.write_text(command + "\n", encoding="utf-8")
        os.write(self.requests, f". {wrapper}\n".encode())

    def receive(self, seconds):
        deadline = time.monotonic() + seconds
        os.set_blocking(self.answers, False)
        while time.monotonic() < deadline:
            try:
                data = os.read(self.answers, 64)
                return int(data) if data else None
            except BlockingIOError:
                time.sleep(0.02)
        raise AssertionError(f"not done after {seconds} s")

    def children(self):
        """The processes in the background: id and arguments."""
        ids = pathlib.Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children")
        try:
            listed = ids.read_text(encoding="ascii").split()
        except FileNotFoundError:
            return {}
        return {int(pid): arguments_of(pid) for pid in listed if is_alive(pid)}

    def wait_until_they_serve(self):
        for pid, arguments in self.settled_children().items():
            place = listening_place(arguments)
            if place and pid not in self.awaited:
                harness.wait_until(f"{' '.join(arguments)} serves", lambda: is_ready(place))
            self.awaited.add(pid)

    def settled_children(self):
        """… once each has become the program that it was started for."""
        def settled():
            children = self.children()
            # Between fork and exec it is bash still, and in the midst of exec nothing.
            waits = any(not a or a[0] == "bash" for a in children.values())
            return None if waits else [children]
        return harness.wait_until("what was started runs", settled, 10)[0]

    def end(self):
        """Ends what still runs, by its id."""
        running = list(self.children())
        for pid in running:
            # A document may have stopped it. Not after SIGTERM: at its end the leak checker stops the
            # process, and would wait for ever if it went on.
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)
        os.close(self.requests)
        try:
            harness.wait_until("what was started ends", lambda: not any(map(is_alive, running)),
                               harness.STOP_S)
        finally:
            for pid in filter(is_alive, running):
                os.kill(pid, signal.SIGKILL)
            self.popen.wait(harness.STOP_S)
            os.close(self.answers)

    def sanitizers_report(self):
        """What one of the programs left, wherever the document has sent its errors."""
        for path in filter(pathlib.Path.is_file, self.directory.rglob("*")):
            text = harness.read_text(path)
            if harness.SANITIZER_REPORT.search(text):
                return text[-8000:]
        return None


def arguments_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").split("\0")[:-1]
    except OSError:
        return []


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1]
        return state.split()[0] not in "ZX"
    except OSError:
        return False


def listening_place(arguments):
    """Where a pingmesh with these arguments listens, or None."""
    if not arguments or pathlib.Path(arguments[0]).name != "pingmesh" or "-s" not in arguments:
        return None
    address = arguments[arguments.index("--bind") + 1] if "--bind" in arguments else "127.0.0.1"
    return address, int(arguments[arguments.index("-s") + 1])


def is_ready(place):
    connection = harness.connection_to(*place, timeout=5)
    try:
        return harness.send_request(connection, "GET", "/readyz").status == 200
    except OSError:
        return False
    finally:
        connection.close()


# --- a document ----------------------------------------------------------------------------------


def run_document(name, text):
    """Runs all of it. Fault with file, line and what happened instead."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="pingmesh-docs-"))
    (directory / "deploy").symlink_to(harness.SOURCE / "deploy")
    ports, shell = Ports(), Shell(directory)
    try:
        for step in documents.steps_of(documents.blocks_of(text, name)):
            run_step(f"{name}:{step.line}", step, shell, ports)
    finally:
        try:
            shell.end()
            report = shell.sanitizers_report()
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    if report:
        raise Fault(f"{name}: a sanitizer's report: {report}")


def run_step(where, step, shell, ports):
    script = ports.into(step.script)
    deadline = time.monotonic() + LOOK_S
    while True:
        apart = step.is_look() or step.status != 0
        try:
            status, out, err = shell.run(script, apart)
        except AssertionError as error:
            raise Fault(f"{where}: {error}: {script}") from None
        fault = fault_of(step, status, ports.back(out), ports.back(err))
        if not fault:
            break
        if not step.is_look() or time.monotonic() > deadline:
            raise Fault(f"{where}: {fault}\n--- commands\n{script}--- output\n{out}--- errors\n{err}")
        time.sleep(0.3)
    shell.wait_until_they_serve()


def fault_of(step, status, out, err):
    if status != step.status:
        return f"status {status}, not {step.status}"
    # An error's text is on standard error; what is printed otherwise, on standard output.
    if step.printed is not None and not documents.prints(step.printed, out or err):
        return f"it does not print\n{step.printed}"
    if step.shape is not None:
        try:
            return documents.shape_fault(step, step.shape, json.loads(out))
        except json.JSONDecodeError as error:
            return f"no JSON: {error}"
    return None


def parses(script):
    check = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
    return check.stderr if check.returncode else None


def script_of(block):
    if block.kind == "sh":
        return block.text
    return "".join(step.script for step in documents.console_steps(block))


def read(name):
    return (harness.SOURCE / name).read_text(encoding="utf-8")


class WhatIsNotRun(harness.EndToEndTest):
    def test_parses_and_names_its_test(self):
        words = set(re.findall(r"^word_(\w+)\(\)", read("dev"), re.M))
        for name in DOCUMENTS:
            for block in documents.blocks_of(read(name), name):
                where = f"{name}:{block.line}"
                if block.kind in documents.COMMANDS:
                    self.assertIsNone(parses(script_of(block)), where)
                if covered := block.covered_by():
                    word = re.fullmatch(r"\./dev (\w+)", covered)
                    known = word.group(1) in words if word else (harness.SOURCE / covered).exists()
                    self.assertTrue(known, f"{where}: there is no {covered}")

    def test_json(self):
        for name in DOCUMENTS:
            for block in documents.blocks_of(read(name), name):
                if block.kind == "json":
                    with self.subTest(block=f"{name}:{block.line}"):
                        json.loads(block.text)

    def test_five_nodes_on_this_machine(self):
        """What `./dev run` starts once everything is installed and built."""
        mesh = self.start("-B", harness.SOURCE / "tools" / "local_mesh.py", "--build",
                          harness.BUILD, "--port", harness.free_port(), "--seconds", 1,
                          program=sys.executable)
        self.assertEqual(mesh.wait(), 0, mesh.describe())
        self.assertEqual(len(re.findall(r"^http://127\.0\.0\.\d:\d+ .* 4 of 4$", mesh.stdout,
                                        re.M)), 5, mesh.describe())


class Names(harness.EndToEndTest):
    """What documents refer to exists."""

    def test_links(self):
        for name in DOCUMENTS:
            here = (harness.SOURCE / name)
            for path, anchor in documents.links_of(read(name)):
                target = (here.parent / path).resolve() if path else here
                with self.subTest(document=name, link=path):
                    self.assertTrue(target.exists(), f"{name} links to {path}")
                    if anchor:
                        self.assertIn(anchor, set(documents.anchors_of(target.read_text("utf-8"))))

    def test_long_flags(self):
        known = set()
        for program in ("pingmesh", "avgping"):
            text = subprocess.run([harness.BUILD / program, "--help"], check=True, text=True,
                                  capture_output=True).stdout
            known |= {"--" + flag for flag in re.findall(r"^  --?([a-z][a-z-]*)", text, re.M)}
        for name in DOCUMENTS:
            unknown = set(documents.long_flags_of(read(name))) - known - OTHERS_FLAGS
            self.assertEqual(unknown, set(), name)

    def test_paths(self):
        """All that a node answers, by the table of its routes, is in the document about it."""
        routes = re.findall(r'^    {"(/[^"]*)", PM_HTTP', read("src/api/service.c"), re.M)
        self.assertGreater(len(routes), 20)
        for route in set(routes) - {"/favicon.ico", "/assets/"}:
            with self.subTest(route=route):
                told = re.search(rf"`(GET |POST )?{re.escape(route)}[`?]", read("docs/api.md"))
                self.assertTrue(told, "docs/api.md does not tell of it")

    def test_metrics(self):
        """Names of metrics, as a node with a sink and a target shows them."""
        node = self.start_node("--publish-file", "samples", "http://127.0.0.1:9/")
        harness.wait_until("a probe is over", lambda: "probe_success" in node.get("/metrics").text)
        shown = set(re.findall(r"^# TYPE (\S+)", node.get("/metrics").text, re.M))
        for name in DOCUMENTS:
            code = " ".join(re.findall(r"`([^`\n]+)`", documents.without_fences(read(name))))
            named = set(re.findall(r"\b(?:pingmesh|probe|process)_[a-z_]*[a-z]\b(?![.*])", code))
            self.assertEqual(named - shown, set(), name)


# Of programs that documents name beside ours, and of ./dev's words.
OTHERS_FLAGS = {"--help", "--soak", "--nodes", "--scenario", "--kills", "--json", "--report", "--rows"}


class TheRunner(unittest.TestCase):
    """Finds what it is there to find."""

    def faulty(self, text, complaint):
        with self.assertRaisesRegex(Fault, complaint):
            run_document("a.md", text)

    def test_passes_what_holds(self):
        run_document("a.md", "```sh\nfive=5\n```\n```console\n$ echo $five 0.25\n5 0.31\n```\n")

    def test_a_command_that_fails(self):
        self.faulty("```sh\ntrue\nfalse\ntrue\n```\n", "a.md:1: status None")

    def test_a_status(self):
        run_document("a.md", "<!-- status 3 -->\n```sh\n(exit 3)\n```\n")
        self.faulty("<!-- status 3 -->\n```sh\ntrue\n```\n", "status 0, not 3")

    def test_other_output(self):
        fault = documents.Step(1, "", printed="a 1\n…\nb …\n")
        self.assertIsNone(fault_of(fault, 0, "a  1\nx\ny\nb 7 8\n", ""))
        self.assertIsNotNone(fault_of(fault, 0, "a 2\nb 7\n", ""))
        self.assertIsNotNone(fault_of(fault, 0, "a 1\nb 7\nc\n", ""))

    def test_another_shape(self):
        step = documents.Step(1, "")
        self.assertIsNone(documents.shape_fault(step, {"a": [1, "…"]}, {"a": [2, "x", "y"]}))
        for value in ({"a": []}, {"a": ["x"]}, {"a": [1], "b": 1}, {}):
            self.assertIsNotNone(documents.shape_fault(step, {"a": [1]}, value), value)

    def test_code_that_would_not_be_run(self):
        for text in ("text\n\n    pingmesh\n", "```\npingmesh\n```\n", "```bash\npingmesh\n```\n",
                     "```sh\npingmesh\n", "<!-- not run: no reason -->\n```sh\nx\n```\n"):
            self.faulty(text, "a.md:")

    def test_a_report_of_a_sanitizer(self):
        self.faulty("```sh\necho 'a.c:1: runtime error: x' 2> log >&2\n```\n", "a sanitizer's report")

    def test_a_node_is_ended(self):
        with tempfile.NamedTemporaryFile() as pid:
            run_document("a.md", "```sh\npingmesh -s 8080 --bind 127.0.0.1 &\n"
                                 f"echo $! > {pid.name}\n```\n"
                                 "```sh\ncurl -sf http://127.0.0.1:8080/readyz\n```\n")
            self.assertFalse(is_alive(int(pid.read())))


# --- the documents themselves: side by side, and beside the tests above ---------------------------


def test_of(name):
    return "test_" + re.sub(r"\W", "_", name)


class WhatIsRun(unittest.TestCase):
    """Each document is a test."""
    runs = {}


for each in DOCUMENTS:
    setattr(WhatIsRun, test_of(each), lambda self, name=each: self.runs[name].result())


def setUpModule():
    """They wait much more than they work, some of them for a minute's end."""
    asked = [word for word in sys.argv[1:] if not word.startswith("-")]
    chosen = [name for name in DOCUMENTS
              if not asked or {"WhatIsRun", f"WhatIsRun.{test_of(name)}"} & set(asked)]
    pool = concurrent.futures.ThreadPoolExecutor(max(1, len(chosen)))
    WhatIsRun.runs = {name: pool.submit(run_document, name, read(name)) for name in chosen}
    unittest.addModuleCleanup(pool.shutdown)


if __name__ == "__main__":
    unittest.main()
