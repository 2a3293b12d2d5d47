"""Measures nixrepro beside its peers and prints one table; `make bench` runs it.

Everything is made in a folder of its own below TMPDIR (/var/tmp) and removed at the end.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import datasets
import diffs
import exchange
import local
import measure
import ours
import peers
import steps as stepping
import verify
import virtual
from table import Row, Table, machine
from uv import find_uv_bin

from nixrepro import config as configs
from nixrepro import lock as locks

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Bench:
    """What all parts share."""

    folder: Path
    config: configs.Config
    lock: locks.Lock
    closure: ours.Closure
    table: Table
    times: int

    def __post_init__(self) -> None:
        self._files: Path | None = None

    @property
    def files(self) -> Path:
        """The artefacts as local files, copied when they are first needed."""
        if self._files is None:
            say("copying the artefacts out of the store")
            self._files = local.gather(self.lock, self.folder)
        return self._files

    @property
    def peers(self) -> peers.Peers:
        """The peers, for this lock."""
        return peers.Peers(self.config, self.lock, self.files, self.folder)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def realise(bench: Bench) -> None:
    """An environment from local files, then a second one that shares all but one wheel."""
    peer = bench.peers
    peer.check()
    say("a Debian archive of local files for mmdebstrap")
    line = local.archive(bench.config, bench.folder)
    project = ours.copy_project(ROOT, bench.folder / "project")
    store = ours.Store(bench.folder / "store", project, bench.files)
    say("nixrepro: an empty store")
    own = store.fetch() + store.build()
    say("mmdebstrap")
    system = peer.system(line)
    say("pip install")
    venv = peer.venv("pip")
    pip = system + peer.pip(venv)
    say("uv pip install")
    uv = system + peer.uv(peer.venv("uv"), bench.folder / "uv-cache")
    realised = "environment realised from local files"
    rows = [
        Row(realised, own.seconds, "mmdebstrap + pip install", pip.seconds, most_ratio=0.35),
        Row(realised, own.seconds, "mmdebstrap + uv pip install", uv.seconds, most_ratio=0.6),
    ]
    say("a second environment, one wheel exchanged")
    wheel = bench.files / ours.smallest_wheel(bench.lock)
    changed, kept = bench.folder / "changed", bench.folder / "kept"
    changed.mkdir()
    exchange.exchange(project, bench.files, wheel.name, changed)
    # In the same folder: uv's cache knows a file by its path.
    wheel.rename(kept)
    shutil.move(changed / wheel.name, wheel)
    second = store.fetch() + store.build()
    again = peer.uv(peer.venv("uv-second"), bench.folder / "uv-cache")
    kept.replace(wheel)
    what = "second environment, all but one wheel shared"
    rows.append(Row(what, second.seconds, "uv pip install, its cache full", again.seconds, most=3))
    bench.table.rows += rows
    store.remove()


def start(bench: Bench) -> None:
    """A warm start."""
    say("warm starts")
    run = lambda: measure.run(["nixrepro", "run", "--", "true"], cwd=ROOT)  # noqa: E731
    # As it is typed, Nix looks for a bash in nixpkgs first, which takes long where no network is.
    for times, options in ((3, []), (max(bench.times, 9), ["--offline"])):
        words = ["nix", "develop", *options, "-c", "true"]
        own, theirs = measure.alternately(
            times, run, lambda words=words: measure.run(words, cwd=ROOT)
        )
        figures = (1000 * own.seconds, " ".join(words), 1000 * theirs.seconds)
        what = "warm start: nixrepro run -- true"
        bench.table.rows.append(Row(what, *figures, unit="ms", most=150, most_ratio=0.5))


def lock(bench: Bench) -> None:
    """A lock from nothing, and the check of one, beside uv's (which locks the wheels alone)."""
    say("lock, lock --check (asks the configured servers)")
    project = ours.copy_project(ROOT, bench.folder / "lock")
    (project / locks.FILE).unlink()
    own = measure.run(["nixrepro", "lock"], cwd=project)
    wanted = ",\n".join(f'  "{line}"' for line in bench.config.wheels.requirements)
    version = ".".join(bench.lock.python.split(".")[:2])
    other = bench.folder / "uv-project"
    other.mkdir()
    (other / "pyproject.toml").write_text(
        f'[project]\nname = "peer"\nversion = "0"\nrequires-python = "=={version}.*"\n'
        f"dependencies = [\n{wanted}\n]\n"
    )
    uv = {"UV_CACHE_DIR": str(bench.folder / "uv-lock-cache")}
    theirs = measure.run([find_uv_bin(), "lock"], cwd=other, env=uv)
    bench.table.rows.append(
        Row("lock, from nothing, both layers", own.seconds, "uv lock, the wheels", theirs.seconds)
    )
    check, uv_check = measure.alternately(
        bench.times,
        lambda: measure.run(["nixrepro", "lock", "--check"], cwd=ROOT),
        lambda: measure.run([find_uv_bin(), "lock", "--check", "--offline"], cwd=other, env=uv),
    )
    figures = (1000 * check.seconds, "uv lock --check", 1000 * uv_check.seconds)
    bench.table.rows.append(Row("lock --check", *figures, unit="ms", most=200))


