"""Compares the lock with its own digests, and with what pyproject.toml asks for."""

import hashlib
import json
import os
import re


def read(name):
    with open(os.environ[name + "Path"], encoding="utf-8") as stream:
        return stream.read()


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def name(text):
    return re.sub(r"[-_.]+", "-", text).lower()


def pick(table, wanted):
    """What a table has under a name, however that is spelled."""
    return next(value for key, value in table.items() if name(key) == name(wanted))


def extra(project, wanted):
    for line in pick(project.get("optional-dependencies", {}), wanted):
        own = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*\[([^\]]*)\]\s*", line)
        if own and name(own[1]) == name(project.get("name", "")):
            for other in own[2].split(","):
                yield from extra(project, other.strip())
        else:
            yield line


def group(groups, wanted):
    for item in pick(groups, wanted):
        if isinstance(item, dict):
            yield from group(groups, item["include-group"])
        else:
            yield item


def question(document):
    """What a lock must answer: as the tool asks it."""
    tool, project = document["tool"]["nixrepro"], document.get("project", {})
    base, wheels = tool.get("base", {}), tool.get("wheels", {})
    wanted = set(project.get("dependencies", []) if wheels.get("project", True) else [])
    for each in wheels.get("extras", []):
        wanted |= set(extra(project, each))
    for each in wheels.get("groups", []):
        wanted |= set(group(document.get("dependency-groups", {}), each))
    # Data by reference is in no lock.
    stored = {
        key: dict(entry)
        for key, entry in tool.get("data", {}).items()
        if entry.get("url") or entry.get("store")
    }
    for entry in stored.values():
        if entry.get("digest", "").startswith("sha256:"):
            entry["sha256"] = entry.pop("digest")[7:]
    kept = ("sha256", "digest", "url", "path", "size")
    data = {
        key: {part: entry[part] for part in kept if entry.get(part, "") != ""}
        for key, entry in stored.items()
    }
    for key, entry in stored.items():
        if entry.get("optional"):
            data[key]["optional"] = True
    asked = {
        "record-urls": tool.get("record-urls", True),
        "requires-python": project.get("requires-python", ""),
        "base": {
            "source": base.get("source", "debian"),
            "suite": base.get("suite", "bookworm"),
            "packages": sorted(set(base.get("packages", []))),
        },
        "overrides": tool.get("overrides", {}),
        "wheels": {
            "requirements": sorted(wanted),
            "no-binary": sorted(set(map(name, wheels.get("no-binary", [])))),
        },
        "data": data,
    }
    if wheels.get("as-of"):
        asked["wheels"]["as-of"] = wheels["as-of"]
    if tool.get("numerics", {}).get("profile") == "portable":
        asked["base"]["for-profile"] = ["gcc"]
    return asked


def settled(asked, answered, elsewhere):
    """Both questions without what makes no lock an old one, or what can't be said here."""
    asked, answered = json.loads(json.dumps(asked)), json.loads(json.dumps(answered))
    mine, theirs = asked["base"], answered.get("base", {})
    # The portable profile's compiler may be there without being asked for, and either way.
    profile, beside = mine.pop("for-profile", []), theirs.pop("for-profile", [])
    have = {*theirs.get("packages", []), *beside}
    free = {*profile, *beside} & have
    mine["packages"] = sorted({*mine["packages"], *profile} - free)
    theirs["packages"] = sorted(have - free)
    if elsewhere:
        kept = {key: asked["wheels"].get(key) for key in ("as-of",)}
        said = answered.get("wheels", {})
        asked["wheels"], answered["wheels"] = kept, {key: said.get(key) for key in kept}
    return asked, answered


text, lock = read("text"), json.loads(read("lock"))
wrong = []
answered = dict(lock["question"])
stated = answered.pop("digest", "")
spelled = json.dumps(answered, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
if digest(spelled + "\n") != stated:
    wrong.append("its question is not as it was written")
start = text.find("\n\n[[artefact]]")
if digest(text[start + 1 : -1] if start >= 0 else "") != lock.get("digest"):
    wrong.append("its artefacts are not as they were written")
asked, answered = settled(
    question(json.loads(read("project"))), answered, os.environ.get("elsewhere")
)
for key in sorted(asked.keys() | answered.keys()):
    if asked.get(key) != answered.get(key):
        said = "nixrepro.lock answers %s, pyproject.toml asks for %s"
        wrong.append("%s: %s" % (key, said % (answered.get(key), asked.get(key))))
if wrong:
    lines = "".join("nixrepro: nixrepro.lock: %s\n" % each for each in wrong)
    raise SystemExit(lines + "nixrepro: run `nixrepro lock`")
with open(os.environ["out"], "w") as stream:
    stream.write("%d artefacts answer the configuration\n" % len(lock.get("artefact", [])))
