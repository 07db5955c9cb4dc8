#!/usr/bin/env python3
"""What a compiler does not check: layers, bound headers, banned calls, purity, wording.

Prints one line a finding, `file:line: what, and what would be right`, and exits 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# A layer may include its own headers and those of the layers named here. Dependencies point one way.
LAYERS = {
    "base": set(),
    "gossip": {"analysis", "base"},
    "probe": {"base"},
    "analysis": {"base"},
    "store": {"gossip", "probe", "analysis", "base"},
    "publish": {"gossip", "probe", "analysis", "base"},
    "api": {"gossip", "probe", "analysis", "base"},
    "node": {"api", "publish", "store", "gossip", "probe", "analysis", "base"},
}

# Headers of libraries appear only in the files whose job is to bind them.
BOUND = {
    r"cJSON\.h|cjson/": {"src/base/json_read.c"},
    r"xxhash\.h": re.compile(r"src/(base|gossip|probe)/"),
    r"curl/": re.compile(r"src/probe/(curl_multi|transfer[a-z_]*|timing|exchange)\.[ch]|tools/avgping/fetch\.c"),
    r"zlib\.h": {"src/publish/gzip.c", "tools/embed/embed.c"},
    r"ares": {"src/probe/dns_channel.c"},
    r"openssl/": re.compile(r"src/api/(tls|auth)[a-z_]*\.[ch]|src/node/mesh_key[a-z_]*\.c"),
    r"linux/": {"src/probe/kernel.c", "src/node/sandbox.c", "src/node/sandbox_filter.c"},
    r"sqlite3\.h": re.compile(r"src/store/"),
    r"llhttp\.h": {"src/api/http_parser.c"},
    r"uv\.h": re.compile(
        r"src/(probe|publish|store|api|node)/|tests/unit/(probe|publish|api)/"),
}
PURE = re.compile(
    r"src/(gossip|analysis)/|"
    r"src/probe/(sample|verdict|histogram|stats|remote_location|target|roster|plan|name_cache|"
    r"address_choice)\.[ch]|"
    r"src/store/(bits|row|tier|profile)\.[ch]|"
    r"src/api/(http_message|http_parser|form)\.[ch]|"
    r"src/publish/(backoff|delivery_queue|aws_keys|cloudwatch_[a-z_]+|gzip|incident|alert_encode|"
    r"sentry_dsn|clickhouse_row|otlp_[a-z]+)\.[ch]|"
    r"src/base/(?!clock|log|secret)[a-z_]+\.[ch]")
IMPURE = re.compile(
    r"\b(pm_clock_now|pm_clock_wall|pm_clock_thread_ns|pm_log|pm_secret_fill|time|clock_gettime|gettimeofday|getenv|"
    r"fopen|open|read|write|printf|socket|connect|getrandom)\s*\(")

BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strncpy|strncat)\s*\(": "use pm_buf or snprintf",
    r"\b(strtok|atoi|atol|atof|alloca)\s*\(": "use a checked parser",
    r"\b(rand|srand|random|drand48)\s*\(": "use base/rng",
    r"\b(system|popen|execlp|execvp)\s*\(": "no shell is ever needed",
    r"\b(localtime|gmtime|ctime|asctime)\s*\(": "use gmtime_r, or base/clock",
    r"\bexit\s*\(": "only main exits",
}
EXIT_ALLOWED = re.compile(r"src/node/main\.c|tools/|tests/")

WORDING = [
    (re.compile(r"/(work|farm|root)/"), "a path of one machine"),
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "unfinished work belongs to the tracker"),
    (re.compile(r"(deb|security|registry)\.[a-z]+\.(org|com)"), "a registry's host"),
]
NAMES = re.compile(r"(^|/)(util|utils|common|misc|helper|helpers|manager)\.[ch]$")


def tracked():
    """Files that git knows or would take."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [name for name in out.splitlines() if (ROOT / name).is_file()]


def strip_comments(text):
    """Blanks comments and string literals, keeping the line count."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def allowed(name, where):
    return name in where if isinstance(where, set) else bool(where.match(name))


def lint_includes(name, lines):
    layer = name.split("/")[1] if name.startswith("src/") else None
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        quote, header = match.groups()
        if quote == '"' and layer:
            target = header.split("/")[0]
            if target in LAYERS and target != layer and target not in LAYERS[layer]:
                yield number, f"{layer} must not include {header}: dependencies point one way"
        if quote == "<":
            for pattern, where in BOUND.items():
                if re.match(pattern, header) and name.startswith(("src/", "tools/")) \
                        and not allowed(name, where):
                    yield number, f"<{header}> belongs in the files that bind it"


def lint_code(name, text):
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        for pattern, instead in BANNED.items():
            if re.search(pattern, line):
                if "exit" in pattern and EXIT_ALLOWED.match(name):
                    continue
                yield number, f"{re.search(pattern, line).group(0)}…) is banned: {instead}"
        if PURE.match(name) and IMPURE.search(line) and not re.search(r"->\s*\w+\s*\(", line):
            yield number, f"{IMPURE.search(line).group(1)}() in a pure module"


def main():
    findings = []
    for name in tracked():
        if name == "tools/lint.py" or name.startswith(("tests/data/", "tests/fuzz/")) and \
                not name.endswith((".c", ".h")):
            continue
        path = ROOT / name
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if NAMES.search(name):
            findings.append((name, 1, "a name that says nothing: name the topic"))
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, what in WORDING:
                if pattern.search(line):
                    findings.append((name, number, f"{what} does not belong in the repository"))
        if name.endswith((".c", ".h")):
            findings += [(name, *f) for f in lint_includes(name, text.splitlines())]
            findings += [(name, *f) for f in lint_code(name, text)]
        if name.startswith("src/") and name.endswith(".h") and len(text.splitlines()) > 150:
            findings.append((name, 151, "a header of more than 150 lines: one topic a header"))
    for name, number, what in findings:
        print(f"{name}:{number}: {what}")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
