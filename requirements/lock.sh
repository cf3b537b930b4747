#!/bin/sh
# Writes the pinned, hashed package lists from the .in files: the newest versions that fit. Needs a network.
set -eu
cd "$(dirname "$0")"
uv=$(command -v uv || echo ../.uv/bin/uv)

lock() {
    name=$1
    shift
    $uv pip compile --quiet --upgrade --generate-hashes --custom-compile-command "make lock" "$@" -o "$name.txt" "$name.in" >/dev/null
}

lock uv --universal --python-version 3.8
# By platform, because only wheels for an old glibc will do; one Python, so nothing to choose by.
lock compatible --python-version 3.10 --python-platform x86_64-manylinux_2_17
# For all its Pythons in one list, with markers.
lock current --universal --python-version 3.11 --override overrides.txt
