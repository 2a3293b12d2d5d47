"""Writes what is known of an environment: its layers, and its closure with every path's hash."""

import hashlib
import json
import os

# Nix 2.8 states a path that the sandbox doesn't have; the file is where it always was.
path = os.path.join(os.environ["NIX_BUILD_TOP"], ".attrs.json")
with open(path if os.path.exists(path) else os.environ["NIX_ATTRS_JSON_FILE"]) as stream:
    attributes = json.load(stream)

# Nix's own base 32, which its commands print; a newer Nix may spell the same hash otherwise.
DIGITS = "0123456789abcdfghijklmnpqrsvwxyz"


def base32(data):
    number = int.from_bytes(data, "little")
    length = (len(data) * 8 + 4) // 5
    return "".join(DIGITS[number >> 5 * place & 31] for place in reversed(range(length)))


def spelled(value):
    """A NAR hash as `nix-store --query --hash` prints it."""
    if value.startswith("sha256-"):
        import base64

        return "sha256:" + base32(base64.b64decode(value[7:]))
    return value


closure = sorted(
    (
        {"path": item["path"], "narHash": spelled(item["narHash"]), "narSize": item["narSize"]}
        for item in attributes["closure"]
    ),
    key=lambda item: item["path"],
)
lines = "".join("%s %s\n" % (item["path"], item["narHash"]) for item in closure)
facts = dict(
    attributes["facts"],
    format=1,
    identity={
        "path": attributes["facts"]["environment"],
        "digest": hashlib.sha256(lines.encode()).hexdigest(),
    },
    closure=closure,
)
with open(attributes["outputs"]["out"], "w", encoding="utf-8") as stream:
    json.dump(facts, stream, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    stream.write("\n")
