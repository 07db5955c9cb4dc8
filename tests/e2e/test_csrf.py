"""A page of another site, in a real browser on the node's own machine, where whoever asks is an
operator: it adds no peer and stops no node. Needs Chromium; elsewhere it ends with SKIPPED_STATUS.
"""

import shutil
import subprocess
import sys
import tempfile
import unittest

import harness
import servers

SKIPPED_STATUS = 77
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SHOWN_MS = 5000  # of the browser's own time, which runs ahead while nothing happens

# In every way that a page has. BASE is the node's, N distinguishes what would be added.
ATTACKS = """<!DOCTYPE html><title>a nice page</title><p id="done">begun</p>
<img src="BASE/v1/addpeer?url=http://127.0.0.1:9/img"><img src="BASE/v1/quit">
<script src="BASE/v1/addpeer?url=http://127.0.0.1:9/script"></script>
<link rel="stylesheet" href="BASE/v1/addpeer?url=http://127.0.0.1:9/style">
<iframe src="BASE/v1/addpeer?url=http://127.0.0.1:9/frame"></iframe><iframe src="BASE/v1/quit"></iframe>
<iframe name="hidden"></iframe>
<form id="a" method="post" target="hidden" action="BASE/v1/addpeer">
<input name="url" value="http://127.0.0.1:9/form"></form>
<form id="b" method="post" target="hidden" action="BASE/v1/quit"></form>
<form id="c" method="post" target="hidden" enctype="text/plain" action="BASE/v1/quit"></form>
<form id="d" method="post" target="hidden" enctype="multipart/form-data" action="BASE/v1/addpeer">
<input name="url" value="http://127.0.0.1:9/multipart"></form>
<form id="e" method="get" target="hidden" action="BASE/v1/addpeer">
<input name="url" value="http://127.0.0.1:9/get"></form>
<script>
const urls = ["/v1/quit", "/v1/addpeer?url=http://127.0.0.1:9/fetch", "/v1/env", "/v1/peers"];
let read = [];
async function attack() {
  for (const form of document.forms) { form.submit(); await new Promise(r => setTimeout(r, 100)); }
  for (const path of urls) for (const method of ["GET", "POST"])
    for (const mode of ["no-cors", "cors"]) for (const referrerPolicy of ["no-referrer", "unsafe-url"])
      try {
        const answer = await fetch("BASE" + path, {method, mode, referrerPolicy, credentials: "include",
          body: method == "POST" ? new URLSearchParams({url: "http://127.0.0.1:9/body"}) : undefined});
        const text = await answer.text();
        if (text) read.push(path);
      } catch (error) {}
  navigator.sendBeacon("BASE/v1/quit");
  try { const socket = new WebSocket("BASE/v1/quit".replace("http", "ws")); } catch (error) {}
  document.getElementById("done").textContent = "done, read: " + read.join(" ");
}
attack();
</script>"""
NAVIGATION = '<!DOCTYPE html><meta http-equiv="refresh" content="0; url=BASE/v1/quit">'


def browse(url, *arguments):
    """The page as it stands in the end."""
    with tempfile.TemporaryDirectory(prefix="pingmesh-chromium-") as profile:
        done = subprocess.run(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             f"--user-data-dir={profile}", "--no-first-run", "--disable-background-networking",
             f"--virtual-time-budget={SHOWN_MS}", *arguments, "--dump-dom", url],
            capture_output=True, text=True, timeout=2 * harness.DEADLINE_S, check=False,
            env={**harness.environment(), "HOME": profile})
        return done.stdout


class Csrf(harness.EndToEndTest):
    def setUp(self):
        super().setUp()
        self.node = self.start_node("-V")

    def page(self, text):
        return self.serve(servers.Server(servers.answers(text.replace("BASE", self.node.base)),
                                         self.address(9)))

    def requests(self):
        return self.node.document()["Requests"]

    def test_pages_of_others_change_nothing(self):
        evil = self.page(ATTACKS)
        before = self.requests()
        shown = browse(evil.url("/"))
        self.assertIn("done, read: </p>", shown)  # it came to the end, and read nothing
        self.assertGreater(self.requests() - before, 20)  # the node was asked indeed
        browse(self.page(NAVIGATION).url("/"))
        self.assertTrue(self.node.is_running(), self.node.describe())
        self.assertEqual(self.node.peers(), {})
        self.assertFalse(any("asked to quit" in line for line in self.node.log))

    def test_a_name_that_was_bound_anew(self):
        """The page's own name leads to the node by now, so that to the browser it is its own site."""
        rules = f"--host-resolver-rules=MAP rebound.test {self.node.address}"
        for path in ("/v1/env", "/v1/quit", "/v1/addpeer?url=http://127.0.0.1:9/"):
            shown = browse(f"http://rebound.test:{self.node.port}{path}", rules)
            self.assertIn("<title>Forbidden", shown)
            self.assertNotIn("admin-token-file", shown)
        self.assertTrue(self.node.is_running())
        self.assertEqual(self.node.peers(), {})

    def test_the_machines_own_browser_is_an_operator(self):
        """Else nothing would be shown by the others."""
        shown = browse(self.node.url("/v1/env"))
        self.assertIn("admin-token-file", shown)


if __name__ == "__main__":
    if not CHROMIUM:
        print("skipped: chromium is not installed", file=sys.stderr)
        sys.exit(SKIPPED_STATUS)
    unittest.main()
