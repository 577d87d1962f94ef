"""Breaks a small tree in every way that the fence watches, one at a time: each must be caught, and alone."""

import tempfile
import unittest
from pathlib import Path

from fence import violations

README = """# Map
```edges
base   <-
tensor <- base            # a comment
tape   <- tensor, base
kernel <- tape tensor base
limit  <- tensor base kernel/value.hpp
study  <- everything
tools  <- study base
```
```never
limit never tape
tensor never tape kernel
```
"""

CLEAN = {
    "lib/README.md": README,
    "lib/ntape/ntape.hpp": "#pragma once\n\n// Includes only.\n#include <ntape/base/errors.hpp>\n",
    "lib/ntape/base/errors.hpp": "#include <string>\n",
    "lib/ntape/tensor/matrix.hpp": "#include <ntape/base/errors.hpp>\n#include <xtensor/xtensor.hpp>\n",
    "lib/ntape/tape/tape.hpp": "#include <ntape/tensor/matrix.hpp>\n",
    "lib/ntape/tape/tape.cpp": "#include <ntape/tape/tape.hpp>\n",
    "lib/ntape/kernel/value.hpp": "#include <ntape/tensor/matrix.hpp>\n",
    "lib/ntape/kernel/empirical.hpp": "#include <ntape/tape/tape.hpp>\n",
    "lib/ntape/limit/recursion.hpp": "#include <ntape/kernel/value.hpp>\n",
    "lib/ntape/study/drift.hpp": "#include <ntape/kernel/empirical.hpp>\n"
    "#include <ntape/limit/recursion.hpp>\n",
    "tools/drift.cpp": '#include "options.hpp"\n#include <ntape/study/drift.hpp>\n',
    "tests/tape/tape_test.cpp": '#include "../support/cases.hpp"\n#include <ntape/tape/tape.hpp>\n',
    "tests/study/drift_test.cpp": "#include <ntape/study/drift.hpp>\n",
    "tests/support/cases.hpp": "#include <ntape/kernel/empirical.hpp>\n",
    "tests/laws/whole_test.cpp": "#include <ntape/ntape.hpp>\n",
}


