"""Another program's reader of JUnit XML understands the report."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.verify import junit
from nixrepro.verify.verdict import Finding, State, Verdict

FOUND = Finding("numpy", "has <another> hash", "wheels", "nixrepro.lock", 12)
VERDICTS = (
    Verdict("lock", "flake.lock", State.SAME, "as it was", "1 pin", (), 0.25),
    Verdict("lock", "nixrepro.lock", State.DIFFERS, 'edited "by hand"', "9 artefacts", (FOUND,)),
    Verdict("closure", "", State.UNKNOWN, "there is no Nix", "", (), 0.5),
)
# Those that Jenkins' own schema of the format knows, and `file`, which GitLab reads.
KNOWN = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testcase": {"name", "classname", "time", "file"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
    "system-out": set(),
}


def read(data: bytes) -> junitparser.JUnitXml:
    return junitparser.JUnitXml.fromstring(data)


def cases(data: bytes) -> dict[str, junitparser.TestCase]:
    return {case.name: case for suite in read(data) for case in suite}


def test_each_verdict_is_a_case_of_its_checks_suite() -> None:
    found = read(junit.text(VERDICTS))
    assert [(suite.name, len(list(suite))) for suite in found] == [("lock", 2), ("closure", 1)]
    assert (found.tests, found.failures, found.errors, found.skipped) == (3, 1, 1, 0)
    assert found.time == 0.75


def test_what_differs_fails_what_is_unknown_errs_what_is_same_passes() -> None:
    found = cases(junit.text(VERDICTS))
    assert found["flake.lock"].is_passed
    assert found["nixrepro.lock"].is_failure
    assert found["closure"].is_error
    (failure,) = found["nixrepro.lock"].result
    assert failure.message == 'edited "by hand"'
    assert "nixrepro.lock:12: numpy has <another> hash [wheels]" in failure.text
    assert "compared: 9 artefacts" in failure.text
    assert found["nixrepro.lock"].classname == "nixrepro.lock"


def test_the_unknown_is_skipped_where_it_is_allowed() -> None:
    data = junit.text(VERDICTS, allow_unknown=True)
    assert cases(data)["closure"].is_skipped
    assert (read(data).errors, read(data).skipped) == (0, 1)


def test_no_element_and_no_attribute_that_a_reader_may_refuse() -> None:
    for element in ElementTree.fromstring(junit.text(VERDICTS)).iter():
        assert element.attrib.keys() <= KNOWN[element.tag]


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
def test_any_text_can_be_reported(said: str) -> None:
    verdict = Verdict("lock", said, State.DIFFERS, said, said, (Finding(said, said, file=said),))
    root = ElementTree.fromstring(junit.text([verdict]))
    plain = said.isprintable() and said.isascii()
    message = root.find(".//failure").attrib["message"]  # type: ignore[union-attr]
    assert message == said if plain else message is not None


def test_a_control_character_is_shown_and_not_lost() -> None:
    data = junit.text([Verdict("lock", "a\x1b[1m", State.SAME, "\ud800", "")])
    (name,) = cases(data)
    assert name == "a\\u001b[1m"
    assert b"\\ud800" in data


def test_it_is_written_whole_into_a_new_folder(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "verify.xml"
    junit.write(path, VERDICTS)
    junit.write(path, VERDICTS)
    assert path.read_bytes() == junit.text(VERDICTS)
    assert [each.name for each in path.parent.iterdir()] == ["verify.xml"]


def test_a_report_that_can_t_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        junit.write(tmp_path / "file" / "verify.xml", VERDICTS)
