"""Reads meson's testlog.json and prints `passed failed`, counting doctest cases.

Tests that skip themselves count as passed; each is named on standard error, with its reason. A program without
a doctest summary counts as one test. A program that meson calls failed adds at least one
failure, whatever it printed; so does a doctest program without a single case, and a log without any test.
"""

import json
import re
import sys

SUMMARY = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
SKIPPED = re.compile(r"MESSAGE: skipped: (.*)")
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def count(entry):
    good = entry["result"] in ("OK", "EXPECTEDFAIL")
    found = SUMMARY.findall(COLOR.sub("", entry.get("stdout") or ""))
    if not found:
        return (1, 0) if good else (0, 1)
    cases, passed, failed = (int(number) for number in found[-1])
    if failed == 0 and (not good or cases == 0):
        failed = 1
    return passed, failed


def main(path):
    passed = failed = programs = 0
    try:
        with open(path, encoding="utf-8") as log:
            for line in log:
                entry = json.loads(line)
                if entry["result"] == "SKIP":
                    print(f"skipped: {entry['name']}", file=sys.stderr)
                    continue
                programs += 1
                for reason in SKIPPED.findall(COLOR.sub("", entry.get("stdout") or "")):
                    print(f"skipped, and counted as passed: {entry['name']}: {reason}", file=sys.stderr)
                good, bad = count(entry)
                passed += good
                failed += bad
    except FileNotFoundError:
        pass
    if programs == 0:
        failed += 1
    print(passed, failed)


if __name__ == "__main__":
    main(sys.argv[1])
