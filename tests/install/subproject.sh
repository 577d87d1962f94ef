#!/usr/bin/env bash
# Embeds ntape in another meson project, as a subproject: its dependency must be found, without the command-line
# program's own, and a file that includes the headers must compile. (The library itself is built by everything else.)
# usage: subproject.sh SOURCE_ROOT PROGRAM.cpp
set -euo pipefail

root=$1
program=$2

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

mkdir -p "$place/outer/subprojects"
ln -s "$root" "$place/outer/subprojects/ntape"
cp "$program" "$place/outer/outside.cpp"
cat >"$place/outer/meson.build" <<'END'
project('outer', 'cpp', default_options: ['cpp_std=c++20'])
ntape_dep = dependency('ntape', fallback: ['ntape', 'ntape_dep'])
executable('outside', 'outside.cpp', dependencies: ntape_dep)
END

# An installed ntape must not answer instead.
meson setup "$place/build" "$place/outer" --wrap-mode=forcefallback </dev/null
python3 - "$place/build" <<'END'
import json
import subprocess
import sys

build = sys.argv[1]
ask = lambda what: json.loads(subprocess.check_output(["meson", "introspect", "--" + what, build]))
subprojects = [p["name"] for p in ask("projectinfo")["subprojects"]]
assert subprojects == ["ntape"], subprojects
targets = {t["name"]: t for t in ask("targets")}
assert "ntape" in targets and targets["ntape"]["type"].endswith("library"), targets.keys()
assert "outside" in targets
programs = [name for name, t in targets.items() if t["type"] == "executable"]
assert programs == ["outside"], f"tools, tests or benchmarks are built along: {programs}"
needed = [d["name"] for d in ask("dependencies")]
assert "zlib" in needed and "CLI11" not in needed, needed
END
(cd "$place/build" && ninja outside.p/outside.cpp.o </dev/null)
