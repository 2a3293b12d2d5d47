"""Says a record as text, layer by layer, for a person to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nixrepro.runtime.record import LAYERS
from nixrepro.runtime.wording import figure, headline

WIDTH = 13
# Named first among a layer's packages: what a reader looks for when numbers differ.
TELLING = (
    "libc6", "python3", "gcc", "openssl", "tensorflow", "tensorflow-cpu", "keras", "tf-keras",
    "numpy", "scikit-learn", "nvidia-cudnn-cu12", "nvidia-cublas-cu12",
)  # fmt: skip


def lines(document: dict[str, Any], shared: bool | None = None) -> list[str]:
    """The record, one fact a line, each under its layer.

    Args:
        document: the record.
        shared: whether a remote has its commit; None where that can't be told.
    """
    parts: list[tuple[str, Iterable[str]]] = [
        ("run", _run(document)),
        ("environment", _environment(document)),
    ]
    for layer in LAYERS:
        say = _SAY.get(layer, _packages)
        facts: Iterable[str] = say(document["layers"].get(layer, []))
        if layer == "code" and shared is False:
            facts = [*facts, "no remote-tracking branch has this commit: it may be here alone"]
        parts.append((layer, facts))
    parts += [
        ("result", _result(document.get("result", {}))),
        ("fingerprint", _pairs(document.get("fingerprint", {}))),
        ("probe", _probe(document.get("probe", {}), document.get("id", ""))),
        ("trackers", _trackers(document.get("trackers", []))),
        ("files", _files(document.get("files", {}))),
    ]
    found = []
    for head, said in parts:
        for place, fact in enumerate(said):
            found.append(f"{head if place == 0 else '':<{WIDTH}}{fact}")
    return found


def known(value: Any) -> str:
    """A value's text; what is unknown says why."""
    if isinstance(value, dict) and set(value) == {"unknown"}:
        return f"unknown: {value['unknown']}"
    return figure(value)


def _run(document: dict[str, Any]) -> Iterator[str]:
    yield document["id"]
    yield headline(document)
    yield f"started {document['started']}"
    if document.get("repeats"):
        yield f"repeats {document['repeats'][:12]}"
    if document.get("relaunches"):
        from nixrepro.relaunch.changes import said

        yield f"relaunches {str(document['relaunches'])[:12]}"
        changed = document.get("changed")
        for line in said(changed if isinstance(changed, dict) else {}):
            yield f"  changed {line}"
    if document["exit"].get("reason"):
        yield document["exit"]["reason"]
    if document["exit"].get("received"):
        yield f"received {', '.join(document['exit']['received'])}"
    timings = document["timings"]
    if timings:
        yield (
            f"processor {timings['user']:.1f} s in the program, {timings['system']:.1f} s in the "
            f"kernel; at most {size(timings['peak-memory'])}; "
            f"recording {timings['recording']:.3f} s"
        )
    yield f"experiment {document['experiment']}"


def _environment(document: dict[str, Any]) -> Iterator[str]:
    root = document["environment"]
    total = sum(entry.get("narSize", 0) for entry in document["closure"])
    yield root["path"]
    yield f"closure {root['digest']}: {len(document['closure'])} store paths, {size(total)}"
    yield f"lock {root['lock']}"


def _hardware(facts: dict[str, Any]) -> Iterator[str]:
    cpu = facts["cpu"]
    yield f"{known(cpu['model'])}, {known(cpu['vendor'])}, {cpu['architecture']}"
    cores = cpu["cores"]
    yield f"processors {known(cores['online'])}, {cores['usable']} of them usable"
    yield f"microcode {known(cpu['microcode'])}"
    if isinstance(cpu["caches"], list):
        yield "caches " + ", ".join(
            f"L{cache['level']} {cache['type'].lower()} {cache['size']}" for cache in cpu["caches"]
        )
    flags = cpu["flags"] if isinstance(cpu["flags"], list) else []
    vectors = [flag for flag in flags if flag.startswith(("avx", "fma", "amx"))]
    yield "vector instructions " + (" ".join(vectors) or "none named")
    yield (
        f"memory {size(facts['memory'])}" if isinstance(facts["memory"], int) else "memory unknown"
    )
    kernel = facts["kernel"]
    yield f"kernel {kernel['name']} {kernel['release']}"
    yield f"hypervisor {known(facts['hypervisor'])}"
    devices = facts["gpu"]["devices"]
    named = [f"{each['vendor']} {each['device']}" for each in devices if isinstance(each, dict)]
    yield f"GPU {', '.join(named) or 'none'}; driver {known(facts['gpu']['driver'])}"


def _packages(packages: list[dict[str, Any]]) -> Iterator[str]:
    if not packages:
        yield "none"
        return
    telling = [each for each in packages if each["name"] in TELLING]
    some = ", ".join(f"{each['name']} {each['version']}" for each in telling)
    yield f"{len(packages)} packages" + (f": {some}" if some else "")


def _data(entries: list[dict[str, Any]]) -> Iterator[str]:
    if not entries:
        yield "none"
    stages = [entry for entry in entries if str(entry.get("dvc", "")).endswith("dvc.lock")]
    if stages:
        yield f"dvc.lock names {len(stages)} paths (--json has them)"
    for entry in (each for each in entries if each not in stages):
        how = "pinned" if entry.get("pinned", True) else "from the network, not pinned"
        if "digest" in entry and "kind" in entry:
            yield f"{entry['name']} {_referred(entry)}"
        else:
            yield f"{entry['name']} sha256 {known(entry['sha256'])}, {how}"


