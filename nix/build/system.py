"""Merges unpacked Debian packages into one system that needs nothing of the host's.

Folders are real, files are links into the packages; a folder that one package alone has is a link
itself, where nothing in it is changed. What names a place of the host is a changed
copy: executables (their loader and library path), scripts (their first line), the loader and the C
library (what they would read by themselves), and modules of Python that name what the host has.
"""

import hashlib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bytecode
import elf

out, packages, triplet = os.environ["out"], os.environ["packages"].split(), os.environ["triplet"]
python = "lib/python" + os.environ["version"]
libraries = "lib/" + triplet

# Only people read these.
SKIPPED = re.compile(
    r"(share/(doc|man|info|lintian|bug|locale|doc-base|menu|bash-completion|gdb)|var)(/|$)|lib/python3[^/]*/sitecustomize\.py$"
)

# What a file would read of the host by itself: overwritten by as many bytes that name nothing.
LOADER = ["/etc/ld.so.cache", "/etc/ld.so.preload"]
LOADER_FOLDERS = [
    "/lib/%s/" % triplet,
    "/usr/lib/%s/" % triplet,
    "/lib/",
    "/usr/lib/",
    "/lib64/",
    "/usr/lib64/",
]
OPENSSL = [
    "/usr/lib/ssl",
    "/usr/lib/%s/engines-" % triplet,
    "/usr/lib/%s/ossl-modules" % triplet,
]
LIBRARIES = {
    "libc.so.6": [
        "/usr/lib/locale",
        "/usr/share/locale",
        "/usr/lib/%s/gconv" % triplet,
        "/etc/localtime",
        "/usr/share/zoneinfo",
    ],
    "libcrypto.so.3": OPENSSL,
    "libcrypto.so.1.1": OPENSSL,
    "libkrb5.so.3": ["/usr/lib/%s/krb5/plugins" % triplet],
    "libreadline.so.8": ["/etc/inputrc"],
    "libtinfo.so.6": ["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"],
}

# The system's shared objects as `ldconfig -p` prints those of the host, from the host's cache.
KNOWN = "etc/libraries"

# What Python's own modules would take of the host.
MODULES = {
    python + "/subprocess.py": [("'/bin/sh'", "'%s/bin/sh'" % out)],
    python + "/gettext.py": [('"/usr/share/locale-langpack"', '"%s/share/locale"' % out)],
    python + "/zoneinfo/_tzpath.py": [
        ('sysconfig.get_config_var("TZPATH")', '"%s/share/zoneinfo"' % out),
    ],
    python + "/ctypes/util.py": [
        ("['/sbin/ldconfig', '-p']", "['%s/bin/cat', '%s']" % (out, os.path.join(out, KNOWN)))
    ],
}

# A wheel built for "manylinux" takes these for granted. They are loaded with Python, so that the
# wheel's own search path, which hides the executable's, need not find them.
MANYLINUX = [
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libz.so.1",
    "libdl.so.2",
    "librt.so.1",
    "libpthread.so.0",
    "libutil.so.1",
    "libresolv.so.2",
]


def fold(path):
    """A package's path in the merged system: /usr is its root."""
    path = path.lstrip("/")
    return path[4:] if path.startswith("usr/") else path


def gather():
    """All packages' files and links: {path in the system: path in the store}; the first has it.

    What is left out has the path "".
    """
    found = {}
    for package in packages:
        for folder, folders, files in os.walk(package):
            inside = os.path.relpath(folder, package)
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in files + links:
                path = fold(os.path.normpath(os.path.join(inside, name)))
                skipped = SKIPPED.match(path)
                found.setdefault(path, "" if skipped else os.path.join(folder, name))
    return found


