"""The environment: distributions verify, scripts run, programs compile, facts are complete."""

from __future__ import annotations

import json
from pathlib import Path

from nixrepro import lock as locks
from nixrepro.nix import Nix, store_path

from .conftest import REPOSITORY, Project, call, checked


def test_every_file_is_as_its_record_says(project: Project) -> None:
    proof = project.build("checks.x86_64-linux.record")
    assert int(proof.read_text().split()[0]) > 10_000


def test_nix_flake_check_passes(project: Project) -> None:
    done = call(["nix", "flake", "check", "--offline", f"path:{project.root}"])
    assert done.status == 0, done.err


def test_it_is_a_virtual_environment_with_one_python(environment: Path, system: Path) -> None:
    program = "import sys; print(sys.prefix, sys.base_prefix, sys.flags.no_user_site)"
    said = checked([environment / "bin/python", "-c", program]).split()
    assert said[:2] == [str(environment), str(system)]


def test_scripts_run_on_the_environments_python(environment: Path) -> None:
    script = environment / "bin/f2py"
    assert script.read_text().splitlines()[0] == f"#!{environment}/bin/python"
    assert "Usage" in checked([script, "-h"]) or "usage" in checked([script, "-h"])


def test_python_from_the_lock(environment: Path) -> None:
    lock = locks.load(REPOSITORY / "nixrepro.lock")
    program = "import platform; print(platform.python_version(), platform.libc_ver()[1])"
    assert checked([environment / "bin/python", "-c", program]) == f"{lock.python} {lock.glibc}"


def test_a_compiled_program_runs_on_the_pinned_libraries(project: Project, tmp_path: Path) -> None:
    source, program = tmp_path / "p.cc", tmp_path / "p"
    source.write_text(
        "#include <cmath>\n#include <gnu/libc-version.h>\n#include <iostream>\n"
        "int main() { std::cout << gnu_get_libc_version() << ' ' << std::erf(0.5); }\n"
    )
    words = ("run", "--no-record", "--", "sh", "-c", f"g++ -O2 {source} -o {program} && {program}")
    done = project.nixrepro(*words)
    lock = locks.load(REPOSITORY / "nixrepro.lock")
    assert done.out == f"{lock.glibc} 0.5205", done.err


def test_facts_name_every_path_of_the_closure_with_its_hash(
    project: Project, environment: Path
) -> None:
    facts = json.loads(project.build("facts").read_text())
    closure = checked(["nix-store", "--query", "--requisites", environment]).split()
    assert [item["path"] for item in facts["closure"]] == sorted(closure)
    hashes = checked(["nix-store", "--query", "--hash", *sorted(closure)]).split()
    assert [item["narHash"] for item in facts["closure"]] == hashes
    assert facts["identity"]["path"] == str(environment)


def test_each_artefact_has_a_store_path_of_its_own_name(project: Project) -> None:
    facts = json.loads(project.build("facts").read_text())
    lock = locks.load(REPOSITORY / "nixrepro.lock")
    names = {item["name"] for layer in ("system", "wheels") for item in facts["layers"][layer]}
    wanted = {a.name for a in lock.artefacts if a.layer in ("system", "wheels") and not a.role}
    assert names == wanted
    for item in facts["layers"]["wheels"]:
        assert f"-{item['name']}-{item['version']}" in item["path"]


def test_the_tool_knows_where_nix_puts_an_artefact(project: Project) -> None:
    lock = locks.load(REPOSITORY / "nixrepro.lock")
    paths = [
        store_path(locks.store_name(a.file), a.sha256) for a in lock.artefacts if not a.optional
    ]
    assert Nix().valid(paths) == set(paths)


def test_nix_develop_sets_what_a_run_gets(project: Project) -> None:
    argv = ["nix", "develop", "--offline", f"path:{project.root}", "-c", "env"]
    done = call(argv)
    assert done.status == 0, done.err
    shell = dict(line.split("=", 1) for line in done.out.splitlines() if "=" in line)
    run = project.nixrepro("run", "--no-record", "--", "env")
    mine = dict(line.split("=", 1) for line in run.out.splitlines() if "=" in line)
    names = ("LANG", "LOCPATH", "TZ", "SSL_CERT_FILE", "PATH", "PYTHONHASHSEED", "NIXREPRO_SEED")
    assert {name: shell[name] for name in names} == {name: mine[name] for name in names}