def imported(bench: Bench) -> None:
    """A new process that imports TensorFlow."""
    peer = bench.peers
    peer.check()
    say("import tensorflow")
    venv = bench.folder / "pip"
    if not venv.exists():
        peer.venv("pip")
        peer.pip(venv)
    program = ["-c", "import tensorflow"]
    own, theirs = measure.alternately(
        bench.times,
        lambda: measure.run([bench.closure.environment / "bin/python", *program]),
        lambda: measure.run([venv / "bin/python", *program]),
    )
    figures = (own.seconds, "a virtual environment", theirs.seconds)
    bench.table.rows.append(Row("import tensorflow", *figures, most_ratio=1))


def record(bench: Bench) -> None:
    """The project's training with a record and without."""
    say("training with a record and without")
    built = bench.closure
    project = bench.folder / "training"
    shutil.copytree(ROOT / "train", project / "train")
    launch: list[measure.Word] = [built.environment / "bin/python"]
    launch += ["-I", "-m", "nixrepro_runtime.launch", "--environment", built.facts]
    launch += ["--settings", built.settings, "--project", project]
    command = ["--", *bench.config.train.command]
    own, theirs = measure.alternately(
        2 * bench.times - 1,  # the goal is a small part: more readings
        lambda: measure.run([*launch, *command], cwd=project),
        lambda: measure.run([*launch, "--no-record", *command], cwd=project),
    )
    figures = (own.seconds, "the same, not recorded", theirs.seconds)
    bench.table.rows.append(Row("training, recorded", *figures, most_ratio=1.02))


def steps(bench: Bench) -> None:
    """Digests after every training step, for the example and for its network on larger images."""
    built = bench.closure
    project = bench.folder / "steps"
    project.mkdir()
    launch: list[measure.Word] = [built.environment / "bin/python"]
    launch += ["-I", "-m", "nixrepro_runtime.launch", "--environment", built.facts]
    launch += ["--settings", built.settings, "--project", project]
    for size, most in ((8, 1.05), (28, None)):
        say(f"training steps with digests and without, {size}x{size}")
        own, theirs = stepping.compare(launch, ROOT / "train", project, size, bench.times)
        what = f"training step with digests, {size}x{size}"
        figures = (1e6 * own, "the same without", 1e6 * theirs)
        bench.table.rows.append(Row(what, *figures, unit="µs", most_ratio=most))


def diff(bench: Bench) -> None:
    """Two made-up closures, and two store paths beside Nix's own comparison."""
    say("diff")
    own = measure.median(bench.times, diffs.compared)
    what = f"comparing {diffs.PATHS} store paths with as many"
    bench.table.rows.append(Row(what, own.seconds, most=1))
    environment = bench.closure.environment
    own, theirs = measure.alternately(
        bench.times,
        lambda: measure.run(["nixrepro", "diff", environment, environment], cwd=ROOT),
        lambda: measure.run(["nix", "store", "diff-closures", environment, environment]),
    )
    figures = (own.seconds, "nix store diff-closures", theirs.seconds)
    bench.table.rows.append(Row("diff of a store path with itself", *figures))


