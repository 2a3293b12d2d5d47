"""Lays wheels out as one environment: a virtual environment by layout, of real folders and links.

A folder that only one wheel has and that holds no shared object is linked whole: ten times fewer
links.

What only an environment can say is a copy: scripts (which Python they run on) and executables
inside wheels (which loader). Their distribution's RECORD is written anew with the copies' hashes,
so that it still verifies.
"""

import base64
import collections
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
# More than wheels goes here, so never one wheel's folder as it is.
SHARED = {"bin", "lib", os.path.dirname(SITE), SITE}


def link_tree(root, path, whole):
    """Link what lies below a store path's folder to its place; of two files the first stays.

    Args:
        root: the store path.
        path: the folder in it, "" for all of it.
        whole: says of a folder whether to link it as it is, without opening it.

    Returns:
        The files that were there already.
    """
    double = []
    os.makedirs(os.path.join(out, path), exist_ok=True)
    with os.scandir(os.path.join(root, path)) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            inner = os.path.join(path, entry.name)
            if inner == "nix-support":
                continue
            if entry.is_dir(follow_symlinks=False) and not whole(inner):
                double += link_tree(root, inner, whole)
                continue
            try:
                os.symlink(entry.path, os.path.join(out, inner))
            except FileExistsError:
                double.append(inner)
    return double


def own(path):
    """Make a link of the environment a copy that can be changed."""
    full = os.path.join(out, path)
    source = os.readlink(full)
    os.unlink(full)
    elf.copy(source, full)
    return full


def patch_script(path):
    """Give a script this environment's Python, unless another wheel had it and it was given."""
    if not os.path.islink(os.path.join(out, path)):
        return
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
    libraries = "%s/lib/%s" % (system, triplet)
    elf.patch(full, "%s/%s" % (libraries, loader), libraries, keep=True)


def record_anew(record, changed):
    """Write a RECORD with the hashes of the changed files."""
    full = own(record)
    rows = []
    with open(full, newline="", encoding="utf-8") as stream:
        for old in csv.reader(stream):
            row, path = old, os.path.normpath(os.path.join(SITE, old[0]))
            if path in changed:
                with open(os.path.join(out, path), "rb") as file:
                    data = file.read()
                digest = (
                    base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
                )
                row = [old[0], "sha256=" + digest, str(len(data))]
            rows.append(row)
    with open(full, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def about(path):
    """What an installed wheel says of itself; the runtime, no distribution, says nothing."""
    try:
        with open(path + "/nix-support/wheel.json") as stream:
            return json.load(stream)
    except FileNotFoundError:
        return {"folders": {}, "scripts": [], "executables": []}


def main():
    wheels = {path: about(path) for path in paths}
    owners = collections.Counter(folder for wheel in wheels.values() for folder in wheel["folders"])
    double = []
    for path, wheel in wheels.items():
        folders = wheel["folders"]
        alone = {folder for folder, linked in folders.items() if linked and owners[folder] == 1}
        double += link_tree(path, "", (alone - SHARED).__contains__)
        scripts = ["bin/" + name for name in wheel["scripts"]]
        for name in scripts:
            patch_script(name)
        for name in wheel["executables"]:
            if name not in scripts:
                patch_executable(name)
        if scripts or wheel["executables"]:
            record_anew(wheel["record"], set(scripts + wheel["executables"]))
    link_tree(compiler, "", lambda inner: False)
    python = "python" + version
    os.makedirs(out + "/bin", exist_ok=True)
    os.symlink("%s/bin/%s" % (system, python), "%s/bin/%s" % (out, python))
    for name in ("python", "python3"):
        os.symlink(python, "%s/bin/%s" % (out, name))
    os.symlink("lib", out + "/lib64")
    with open(out + "/pyvenv.cfg", "w") as stream:
        stream.write(
            "home = %s/bin\ninclude-system-site-packages = false\nversion = %s\n"
            % (system, version)
        )
    if double:
        os.makedirs(out + "/nix-support", exist_ok=True)
        with open(out + "/nix-support/in-two-wheels", "w") as stream:
            stream.writelines(path + "\n" for path in sorted(double))


main()
