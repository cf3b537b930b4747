#!/bin/sh
# `make flink`: Flink and Beam's job server into .flink, by Maven from wherever it is configured to look. Every file must be
# the one in SHA256SUMS; what is right already is not fetched again.
set -eu
cd "$(dirname "$0")/../.."
sums=$PWD/requirements/flink/SHA256SUMS

say() { echo "make flink: $*" >&2; }
refuse() { say "$@"; exit 1; }
right() { (cd "$1" 2>/dev/null && sha256sum --quiet --check "$sums" >/dev/null 2>&1 && [ "$(ls | wc -l)" = "$(wc -l <"$sums")" ]); }

if right .flink; then exit 0; fi
command -v mvn >/dev/null || refuse "needs Maven: install it first (Debian, Ubuntu: apt install maven openjdk-17-jre-headless)"
say "fetching Flink into .flink (150 MB)"
rm -rf .flink.new
mvn --quiet --batch-mode --file requirements/flink/pom.xml dependency:copy-dependencies -DoutputDirectory="$PWD/.flink.new" \
    || refuse "Maven could not fetch it (the reason is above)"
if ! right .flink.new; then
    (cd .flink.new && sha256sum --quiet --check "$sums") || true
    rm -rf .flink.new
    refuse "what Maven fetched is not what requirements/flink/SHA256SUMS says"
fi
rm -rf .flink
mv .flink.new .flink
