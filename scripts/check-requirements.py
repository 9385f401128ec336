#!/usr/bin/env python3
"""Checks the tables of docs/requirements.md and docs/threat-model.md, and that the tests they name exist.

usage: check-requirements.py [ROOT]

Every row has three cells. The last one is `not yet`, or one or more references in backticks with <br> between them:

  tests/cli/042-camserve-http.bats: "name"   a Bats file and one of its @test names
  Suite.Name                                 a C++ test anywhere below tests/unit; its file is not named, since it may move
  tests/faults/100-kill-9.py                 a whole fault program
  tests/v4l2vm/guest.sh: "text"              another test program and a text that it prints
  wire_nut_fuzz                              a fuzz target, whose kept corpus runs as a unit test

Paths in tests/ that stand elsewhere on the pages must exist as well. One line per violation, exit 1 when there is any.
"""
import pathlib
import re
import sys

PAGES = ("docs/requirements.md", "docs/threat-model.md")
CPP_TEST = re.compile(r"\bTEST(?:_F|_P)?\s*\(\s*(\w+)\s*,\s*(\w+)\s*\)")
BATS_TEST = re.compile(r'^@test "(.*)" *\{', re.MULTILINE)
REFERENCE = re.compile(r"`([^`]+)`")
FILE_AND_NAME = re.compile(r'(tests/[\w./-]+)(?:: "(.+)")?')
SUITE_AND_NAME = re.compile(r"\w+\.\w+")
FUZZ_TARGET = re.compile(r"\w+_fuzz")
CELL_BORDER = re.compile(r"(?<!\\)\|")
RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|)+")
NOT_YET = "not yet"


class Tests:
    """What tests there are below ROOT/tests."""

    def __init__(self, root):
        self.root = root
        self.units = set()
        for path in (root / "tests/unit").rglob("*_test.cpp"):
            self.units.update(f"{suite}.{name}" for suite, name in CPP_TEST.findall(path.read_text(errors="replace")))

    def complaint(self, reference):
        """Why there is no such test; None when there is one."""
        if SUITE_AND_NAME.fullmatch(reference):
            return None if reference in self.units else "tests/unit has no such test"
        if FUZZ_TARGET.fullmatch(reference):
            return None if (self.root / f"tests/fuzz/{reference}.cpp").is_file() else "tests/fuzz has no such target"
        parts = FILE_AND_NAME.fullmatch(reference)
        if not parts:
            return 'neither FILE: "NAME" nor Suite.Name nor NAME_fuzz'
        path, name = parts.groups()
        if path.endswith(".cpp"):
            return "name a C++ test as Suite.Name, without its file"
        if not (self.root / path).is_file():
            return "there is no such file"
        if name is None:
            return None if path.startswith("tests/faults/") else f'name the test as well: {path}: "NAME"'
        text = (self.root / path).read_text(errors="replace")
        found = name in BATS_TEST.findall(text) if path.endswith(".bats") else name in text
        return None if found else "the file has no such test"


def cells_of(line):
    return [cell.strip() for cell in CELL_BORDER.split(line.strip())[1:-1]]


def rows_of(lines):
    """The line number and the cells of each row but the header's, and those of a table that has no header."""
    for number, line in enumerate(lines, 1):
        if line.startswith("|") and not RULE.fullmatch(line.strip()):
            is_header = number < len(lines) and RULE.fullmatch(lines[number].strip())
            if not is_header:
                yield number, cells_of(line)


def complaints_of_tests(cell, tests):
    if cell == NOT_YET:
        return
    for part in cell.split("<br>"):
        reference = REFERENCE.fullmatch(part.strip())
        if not reference:
            yield f"'{part.strip()}' is neither a test in backticks nor '{NOT_YET}'"
        elif why := tests.complaint(reference.group(1)):
            yield f"{reference.group(1)}: {why}"


def complaints_of_row(cells, tests):
    if len(cells) != 3:
        yield f"{len(cells)} cells instead of 3"
    elif not all(cells):
        yield "an empty cell"
    else:
        yield from complaints_of_tests(cells[2], tests)


def complaints_of_text(line, tests):
    for reference in REFERENCE.findall(line):
        path = FILE_AND_NAME.fullmatch(reference)
        if path and not (tests.root / path.group(1)).exists():
            yield f"{path.group(1)}: there is no such file"


def check(page, tests):
    """Complaints about one page as (line, text), and how many rows it has with and without tests."""
    lines = (tests.root / page).read_text().splitlines()
    rows = list(rows_of(lines))
    complaints = [(number, text) for number, cells in rows for text in complaints_of_row(cells, tests)]
    if not rows:
        complaints.append((1, "no table"))
    for number, line in enumerate(lines, 1):
        if not line.startswith("|"):
            complaints += [(number, text) for text in complaints_of_text(line, tests)]
    open_rows = sum(cells[-1:] == [NOT_YET] for _, cells in rows)
    return complaints, len(rows) - open_rows, open_rows


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    tests = Tests(root)
    failed = False
    for page in PAGES:
        if not (root / page).is_file():
            print(f"{page}: is missing")
            failed = True
            continue
        complaints, shown, not_yet = check(page, tests)
        for number, text in sorted(complaints):
            print(f"{page}:{number}: {text}")
        if not complaints:
            print(f"{page}: {shown} rows with tests, {not_yet} not yet")
        failed = failed or bool(complaints)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
