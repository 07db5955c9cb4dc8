"""What is checked of a document: its blocks of commands, and what they are said to print.

A command stands in a fence that is marked ```sh, or behind "$ " in one that is marked ```console,
where the lines up to the next command are what it prints. A ```text fence right after an sh fence
is what that prints; a ```json fence there shows an answer's shape.

HTML comments right before a fence say what differs:
    <!-- not run: WHY (covered by FILE OR ./dev WORD) -->     parsed by bash, and no more
    <!-- status N -->                                         the commands end with this status
    <!-- not the whole -->                                    JSON: the answer may have more members
    <!-- lists may be empty -->                               JSON: what is to be listed takes time
"""

import dataclasses
import json
import re

COMMANDS = {"sh", "console"}
FENCES = COMMANDS | {"text", "json", "sql", "yaml", "html", "http", "ini"}

FENCE = re.compile(r"^```(\S*)$")
NOT_RUN = re.compile(r"^<!-- not run: .+ \(covered by (.+)\) -->$")
STATUS = re.compile(r"^<!-- status (\d+) -->$")
NOT_THE_WHOLE = "<!-- not the whole -->"
MAY_BE_EMPTY = "<!-- lists may be empty -->"
COMMENT = (NOT_RUN, STATUS, re.compile(re.escape(NOT_THE_WHOLE)), re.compile(re.escape(MAY_BE_EMPTY)))
INDENTED = re.compile(r"^    +\S")

