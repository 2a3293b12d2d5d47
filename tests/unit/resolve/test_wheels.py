"""The wheels layer, resolved by the real uv from a package index on this machine."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from nixrepro import process
from nixrepro.config import Base, Config, Settings, Train, Wheels
from nixrepro.errors import FetchError, ResolveError
from nixrepro.http import Http
from nixrepro.imports import Pin
from nixrepro.lock import Artefact, Lock, dumps, parse
from nixrepro.registries.python import Registries
from nixrepro.resolve.files import measure
from nixrepro.resolve.pins import Pins
from nixrepro.resolve.pylock import File
from nixrepro.resolve.wheels import resolve_wheels
from nixrepro.uv import Target, Uv


class Index:
    """A package index whose distributions are made as they are named."""

    def __init__(self, server) -> None:
        self.server = server
        self.pages: dict[str, list[dict[str, object]]] = {}

    def wheel(
        self, name: str, version: str, *needs: str, day: str = "2024-01-01", tag="py3-none-any"
    ):
        out = io.BytesIO()
        info = f"{name}-{version}.dist-info"
        lines = [f"Requires-Dist: {need}" for need in needs]
        meta = "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines])
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(f"{info}/METADATA", meta + "\n")
            archive.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
            archive.writestr(f"{info}/RECORD", "")
        self._add(name, f"{name}-{version}-{tag}.whl", out.getvalue(), day)

    def sdist(self, name: str, version: str, pyproject: str, day: str = "2024-01-01") -> None:
        out = io.BytesIO()
        info = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n"
        with tarfile.open(fileobj=out, mode="w:gz") as archive:
            for path, text in (("PKG-INFO", info), ("pyproject.toml", pyproject)):
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text.encode()))
        self._add(name, f"{name}-{version}.tar.gz", out.getvalue(), day)

    def _add(self, name: str, file: str, body: bytes, day: str) -> None:
        self.server.files[f"/files/{file}"] = body
        self.pages.setdefault(name, []).append(
            {
                "filename": file,
                "url": f"{self.server.url}/files/{file}",
                "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
                "size": len(body),
                "upload-time": f"{day}T12:00:00Z",
                "yanked": False,
            }
        )
        page = {"meta": {"api-version": "1.1"}, "name": name, "files": self.pages[name]}
        self.server.files[f"/simple/{name}/"] = json.dumps(page).encode()
        self.server.types[f"/simple/{name}/"] = "application/vnd.pypi.simple.v1+json"


@pytest.fixture
def index(server) -> Index:
    return Index(server)


@pytest.fixture
def resolve(server, tmp_path: Path, monkeypatch):
    """Resolves requirements; keywords of the configuration's wheels and of the resolution."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    registries = Registries(
        (f"{server.url}/simple",), (), ("--default-index", f"{server.url}/simple")
    )

    def go(
        *requirements,
        no_binary=(),
        python="3.11.2",
        glibc="2.36",
        requires=">=3.9",
        stated=None,
        **fields,
    ):
        config = Config(
            root=tmp_path,
            name="project",
            requires_python=requires,
            base=Base(),
            wheels=Wheels(requirements=requirements, no_binary=no_binary, **(stated or {})),
            overrides=(),
            train=Train(),
            settings=Settings(),
            data=(),
            record_urls=fields.pop("record_urls", True),
        )
        http = Http(sleep=lambda _: None)
        return resolve_wheels(
            config, python=python, glibc=glibc, registries=registries, http=http, **fields
        )

    return go


def versions(artefacts) -> dict[str, str]:
    return {each.name: each.version for each in artefacts}


def lock_of(artefacts: tuple[Artefact, ...]) -> Lock:
    return Lock("3.11.2", "2.36", {}, artefacts)