def _referred(entry: dict[str, Any]) -> str:
    """What was found of data by reference, or what DVC says of it."""
    said = known(entry["digest"])
    if "files" in entry and "size" in entry:
        said += f" ({entry['files']:,} files, {size(entry['size'])})"
    if not entry.get("pinned", True):
        return f"{said}, as {entry.get('dvc', 'DVC')} says; {entry.get('copy', 'not looked at')}"
    if entry.get("pin") == entry["digest"]:
        return f"{said}, as pinned"
    return f"{said}, pinned is {entry.get('pin') or 'nothing'}"


def _code(facts: dict[str, Any]) -> Iterator[str]:
    if "commit" not in facts:
        yield known(facts)
        return
    yield f"commit {known(facts['commit'])}"
    for name in ("describe", "remote"):
        if name in facts:
            yield f"{name} {known(facts[name])}"
    yield f"tree {known(facts['tree'])}"
    patch = facts.get("patch")
    if patch:
        what = f"{patch['file']} ({size(patch['size'])})" if "file" in patch else known(patch)
        yield f"uncommitted changes: {what}"
    for entry in facts["large"]:
        told = f"({size(entry['size'])}) sha256 {known(entry['sha256'])}"
        yield f"by digest alone {entry['path']} {told}"
    for entry in facts.get("submodules", []):
        yield f"submodule {entry['path']} at {known(entry['commit'])}{_submodule(entry)}"
    for path in facts.get("lfs", []):
        yield f"{path} was only the pointer of a file in Git LFS"


def _submodule(entry: dict[str, Any]) -> str:
    if entry.get("missing"):
        return ", which was not there"
    if not entry["dirty"]:
        return ""
    patch = entry.get("patch", {})
    what = f": {patch['file']} ({size(patch['size'])})" if "file" in patch else ""
    return f", tree {known(entry['tree'])} with uncommitted changes{what}"


def _settings(facts: dict[str, Any]) -> Iterator[str]:
    yield "command " + " ".join(facts["command"])
    yield f"seed {facts['seed']}, deterministic {'yes' if facts['deterministic'] else 'no'}"
    yield from _numerics(facts.get("numerics", {}))
    for name, value in sorted(facts["variables"].items()):
        yield f"{name}={value}"
    if facts["passed"]:
        yield "passed from the host: " + ", ".join(sorted(facts["passed"]))


def _numerics(facts: dict[str, Any]) -> Iterator[str]:
    named = [str(facts[name]) for name in ("profile", "cpu") if facts.get(name)]
    if facts.get("threads"):
        named.append(f"{facts['threads']} threads")
    if facts.get("table"):
        named.append(f"the CPU's table {known(facts['table'])[:12]}")
    if named:
        yield "numerics " + ", ".join(named)
    if facts.get("weaker"):
        yield f"weaker than a virtual CPU: {facts['weaker']}; by variables instead:"
        for name, value in sorted(facts.get("variables", {}).items()):
            yield f"  {name}={value}"


def _result(result: dict[str, Any]) -> Iterator[str]:
    for place, fit in enumerate(result.get("fits", []), 1):
        yield f"fit {place} of {fit.get('class', 'model')} {fit.get('name', '')}".rstrip()
        for epoch, metrics in enumerate(fit["epochs"], 1):
            yield f"  epoch {epoch}: {_metrics(metrics)}"
        if fit.get("error"):
            yield f"  ended by {fit['error']}"
        if "weights" in fit:
            yield f"  weights {known(fit['weights'])}"
    for entry in result.get("evaluations", []):
        yield f"evaluation: {_metrics(entry['metrics'])}"
    for name, entry in result.get("logged", {}).items():
        yield f"logged {name} {entry['count']} times, last {figure(entry['last'])}"
    for entry in result.get("seeded", []):
        sure = ", op determinism" if entry.get("op_determinism") else ""
        yield f"seeded {entry['what']} {entry['seed']}{sure}"
    for entry in result.get("data-differs", []):
        yield f"data {entry['name']}: the program expected {entry['kind']} {entry['expected']}"
    for entry in result.get("problems", []):
        yield f"problem with {entry['where']}: {entry['message']}"


def _probe(probe: dict[str, Any], run: str) -> Iterator[str]:
    if "functions" in probe:
        count = len(probe["functions"])
        yield f"{probe['digest'][:12]} of {count} functions: `nixrepro probe {run[:12]}`"
    elif probe:
        yield known(probe)


def _trackers(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        place = entry.get("uri") or entry.get("path", "")
        run = entry.get("run", "")
        shown = (entry["kind"], place, "" if place.endswith(run) else run)
        folder = f"in {entry['folder']}" if "folder" in entry else ""
        yield " ".join(filter(None, (*shown, folder)))
        if entry.get("problem"):
            yield f"  does not have all of the record: {entry['problem']}"


def _files(files: dict[str, Any]) -> Iterator[str]:
    for entry in files.values():
        cut = f", {entry['cut']}" if entry.get("cut") else ""
        yield f"{entry['file']} ({size(entry['size'])}) sha256 {entry['sha256']}{cut}"


def _pairs(values: dict[str, Any]) -> Iterator[str]:
    for name, value in sorted(values.items()):
        yield f"{name} {known(value)}"


def _metrics(metrics: dict[str, Any]) -> str:
    return ", ".join(f"{name} {figure(value)}" for name, value in metrics.items())


def size(count: float) -> str:
    """Bytes as a person says them."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:  # noqa: PLR2004
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


_SAY: dict[str, Any] = {
    "hardware": _hardware,
    "data": _data,
    "code": _code,
    "settings": _settings,
}
