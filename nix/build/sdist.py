"""Builds a wheel from an sdist with the pinned Python, compiler and build tools (PEP 517)."""

import importlib
import os
import sys
import tarfile
import zipfile

out, sdist = os.environ["out"], os.environ["sdist"]


def refuse(reason):
    raise SystemExit("nixrepro: %s: %s" % (os.path.basename(sdist).partition("-")[2], reason))


def check(archive):
    """Refuses an sdist of which a file or link leads out of its folder."""
    if isinstance(archive, zipfile.ZipFile):
        names = archive.namelist()
    else:
        names = archive.getnames()
        for item in archive.getmembers():
            beside = os.path.dirname(item.name) if item.issym() else ""
            goal = os.path.normpath(os.path.join(beside, item.linkname))
            plain = item.isfile() or item.isdir() or item.issym() or item.islnk()
            if not plain or goal.startswith(("/", "..")):
                refuse("it holds a link or file that leads out of its folder: %r" % item.name)
    for name in names:
        if name.startswith("/") or ".." in name.split("/"):
            refuse("a path in it climbs out of its folder: %r" % name)


def unpack():
    """Unpack into this folder; refuses a path that would leave it. Returns the source folder."""
    try:
        is_zip = zipfile.is_zipfile(sdist)
        with zipfile.ZipFile(sdist) if is_zip else tarfile.open(sdist) as archive:
            check(archive)
            archive.extractall("source")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        refuse("cut short or damaged (%s)" % error)
    tops = os.listdir("source")
    if len(tops) != 1:
        refuse("not an sdist: it has %d folders at its top, not one" % len(tops))
    return os.path.join("source", tops[0])


def backend(table):
    """The build backend that pyproject.toml names, or setuptools' for projects without one."""
    system = table.get("build-system", {})
    name = system.get("build-backend", "setuptools.build_meta:__legacy__")
    sys.path[:0] = [os.path.abspath(path) for path in system.get("backend-path", [])]
    module, _, attribute = name.partition(":")
    found = importlib.import_module(module)
    for part in filter(None, attribute.split(".")):
        found = getattr(found, part)
    return found


def read_pyproject():
    if not os.path.exists("pyproject.toml"):
        return {}
    try:
        import tomllib
    except ImportError:  # before Python 3.11
        import tomli as tomllib
    with open("pyproject.toml", "rb") as stream:
        return tomllib.load(stream)


def main():
    os.chdir(unpack())
    sys.argv, sys.path[0] = ["setup.py"], ""
    os.makedirs(out)
    backend(read_pyproject()).build_wheel(out)


main()