def memory(bench: Bench) -> None:
    """The peak memory of fetching everything, beside pip's for the wheels alone."""
    say("memory of fetch")
    store = ours.Store(bench.folder / "memory-store", ROOT, bench.files)
    own = store.fetch()
    store.remove()
    words: list[measure.Word] = [sys.executable, "-m", "pip", "download", "--no-cache-dir"]
    words += [
        "--no-index",
        "--no-deps",
        "--find-links",
        bench.files,
        "--dest",
        bench.folder / "downloaded",
    ]
    theirs = measure.run([*words, *bench.peers.pins])
    figures = (own.mebibytes, "pip download, the wheels", theirs.mebibytes)
    what = f"peak memory of fetch ({total(bench.lock)})"
    bench.table.rows.append(Row(what, *figures, unit="MiB", most=200))


def closure(bench: Bench) -> None:
    """The check of every byte of the closure."""
    say("verify, the closure")
    bench.table.rows.append(verify.closure(ROOT, bench.closure, bench.times))


def vcpu(bench: Bench) -> None:
    """The virtual CPU at a start, and over a training of some twenty seconds."""
    found = virtual.Virtual(
        program=ours.built(ROOT, "vcpu") / "bin/vcpu", sites=ours.built(ROOT, "sites")
    )
    environment = bench.closure.environment
    say("starts on a virtual CPU")
    system = ours.built(ROOT, "system")
    bench.table.rows.append(virtual.starts(found, system / "bin/true"))
    say("trainings on a virtual CPU")
    python, train = environment / "bin/python", ROOT / "train"
    bench.table.rows += virtual.trainings(found, python, train, bench.folder, bench.times)


def probe(bench: Bench) -> None:
    """The fingerprint of the arithmetic, taken anew, and a run whose probe is kept."""
    say("probe")
    own = measure.median(3, lambda: measure.run(["nixrepro", "probe", "--again"], cwd=ROOT))
    bench.table.rows.append(Row("probe, taken anew", own.seconds))
    run = lambda env: measure.run(["nixrepro", "run", "--", "true"], cwd=ROOT, env=env)  # noqa: E731
    with_it, without = measure.alternately(
        25, lambda: run({}), lambda: run({"NIXREPRO_PROBE": "no"})
    )
    figures = (1000 * with_it.seconds, "the same without a probe", 1000 * without.seconds)
    bench.table.rows.append(Row("warm start, its probe kept", *figures, unit="ms"))


def data(bench: Bench) -> None:
    """Data by reference: first digests, and a look at it again."""
    say("data by reference")
    python = bench.closure.environment / "bin/python"
    bench.table.rows += datasets.rows(python, bench.folder / "data", min(bench.times, 3))


def total(lock: locks.Lock) -> str:
    """How much a lock's artefacts are."""
    sizes = [item.size for item in lock.artefacts if not item.optional]
    return f"{len(sizes)} files, {sum(sizes) / 2**20:.0f} MiB"


PARTS: dict[str, Callable[[Bench], None]] = {
    "realise": realise,
    "start": start,
    "lock": lock,
    "import": imported,
    "record": record,
    "steps": steps,
    "diff": diff,
    "memory": memory,
    "verify": closure,
    "vcpu": vcpu,
    "probe": probe,
    "data": data,
}


def main() -> int:
    """Measure, print the table, and exit with 1 where a goal was missed or a part failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone")
    parser.add_argument("--times", type=int, default=5, help="readings of a figure (5)")
    arguments = parser.parse_args()
    # Outside the checkout: a flake inside a git working tree sees only what git tracks.
    scratch = os.environ.get("TMPDIR", "/var/tmp")
    table = Table()
    with tempfile.TemporaryDirectory(
        prefix="nixrepro-bench-", dir=scratch, ignore_cleanup_errors=True
    ) as name:
        say("the environment, in the machine's store")
        try:
            bench = Bench(
                folder=Path(name),
                config=configs.load(ROOT),
                lock=locks.load(ROOT / locks.FILE),
                closure=ours.closure(ROOT),
                table=table,
                times=arguments.times,
            )
        except measure.Failed as error:
            say(str(error))
            return 1
        for part in arguments.only or PARTS:
            try:
                PARTS[part](bench)
            except measure.Failed as error:
                table.missing.append((part, str(error)))
    nix = measure.run(["nix", "--version"]).output.split()[-1]
    print(f"Read on {machine([f'Nix {nix}', f'Python {bench.lock.python} in the closure'])}\n")
    print(table.text())
    bad = table.missing or any(row.reached == "no" for row in table.rows)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
