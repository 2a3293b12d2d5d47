"""What replaces heavier parts of the standard library does what they do."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nixrepro.runtime.canonical import small
from nixrepro.runtime.git import Code
from nixrepro.runtime.launching import _remove


@given(st.binary(max_size=300))
def test_a_small_digest_is_sha_256(data: bytes) -> None:
    assert small(data) == hashlib.sha256(data).hexdigest()


def test_a_small_digest_without_pythons_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_sha256", None)
    assert small(b"x") == hashlib.sha256(b"x").hexdigest()


def test_a_folder_is_removed_and_nothing_that_its_links_name(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    folder = tmp_path / "folder"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").touch()
    (folder / "a" / "to-folder").symlink_to(kept)
    (folder / "to-nothing").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    _remove(str(folder))
    assert not folder.exists()
    assert (kept / "file").exists()


def test_a_folder_that_is_gone_already(tmp_path: Path) -> None:
    _remove(str(tmp_path / "none"))


def test_git_is_told_of_a_signal_that_it_may_have_missed(tmp_path: Path) -> None:
    """One that was started after the signal came would otherwise run to its end."""
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\nexec sleep 30\n")
    git.chmod(0o755)
    code = Code(str(tmp_path), "", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    code.start()
    code.tell(signal.SIGINT)
    facts, patches = code.finish(str(tmp_path))
    assert facts == {"unknown": "git was ended by a signal"}
    assert patches == {}
