"""The fence between the rooms of lib/ntape: fails when data could flow the wrong way.

usage: fence.py REPOSITORY_ROOT

lib/README.md draws the map in two fenced code blocks, `edges` and `never`:

    tape <- tensor base               tape may include headers of tensor and base (and its own)
    limit <- kernel/kernel.hpp        of kernel, only this header
    study <- everything               every room but study
    limit never tape                  not even through other headers

A line `tools <- ...` restricts tools/ in the same way; without one, tools may include every room. `#` starts
a comment. Whatever the map says, no room may include study or the umbrella header.
"""

import re
import sys
from collections import deque
from pathlib import Path

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
UMBRELLA_LINE = re.compile(r"^\s*(//.*|#\s*pragma\s+once|#\s*include\s*<ntape/[^>]+>)?\s*$")
SOURCES = {".hpp", ".cpp", ".h", ".cc"}
UMBRELLA = "ntape/ntape.hpp"
TOP = "study"
TOOLS = "tools"
EVERYTHING = "everything"


def block(text, name):
    """The lines of the fenced code block ```name, without comments; None when there is no such block."""
    found = re.search(rf"^```{name}[ \t]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    if not found:
        return None
    lines = (line.split("#")[0].replace(",", " ").strip() for line in found.group(1).splitlines())
    return [line for line in lines if line]


def room_of(name):
    """ROOM of `ntape/ROOM/...`; None for anything else."""
    parts = name.split("/")
    return parts[1] if len(parts) > 2 and parts[0] == "ntape" else None


class Tree:
    """What the repository holds: the files of every room and what they include."""

    def __init__(self, root):
        self.root = Path(root)
        self.lib = self.root / "lib"
        self.rooms = sorted(p.name for p in (self.lib / "ntape").iterdir() if p.is_dir())
        self.includes = {}  # of the files in lib, by their name as it is included
        self.quoted = {}
        for file in self.sources("lib/ntape"):
            name = file.relative_to(self.lib).as_posix()
            found = self.read(file)
            self.includes[name] = [path for quote, path in found if quote == "<"]
            self.quoted[name] = [path for quote, path in found if quote == '"']

    def sources(self, folder):
        return sorted(p for p in (self.root / folder).rglob("*") if p.suffix in SOURCES and p.is_file())

    @staticmethod
    def read(file):
        matches = (INCLUDE.match(line) for line in file.read_text(encoding="utf-8").splitlines())
        return [match.groups() for match in matches if match]

    def outside(self, folder):
        """(file, what it includes) for every include in a folder outside lib."""
        for file in self.sources(folder):
            for _, path in self.read(file):
                yield file.relative_to(self.root).as_posix(), path

    def files_of(self, room):
        return [name for name in self.includes if room_of(name) == room]

    def chain_to(self, start, room):
        """The shortest chain of includes from a file into another room; None when there is none."""
        before = {start: None}
        queue = deque([start])
        while queue:
            name = queue.popleft()
            if room_of(name) == room:
                chain = []
                while name:
                    chain.append(name)
                    name = before[name]
                return chain[::-1]
            for path in self.includes.get(name, ()):
                if path in self.includes and path not in before:
                    before[path] = name
                    queue.append(path)
        return None


class Map:
    """The allowed edges and the forbidden reaches, and what is wrong with how they are written."""

    def __init__(self, tree):
        readme = tree.root / "lib" / "README.md"
        text = readme.read_text(encoding="utf-8") if readme.exists() else ""
        self.problems = []
        self.edges = {}
        self.never = []
        self.read_edges(self.block(text, "edges"), tree)
        self.read_never(self.block(text, "never"), tree)
        self.compare(tree)

    def block(self, text, name):
        lines = block(text, name)
        if lines is None:
            self.problems.append(f"lib/README.md has no ```{name} block")
        return lines or []

    def read_edges(self, lines, tree):
        for line in lines:
            match = re.fullmatch(r"(\w+)\s*<-(.*)", line)
            if not match:
                self.problems.append(f"lib/README.md: not an edge: `{line}`")
                continue
            room, allowed = match.group(1), match.group(2).split()
            if room in self.edges:
                self.problems.append(f"lib/README.md has two lines for {room}")
            if EVERYTHING in allowed:
                allowed = allowed + [other for other in tree.rooms if other not in (room, TOP)]
            self.edges[room] = set(allowed) - {EVERYTHING}

    def read_never(self, lines, tree):
        for line in lines:
            match = re.fullmatch(r"(\w+)\s+never\s+(\w[\w\s]*)", line)
            if not match:
                self.problems.append(f"lib/README.md: not a prohibition: `{line}`")
                continue
            for room in [match.group(1), *match.group(2).split()]:
                if room not in tree.rooms:
                    self.problems.append(f"lib/README.md: `{line}` names {room}, which is no room")
            self.never += [(match.group(1), room) for room in match.group(2).split()]

    def compare(self, tree):
        for room in tree.rooms:
            if room not in self.edges:
                self.problems.append(f"lib/ntape/{room} is not on the map in lib/README.md")
        for room, allowed in self.edges.items():
            if room not in tree.rooms and room != TOOLS:
                self.problems.append(f"the map in lib/README.md has {room}, but there is no lib/ntape/{room}")
            for entry in sorted(allowed):
                known = f"ntape/{entry}" in tree.includes if "/" in entry else entry in tree.rooms
                if not known:
                    self.problems.append(f"the map lets {room} include {entry}, which does not exist")
        for room in sorted(self.edges):
            if self.reaches(room, room):
                self.problems.append(f"the map lets {room} include itself through other rooms")

    def reaches(self, start, goal):
        seen, open_rooms = set(), [start]
        while open_rooms:
            for entry in self.edges.get(open_rooms.pop(), ()):
                room = entry.split("/")[0]
                if room == goal:
                    return True
                if room not in seen:
                    seen.add(room)
                    open_rooms.append(room)
        return False

    def allows(self, room, path):
        allowed = self.edges.get(room, set())
        return room_of(path) in allowed or path.removeprefix("ntape/") in allowed


def room_violations(tree, rules):
    for name, paths in tree.includes.items():
        room = room_of(name)
        if room is None:
            continue
        for path in tree.quoted[name]:
            yield f'lib/{name} includes "{path}" in quotes; lib uses <ntape/room/name.hpp>'
        for path in paths:
            other = room_of(path)
            if path == UMBRELLA:
                yield f"lib/{name} includes the umbrella <{UMBRELLA}>"
            elif other == TOP and room != TOP:
                yield f"lib/{name} includes <{path}>: {TOP} is for tools and the umbrella only"
            elif other is not None and other != room and not rules.allows(room, path):
                yield f"lib/{name} includes <{path}>, but the map does not let {room} include {other}"


def reach_violations(tree, rules):
    for room, forbidden in rules.never:
        for name in tree.files_of(room):
            chain = tree.chain_to(name, forbidden)
            if chain:
                yield f"{room} must never see {forbidden}, but: " + " -> ".join(chain)


def umbrella_violations(tree):
    umbrella = tree.lib / UMBRELLA
    if not umbrella.exists():
        yield f"lib/{UMBRELLA} does not exist"
        return
    for number, line in enumerate(umbrella.read_text(encoding="utf-8").splitlines(), 1):
        if not UMBRELLA_LINE.match(line):
            yield f"lib/{UMBRELLA}:{number} is not an include of the library: `{line.strip()}`"


def outside_violations(tree, rules):
    """tests/ROOM and tests/support stay below study; tools keep to their line of the map, if there is one."""
    for room in [*tree.rooms, "support"]:
        if room == TOP:
            continue
        for name, path in tree.outside(f"tests/{room}"):
            if room_of(path) == TOP or path == UMBRELLA:
                yield f"{name} includes <{path}>: tests of a room stay below {TOP}"
    if TOOLS not in rules.edges:
        return
    for name, path in tree.outside(TOOLS):
        if path == UMBRELLA or (room_of(path) and not rules.allows(TOOLS, path)):
            yield f"{name} includes <{path}>, which the map does not allow"


def violations(root):
    tree = Tree(root)
    rules = Map(tree)
    return [
        *rules.problems,
        *room_violations(tree, rules),
        *reach_violations(tree, rules),
        *umbrella_violations(tree),
        *outside_violations(tree, rules),
    ]


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    found = violations(arguments[0])
    for violation in found:
        print(violation)
    print(f"{len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