ANYTHING = "…"
# What is measured, or depends on when: fractions, lengths of time, days.
VARIES = [(re.compile(r"\d+\\\.\d+"), r"\d+\.\d+"), (re.compile(r"\b\d+s\b"), r"[\dhms]+s"),
          (re.compile(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d\b"), r"[A-Z][a-z]{2} [ \d]?\d \d\d:\d\d")]


class Fault(AssertionError):
    """What is wrong with a document, as file:line: sentence."""


@dataclasses.dataclass
class Block:
    kind: str
    line: int
    text: str
    comments: list
    follows: bool = False  # nothing but blank lines since the fence before

    def covered_by(self):
        """What tests a block that is not run; None if it is run."""
        for comment in self.comments:
            if match := NOT_RUN.match(comment):
                return match.group(1)
        return None

    def status(self):
        for comment in self.comments:
            if match := STATUS.match(comment):
                return int(match.group(1))
        return 0


@dataclasses.dataclass
class Step:
    """Commands that are run together, and what is expected of them."""
    line: int
    script: str
    status: int = 0
    printed: str | None = None
    shape: object = None
    more_members: bool = False
    may_be_empty: bool = False

    def is_look(self):
        """Changes nothing, and so can be repeated until it shows what the document shows."""
        return self.printed is not None or self.shape is not None


def blocks_of(text, name):
    """The fences of a document. Fault where one is of no known kind, or code is only indented: no
    command goes unnoticed."""
    blocks, comments, inside, follows, listed = [], [], None, False, False
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if inside:
            if fence:
                inside.text = "\n".join(content) + "\n"
                blocks.append(inside)
                inside, comments, follows = None, [], True
            else:
                content.append(line)
        elif fence:
            if fence.group(1) not in FENCES:
                raise Fault(f"{name}:{number}: a fence is one of {', '.join(sorted(FENCES))}")
            inside, content = Block(fence.group(1), number, "", comments, follows), []
        elif line.startswith("<!--"):
            if not any(pattern.fullmatch(line) for pattern in COMMENT):
                raise Fault(f"{name}:{number}: no comment of a block: see tests/e2e/documents.py")
            comments.append(line)
        elif line.strip():
            listed = (listed or line.startswith(("- ", "1. "))) and (
                line.startswith(("- ", " ")) or line[0].isdigit())
            if INDENTED.match(line) and not listed:
                raise Fault(f"{name}:{number}: code stands in a fence that says what it is")
            comments, follows = [], False
    if inside:
        raise Fault(f"{name}:{inside.line}: a fence without end")
    return blocks


def steps_of(blocks):
    """What is to be run, in order."""
    steps = []
    for index, block in enumerate(blocks):
        if block.kind not in COMMANDS or block.covered_by():
            continue
        if block.kind == "console":
            steps += console_steps(block)
            continue
        step = Step(block.line, block.text, block.status())
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        if after and after.follows and after.kind == "text":
            step.printed = after.text
        if after and after.follows and after.kind == "json":
            step.shape = json.loads(after.text)
            step.more_members = NOT_THE_WHOLE in after.comments
            step.may_be_empty = MAY_BE_EMPTY in after.comments
        steps.append(step)
    return steps


def console_steps(block):
    steps, output = [], None
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith("$ "):
            output = []
            steps.append((Step(number, line[2:] + "\n", block.status()), output))
        elif line.startswith("> ") and steps and not output:
            steps[-1][0].script += line[2:] + "\n"
        elif output is None:
            raise Fault(f"line {number}: output before the first command")
        else:
            output.append(line)
    for step, output in steps:
        if output:
            step.printed = "\n".join(output) + "\n"
    return [step for step, _ in steps]


# --- what was printed, and what the document shows -----------------------------------------------


def pattern_of(line):
    """A line of a document as a pattern: what is measured differs, and so does what is left out."""
    text = re.escape(" ".join(line.split())).replace("\\ ", " ")
    for shown, printed in VARIES:
        text = shown.sub(lambda _, pattern=printed: pattern, text)
    return text.replace(re.escape(ANYTHING), ".*")


def pattern_of_output(shown):
    """A line that is an ellipsis stands for any number of lines."""
    return "".join(r"(?:.*\n)*?" if line.strip() == ANYTHING else pattern_of(line) + r"\n"
                   for line in shown.splitlines())


def prints(shown, printed):
    lines = "".join(" ".join(line.split()) + "\n" for line in printed.splitlines())
    return re.fullmatch(pattern_of_output(shown), lines) is not None


def shape_fault(step, shown, value, where="answer"):
    """What of a JSON value is not as the document shows it, or None. The members' names and the
    types count; null, where it stands on either side, is any of them."""
    if shown is None or value is None or shown == ANYTHING:
        return None
    if isinstance(shown, bool) != isinstance(value, bool) or not same_kind(shown, value):
        return f"{where} is {value!r}, and the document shows {shown!r}"
    if isinstance(shown, dict):
        return members_fault(step, shown, value, where)
    if isinstance(shown, list) and shown and shown != [ANYTHING]:
        if not value and not step.may_be_empty:
            return f"{where} is empty"
        # The document's last entry stands for all that come after it.
        for index, element in enumerate(value):
            like = shown[min(index, len(shown) - 1)]
            if fault := shape_fault(step, like, element, f"{where}[{index}]"):
                return fault
    return None


def same_kind(shown, value):
    numbers = (int, float)
    return isinstance(value, numbers if isinstance(shown, numbers) else type(shown))


def members_fault(step, shown, value, where):
    anything = ANYTHING in shown
    names = set(shown) - {ANYTHING}
    if missing := names - set(value):
        return f"{where} has no {', '.join(sorted(missing))}"
    if not anything and not step.more_members and (unknown := set(value) - names):
        return f"{where} has {', '.join(sorted(unknown))}, too"
    for name in names:
        if fault := shape_fault(step, shown[name], value[name], f"{where}.{name}"):
            return fault
    return None


# --- links and names -----------------------------------------------------------------------------


def anchors_of(text):
    """As GitHub makes them of headings."""
    for heading in re.findall(r"^#+ (.+)$", without_fences(text), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")


def without_fences(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def links_of(text):
    """Relative ones: (path, anchor), either may be empty."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_fences(text)):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield path, anchor


def long_flags_of(text):
    """The long flags named in inline code, without what stands behind them."""
    for code in re.findall(r"`([^`\n]+)`", without_fences(text)):
        if re.match(r"--[a-z]", code):
            yield re.match(r"--[a-z0-9-]+", code).group(0)
