"""The system layer, from real paragraphs of Debian's indexes."""

from __future__ import annotations

import dataclasses
import re
from datetime import date
from pathlib import Path

import pytest

from nixrepro.errors import ResolveError
from nixrepro.lock import Lock
from nixrepro.lock.sets import REQUIRED

RECORDED = Path(__file__).parents[1] / "recorded/debian"
GLIBC = {"libc6", "libc6-dev", "libc-bin", "libc-dev-bin"}
TOOLS = ("gcc", "g++", "make", "git")


def of(answer, role=""):
    return {a.name: a for a in answer.artefacts if a.role == role}


def lock(answer, **changed) -> Lock:
    return dataclasses.replace(Lock("3.11.2", "2.36", {}, answer.artefacts), **changed)


def test_the_choice_is_the_one_that_apt_makes(debian, ask):
    # Recorded: `apt-get -s --no-install-recommends install` of the same, on an empty system.
    answer = debian.resolve(ask(*TOOLS))
    here = {f"{a.name}={a.version}" for a in of(answer).values()}
    assert here == set((RECORDED / "bookworm.apt").read_text().split())
    assert len(here) == 126
    assert (answer.python, answer.glibc) == ("3.11.2", "2.36")


def test_an_artefact_says_all_that_fetching_needs(debian, ask):
    libc = of(debian.resolve(ask()))["libc6"]
    assert libc.layer == "system"
    assert libc.kind == "deb"
    assert libc.file == f"libc6_{libc.version}_amd64.deb"
    assert libc.location == f"pool/main/g/glibc/{libc.file}"
    assert libc.archive == "debian"
    assert libc.size > 1_000_000
    assert re.fullmatch("[0-9a-f]{64}", libc.sha256)
    assert libc.dependencies == ("libgcc-s1",)
    assert libc.url == ""


def test_a_security_fix_comes_from_its_own_archive(debian, ask):
    answer = debian.resolve(ask(urls=True))
    certificates = of(answer)["ca-certificates"]
    fixed = [a for a in answer.artefacts if a.archive == "debian-security"]
    assert certificates in fixed
    assert len(fixed) < len(answer.artefacts) / 2
    for artefact in answer.artefacts:
        base = debian.server.url + "/" + artefact.archive
        assert artefact.url == f"{base}/{artefact.location}"


def test_a_recorded_url_holds_no_password(debian, ask, monkeypatch):
    url = debian.server.url.replace("http://", "http://me:secret@")
    mirrors = dataclasses.replace(debian.mirrors(), debian=url + "/debian")
    monkeypatch.setattr(debian, "mirrors", lambda: mirrors)
    libc = of(debian.resolve(ask(urls=True)))["libc6"]
    assert libc.url.startswith(debian.server.url + "/debian/pool/")


def test_every_dependency_is_in_the_answer(debian, ask):
    answer = debian.resolve(ask(*TOOLS))
    for role in ("", "bootstrap", "observer"):
        names = of(answer, role)
        if role == "observer":
            names = {**of(answer), **names}
        for artefact in names.values():
            assert set(artefact.dependencies) <= names.keys()
            assert artefact.dependencies == tuple(sorted(artefact.dependencies))


def test_what_is_always_there(debian, ask):
    names = of(debian.resolve(ask()))
    assert set(REQUIRED) <= names.keys()
    assert "libpython3-dev" not in names
    assert "gcc" not in names
    assert "libpython3-dev" in of(debian.resolve(ask("gcc")))


def test_the_small_set_that_unpacks(debian, ask):
    names = of(debian.resolve(ask(*TOOLS)), "bootstrap")
    inside = {"python3.11-minimal", "libpython3.11-stdlib", "zlib1g", "libc6", "libdeflate0"}
    assert inside <= set(names)
    assert not {"gcc", "git", "perl", "debconf", "bash"} & set(names)


def test_the_observer_stands_on_the_environments_own_packages(debian, ask):
    before, after = debian.resolve(ask(*TOOLS)), debian.resolve(ask(*TOOLS, libc6="trixie"))
    for answer in (before, after):
        observer = of(answer, "observer")
        assert set(observer) == {"strace", "libunwind8"}
        assert observer["strace"].dependencies == ("libc6", "libunwind8")
        assert not {"strace", "libunwind8"} & set(of(answer))


