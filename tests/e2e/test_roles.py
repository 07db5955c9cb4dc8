"""Who may do what: anyone, nodes of the mesh, operators; where reading is open and where it is closed.
And that a secret is told to nobody: not by arguments, logs, pages, or the process's own files.
"""

import pathlib
import re
import signal
import subprocess
import unittest

import harness

TOKEN = "correct-horse-battery"
OTHER_TOKEN = "another-token-by-now"
KEY = "a key that the whole mesh shares"
STRANGER = {"Host": "node.example.net"}  # comes from loopback, but by no loopback name

OPEN = {"/v1/ping", "/v1/login", "/v1/logout", "/healthz", "/readyz", "/favicon.ico"}
OPERATOR = {"/v1/addpeer", "/v1/env", "/v1/quit"}


def table_of_routes():
    """Paths and roles as the table in src/api/service.c has them."""
    text = (harness.SOURCE / "src" / "api" / "service.c").read_text(encoding="utf-8")
    rows = re.findall(r'\{"(/[^"]*)",\s*([A-Z_| ]+),\s*PM_ROLE_(\w+),', text)
    return {path: (methods, role) for path, methods, role in rows}


def pull(mesh="default", **more):
    fields = {"addpeers": "true", "v": "1", "mesh": mesh, "id": "1" * 32, "n": "2" * 16,
              "limit": "256", **more}
    return "/v1/peers?" + "&".join(f"{name}={value}" for name, value in fields.items())


class Roles(harness.EndToEndTest):
    def status_for(self, node, path, methods, headers):
        method = "GET" if "GET" in methods else "POST"
        return node.request(method, path, headers, {} if method == "POST" else None).status

    def test_the_table_is_what_is_answered(self):
        """Every route, to a stranger, with reading open and closed."""
        routes = table_of_routes()
        self.assertGreater(len(routes), 15)
        nodes = {False: self.start_node(env={"PINGMESH_ADMIN_TOKEN": TOKEN}),
                 True: self.start_node("--public-read", "off", number=2,
                                       env={"PINGMESH_ADMIN_TOKEN": TOKEN})}
        for closed, node in nodes.items():
            for path, (methods, role) in routes.items():
                refused = role == "OPERATOR" or (closed and role in ("READER", "PEER"))
                with self.subTest(path=path, closed=closed):
                    if role == "READER" and not closed:
                        continue  # what they answer is other tests' business
                    status = self.status_for(node, path, methods, STRANGER)
                    self.assertEqual(status == 401, refused, status)
                    self.assertNotIn(status, (403, 429, 500))

    def test_what_stays_open_is_a_short_list(self):
        """A new route does not get into it by itself."""
        roles = {path: role for path, (_, role) in table_of_routes().items()}
        for path, role in roles.items():
            if path.startswith(("/assets", "/static")):
                continue  # the dashboard's program: the same everywhere, nothing measured in it
            self.assertEqual(role == "ANYONE", path in OPEN, path)
            if path in OPERATOR:
                self.assertEqual(role, "OPERATOR", path)

    def test_reading_closed_is_open_to_operators(self):
        node = self.start_node("--public-read", "off", env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        bearer = {"Authorization": "Bearer " + TOKEN, **STRANGER}
        for path in ("/", "/v1", "/v1/peers", "/metrics", "/v1/sd", "/v1/metrics", "/memstats"):
            self.assertEqual(node.request("GET", path, STRANGER).status, 401, path)
            self.assertEqual(node.request("GET", path, bearer).status, 200, path)
            self.assertEqual(node.get(path).status, 200, path)  # by the machine itself
        page = node.request("GET", "/", {**STRANGER, "Accept": "text/html"})
        self.assertIn('action="/v1/login"', page.text)
        cross = {**bearer, "Sec-Fetch-Site": "cross-site"}
        self.assertEqual(node.request("GET", "/v1/peers", cross).status, 403)

    def test_without_a_token_only_the_machine_itself_reads(self):
        node = self.start_node("--public-read", "off")
        self.assertEqual(node.request("GET", "/v1/peers", STRANGER).status, 403)
        self.assertEqual(node.get("/v1/peers").status, 200)
        self.assertTrue(any("--mesh-key-file or --mutual-tls" in line for line in node.log))

    def test_names_that_were_bound_anew(self):
        """DNS rebinding: the page of a name that now leads here has that name in Host."""
        node = self.start_node("--public-read", "off")
        for host in ("rebound.example.net", f"rebound.example.net:{node.port}", "localhost.", "0",
                     "127.0.0.1.example.net", "127.1", "2130706433", "127.0.0.1@evil.test", ""):
            for path in ("/v1/peers", "/v1/env", "/v1/quit", "/metrics"):
                status = node.request("GET", path, {"Host": host}).status
                self.assertIn(status, (400, 403), (host, path))
        self.assertTrue(node.is_running())

    def test_nodes_go_on_where_reading_is_closed(self):
        """They pull, without a key whoever speaks as they do, and with one only who has it."""
        keys = self.directory / "keys"
        keys.write_text(KEY + "\n")
        node = self.start_node("--public-read", "off")
        keyed = self.start_node("--public-read", "off", "--mesh-key-file", keys, number=2)
        for each in node, keyed:
            answer = each.request("GET", pull(), STRANGER)
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.json()["Mesh"]["V"], 1)
            self.assertFalse(answer.json()["Peers"])
            self.assertNotIn("Stats", answer.text)
        # What is nearly a pull is none.
        for path in (pull(v="x"), pull(id="short"), "/v1/peers?addpeers=true"):
            self.assertEqual(node.request("GET", path, STRANGER).status, 403, path)


