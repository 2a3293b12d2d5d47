"""What a base image stands for: a suite with its Python, and what it brings along."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nixrepro.imports import bases

# Their tag begins with the version of the distribution that they bring, and from which of its
# versions on there is a wheel for bookworm's Python.
_BRINGS = {"tensorflow/tensorflow": ("tensorflow", (2, 12)), "pytorch/pytorch": ("torch", (2, 0))}
_CONDA = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba")


@dataclass(frozen=True)
class Image:
    """A suite ("" where none is known), a Python, PEP 508 lines, and what does not fit."""

    suite: str = ""
    python: str = ""
    requirements: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def read(image: str) -> Image:
    """The nearest base for an image such as `python:3.9.7-slim-buster`."""
    if "$" in image:
        return Image(reasons=("its name holds a variable that the file does not set",))
    whole, _, _ = image.partition("@")
    path, _, tag = whole.rpartition(":") if ":" in whole.rpartition("/")[2] else (whole, "", "")
    parts = path.split("/")
    name = parts[-1]
    if "/".join(parts[-2:]) in _BRINGS:
        return _bringing("/".join(parts[-2:]), tag)
    if name == "python":
        return _python(tag)
    suite = bases.of_release(tag)
    if name in ("debian", "ubuntu", "buildpack-deps") or suite:
        return _system(name, tag, suite)
    if name in _CONDA:
        reason = "conda's own packages don't come along: name what is needed of them"
        return Image(reasons=(reason,))
    return Image(reasons=("what it holds is not known here: name its packages in base.packages",))


def _python(tag: str) -> Image:
    version = re.match(r"\d+(\.\d+)*", tag)
    minor = bases.minor(version[0]) if version else ""
    release = _release(tag)
    if not minor:
        suite = bases.of_release(tag) or "trixie"
        return Image(suite, bases.PYTHONS[suite], (), (f"{suite} has {bases.PYTHONS[suite]}",))
    suite, nearest = bases.of_python(minor)
    reasons = [nearest] if nearest else []
    if "alpine" in tag:
        reasons.append(f"Alpine's C library is not that of wheels: {suite} has glibc")
    elif release in bases.PYTHONS and release != suite:
        has = bases.PYTHONS[release]
        reasons.append(f"{release} has Python {has}; {suite}, with {bases.PYTHONS[suite]}, fits")
    elif release and release != suite:
        reasons.append(f"{release} is none of the suites: {suite} has Python {minor}")
    if version and version[0].count(".") > 1 and not nearest:
        reasons.append(f"{suite} has a Python {minor} of its own, which need not be {version[0]}")
    return Image(suite, minor, (), tuple(reasons))


def _system(name: str, tag: str, suite: str) -> Image:
    reasons = []
    if suite and _release(tag) != suite:
        reasons.append(f"{tag or name} is none of the suites: {suite} is the nearest")
    if not suite:
        suite = "trixie"
        reasons.append(f"its tag names no release: {suite} is today's")
    if "cuda" in name:
        reasons.append("CUDA comes with the wheels (nvidia-...)")
    return Image(suite, bases.PYTHONS.get(suite, ""), (), tuple(reasons))


def _bringing(name: str, tag: str) -> Image:
    wheel, since = _BRINGS[name]
    version = re.match(r"(\d+)\.(\d+)(\.\d+)*", tag)
    if version is None:
        return Image(requirements=(wheel,), reasons=(f"its tag names no version of {wheel}",))
    suite = "bookworm" if (int(version[1]), int(version[2])) >= since else "bullseye"
    python = bases.PYTHONS[suite]
    reason = f"{wheel} {version[0]} as a wheel; {suite} has a Python ({python}) that it fits"
    return Image(suite, python, (f"{wheel}=={version[0]}",), (reason,))


def _release(tag: str) -> str:
    """The release that a tag names, in its own word; "" where it names none."""
    for word in re.split(r"[^A-Za-z0-9.]+", tag.lower()):
        if bases.of_release(word):
            return {"11": "bullseye", "12": "bookworm", "13": "trixie"}.get(word, word)
    return ""
