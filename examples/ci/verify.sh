#!/bin/sh
# What CI runs on every change: are the project's files sound, and is the closure the one that they give?
#
# NIXREPRO_CACHE     a folder that CI keeps from one run to the next; .nixrepro-cache by default
# NIXREPRO_REPORTS   where the reports go; reports by default
set -eu
cache=$(mkdir -p "${NIXREPRO_CACHE:-.nixrepro-cache}" && cd "${NIXREPRO_CACHE:-.nixrepro-cache}" && pwd)
reports=${NIXREPRO_REPORTS:-reports}
export NIX_CONFIG="extra-experimental-features = nix-command flakes
substitute = false
warn-dirty = false
${NIX_CONFIG:-}"

# Cheap, and without Nix: where the files don't agree, nothing else need be tried.
nixrepro verify --only lock --junit "$reports/lock.xml"

# The closure: from the cache, else fetched and built.
if [ -s "$cache/paths" ]; then
    xargs nix copy --offline --no-check-sigs --from "file://$cache" <"$cache/paths"
fi
if ! nix path-info --offline .#environment .#facts .#settings >/dev/null 2>&1; then
    nixrepro fetch
    nixrepro run --no-record -- true
fi

status=0
nixrepro verify --junit "$reports/verify.xml" || status=$?

# Into the cache goes what the closure consists of and what it was made from, so that it can be mended, too.
if [ "$status" = 0 ]; then
    nix path-info --offline --derivation .#environment .#facts .#settings |
        xargs nix-store --query --requisites --include-outputs | grep -v '\.drv$' >"$cache/paths.new"
    xargs nix copy --offline --to "file://$cache?compression=zstd" <"$cache/paths.new"
    mv "$cache/paths.new" "$cache/paths"
fi
exit "$status"
