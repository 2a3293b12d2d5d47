"""Lays wheels out as one environment: a virtual environment by layout, of real folders and links to files.

What only an environment can say is a copy: scripts (which Python they run on) and executables inside wheels (which
loader). Their distribution's RECORD is written anew with the copies' hashes, so that it still verifies.
"""

import base64
import csv
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import elf

out, system, version = os.environ["out"], os.environ["sysroot"], os.environ["version"]
triplet, compiler = os.environ["triplet"], os.environ["compiler"]
paths = os.environ["paths"].split()
SITE = "lib/python%s/site-packages" % version


def link_tree(root, skipped=("nix-support",)):
    """Link every file below a store path to its place; of two files at one place the first stays. Returns the second ones."""
    double = []
    for folder, folders, files in os.walk(root):
        inside = os.path.relpath(folder, root)
        if inside == ".":
            inside = ""
            folders[:] = [name for name in folders if name not in skipped]
        target = os.path.join(out, inside)
        os.makedirs(target, exist_ok=True)
        for name in files:
            try:
                os.symlink("%s/%s" % (folder, name), "%s/%s" % (target, name))
            except FileExistsError:
                double.append(os.path.join(inside, name))
    return double


def own(path):
    """Make a link of the environment a copy that can be changed."""
    full = os.path.join(out, path)
    source = os.readlink(full)
    os.unlink(full)
    elf.copy(source, full)
    return full


def patch_script(path):
    """Give a script this environment's Python."""
    full = own(path)
    with open(full, "rb") as stream:
        line, rest = stream.readline(), stream.read()
    if line.startswith(b"#!python"):
        with open(full, "wb") as stream:
            stream.write(b"#!%s/bin/python\n" % out.encode() + rest)
    elif elf.interpreter(full):
        patch_executable(path)


def patch_executable(path):
    """Give an executable of a wheel this system's loader and, behind its own, its libraries."""
    full = own(path) if os.path.islink(os.path.join(out, path)) else os.path.join(out, path)
    loader = os.path.basename(elf.interpreter(full))
    elf.patch(full, "--set-interpreter", "%s/lib/%s/%s" % (system, triplet, loader))
    elf.patch(full, "--add-rpath", "%s/lib/%s" % (system, triplet))


def record_anew(record, changed):
    """Write a RECORD with the hashes of the changed files."""
    full = own(record)
    rows = []
    with open(full, newline="", encoding="utf-8") as stream:
        for row in csv.reader(stream):
            path = os.path.normpath(os.path.join(SITE, row[0]))
            if path in changed:
                with open(os.path.join(out, path), "rb") as file:
                    data = file.read()
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                row = [row[0], "sha256=" + digest, str(len(data))]
            rows.append(row)
    with open(full, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def main():
    double = []
    for path in paths:
        double += link_tree(path)
        about = path + "/nix-support/wheel.json"
        if not os.path.exists(about):
            continue  # the runtime, which is no distribution
        with open(about) as stream:
            about = json.load(stream)
        scripts = ["bin/" + name for name in about["scripts"]]
        for name in scripts:
            patch_script(name)
        for name in about["executables"]:
            if name not in scripts:
                patch_executable(name)
        if scripts or about["executables"]:
            record_anew(about["record"], set(scripts + about["executables"]))
    link_tree(compiler)
    python = "python" + version
    os.makedirs(out + "/bin", exist_ok=True)
    os.symlink("%s/bin/%s" % (system, python), "%s/bin/%s" % (out, python))
    for name in ("python", "python3"):
        os.symlink(python, "%s/bin/%s" % (out, name))
    os.symlink("lib", out + "/lib64")
    with open(out + "/pyvenv.cfg", "w") as stream:
        stream.write("home = %s/bin\ninclude-system-site-packages = false\nversion = %s\n" % (system, version))
    if double:
        os.makedirs(out + "/nix-support", exist_ok=True)
        with open(out + "/nix-support/in-two-wheels", "w") as stream:
            stream.writelines(path + "\n" for path in sorted(double))


main()