def test_an_answer_is_whole_and_a_lock_may_hold_it(index, resolve, server):
    index.wheel("model", "1.0", "array>=2", "helper; sys_platform == 'win32'")
    index.wheel("array", "2.1", tag="cp311-cp311-manylinux_2_17_x86_64")
    array, model = found = resolve("Model")
    body = server.files["/files/array-2.1-cp311-cp311-manylinux_2_17_x86_64.whl"]
    assert array == Artefact(
        layer="wheels",
        name="array",
        version="2.1",
        kind="wheel",
        role="",
        file="array-2.1-cp311-cp311-manylinux_2_17_x86_64.whl",
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        archive="",
        location="",
        url=f"{server.url}/files/array-2.1-cp311-cp311-manylinux_2_17_x86_64.whl",
    )
    assert model.dependencies == ("array",)
    assert parse(dumps(lock_of(found))).artefacts == found


def test_urls_are_left_out_where_they_are_not_to_be_recorded(index, resolve):
    index.wheel("model", "1.0")
    assert resolve("model", record_urls=False)[0].url == ""


def test_the_same_question_has_the_same_answer(index, resolve):
    index.wheel("model", "1.0", "array")
    index.wheel("array", "2.1")
    assert resolve("model", "array") == resolve("array", "model")


def test_nothing_asked_is_nothing_found(resolve, server):
    assert resolve() == ()
    assert server.asked == []


def test_locked_versions_stay_until_they_are_to_move(index, resolve):
    index.wheel("model", "1.0", "array")
    index.wheel("array", "1.0")
    old = lock_of(resolve("model"))
    index.wheel("model", "2.0", "array")
    index.wheel("array", "2.0")
    assert versions(resolve("model", keep=old)) == {"model": "1.0", "array": "1.0"}
    moved = resolve("model", keep=old, upgrade=frozenset({"Array"}))
    assert versions(moved) == {"model": "1.0", "array": "2.0"}
    assert versions(resolve("model", keep=old, upgrade=frozenset())) == {
        "model": "2.0",
        "array": "2.0",
    }
    assert versions(resolve("model>=2", keep=old)) == {"model": "2.0", "array": "1.0"}


def test_what_is_kept_never_makes_a_lock_fail(index, server, tmp_path, monkeypatch):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    index.wheel("model", "1.0")

    def run(argv, **others):
        # uv has been seen to find no answer with the versions of another Python before it.
        if "--output-file" in argv and Path(argv[argv.index("--output-file") + 1]).exists():
            return process.Completed(1, b"", "No solution found when resolving dependencies")
        return process.run(argv, **others)

    uv = Uv(tmp_path, ("--default-index", f"{server.url}/simple"), runner=run)
    target = Target("3.13.5", "x86_64-manylinux_2_36")
    assert '"1.0"' in uv.resolve(["model"], target, prefer={"model": "0.9"}).pylock
    with pytest.raises(ResolveError):
        uv.resolve(["model>1"], target, prefer={"model": "0.9"})


def test_as_of_takes_nothing_published_later_than_that_day(index, resolve):
    index.wheel("model", "1.0", day="2022-02-27")
    index.wheel("model", "2.0", day="2022-03-01")
    index.wheel("model", "3.0", day="2022-03-02")
    assert versions(resolve("model", as_of=date(2022, 2, 28))) == {"model": "1.0"}
    assert versions(resolve("model", as_of=date(2022, 3, 1))) == {"model": "2.0"}
    assert versions(resolve("model")) == {"model": "3.0"}


def test_a_day_of_the_configuration_counts_and_the_earlier_of_two(index, resolve):
    index.wheel("model", "1.0", day="2022-02-27")
    index.wheel("model", "2.0", day="2022-03-01")
    index.wheel("model", "3.0", day="2022-03-02")
    stated = {"as_of": "2022-03-01"}
    assert versions(resolve("model", stated=stated)) == {"model": "2.0"}
    later, earlier = date(2022, 3, 2), date(2022, 2, 28)
    assert versions(resolve("model", stated=stated, as_of=later)) == {"model": "2.0"}
    assert versions(resolve("model", stated=stated, as_of=earlier)) == {"model": "1.0"}


