"""Installs one wheel into a store path of its own, as an installer would into an empty environment.

Formats: the binary distribution format (wheel) and "recording installed projects" of the Python
packaging specifications. Scripts keep the first line "#!python": which Python they run on is for
the environment to say.
"""

import base64
import configparser
import csv
import hashlib
import json
import os
import re
import stat
import sys
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import archive
import bytecode
import elf

out, wheel, version = os.environ["out"], os.environ["wheel"], os.environ["version"]
if os.path.isdir(wheel):  # one that was built from an sdist
    wheel = os.path.join(wheel, *os.listdir(wheel))
# Up to this many bytes, with some for each file, one process is as quick as several.
ALONE = 4_000_000
SITE = "lib/python%s/site-packages" % version

SCRIPT = """#!python
import sys

from {module} import {first}

if __name__ == "__main__":
    sys.exit({call}())
"""


def refuse(reason):
    raise SystemExit(
        "nixrepro: %s: %s" % (re.sub(r"^[0-9a-z]{32}-", "", os.path.basename(wheel)), reason)
    )


def place(name, info, folder):
    """Where a member goes, relative to `out`; refuses one that would leave its folder.

    Args:
        name: its path in the archive.
        info: what the archive says of it.
        folder: the wheel's .dist-info folder.
    """
    base = folder[: -len(".dist-info")]
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ".." in parts or "" in parts[:-1]:
        refuse("a path in it climbs out of its folder: %r" % name)
    if stat.S_ISLNK(info.external_attr >> 16):
        refuse("it holds a symbolic link, which a wheel must not: %r" % name)
    if len(parts) == 1 or parts[0] != base + ".data":
        return os.path.normpath("%s/%s" % (SITE, name))
    kind, rest = parts[1], "/".join(parts[2:])
    folders = {
        "purelib": SITE,
        "platlib": SITE,
        "scripts": "bin",
        "data": "",
        "headers": "include/python%s/%s" % (version, base.split("-")[0]),
    }
    if kind not in folders or not rest:
        refuse("it has files for %r, which is not a place" % kind)
    return os.path.normpath("%s/%s" % (folders[kind], rest)).lstrip("/")


def all_places(infos, folder):
    """Where each member goes; refuses two for one place, which would be written side by side."""
    places, first = {}, {}
    for info in infos:
        places[info] = place(info.filename, info, folder)
        other = first.setdefault(places[info], info)
        if other is not info:
            refuse("two files in it go to one place: %r and %r" % (other.filename, info.filename))
    return places


def unpack(places):
    """Write all members, several processes side by side, the largest files first."""
    members = sorted(places, key=lambda info: (-info.file_size, info.filename))
    for folder in {os.path.dirname(path) for path in places.values()}:
        os.makedirs(os.path.join(out, folder), exist_ok=True)
    weights = [info.file_size + 20000 for info in members]
    count = bytecode.WORKERS if sum(weights) > ALONE else 1
    loads = [[0, number, []] for number in range(count)]
    for info, weight in zip(members, weights):
        least = min(loads)
        least[0] += weight
        least[2].append((info, os.path.join(out, places[info])))
    bytecode.in_parallel([lambda part=load[2]: archive.extract(wheel, part) for load in loads])


