"""avgping -matrix and -history: what a node tells is drawn so that it reads without colour, and with
colour on a terminal alone."""

import json
import os
import pty
import subprocess
import unittest

from test_avgping import AVGPING, AvgpingTest, Server, answer, environment, run

FIELDS = 15


def cell(to, state, p50_ms=None, lost=0):
    values = [to, state, 3, 60, lost] + [None] * (FIELDS - 5)
    if p50_ms is not None:
        values[5:10] = [int(p50_ms * 1e6)] * 5
    return values


def node(key, location, host, coordinate=None):
    return {"key": key, "location": location, "host": host, "coordinate": coordinate}


NODES = [node("kc", "Tokyo,JP", "c:80", [30, 0, 0, 2]), node("ka", "Berlin,DE", "a:80"),
         node("kb", "Paris,FR", "b:80", [0, 40, 0, 3])]


def matrix(rows, nodes=None, more=False):
    return json.dumps({"nodes": nodes or NODES, "more": more,
                       "rows": [{"from": of, "cells": cells} for of, cells in rows]})


EVERY_STATE = matrix([(0, [cell(1, 1, 212.4)]),
                      (1, [cell(0, 1, 0.034, lost=2), cell(2, 2)]),
                      (2, [cell(1, 3, 8.76)])])


