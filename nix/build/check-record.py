"""Compares the files of every distribution of this environment with the hashes in its RECORD."""

import base64
import hashlib
import importlib.metadata
import os

wrong, files = [], 0
for distribution in importlib.metadata.distributions():
    for file in distribution.files or []:
        files += 1
        path = file.locate()
        if not os.path.exists(path):
            wrong.append("%s: missing" % path)
        elif file.hash:
            with open(path, "rb") as stream:
                digest = hashlib.new(file.hash.mode, stream.read()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
                wrong.append("%s: not as its RECORD says" % path)
if wrong or not files:
    raise SystemExit("\n".join(wrong) or "nixrepro: the environment has no distribution")
with open(os.environ["out"], "w") as stream:
    stream.write("%d files are as their RECORD says\n" % files)
