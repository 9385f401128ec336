"""Adds up what a test run left in its results folder and prints "N passed, N failed, N skipped"; exit 1 on a failure.

Reads ctest.xml with gtest/*.xml beside it (a program that crashed has no complete report and counts as failed) and *.tap.
A TAP file whose plan promises more tests than it reports, or has no plan, counts what is missing as failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ET


def gtest_counts(report):
    root = ET.parse(report).getroot()
    tests = int(root.get("tests", 0))
    failed = int(root.get("failures", 0)) + int(root.get("errors", 0))
    skipped = sum(1 for case in root.iter("testcase") if case.get("result") == "skipped" or case.get("status") == "notrun")
    return tests - failed - skipped, failed, skipped


def ctest_counts(folder, failures):
    passed = failed = skipped = 0
    for case in ET.parse(folder / "ctest.xml").getroot().iter("testcase"):
        name, ok = case.get("name"), case.get("status") == "run"
        report = folder / "gtest" / f"{name}.xml"
        counts = None
        if name.startswith("unit_") and report.exists():
            try:
                counts = gtest_counts(report)
            except ET.ParseError:
                counts = None
        if counts is None:
            counts = (1, 0, 0) if ok else (0, 1, 0)
        elif not ok and counts[1] == 0:  # all cases passed and yet the program failed: a leak report, a crash at exit
            counts = (counts[0], 1, counts[2])
        if counts[1]:
            failures.append(name)
        passed, failed, skipped = passed + counts[0], failed + counts[1], skipped + counts[2]
    return passed, failed, skipped


def tap_counts(path, failures):
    passed = failed = skipped = 0
    planned = None
    for line in path.read_text(errors="replace").splitlines():
        plan = re.match(r"1\.\.(\d+)", line)
        if plan:
            planned = int(plan.group(1))
        elif re.match(r"ok \d+", line):
            if re.search(r"# skip", line, re.I):
                skipped += 1
                print(f"skipped: {path.stem}: {line}")
            else:
                passed += 1
        elif re.match(r"not ok \d+", line):
            failed += 1
            failures.append(f"{path.stem}: {line}")
    missing = 1 if planned is None else max(0, planned - passed - failed - skipped)
    if missing:
        failures.append(f"{path.stem}: {missing} tests did not report")
    return passed, failed + missing, skipped


def main():
    folder = pathlib.Path(sys.argv[1])
    failures = []
    totals = [0, 0, 0]
    parts = []
    if (folder / "ctest.xml").exists():
        parts.append(ctest_counts(folder, failures))
    parts += [tap_counts(path, failures) for path in sorted(folder.glob("*.tap"))]
    for part in parts:
        totals = [total + count for total, count in zip(totals, part)]
    for failure in failures:
        print(f"failed: {failure}")
    if totals[0] + totals[1] == 0:
        totals[1] = 1
        print("failed: no test ran")
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] else 0


sys.exit(main())