def linked_whole(found):
    """Folders to link as they are, {path: path in the store}: a third of the links is left.

    One package alone has such a folder, and nothing below it is changed, left out, or leads out.
    """
    places, mixed = {}, {"bin", "sbin", "etc", libraries}
    changing = {*MODULES, *map(bytecode.cache_from_source, MODULES)}
    for path, source in found.items():
        there = ""
        if source and os.path.islink(source) and not os.readlink(source).startswith("/"):
            there = os.path.normpath(os.path.join(os.path.dirname(path), link_target(source, path)))
        changed = not source or path in changing or os.path.islink(source)
        changed = changed or os.access(source, os.X_OK)
        folder, place = os.path.dirname(path), os.path.dirname(source)
        while folder:
            places.setdefault(folder, set()).add(place)
            if changed and not there.startswith(folder + "/"):
                mixed.add(folder)
            folder, place = os.path.dirname(folder), os.path.dirname(place)
    chosen = {}
    for folder in sorted(set(places) - mixed):
        above = set(parents(folder))
        if above and len(places[folder]) == 1 and not above & {"bin", "sbin", "etc", *chosen}:
            (chosen[folder],) = places[folder]
    return chosen


def parents(path):
    """The folders above a path, from the nearest."""
    while path := os.path.dirname(path):
        yield path


def link_target(source, path):
    """Where a package's link leads within the system, relative to the link."""
    package = "/".join(source.split("/")[:4])
    target = os.readlink(source)
    if not target.startswith("/"):
        target = os.path.normpath(os.path.join(os.path.dirname(source[len(package) :]), target))
    return os.path.relpath(fold(target), os.path.dirname(path))


def blank(path, strings, whole=False):
    """Overwrite strings in a file of the system by as many bytes that name nothing."""
    with open(path, "rb") as stream:
        data = stream.read()
    for string in strings:
        old = string.encode()
        new = b"/" + b"-" * (len(old) - 2) + (b"/" if old.endswith(b"/") else b"-")
        pattern = b"(?<=\0)" + re.escape(old) + b"(?=\0)" if whole else re.escape(old)
        data = re.sub(pattern, new, data)
    with open(path, "wb") as stream:
        stream.write(data)


def own(path):
    """Make a link of the system a copy that can be changed; returns its full path."""
    full = os.path.join(out, path)
    if os.path.islink(full):
        source = os.path.realpath(full)
        os.unlink(full)
        elf.copy(source, full)
    return full


def merge(found):
    """Lay out folders and links; returns the plain files that can be run."""
    runnable = []
    whole = linked_whole(found)
    paths = {path for path, source in found.items() if source}
    folders = {os.path.dirname(path) for path in paths}
    for folder in sorted(folders):
        if folder not in whole and not any(above in whole for above in parents(folder)):
            os.makedirs(os.path.join(out, folder), exist_ok=True)
    for folder, place in sorted(whole.items()):
        os.makedirs(os.path.dirname(os.path.join(out, folder)), exist_ok=True)
        os.symlink(place, os.path.join(out, folder))
    for path in sorted(paths):
        if any(above in whole for above in parents(path)):
            continue
        full, source = os.path.join(out, path), found[path]
        if os.path.islink(source):
            target = link_target(source, path)
            there = os.path.normpath(os.path.join(os.path.dirname(path), target))
            known = there in paths or any(
                folder == there or folder.startswith(there + "/") for folder in folders
            )
            if known and not os.path.isdir(full):
                os.symlink(target, full)
            continue
        os.symlink(source, full)
        if os.access(source, os.X_OK):
            runnable.append(path)
    return runnable


def patch_executables(runnable, loader):
    """Executables get this system's loader and libraries; equal ones are linked to one copy."""
    rpath = os.path.join(out, libraries)
    needed = [name for name in MANYLINUX if os.path.exists(os.path.join(rpath, name))]
    first = {}
    for path in runnable:
        full = os.path.join(out, path)
        with open(full, "rb") as stream:
            head = stream.read(4)
        if head[:2] == b"#!":
            patch_script(path)
        elif head == b"\x7fELF" and ".so" not in os.path.basename(path) and elf.interpreter(full):
            with open(full, "rb") as stream:
                data = stream.read()
            digest = hashlib.sha1(data).digest()
            os.unlink(full)
            if digest in first:
                os.symlink(os.path.relpath(first[digest], os.path.dirname(path)), full)
                continue
            first[digest] = path
            is_python = path == "bin/python" + os.environ["version"]
            elf.patch(full, loader, rpath, needed if is_python else (), data=data)
            os.chmod(full, 0o755)