def test_an_observer_that_the_project_has_too_is_both(debian, ask):
    answer = debian.resolve(ask("strace"))
    assert set(of(answer, "observer")) == {"strace"}
    assert {"strace", "libunwind8"} <= set(of(answer))


def test_an_observer_stays_until_it_is_upgraded(debian, ask):
    before = debian.resolve(ask())
    text = (RECORDED / "bookworm.packages").read_text()
    (old,) = (each for each in text.split("\n\n") if each.startswith("Package: strace\n"))
    newer = old.replace("Version: 6.1-0.1", "Version: 6.1-0.2").replace("SHA256: 19", "SHA256: 99")
    security = (RECORDED / "bookworm-security.packages").read_text()
    debian.whole("bookworm", text, newer, security)
    kept = debian.resolve(ask(), keep=lock(before))
    assert of(kept, "observer") == of(before, "observer")
    for names in (frozenset(), frozenset({"strace"})):
        moved = debian.resolve(ask(), keep=lock(before), upgrade=names)
        assert of(moved, "observer")["strace"].version == "6.1-0.2"


def test_an_observer_that_fits_nothing_here_is_an_error(debian, ask):
    text = (RECORDED / "bookworm.packages").read_text()
    needy = text.replace(
        "Depends: libc6 (>= 2.34), libunwind8", "Depends: libc6 (>= 9), libunwind8"
    )
    assert needy != text
    debian.whole("bookworm", needy)
    with pytest.raises(ResolveError, match="libc6"):
        debian.resolve(ask())


def test_an_override_moves_the_c_library_but_not_what_unpacks(debian, ask):
    before, after = debian.resolve(ask(*TOOLS)), debian.resolve(ask(*TOOLS, libc6="trixie"))
    assert after.glibc == "2.41"
    moved = {
        a.name for a in of(after).values()
        if a.name in of(before) and a.version != of(before)[a.name].version
    }  # fmt: skip
    # trixie's libc6 breaks the base-files of bookworm: that one has to come along.
    assert moved == {*GLIBC, "base-files"}
    assert of(after, "bootstrap") == of(before, "bootstrap")


def test_an_override_that_does_nothing_is_an_error(debian, ask):
    with pytest.raises(ResolveError, match=r"overrides\.locales: nothing asks for the package"):
        debian.resolve(ask(locales="trixie"))


def test_an_override_of_no_package_gets_a_suggestion(debian, ask):
    with pytest.raises(ResolveError, match="overrides: there is no package libc66 in trixie") as e:
        debian.resolve(ask(libc66="trixie"))
    assert "libc6?" in e.value.hint


def test_an_override_from_a_suite_that_lacks_it_names_one_that_has_it(debian, ask):
    with pytest.raises(ResolveError, match="overrides: there is no package git in trixie") as e:
        debian.resolve(ask("git", git="trixie"))
    assert e.value.hint == "bookworm has it: override it from there, or leave it to the base"


def test_an_override_from_no_suite_names_the_suites(debian, ask):
    with pytest.raises(ResolveError, match="no suite 'woody'"):
        debian.resolve(ask(libc6="woody"))


def test_a_missing_package_gets_a_suggestion(debian, ask):
    with pytest.raises(ResolveError, match=r"base\.packages: there is no package gti") as caught:
        debian.resolve(ask("gti"))
    assert caught.value.hint == "did you mean git?"


def test_a_suite_without_a_python_is_an_error(debian, ask):
    text = (RECORDED / "bookworm.packages").read_text()
    less = text.replace("Depends: python3.11 (>= 3.11.2-1~), ", "Depends: ")
    assert less != text
    debian.whole("bookworm", less)
    with pytest.raises(ResolveError, match="suite bookworm has no Python 3"):
        debian.resolve(ask())


def test_the_answer_is_the_same_again(debian, ask):
    assert debian.resolve(ask(*TOOLS)) == debian.resolve(ask(*reversed(TOOLS)))


