"""Compiles the Python modules of an unpacked Debian package, which Debian does after unpacking."""

import os

import bytecode

out, package = os.environ["out"], os.environ["package"]
os.makedirs(out + "/usr/lib")
for folder in sorted(os.listdir(package + "/usr/lib")):
    if folder.startswith("python3"):
        bytecode.compile_tree("%s/usr/lib/%s" % (package, folder), "%s/usr/lib/%s" % (out, folder))
