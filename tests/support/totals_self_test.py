"""What totals.py makes of the logs that meson writes."""

import contextlib
import io
import json
import tempfile
import unittest

from totals import main


def doctest(cases, failed, before=""):
    return f"{before}\n[doctest] test cases: {cases} | {cases - failed} passed | {failed} failed | 0 skipped\n"


def totals(*entries):
    """(what is printed, what is said) for a log of (result, stdout) entries named t0, t1, ..."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for number, (result, stdout) in enumerate(entries):
            print(json.dumps({"name": f"t{number}", "result": result, "stdout": stdout}), file=log)
        log.flush()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(log.name)
        return out.getvalue().strip(), err.getvalue()


class Totals(unittest.TestCase):
    def test_cases_are_counted_and_plain_programs_are_one(self):
        self.assertEqual(totals(("OK", doctest(7, 0)), ("OK", "done")), ("8 0", ""))
        self.assertEqual(totals(("FAIL", doctest(7, 2)), ("FAIL", "")), ("5 3", ""))

    def test_nothing_passes_by_accident(self):
        self.assertEqual(totals()[0], "0 1")
        self.assertEqual(totals(("OK", doctest(0, 0)))[0], "0 1")
        self.assertEqual(totals(("TIMEOUT", doctest(3, 0)))[0], "3 1")

    def test_what_skips_itself_is_named(self):
        line = "tests/x.cpp:37: MESSAGE: skipped: file systems cannot be mounted here\n"
        printed, said = totals(("OK", doctest(2, 0)), ("OK", doctest(2, 0, line)))
        self.assertEqual(printed, "4 0")
        self.assertEqual(said, "skipped, and counted as passed: t1: file systems cannot be mounted here\n")
        self.assertEqual(totals(("OK", ""), ("SKIP", "")), ("1 0", "skipped: t1\n"))


unittest.main()