@pytest.fixture
def newer(debian):
    """The archive a week later: all of glibc, and make, have moved; the old are still there."""

    def move() -> None:
        text = (RECORDED / "bookworm.packages").read_text()
        later = []
        for paragraph in text.split("\n\n"):
            if re.search(r"^(Source: glibc|Package: (libc6|make))$", paragraph, re.M):
                found = re.search(r"^Version: (\S+)$", paragraph, re.M)
                moved = paragraph.replace(found[1], found[1] + "9")
                later.append(re.sub(r"^SHA256: ..", "SHA256: 99", moved, flags=re.M))
        security = (RECORDED / "bookworm-security.packages").read_text()
        updates = (RECORDED / "bookworm-updates.packages").read_text()
        debian.whole("bookworm", text, updates + "\n" + "\n\n".join(later), security)

    return move


def differing(first, second, role=""):
    a, b = of(first, role), of(second, role)
    assert a.keys() == b.keys()
    return {name for name in a if a[name].version != b[name].version}


def test_without_a_lock_the_newest_are_taken(debian, ask, newer):
    before = debian.resolve(ask(*TOOLS))
    newer()
    assert differing(before, debian.resolve(ask(*TOOLS))) == {*GLIBC, "make"}


def test_a_lock_holds_what_is_still_there(debian, ask, newer):
    before = debian.resolve(ask(*TOOLS))
    newer()
    assert debian.resolve(ask(*TOOLS), keep=lock(before)) == before


def test_an_upgrade_by_name_moves_its_whole_source_only(debian, ask, newer):
    before = debian.resolve(ask(*TOOLS))
    newer()
    after = debian.resolve(ask(*TOOLS), keep=lock(before), upgrade=frozenset({"libc6"}))
    assert differing(before, after) == GLIBC
    assert differing(before, after, "bootstrap") == set()


def test_an_upgrade_of_all_leaves_what_unpacks(debian, ask, newer):
    before = debian.resolve(ask(*TOOLS))
    newer()
    after = debian.resolve(ask(*TOOLS), keep=lock(before), upgrade=frozenset())
    assert differing(before, after) == {*GLIBC, "make"}
    assert differing(before, after, "bootstrap") == set()


def test_what_has_left_the_archive_is_replaced(debian, ask):
    before = debian.resolve(ask("make"))
    gone = tuple(
        dataclasses.replace(a, version="4.2-0", sha256="0" * 64) if a.name == "make" else a
        for a in before.artefacts
    )
    after = debian.resolve(ask("make"), keep=lock(before, artefacts=gone))
    assert of(after)["make"].version == of(before)["make"].version


def test_a_new_package_joins_a_kept_lock(debian, ask, newer):
    before = debian.resolve(ask())
    newer()
    after = debian.resolve(ask("make"), keep=lock(before))
    assert {name for name in of(after)} - of(before).keys() == {"make"}
    assert of(after)["libc6"].version == of(before)["libc6"].version


def test_another_python_unpacks_with_itself(debian, ask):
    before = debian.resolve(ask())
    renamed = tuple(
        dataclasses.replace(a, name="python3.9-minimal") if a.name == "python3.11-minimal" else a
        for a in before.artefacts
        if a.role == "bootstrap"
    )
    after = debian.resolve(ask(), keep=lock(before, artefacts=renamed))
    assert "python3.11-minimal" in of(after, "bootstrap")


def test_a_day_is_resolved_and_recorded_from_the_snapshot(debian, ask):
    then = "/archive/debian/20230802T000000Z"
    for path, data in list(debian.server.files.items()):
        if path.startswith("/debian/"):
            debian.server.files[path.replace("/debian", then, 1)] = data
        elif path.startswith("/debian-security/"):
            moved = path.replace("/debian", "/archive/debian", 1)
            day = moved.replace("debian-security/", "debian-security/20230802T000000Z/", 1)
            debian.server.files[day] = data
    made = "Mon, 31 Jul 2023 10:00:00 UTC"

    def text(name: str) -> str:
        return (RECORDED / f"{name}.packages").read_text()

    for name in ("bookworm", "bookworm-updates"):
        debian.suite(name, text(name), folder=then, made=made)
    debian.suite(
        "bookworm-security",
        text("bookworm-security"),
        folder="/archive/debian-security/20230802T000000Z",
        made=made,
    )
    url = debian.server.url
    answer = debian.resolve(ask("make", urls=True), as_of=date(2023, 8, 1), snapshot=url)
    assert of(answer)["make"].url.startswith(f"{url}{then}/pool/main/m/")