def on_a_terminal(*args, **env):
    """What it prints on a terminal of 60 columns."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, True)
    subprocess.run(["stty", "cols", "60", "rows", "40"], stdin=theirs, check=True)
    process = subprocess.Popen([AVGPING, *args], stdout=theirs, stderr=subprocess.PIPE,
                               stdin=subprocess.DEVNULL,
                               env={**environment(), "TERM": "xterm", **env})
    os.close(theirs)
    printed = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux: the other side has closed
            break
        if not piece:
            break
        printed += piece
    os.close(ours)
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == 0, stderr
    return printed.decode().replace("\r\n", "\n")


class Matrix(AvgpingTest):
    def draw(self, *pages):
        waiting = list(pages)
        with Server(lambda request, connection: connection.sendall(
                answer(waiting.pop(0)))) as server:
            result = run("-matrix", "-H", server.host)
        self.assert_ran(result)
        return result.stdout, server

    def rows(self, text):
        return [line.split() for line in text.splitlines()[2:5]]

    def test_each_state_reads_without_colour(self):
        text, server = self.draw(EVERY_STATE)
        lines = text.splitlines()
        self.assertEqual(lines[0],
                         "3 nodes, 6 paths: 2 measured, 1 failed, 1 stale, 2 not measured")
        # Sorted by location: Berlin, Paris, Tokyo. Between Paris and Tokyo both have coordinates.
        self.assertEqual(self.rows(text), [
            ["1", "Berlin,DE", "a:80", "-", "FAIL", "0.03!"],
            ["2", "Paris,FR", "b:80", "(8.8)", "-", "~55"],
            ["3", "Tokyo,JP", "c:80", "212", "~55", "-"]])
        self.assertNotIn("\x1b", text)
        for word in ("stale", "predicted", "unknown", "the latest failed", "probes were lost"):
            self.assertIn(word, text)
        self.assertIn("GET /v1/matrix?limit=256 ", server.requests[0])

    def test_pages_are_put_together(self):
        turned = [NODES[2], NODES[0], NODES[1]]  # other numbers in each page
        text, server = self.draw(matrix([(0, [cell(1, 1, 100)])], more=True),
                                 matrix([(0, [cell(2, 1, 25)])], nodes=turned))
        self.assertEqual([row[3:] for row in self.rows(text)],
                         [["-", ".", "."], ["25", "-", "~55"], ["100", "~55", "-"]])
        self.assertIn("GET /v1/matrix?limit=256&after=kc ", server.requests[1])

    def test_colour_and_width_are_those_of_a_terminal(self):
        many = [node(f"k{i}", "", f"h{i}:80") for i in range(6)]
        with Server(answer(matrix([(0, [cell(1, 2)])], nodes=many))) as server:
            text = on_a_terminal("-matrix", "-H", server.host)
            plain = on_a_terminal("-matrix", "-H", server.host, NO_COLOR="1")
        self.assertIn("\x1b[1;37;41mFAIL\x1b[0m", text)
        self.assertNotIn("\x1b", plain)
        self.assertEqual(plain.count("from \\ to"), 2)  # in two blocks
        for line in plain.split("from \\ to", 1)[1].splitlines()[:7]:
            self.assertLessEqual(len(line), 60)

    def test_hostile_names_stay_within_their_column(self):
        nodes = [node("k1", "\u001b[2J\n" + "x" * 300, "h\u009b1"), node("k2", "é" * 300, "h2")]
        text, _ = self.draw(matrix([(0, [cell(1, 1, 5)])], nodes=nodes))
        self.assertNotIn("\x1b", text)
        self.assertNotIn("\x9b", text)
        lines = text.splitlines()
        self.assertEqual({len(line) for line in lines[1:4]}, {len(lines[1])})

    def test_what_is_no_matrix_is_said(self):
        wrong = [("{}", "it is no matrix"), ("[1", "byte"), (matrix([])[:-1], "byte")]
        for body, says in wrong:
            with Server(answer(body)) as server:
                self.assert_failed(run("-matrix", "-H", f"http://{server.host}"), says)

    def test_cells_that_make_no_sense_are_left_out(self):
        text, _ = self.draw(matrix([(0, [cell(9, 1, 5), cell(1, 7, 5), [1], "x", cell(0, 1, 5)]),
                                    (8, [cell(1, 1, 5)])], nodes=NODES[:2]))
        self.assertEqual([row[3:] for row in self.rows(text)[:2]], [["-", "."], [".", "-"]])


def history(rows, since="2026-11-22T10:00:00Z", until="2026-11-22T11:00:00Z", step=600, **more):
    document = {"from": "ka", "to": "kb", "source": "measured", "phase": "tcp", "since": since,
                "until": until, "step_s": step, "rows": rows, **more}
    return json.dumps(document)


def row(minute, p50_ms, p90_ms, sent=60, lost=0):
    return {"t": f"2026-11-22T10:{minute:02}:00Z", "sent": sent, "lost": lost,
            "p50_ns": None if p50_ms is None else int(p50_ms * 1e6),
            "p90_ns": None if p90_ms is None else int(p90_ms * 1e6)}


HOUR = history([row(0, 10, 20), row(10, 10, 20, lost=3), row(30, None, None, lost=60),
                row(40, 45, 50), row(50, 10, 90)])


class History(AvgpingTest):
    def draw(self, *args, body=HOUR, env=None):
        with Server(answer(body)) as server:
            result = subprocess.run([AVGPING, *args, "-H", server.host], capture_output=True,
                                    timeout=60, env={**environment(), **(env or {})}, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.decode(), server.requests[0]

    def test_lines_of_median_p90_and_loss(self):
        text, request = self.draw("-history", "http://b:80/v1/ping", "-since", "-2h",
                                  env={"LC_ALL": "C.UTF-8"})
        lines = text.splitlines()
        self.assertEqual(lines[0], "ka to kb, tcp")
        self.assertEqual(lines[1], "median  ▁▁ x▄▁ 10 to 45 ms")
        self.assertEqual(lines[2], "p90     ▁▁ x▄█ 20 to 90 ms")
        self.assertEqual(lines[3], "loss    .▁ █.. at most 100 %")
        self.assertRegex(lines[4], r"^ +Nov 22 10:00 +Nov 22 11:00 UTC$")
        self.assertEqual(lines[5], "300 probes, 63 lost; a column is 10m00s")
        self.assertIn("/v1/history?to=http%3A%2F%2Fb%3A80%2Fv1%2Fping&phase=tcp&since=-7200s&"
                      "step=120s ", request)

    def test_plain_letters_where_the_locale_is_not_utf8(self):
        text, _ = self.draw("-history", "b:80", env={"LC_ALL": "C"})
        self.assertEqual(text.splitlines()[1], "median  __ x~_ 10 to 45 ms")
        self.assertTrue(text.isascii())

    def test_a_pair_of_others(self):
        body = history([row(0, 10, 20)], source="reported")
        text, request = self.draw("-history", "a:80..b:80", "-phase", "total", body=body)
        self.assertIn("/v1/history?to=b%3A80&from=a%3A80&phase=total&", request)
        self.assertIn("as that node reported it", text)

    def test_nothing_known(self):
        text, _ = self.draw("-history", "b:80", body=history([]))
        self.assertIn("No success is known of that time.", text)

    def test_rows_from_outside_are_passed_over(self):
        far = {"t": "2036-11-22T10:00:00Z", "sent": 1, "lost": 0, "p50_ns": 1, "p90_ns": 1}
        text, _ = self.draw("-history", "b:80", body=history([row(0, 10, 20), far, {}, 7]))
        self.assertIn("60 probes, 0 lost", text)

    def test_what_the_node_refuses_is_told_in_its_words(self):
        body = json.dumps({"status": 404, "detail": "nothing is known of that pair"})
        with Server(answer(body, "404 Not Found")) as server:
            self.assert_failed(run("-history", "b:80", "-H", server.host),
                               "404, not 200: nothing is known of that pair")

    def test_what_is_no_history_is_said(self):
        for body, says in (("{}", "it is no history"), (history([], step=0), "it is no history"),
                           (history([], until="2026-11-22T09:00:00Z"), "it is no history")):
            with Server(answer(body)) as server:
                self.assert_failed(run("-history", "b", "-H", f"http://{server.host}"), says)


class WrongUse(AvgpingTest):
    def test_each_is_named(self):
        for args, says in ((["-matrix", "-history", "b"], "two things"),
                           (["-matrix", "-J"], "are for peers"),
                           (["-history", "b", "-percentiles"], "are for peers"),
                           (["-since", "-2h"], "are for -history"),
                           (["-matrix", "-phase", "tcp"], "are for -history"),
                           (["-history", "b", "-since", "yesterday"], "a time ago like -24h"),
                           (["-history", "b", "-since", "-1s"], "from 1m to 400d"),
                           (["-history", "b", "-since", "-999999999d"], "from 1m to 400d"),
                           (["-history", ""], "is empty")):
            with self.subTest(args=args):
                result = run(*args, "-H", "a:80")
                self.assert_ran(result, 2)
                self.assertIn(says, result.stderr)

    def test_the_node_may_stand_at_the_end(self):
        with Server(answer(EVERY_STATE)) as server:
            self.assert_ran(run("--matrix", server.host))
        result = run("--percentiles", "a:80")
        self.assert_ran(result, 2)
        self.assertIn("is no flag", result.stderr)


if __name__ == "__main__":
    unittest.main()