class Fence(unittest.TestCase):
    def found(self, changes):
        with tempfile.TemporaryDirectory() as root:
            for name, text in {**CLEAN, **changes}.items():
                path = Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return violations(root)

    def assert_caught(self, changes, *words):
        found = self.found(changes)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def add(self, name, line):
        return {name: CLEAN.get(name, "") + line + "\n"}

    def edit_map(self, old, new):
        self.assertIn(old, README)
        return {"lib/README.md": README.replace(old, new)}

    def test_a_clean_tree_passes(self):
        self.assertEqual(self.found({}), [])

    def test_an_include_that_the_map_does_not_allow(self):
        changes = self.add("lib/ntape/tape/tape.cpp", "#include <ntape/kernel/value.hpp>")
        self.assert_caught(changes, "tape.cpp", "kernel/value.hpp")

    def test_a_header_of_a_room_of_which_another_is_allowed(self):
        changes = self.add("lib/ntape/kernel/plain.hpp", "")
        changes |= self.add("lib/ntape/limit/recursion.hpp", "# include <ntape/kernel/plain.hpp>")
        self.assert_caught(changes, "recursion.hpp", "kernel/plain.hpp")

    def test_a_forbidden_room_reached_through_an_allowed_header(self):
        self.assert_caught(
            self.add("lib/ntape/kernel/value.hpp", "#include <ntape/tape/tape.hpp>"),
            "limit must never see tape",
            "ntape/limit/recursion.hpp -> ntape/kernel/value.hpp -> ntape/tape/tape.hpp",
        )

    def test_a_second_forbidden_room_on_one_line(self):
        changes = self.add("lib/ntape/tensor/matrix.hpp", "#include <ntape/kernel/pure.hpp>")
        changes |= self.add("lib/ntape/kernel/pure.hpp", "")
        found = self.found(changes)
        self.assertEqual(len(found), 2, found)  # not allowed, and never
        self.assertIn("tensor must never see kernel", found[1])

    def test_a_room_that_the_map_lacks(self):
        self.assert_caught(self.add("lib/ntape/attic/old.hpp", ""), "lib/ntape/attic")

    def test_a_room_that_the_disk_lacks(self):
        self.assert_caught(self.edit_map("base   <-\n", "base   <-\nattic <- base\n"), "attic")

    def test_an_allowance_for_a_header_that_the_disk_lacks(self):
        changes = self.edit_map("kernel/value.hpp", "kernel/value.hpp kernel/old.hpp")
        self.assert_caught(changes, "kernel/old.hpp")

    def test_a_prohibition_of_a_room_that_the_disk_lacks(self):
        changes = self.edit_map("limit never tape", "limit never tape attic")
        self.assert_caught(changes, "attic")

    def test_a_map_that_lets_data_flow_in_circles(self):
        found = self.found(self.edit_map("base   <-\n", "base   <- tensor\n"))
        self.assertEqual(len(found), 2, found)  # seen from base and from tensor
        self.assertTrue(all("itself" in violation for violation in found))

    def test_a_room_with_two_lines(self):
        self.assert_caught(self.edit_map("base   <-\n", "base   <-\nbase <-\n"), "two lines for base")

    def test_lines_that_cannot_be_read(self):
        self.assert_caught(self.edit_map("base   <-\n", "base <-\nbase -> tensor\n"), "base -> tensor")
        self.assert_caught(self.edit_map("limit never tape", "limit nevre tape"), "limit nevre tape")

    def test_blocks_that_are_missing(self):
        self.assert_caught(self.edit_map("```never", "```"), "never")
        found = self.found(self.edit_map("```edges", "```"))
        self.assertIn("lib/README.md has no ```edges block", found)

    def test_an_umbrella_with_more_than_includes(self):
        self.assert_caught(self.add("lib/ntape/ntape.hpp", "using namespace ntape;"), "ntape.hpp:5")
        self.assert_caught(self.add("lib/ntape/ntape.hpp", "#include <vector>"), "ntape.hpp:5")

    def test_an_umbrella_inside_the_library(self):
        self.assert_caught(self.add("lib/ntape/tape/tape.cpp", "#include <ntape/ntape.hpp>"), "umbrella")

    def test_study_in_a_room_even_if_the_map_allows_it(self):
        changes = self.add("lib/ntape/study/plain.hpp", "")
        changes |= self.add("lib/ntape/kernel/empirical.hpp", "#include <ntape/study/plain.hpp>")
        self.assert_caught(changes, "kernel/empirical.hpp", "study")
        changes |= self.edit_map("kernel <- tape", "kernel <- study tape")
        self.assertTrue(any("empirical.hpp includes" in found for found in self.found(changes)))

    def test_study_in_the_tests_of_a_room_and_in_their_support(self):
        for name in ("tests/tape/tape_test.cpp", "tests/support/cases.hpp"):
            self.assert_caught(self.add(name, "#include <ntape/study/drift.hpp>"), name, "study")
            self.assert_caught(self.add(name, "#include <ntape/ntape.hpp>"), name, "ntape.hpp")

    def test_tools_beyond_their_line(self):
        changes = self.add("tools/drift.cpp", "#include <ntape/tape/tape.hpp>")
        self.assert_caught(changes, "tools/drift.cpp", "tape")

    def test_tools_without_a_line_may_include_every_room(self):
        changes = self.edit_map("tools  <- study base\n", "")
        changes |= self.add("tools/drift.cpp", "#include <ntape/tape/tape.hpp>")
        self.assertEqual(self.found(changes), [])

    def test_quotes_in_the_library(self):
        self.assert_caught(self.add("lib/ntape/tape/tape.cpp", '#include "tape.hpp"'), "quotes", '"tape.hpp"')


if __name__ == "__main__":
    unittest.main()