def entry_points(folder):
    """Console and window scripts that the distribution declares: {name: text}."""
    path = os.path.join(out, SITE, folder, "entry_points.txt")
    if not os.path.exists(path):
        return {}
    parser = configparser.ConfigParser(delimiters=("=",), strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(path, encoding="utf-8")
    scripts = {}
    for section in ("console_scripts", "gui_scripts"):
        for name, value in parser.items(section) if parser.has_section(section) else ():
            match = re.fullmatch(r"([\w.]+)\s*:\s*([\w.]+)\s*(\[.*\])?", value.strip())
            if not match or "/" in name or name.startswith("."):
                refuse("its entry point %r = %r can't be used" % (name, value))
            module, call = match[1], match[2]
            scripts[name] = SCRIPT.format(module=module, first=call.split(".")[0], call=call)
    return scripts


def hashed(path):
    """RECORD's hash and size of a file."""
    with open(path, "rb") as stream:
        data = stream.read()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return ["sha256=" + digest, str(len(data))]


def from_site(path):
    """A path in `out` as a RECORD spells it."""
    inside = path.startswith(SITE + "/")
    return path[len(SITE) + 1 :] if inside else os.path.relpath(path, SITE)


def main():
    try:
        opened = zipfile.ZipFile(wheel)
    except zipfile.BadZipFile:
        refuse("cut short or damaged: it is no zip archive")
    infos = [info for info in opened.infolist() if not info.is_dir()]
    found = {
        info.filename.split("/")[0]
        for info in infos
        if re.fullmatch(r"[^/]+\.dist-info/WHEEL", info.filename)
    }
    if len(found) != 1:
        refuse("not a wheel: it has %d .dist-info folders with a WHEEL file" % len(found))
    folder = found.pop()
    about = opened.read(folder + "/WHEEL").decode()
    if not re.search(r"^Wheel-Version: 1\.", about, re.M):
        refuse("its wheel format is not version 1, the one known here")
    places = all_places(infos, folder)
    try:
        unpack(places)
    except SystemExit:
        refuse("cut short or damaged: a file in it can't be unpacked")

    rows = {}
    published = {info.filename: places[info] for info in infos}
    with opened.open(folder + "/RECORD") as stream:
        for row in csv.reader(line.decode() for line in stream):
            if row and row[0] in published:
                rows[published[row[0]]] = row[1:3]
    os.makedirs(out + "/bin", exist_ok=True)
    for name, text in entry_points(folder).items():
        with open("%s/bin/%s" % (out, name), "w", encoding="utf-8") as stream:
            stream.write(text)
        os.chmod("%s/bin/%s" % (out, name), 0o755)
        rows["bin/" + name] = hashed("%s/bin/%s" % (out, name))
    installer = "%s/%s/INSTALLER" % (SITE, folder)
    with open(os.path.join(out, installer), "w") as stream:
        stream.write("nixrepro\n")
    rows[installer] = hashed(os.path.join(out, installer))
    for path in bytecode.compile_tree(os.path.join(out, SITE)):
        rows["%s/%s" % (SITE, path)] = ["", ""]
    record = "%s/%s/RECORD" % (SITE, folder)
    rows[record] = ["", ""]
    with open(os.path.join(out, record), "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([from_site(path), *row] for path, row in sorted(rows.items()))

    # What the environment must change, as only it knows its Python and its loader.
    scripts = sorted(os.listdir(out + "/bin"))
    for name in scripts:
        os.chmod("%s/bin/%s" % (out, name), 0o755)
    if not scripts:
        os.rmdir(out + "/bin")
    plain = [path for path in places.values() if not path.endswith((".py", ".txt", ".h"))]
    executables = sorted(
        path for path in plain if ".so" not in path and elf.interpreter(os.path.join(out, path))
    )
    about = {"record": record, "scripts": scripts, "executables": executables}
    about["folders"] = folders([record, *executables] if scripts or executables else [])
    os.makedirs(out + "/nix-support")
    with open(out + "/nix-support/wheel.json", "w") as stream:
        json.dump(about, stream, sort_keys=True)


def folders(changed):
    """Every folder, and whether an environment may link it whole: {path: bool}.

    It may not where a shared object lies below, which finds its neighbours through "..", nor where
    the environment changes a file.
    """
    found = {}
    for folder, inner, files in os.walk(out, topdown=False):
        path = os.path.relpath(folder, out)
        here = [os.path.normpath(os.path.join(path, name)) for name in files]
        found[path] = all(
            found[os.path.normpath(os.path.join(path, name))] for name in inner
        ) and not any(re.search(r"\.so(\.\d+)*$", name) or name in changed for name in here)
    return found


main()
