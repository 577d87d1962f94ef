#!/usr/bin/env bash
# Installs a build into an empty place, then builds and runs a program that knows nothing but pkg-config.
# usage: run.sh BUILD_DIRECTORY PROGRAM.cpp COMPILER...
set -euo pipefail

build=$1
program=$2
shift 2

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
"$@" -std=c++20 "$program" -o "$place/outside" "${flags[@]}"
"$place/outside"

# The installed program must find the installed library, too.
installed=$(find "$place" -type f -path '*/bin/ntape')
if [[ -n $installed ]]; then
  "$installed" --version
fi
