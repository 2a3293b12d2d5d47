"""Seeds and hooks, in programs that the supervisor runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import Workshop


def write(site: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# As much of numpy's layout as the hook meets: 1.21 and 2.4 have it alike.
NUMPY = {
    "numpy/__init__.py": "",
    "numpy/random/__init__.py": (
        "from numpy.random import bit_generator\n"
        "import random as _random\n"
        "seeded = []\n"
        "_state = _random.Random()\n"
        "def seed(value): seeded.append(value); _state.seed(str(value))\n"
        "def bytes(count): return _state.getrandbits(8 * count).to_bytes(count, 'big')\n"
        "def rand(): return _state.random()\n"
        "def default_rng(): return bit_generator.entropy()\n"
    ),
    "numpy/random/bit_generator.py": (
        "from secrets import randbits\ndef entropy(): return randbits(128)\n"
    ),
}
TENSORFLOW = {
    "tensorflow/__init__.py": (
        "__version__ = '2.21.0'\n"
        "calls = []\n"
        "class random:\n"
        "    def set_seed(seed): calls.append(('set_seed', seed))\n"
        "class config:\n"
        "    class experimental:\n"
        "        def enable_op_determinism(): calls.append(('determinism',))\n"
    )
}


def twice(workshop: Workshop, code: str) -> list[str]:
    outputs = [workshop.python(code, options=("--quiet",)) for _ in range(2)]
    assert [done.returncode for done in outputs] == [0, 0], outputs[0].stderr
    return [done.stdout for done in outputs]


def test_python_is_seeded_before_the_first_line(workshop: Workshop) -> None:
    first, second = twice(workshop, "import random; print(random.random(), hash('a'))")
    assert first == second
    # random.Random(42).random()
    assert first.startswith("0.6394267984578837 ")
    workshop.settings["seed"] = 43
    assert twice(workshop, "import random; print(random.random(), hash('a'))")[0] != first


def test_random_imported_before_us(workshop: Workshop) -> None:
    code = "import random, nixrepro_runtime.boot; print(random.random())"
    assert workshop.run("python", "-c", code).stdout == "0.6394267984578837\n"


FORKS = """
import os, random
def child(depth):
    print(depth, random.random(), flush=True)
    if depth < 2:
        fork(depth + 1)
    os._exit(0)
def fork(depth):
    pid = os.fork()
    if pid == 0:
        child(depth)
    os.waitpid(pid, 0)
for _ in range(2):
    fork(1)
print(0, random.random(), flush=True)
"""


def test_forked_processes_draw_their_own_numbers_each_time_alike(workshop: Workshop) -> None:
    first, second = twice(workshop, FORKS)
    assert first == second
    drawn = [line.split()[1] for line in first.splitlines()]
    assert len(drawn) == len(set(drawn)) == 5


def test_numpy(workshop: Workshop) -> None:
    write(workshop.site, NUMPY)
    code = (
        "import numpy.random as r, secrets; print(r.seeded, r.default_rng(), r.default_rng())\n"
        "assert secrets.randbits(64) != secrets.randbits(64)\n"
        "print('secret', secrets.randbits(64))"
    )
    first, second = (output.splitlines() for output in twice(workshop, code))
    assert first[0] == second[0] and first[1] != second[1]
    seeds, one, two = first[0].replace("[", "").replace("]", "").split()
    assert seeds == "42" and one != two


NUMPY_FORKS = """
import os, numpy.random as r
def fork():
    pid = os.fork()
    if pid == 0:
        print(r.rand(), r.default_rng(), flush=True)
        os._exit(0)
    os.waitpid(pid, 0)
for given in GIVEN:
    r.seed(given)
    fork()
    fork()
    print(r.rand(), r.default_rng(), flush=True)
