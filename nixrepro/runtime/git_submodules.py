"""Submodules: which commit of each runs, and what is not committed in them."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .git import Code
    from .git_changes import Change

_LINK = b"160000 "


def look(
    code: Code,
    top: str,
    changes: Iterable[Change],
    facts: dict[str, Any],
    patches: dict[str, bytes],
    scratch: str,
) -> None:
    """Enter each submodule, those within submodules too.

    Args:
        code: asks git.
        top: the work tree's top folder.
        changes: of the repository, whose `changed` and `untracked` paths get those of submodules.
        facts: the code layer's, whose `submodules`, `lfs` and `large` get more.
        patches: gets what is not committed in a submodule, by the name of a file for it.
        scratch: a folder for copies.
    """
    linked = _linked(code, top, {each.path for each in changes if each.submodule})
    there = [path for path in linked if os.path.exists(os.path.join(top, path, ".git"))]
    inner = {path: _start(code, os.path.join(top, path)) for path in there}
    for number, path in enumerate(sorted(linked)):
        if path not in inner:
            entry = {"path": path, "commit": linked[path], "dirty": False, "missing": True}
            facts["submodules"].append(entry)
            continue
        place = os.path.join(scratch, f"submodule-{number}")
        os.mkdir(place)
        own, patch = inner[path].finish(place)
        _enter(facts, path, own, patch, patches)
        code.changed += [f"{path}/{each}" for each in inner[path].changed]
        code.untracked += [f"{path}/{each}" for each in inner[path].untracked]


def _linked(code: Code, top: str, changed: set[str]) -> dict[str, str]:
    """The submodules' paths, each with the commit that the index has."""
    words = ("config", "-z", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    said = code.ask_in(top, *words).finish()[1].split(b"\0")
    paths = {os.fsdecode(each.partition(b"\n")[2]) for each in said if each} | changed
    if not paths:
        return {}
    listed = code.ask_in(top, "ls-files", "-s", "-z", "--full-name", "--", *sorted(paths))
    found = {}
    for entry in listed.finish()[1].split(b"\0"):
        if entry.startswith(_LINK):
            about, _, path = entry.partition(b"\t")
            found[os.fsdecode(path)] = about.split(b" ")[1].decode("ascii")
    return found


def _start(code: Code, folder: str) -> Code:
    from .git import Code as Another

    found = Another(folder, "", {}, code.mask)
    found.git, found.env = code.git, code.env
    found.start()
    return found


def _enter(
    facts: dict[str, Any],
    path: str,
    own: dict[str, Any],
    patch: dict[str, bytes],
    patches: dict[str, bytes],
) -> None:
    """Put a submodule's facts among those of the whole, its paths from the top."""
    from .git import PATCH
    from .git_changes import stated

    if "commit" not in own:
        entry = {"path": path, "commit": own, "dirty": False, "tree": own}
        facts["submodules"].append(entry)
        return
    entry = {"path": path, "commit": own["commit"], "dirty": own["dirty"]}
    if own["dirty"]:
        entry["tree"] = own["tree"]
    names = {}
    for file, content in patch.items():
        names[file] = f"{PATCH}.{len(patches) + 1}"
        patches[names[file]] = content
    if "file" in own.get("patch", {}):
        file = names[own["patch"]["file"]]
        entry["patch"] = stated(file, patches[file])
    elif "patch" in own:
        entry["patch"] = own["patch"]
    facts["submodules"].append(entry)
    for each in own["submodules"]:
        inside = {**each, "path": f"{path}/{each['path']}"}
        if "file" in each.get("patch", {}):
            inside["patch"] = {**each["patch"], "file": names[each["patch"]["file"]]}
        facts["submodules"].append(inside)
    facts["lfs"] += [f"{path}/{each}" for each in own["lfs"]]
    facts["large"] += [{**each, "path": f"{path}/{each['path']}"} for each in own["large"]]