def test_pins_and_constraints_limit_what_others_need_too(index, resolve):
    index.wheel("model", "1.0", "array", "helper")
    for version in ("1.0", "2.0", "3.0"):
        index.wheel("array", version)
        index.wheel("helper", version)
        index.wheel("stranger", version)
    stated = {
        "pins": (
            Pin("array", "2", marker='python_version < "3.12"'),
            Pin("array", "3.0", marker='python_version >= "3.12"'),
            Pin("stranger", "1.0"),
        ),
        "constraints": ("helper<3",),
    }
    assert versions(resolve("model", stated=stated)) == {
        "model": "1.0",
        "array": "2.0",
        "helper": "2.0",
    }
    newer = resolve("model", stated=stated, python="3.13.5")
    assert versions(newer)["array"] == "3.0"


def test_a_pin_that_can_not_be_met_is_explained(index, resolve):
    index.wheel("model", "1.0", "array>1")
    index.wheel("array", "1.0")
    index.wheel("array", "2.0")
    with pytest.raises(ResolveError) as caught:
        resolve("model", stated={"pins": (Pin("array", "1.0"),), "source": "poetry.lock"})
    assert "array==1.0" in caught.value.details
    assert "poetry.lock" in caught.value.hint


def test_of_several_files_one_with_a_pinned_hash_is_taken(index, resolve, server):
    index.wheel("model", "1.0")
    index.wheel("model", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    (best,) = resolve("model")
    assert "cp311" in best.file
    body = server.files["/files/model-1.0-py3-none-any.whl"]
    pin = Pin("model", "1", hashes=(hashlib.sha256(body).hexdigest(),))
    (found,) = resolve("model", stated={"pins": (pin,)})
    assert found.file == "model-1.0-py3-none-any.whl"
    with pytest.raises(ResolveError, match="no file that may be used"):
        resolve("model", stated={"pins": (replace(pin, hashes=("ab" * 32,)),)})


def test_a_file_whose_hash_no_index_says_is_checked_when_it_is_seen(index, resolve):
    index.wheel("model", "1.0")
    (found,) = resolve("model")
    pin = Pin("model", "1", hashes=(found.sha256,))
    assert Pins((pin,)).checked(found) == found
    wrong = Pins((replace(pin, hashes=("ab" * 32,)),), source="requirements.txt")
    with pytest.raises(ResolveError, match=r"model-1\.0.*none of those that requirements\.txt"):
        wrong.checked(found)
    assert Pins((replace(pin, version="2", hashes=("ab" * 32,)),)).checked(found) == found


def test_a_build_with_a_label_of_its_own_has_to_have_the_hash_too(index, resolve, server):
    index.wheel("model", "1.0+cpu")
    body = server.files["/files/model-1.0+cpu-py3-none-any.whl"]
    pin = Pin("model", "1.0", hashes=(hashlib.sha256(body).hexdigest(),))
    (found,) = resolve("model", stated={"pins": (pin,)})
    assert found.version == "1.0+cpu"
    with pytest.raises(ResolveError, match="hashes that are pinned"):
        resolve("model", stated={"pins": (replace(pin, hashes=("ab" * 32,)),)})


@pytest.mark.parametrize("record_urls", [True, False])
def test_what_is_asked_for_by_url_is_locked_with_it(index, resolve, server, record_urls):
    index.wheel("model", "1.0", "array")
    index.wheel("array", "1.0")
    index.wheel("array", "2.0")
    url = f"{server.url}/files/array-1.0-py3-none-any.whl"
    array, model = resolve(f"array @ {url}", "model", record_urls=record_urls)
    body = server.files["/files/array-1.0-py3-none-any.whl"]
    assert (array.version, array.url, array.kind) == ("1.0", url, "wheel")
    assert (array.sha256, array.size) == (hashlib.sha256(body).hexdigest(), len(body))
    assert bool(model.url) is record_urls
    assert model.dependencies == ("array",)
    found = (array, model)
    assert parse(dumps(lock_of(found))).artefacts == found
    kept = resolve(f"array @ {url}", "model", record_urls=record_urls, keep=lock_of(found))
    assert kept == found


def test_a_source_at_a_url_brings_what_builds_it(index, resolve, server):
    index.sdist("old", "1.1", '[build-system]\nrequires = ["builder"]\nbuild-backend = "builder"\n')
    index.wheel("builder", "1.5")
    server.files["/archive/v1.1.tar.gz"] = server.files.pop("/files/old-1.1.tar.gz")
    del server.files["/simple/old/"]
    url = f"{server.url}/archive/v1.1.tar.gz"
    old, _ = sorted(resolve(f"old @ {url}"), key=lambda each: each.role)
    assert (old.name, old.version, old.kind) == ("old", "1.1", "sdist")
    assert (old.file, old.url, old.build) == ("v1.1.tar.gz", url, ("builder==1.5",))


def test_another_file_at_a_url_than_was_pinned_is_refused(index, resolve, server):
    index.wheel("model", "1.0")
    url = f"{server.url}/files/model-1.0-py3-none-any.whl"
    digest = hashlib.sha256(server.files["/files/model-1.0-py3-none-any.whl"]).hexdigest()
    pin = Pin("model", "", hashes=(digest,), url=url)
    assert resolve(f"model @ {url}", stated={"pins": (pin,)})[0].sha256 == digest
    wrong = replace(pin, hashes=("ab" * 32,))
    with pytest.raises(ResolveError, match="model"):
        resolve(f"model @ {url}", stated={"pins": (wrong,)})


def test_a_source_brings_what_builds_it(index, resolve):
    builder = '[build-system]\nrequires = ["builder>=1"]\nbuild-backend = "builder"\n'
    index.sdist("old", "1.1", builder)
    index.wheel("builder", "1.5", "helper")
    index.wheel("helper", "3.0")
    old, builder, helper = sorted(resolve("old"), key=lambda each: (each.role, each.name))
    assert (old.kind, old.role, old.build) == ("sdist", "", ("builder==1.5", "helper==3.0"))
    assert (builder.kind, builder.role, builder.dependencies) == ("wheel", "build", ("helper",))
    assert (helper.role, helper.dependencies) == ("build", ())


def test_tools_of_two_sources_may_differ_in_version(index, resolve):
    for name, need in (("one", "builder<2"), ("two", "builder>=2")):
        index.sdist(name, "1", f'[build-system]\nrequires = ["{need}"]\nbuild-backend = "x"\n')
    index.wheel("builder", "1.9")
    index.wheel("builder", "2.0")
    found = resolve("one", "two")
    assert [each.build for each in found if not each.role] == [
        ("builder==1.9",),
        ("builder==2.0",),
    ]
    assert [each.version for each in found if each.role] == ["1.9", "2.0"]
    assert parse(dumps(lock_of(found))).artefacts == found


def test_no_binary_builds_although_there_is_a_wheel(index, resolve):
    index.wheel("safe_mark", "1.0")
    index.sdist("safe_mark", "1.0", '[build-system]\nrequires = []\nbuild-backend = "x"\n')
    index.pages["safe-mark"] = index.pages["safe_mark"]
    index.server.files["/simple/safe-mark/"] = index.server.files["/simple/safe_mark/"]
    index.server.types["/simple/safe-mark/"] = index.server.types["/simple/safe_mark/"]
    assert resolve("safe-mark")[0].kind == "wheel"
    (built,) = resolve("safe-mark", no_binary=("Safe_Mark",))
    assert (built.kind, built.build) == ("sdist", ())


def test_a_tool_that_exists_as_source_only_is_told(index, resolve):
    index.sdist("old", "1", '[build-system]\nrequires = ["builder"]\nbuild-backend = "x"\n')
    index.sdist("builder", "1", "")
    with pytest.raises(ResolveError, match=r"old 1 exists as source only") as caught:
        resolve("old")
    assert "builder" in caught.value.details


def test_a_source_that_was_changed_is_refused(index, resolve, server):
    index.sdist("old", "1", '[build-system]\nrequires = ["builder"]\nbuild-backend = "x"\n')
    index.wheel("builder", "1")
    resolve("old")
    server.files["/files/old-1.tar.gz"] += b"x"
    with pytest.raises(FetchError) as caught:
        resolve("old")
    assert "Hash mismatch for `old==1`" in caught.value.details


def test_what_can_not_be_met_is_explained_by_uv(index, resolve):
    index.wheel("model", "1.0", "array>=9")
    index.wheel("array", "2.0")
    with pytest.raises(ResolveError, match="can't be met") as caught:
        resolve("model")
    assert "array>=9" in caught.value.details
    assert "model" in caught.value.details
    assert caught.value.hint


def test_an_unknown_name_is_explained_by_uv(resolve):
    with pytest.raises(ResolveError) as caught:
        resolve("no-such-thing")
    assert "no-such-thing" in caught.value.details


def test_an_index_that_can_not_be_reached_is_no_fault_of_the_project(resolve, server, monkeypatch):
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    server.faults["/simple/model/"] = ["500"] * 9
    for _ in range(2):
        with pytest.raises(FetchError, match="package indexes") as caught:
            resolve("model")
        assert "/simple/model/" in caught.value.details
        server.close()


def test_a_python_that_the_project_does_not_want_is_told(resolve):
    with pytest.raises(ResolveError, match=r"requires-python.*3\.11\.2"):
        resolve("model", requires=">=3.12")
    with pytest.raises(ResolveError, match="no version range"):
        resolve("model", requires="three")


def test_cuda_s_wheels_are_the_accelerator_layer(index, resolve):
    index.wheel("model", "1.0", "nvidia-cudnn", "nvidia-base")
    for name, needs in (("nvidia-cudnn", ["nvidia-base"]), ("nvidia-base", [])):
        index.wheel(name.replace("-", "_"), "9.0", *needs)
        for table in (index.server.files, index.server.types):
            table[f"/simple/{name}/"] = table[f"/simple/{name.replace('-', '_')}/"]
    found = {each.name: each for each in resolve("model")}
    assert {name: each.layer for name, each in found.items()} == {
        "model": "wheels",
        "nvidia-base": "accelerator",
        "nvidia-cudnn": "accelerator",
    }
    assert found["nvidia-cudnn"].dependencies == ("nvidia-base",)
    assert found["model"].dependencies == ()


def test_a_folder_of_files_is_measured_and_its_url_found_on_the_index(
    index, resolve, server, tmp_path
):
    index.wheel("model", "1.0")
    file = "model-1.0-py3-none-any.whl"
    links = tmp_path / "links"
    links.mkdir()
    (links / file).write_bytes(server.files[f"/files/{file}"])
    online = resolve("model")
    arguments = ("--no-index", "--find-links", str(links))
    local = Registries((f"{server.url}/simple",), (str(links),), arguments)
    config = Config(
        tmp_path, "p", ">=3.9", Base(), Wheels(requirements=("model",)), (), Train(), Settings(), ()
    )
    told = {"python": "3.11.2", "glibc": "2.36", "registries": local, "http": Http()}
    assert resolve_wheels(config, **told) == online
    hidden = resolve_wheels(replace(config, record_urls=False), **told)
    assert hidden == (replace(online[0], url=""),)


@pytest.mark.parametrize("known", [True, False])
def test_measuring_goes_on_after_a_server_stumbles(server, known):
    body = b"wheel" * 1000
    digest = hashlib.sha256(body).hexdigest()
    server.files["/a.whl"] = body
    server.faults["/a.whl"] = ["503"] if known else ["503", "cut 99"]
    waits: list[float] = []
    http = Http(sleep=waits.append)
    file = File("a.whl", f"{server.url}/a.whl", 0, digest if known else "")
    assert measure(http, file) == (len(body), digest)
    assert len(waits) == (1 if known else 2)
    http.close()


def test_the_nearest_older_glibc_that_uv_knows_is_taken(tmp_path):
    uv = Uv(tmp_path)
    known = uv.platforms()
    assert {17, 28, 31, 36} <= set(known)
    newest = Target.of(uv, "3.13.5", "2.99", None)
    assert newest.platform == f"x86_64-manylinux_2_{known[-1]}"
    assert Target.of(uv, "3.9.2", "2.30", None).platform == "x86_64-manylinux_2_28"
    with pytest.raises(ResolveError, match=r"2\.3"):
        Target.of(uv, "3.9.2", "2.3", None)


def test_a_day_means_its_end_in_utc():
    target = Target("3.11.2", "x86_64-manylinux_2_36", date(2023, 12, 31))
    assert target.arguments()[-2:] == ("--exclude-newer", "2024-01-01T00:00:00Z")