"""


@pytest.mark.parametrize("given", ["42, 42", "1, 2"])
def test_numpy_in_forked_processes(workshop: Workshop, given: str) -> None:
    write(workshop.site, NUMPY)
    first, second = twice(workshop, NUMPY_FORKS.replace("GIVEN", given))
    assert first == second
    drawn = [line.split()[0] for line in first.splitlines()]
    # Siblings and parent differ; the parent's numbers are those of the seed alone.
    assert len(drawn) == 6
    assert len(set(drawn)) == (5 if given == "42, 42" else 6)
    assert (drawn[2] == drawn[5]) == (given == "42, 42")


def test_a_seed_of_the_program_counts_in_forked_processes(workshop: Workshop) -> None:
    write(workshop.site, NUMPY)
    one, other = (
        workshop.python(NUMPY_FORKS.replace("GIVEN", given)).stdout.splitlines()[0].split()[0]
        for given in ("[1]", "[2]")
    )
    assert one != other


LOCKED = """
import os, threading, types, numpy.random as r
lock = threading.Lock()
space = types.SimpleNamespace
r.mtrand = space(_rand=space(_bit_generator=space(lock=lock)))
before = len(r.seeded)
lock.acquire()
pid = os.fork()
if pid == 0:
    print(len(r.seeded) - before, flush=True)
    os._exit(0)
print(os.waitpid(pid, 0)[1])
"""


def test_a_generator_that_a_thread_holds_stops_no_fork(workshop: Workshop) -> None:
    write(workshop.site, NUMPY)
    assert workshop.python(LOCKED).stdout.split() == ["0", "0"]


@pytest.mark.parametrize(("seed", "expected"), [(2**32 + 5, 5), (0, 0)])
def test_seeds_beyond_what_numpy_takes(workshop: Workshop, seed: int, expected: int) -> None:
    write(workshop.site, NUMPY)
    workshop.settings["seed"] = seed
    code = "import os, numpy.random as r; print(r.seeded, os.environ['PYTHONHASHSEED'])"
    done = workshop.python(code)
    assert done.stdout == f"[{expected}] {expected}\n"


@pytest.mark.parametrize("deterministic", [True, False])
def test_tensorflow(workshop: Workshop, deterministic: bool) -> None:
    write(workshop.site, TENSORFLOW)
    workshop.settings["deterministic"] = deterministic
    done = workshop.python("import tensorflow as tf; print(tf.calls)")
    expected: list[Any] = [("set_seed", 42), *([("determinism",)] if deterministic else [])]
    assert done.stdout == f"{expected}\n"
    (seeded,) = workshop.record()["result"]["seeded"]
    assert seeded == {
        "what": "tensorflow", "version": "2.21.0", "seed": 42, "op_determinism": deterministic,
    }  # fmt: skip


def test_what_can_not_be_seeded_is_said_and_stops_nothing(workshop: Workshop) -> None:
    write(workshop.site, {"tensorflow/__init__.py": "here = True\n"})
    done = workshop.python("import tensorflow; print(tensorflow.here)")
    assert (done.returncode, done.stdout) == (0, "True\n")
    assert "tensorflow could not be prepared: AttributeError" in done.stderr
    (problem,) = workshop.record()["result"]["problems"]
    assert problem["where"] == "tensorflow"


def test_an_import_that_fails_fails_as_ever(workshop: Workshop) -> None:
    write(workshop.site, {"tensorflow/__init__.py": "raise ImportError('broken wheel')\n"})
    done = workshop.python("import tensorflow")
    assert done.returncode == 1
    assert "ImportError: broken wheel" in done.stderr and "prepared" not in done.stderr
    done = workshop.python("import keras.src.models.model")
    assert "ModuleNotFoundError: No module named 'keras'" in done.stderr


def test_loaders_stay_what_they_are(workshop: Workshop) -> None:
    write(workshop.site, TENSORFLOW)
    code = (
        "import tensorflow, importlib.machinery as m, importlib.resources as r\n"
        "assert type(tensorflow.__loader__) is m.SourceFileLoader\n"
        "print(len(r.files('tensorflow').joinpath('__init__.py').read_text()) > 9)"
    )
    assert workshop.python(code).stdout == "True\n"


def test_outside_of_a_run_nothing_is_done(workshop: Workshop) -> None:
    code = (
        "import sys; before = set(sys.modules); finders = list(sys.meta_path)\n"
        f"sys.path.insert(0, {str(workshop.site)!r})\n"
        "import nixrepro_runtime.boot\n"
        "print(sorted(set(sys.modules) - before), finders == sys.meta_path)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True)
    assert done.stdout.decode() == "['nixrepro_runtime', 'nixrepro_runtime.boot'] True\n"