class Reload(harness.EndToEndTest):
    def hang_up(self, node, says):
        before = len(node.log)
        node.send_signal(signal.SIGHUP)
        harness.wait_until(f"it says {says!r}", lambda: any(
            re.search(says, line) for line in node.log[before:]))

    def status(self, node, token, **headers):
        return node.request("GET", "/v1/env", {"Authorization": f"Bearer {token}", **STRANGER,
                                               **headers}).status

    def test_a_token_is_changed_without_a_restart(self):
        file = self.directory / "token"
        file.write_text(TOKEN + "\n")
        node = self.start_node("--admin-token-file", file)
        login = node.request("POST", "/v1/login", STRANGER, {"token": TOKEN})
        cookie = {**STRANGER, "Cookie": login.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual(node.request("GET", "/v1/env", cookie).status, 200)
        file.write_text(OTHER_TOKEN + "\n")
        self.assertEqual(self.status(node, TOKEN), 200)
        self.hang_up(node, "reading keys")
        harness.wait_until("the new one counts", lambda: self.status(node, OTHER_TOKEN) == 200)
        self.assertEqual(self.status(node, TOKEN), 401)
        self.assertEqual(node.request("GET", "/v1/env", cookie).status, 401)
        file.write_text("short\n")
        self.hang_up(node, r"8 to 256 are right; the token of before goes on")
        self.assertEqual(self.status(node, OTHER_TOKEN), 200)
        file.unlink()
        self.hang_up(node, r"cannot be read.*the token of before goes on")
        self.assertEqual(self.status(node, OTHER_TOKEN), 200)
        for secret in (TOKEN, OTHER_TOKEN):
            self.assertNotIn(secret, node.stderr)


class Secrets(harness.EndToEndTest):
    SECRETS = {"PINGMESH_ADMIN_TOKEN": TOKEN, "PINGMESH_CLICKHOUSE_PASSWORD": "house-of-clicks",
               "PINGMESH_WEBHOOK_URL": "http://127.0.0.1:9/hook/very-secret-path",
               "SENTRY_DSN": "http://sentrysecretkey@127.0.0.1:9/1"}
    HIDDEN = (TOKEN, "house-of-clicks", "very-secret-path", "sentrysecretkey", KEY)

    def start_full_of_secrets(self, *arguments):
        keys = self.directory / "keys"
        keys.write_text(KEY + "\n")
        return self.start_node("-V", "--mesh-key-file", keys, "-d", 1, "http://127.0.0.1:9/",
                               *arguments, env=self.SECRETS)

    def test_no_page_and_no_line_has_one(self):
        node = self.start_full_of_secrets()
        texts = []
        for path, (methods, _) in table_of_routes().items():
            if "GET" not in methods or path in ("/v1/quit", "/v1/events"):
                continue
            for headers in ({}, {"Accept": "text/html"}, {"Accept": "application/json"}, STRANGER):
                texts.append(node.request("GET", path, headers).body.decode("latin-1"))
        node.request("POST", "/v1/login", STRANGER, {"token": "wrong-" + TOKEN})
        node.request("POST", "/v1/login", STRANGER, {"token": TOKEN})
        node.request("GET", "/v1/env", {"Authorization": "Bearer " + TOKEN, **STRANGER})
        node.send_signal(signal.SIGHUP)
        harness.wait_until("it reads again", lambda: "reading keys" in node.stderr)
        node.stop()
        texts += [node.stdout, node.stderr]
        for secret in self.HIDDEN:
            for text in texts:
                self.assertNotIn(secret, text)

    def test_no_file_of_the_process_has_one(self):
        node = self.start_full_of_secrets()
        process = pathlib.Path(f"/proc/{node.popen.pid}")
        for name in ("cmdline", "comm", "status", "maps"):
            try:
                text = (process / name).read_bytes()
            except PermissionError:
                continue
            for secret in self.HIDDEN:
                self.assertNotIn(secret.encode(), text, name)

    def test_there_is_no_flag_for_one(self):
        """What is on the command line, everybody on the machine can read."""
        for flag in ("--admin-token", "--clickhouse-password", "--sentry-dsn", "--mesh-key"):
            process = self.run_to_end(f"{flag}={TOKEN}", "-s", 1, status=2)
            self.assertNotIn(TOKEN, process.stderr.replace(f"{flag}={TOKEN}", ""))
        printed = self.run_to_end("--print-config", "-s", 1, env=self.SECRETS)
        for secret in self.HIDDEN:
            self.assertNotIn(secret, printed.stdout)

    def test_a_token_in_a_url_is_no_token(self):
        node = self.start_node(env={"PINGMESH_ADMIN_TOKEN": TOKEN})
        for path in (f"/v1/env?token={TOKEN}", f"/v1/env?access_token={TOKEN}",
                     f"/v1/login?token={TOKEN}"):
            answer = node.request("GET", path, STRANGER)
            self.assertIn(answer.status, (200, 401))
            self.assertIsNone(answer.headers["Set-Cookie"])
            self.assertNotIn("Settings", answer.text)
            self.assertNotIn(TOKEN, answer.text)

    def test_a_core_has_nothing(self):
        """The process cannot be dumped, where no sanitizer needs it."""
        node = self.start_node("--sandbox", "require",
                               env={"ASAN_OPTIONS": "detect_leaks=0", **self.SECRETS})
        owner = subprocess.run(["stat", "-c", "%u", f"/proc/{node.popen.pid}/environ"],
                               capture_output=True, text=True, check=False).stdout.strip()
        self.assertEqual(owner, "0")  # root's, whoever runs it: the kernel's sign of it


if __name__ == "__main__":
    unittest.main()
