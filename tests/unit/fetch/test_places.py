"""Where an artefact is looked for, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nixrepro.fetch import Unavailable, WrongFile, fetch

BODY = os.urandom(5000)


def found(places, artefact, **fields):
    problems: list[str] = []
    return list(places(**fields).of(artefact, problems)), problems


def page(server, name: str, *links: str) -> str:
    server.files[f"/simple/{name}/"] = "".join(links).encode()
    server.types[f"/simple/{name}/"] = "text/html"
    return f"{server.url}/simple"


def test_the_nearest_place_comes_first(server, places, wheel, tmp_path: Path):
    stick, links = tmp_path / "stick", tmp_path / "links"
    for folder in (stick, links):
        folder.mkdir()
        (folder / "a-1-py3-none-any.whl").write_bytes(BODY)
    artefact = wheel("a", BODY, url="https://files.example.org/a-1-py3-none-any.whl")
    index = page(server, "a", f'<a href="/f/a-1-py3-none-any.whl#sha256={artefact.sha256}">a</a>')
    urls, problems = found(places, artefact, folder=stick, find_links=["links"], indexes=[index])
    assert urls == [
        (stick / artefact.file).as_uri(),
        artefact.url,
        f"{server.url}/f/a-1-py3-none-any.whl",
        (links / artefact.file).as_uri(),
    ]
    assert problems == []


def test_an_index_that_lists_another_hash_is_left_out_and_told(server, places, wheel):
    index = page(server, "a", f'<a href="/f/a-1-py3-none-any.whl#sha256={"0" * 64}">a</a>')
    urls, problems = found(places, wheel("a", BODY), indexes=[index])
    assert urls == []
    assert "0" * 64 in problems[0]


def test_other_files_of_the_index_are_not_taken(server, places, wheel):
    index = page(server, "a", '<a href="/f/a-2-py3-none-any.whl">a</a>')
    assert found(places, wheel("a", BODY), indexes=[index]) == ([], [])


def test_an_index_that_fails_does_not_hide_the_next(server, places, wheel):
    artefact = wheel("a", BODY)
    good = page(server, "a", f'<a href="/f/{artefact.file}#sha256={artefact.sha256}">a</a>')
    server.faults["/bad/a/"] = ["500"] * 4
    urls, problems = found(places, artefact, indexes=[f"{server.url}/bad", good])
    assert urls == [f"{server.url}/f/{artefact.file}"]
    assert "500" in problems[0]


def test_a_file_may_lie_in_the_folder_under_its_store_name(places, wheel, tmp_path: Path):
    artefact = wheel("gcc", BODY, kind="deb", archive="debian", file="gcc_1~2_amd64.deb")
    (tmp_path / "gcc_1_2_amd64.deb").write_bytes(BODY)
    urls, _ = found(places, artefact, folder=tmp_path)
    assert urls == [(tmp_path / "gcc_1_2_amd64.deb").as_uri()]


def test_data_is_taken_from_the_project_before_its_url(places, wheel, tmp_path: Path):
    data = wheel("d", BODY, kind="file", path="data/d.npz", url="https://data.example/d.npz")
    urls, problems = found(places, data)
    assert urls == ["https://data.example/d.npz"]
    assert problems == ["data/d.npz: no such file in the project"]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/d.npz").write_bytes(BODY)
    urls, _ = found(places, data)
    assert urls[0] == (tmp_path / "data/d.npz").as_uri()


def test_offline_asks_nobody(server, places, wheel, tmp_path: Path):
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(BODY)
    artefact = wheel("a", BODY, url=f"{server.url}/a")
    urls, _ = found(
        places,
        artefact,
        offline=True,
        indexes=[f"{server.url}/simple", (tmp_path / "index").as_uri()],
        find_links=[str(tmp_path), f"{server.url}/links"],
    )
    assert urls == [(tmp_path / "a-1-py3-none-any.whl").as_uri()]
    assert server.asked == []


def test_the_password_of_an_index_goes_along_to_its_files(server, places, wheel):
    artefact = wheel("a", BODY)
    index = page(server, "a", f'<a href="/f/{artefact.file}#sha256={artefact.sha256}">a</a>')
    secret = index.replace("http://", "http://me:hunter2@")
    urls, _ = found(places, artefact, indexes=[secret])
    assert urls[0].startswith("http://me:hunter2@127.0.0.1")
    assert server.headers[-1]["Authorization"].startswith("Basic ")


def test_an_error_shows_no_password(server, store, places, cache, wheel, lock):
    artefact = wheel("a", BODY)
    index = page(server, "a", f'<a href="/f/{artefact.file}#sha256={artefact.sha256}">a</a>')
    secret = index.replace("http://", "http://me:hunter2@")
    with pytest.raises(Unavailable) as caught:
        fetch(lock(artefact), store, places(indexes=[secret]), cache=cache, quiet=True)
    assert "hunter2" not in caught.value.message + caught.value.details


def test_a_wrong_copy_in_the_folder_is_passed_over(
    server, store, places, cache, wheel, lock, tmp_path: Path
):
    server.files["/a"] = BODY
    artefact = wheel("a", BODY, url=f"{server.url}/a")
    (tmp_path / artefact.file).write_bytes(BODY[::-1])
    report = fetch(lock(artefact), store, places(folder=tmp_path), cache=cache, quiet=True)
    assert report.fetched == (artefact,)
    assert len(store.names()) == 1
    assert (tmp_path / artefact.file).read_bytes() == BODY[::-1]


def test_a_wrong_copy_alone_is_an_error_and_stays_where_it_is(
    store, places, cache, wheel, lock, tmp_path: Path
):
    artefact = wheel("a", BODY)
    (tmp_path / artefact.file).write_bytes(BODY[::-1])
    with pytest.raises(WrongFile, match=str(tmp_path)):
        fetch(lock(artefact), store, places(folder=tmp_path), cache=cache, quiet=True)
    assert store.names() == []
    assert (tmp_path / artefact.file).exists()


@pytest.mark.parametrize("file", ["a-1-py3-none-any.whl", "a~1_amd64.deb"])
@pytest.mark.parametrize("linked", [False, True])
def test_local_files_reach_the_store_and_stay(
    store, places, cache, wheel, lock, tmp_path: Path, file, linked
):
    """A symbolic link too, which Nix by itself would put there as a link."""
    artefact = wheel("a", BODY, file=file)
    (tmp_path / "stick").mkdir()
    place = tmp_path / "stick" / file
    if linked:
        (tmp_path / "elsewhere").write_bytes(BODY)
        place.symlink_to(tmp_path / "elsewhere")
    else:
        place.write_bytes(BODY)
    fetch(lock(artefact), store, places(folder=tmp_path / "stick"), cache=cache, quiet=True)
    assert place.read_bytes() == BODY
    name = store.names()[0]
    assert store.content(store.store_path(name, artefact.sha256)) == BODY
    assert list(cache.iterdir()) == []
