#!/usr/bin/env bash
# Installs a build into an empty place, then builds and runs programs that know nothing but pkg-config: a small
# one, and every C++ example of README.md, so that what the README shows is what compiles.
# usage: run.sh BUILD_DIRECTORY PROGRAM.cpp README.md COMPILER...
set -euo pipefail

build=$1
program=$2
readme=$3
shift 3

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

DESTDIR=$place meson install -C "$build" --no-rebuild --quiet

description=$(find "$place" -name ntape.pc)
if [[ -z $description ]]; then
  echo "ntape.pc was not installed" >&2
  exit 1
fi
PKG_CONFIG_PATH=$(dirname "$description")
LD_LIBRARY_PATH=$(pkg-config --variable=libdir "$description")
export PKG_CONFIG_PATH LD_LIBRARY_PATH

query=(pkg-config --cflags --libs ntape)
if [[ ! -e $LD_LIBRARY_PATH/libntape.so ]]; then
  query+=(--static)
fi
read -ra flags <<<"$("${query[@]}")"

awk -v place="$place" '/^```/ && inside { inside = 0 } inside { print > file }
  /^```cpp$/ { inside = 1; file = place "/example" ++count ".cpp" }' "$readme"
cp "$program" "$place/outside.cpp"
programs=("$place"/*.cpp)
if ((${#programs[@]} < 3)); then
  echo "README.md has fewer than two C++ examples" >&2
  exit 1
fi
for source in "${programs[@]}"; do
  name=$(basename "$source" .cpp)
  "$@" -std=c++20 "$place/$name.cpp" -o "$place/$name" "${flags[@]}"
  echo "--- $name"
  "$place/$name"
done

# The installed program must find the installed library, too.
installed=$(find "$place" -type f -path '*/bin/ntape')
if [[ -n $installed ]]; then
  "$installed" --version
fi