def patch_script(path):
    """A script's first line names this system's interpreter, where it has it."""
    full = os.path.join(out, path)
    with open(full, "rb") as stream:
        line, rest = stream.readline(), stream.read()
    match = re.match(rb"#! */(?:usr/)?bin/(env +)?([^ \n]+)(.*)\n", line)
    if match and os.path.exists(os.path.join(out, "bin", match[2].decode())):
        full = own(path)
        with open(full, "wb") as stream:
            stream.write(b"#!%s/bin/%s%s\n" % (out.encode(), match[2], match[3]) + rest)


def linker_scripts():
    """Libraries that are text for the linker, which must lie in its sysroot to name files there."""
    for name in sorted(os.listdir(os.path.join(out, libraries))):
        path = libraries + "/" + name
        if name.endswith((".so", ".a")) and os.path.isfile(os.path.join(out, path)):
            with open(os.path.join(out, path), "rb") as stream:
                if stream.read(15) == b"/* GNU ld scrip":
                    yield path


def patch_python():
    """Modules that would use what the host has use this system's; their bytecode is made anew."""
    for path, changes in MODULES.items():
        if not os.path.exists(os.path.join(out, path)):
            continue
        full = own(path)
        with open(full, encoding="utf-8") as stream:
            text = stream.read()
        for old, new in changes:
            text = text.replace(old, new)
        with open(full, "w", encoding="utf-8") as stream:
            stream.write(text)
        compiled = bytecode.cache_from_source(full)
        if os.path.lexists(compiled):
            os.unlink(compiled)
        bytecode.compile_file(full, compiled, os.path.basename(full))


def list_libraries():
    """What ctypes.util.find_library finds: the shared objects by the names they are loaded by."""
    folder = os.path.join(out, libraries)
    paths = [os.path.join(folder, name) for name in os.listdir(folder) if ".so" in name]
    names = {elf.soname(path) for path in paths if os.path.isfile(path)} - {""}
    os.makedirs(os.path.join(out, os.path.dirname(KNOWN)), exist_ok=True)
    with open(os.path.join(out, KNOWN), "w") as stream:
        for name in sorted(names, reverse=True):
            stream.write("\t%s (libc6,x86-64) => %s/%s\n" % (name, folder, name))


def bundle_certificates():
    """One file of all certificates, as update-ca-certificates writes it."""
    folder = os.path.join(out, "share/ca-certificates/mozilla")
    if os.path.isdir(folder):
        os.makedirs(os.path.join(out, "etc/ssl/certs"), exist_ok=True)
        with open(os.path.join(out, "etc/ssl/certs/ca-certificates.crt"), "wb") as bundle:
            for name in sorted(os.listdir(folder)):
                with open(os.path.join(folder, name), "rb") as stream:
                    bundle.write(stream.read())


def main():
    runnable = merge(gather())
    # For the compiler, whose sysroot this is.
    os.symlink(".", out + "/usr")
    for path in linker_scripts():
        own(path)
    if not os.path.lexists(out + "/bin/sh"):
        os.symlink("bash", out + "/bin/sh")
    name = next(
        name
        for name in sorted(os.listdir(os.path.join(out, libraries)))
        if re.match(r"ld-linux.*\.so\.\d", name)
    )
    # glibc before 2.34 has the loader under its version, and a link to it under its name.
    path = fold_link(libraries + "/" + name)
    loader = own(path)
    blank(loader, LOADER)
    blank(loader, LOADER_FOLDERS, whole=True)
    for library, strings in sorted(LIBRARIES.items()):
        if os.path.lexists(os.path.join(out, libraries, library)):
            blank(own(fold_link(libraries + "/" + library)), strings)
    patch_executables(
        [item for item in runnable if item != path], os.path.join(out, libraries, name)
    )
    patch_python()
    list_libraries()
    bundle_certificates()


def fold_link(path):
    """Where a chain of the system's relative links ends: the link to a package's own file."""
    while True:
        target = os.readlink(os.path.join(out, path))
        if target.startswith("/"):
            return path
        path = os.path.normpath(os.path.join(os.path.dirname(path), target))


main()
