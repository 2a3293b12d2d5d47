"""Whether a person names a bundle where a run may be named, and the record in it."""

from __future__ import annotations

from pathlib import Path

from nixrepro.record import Record

MANIFEST = "manifest.json"


def is_bundle(text: str) -> bool:
    """Whether a text names a bundle: the file, by its ending, or the folder."""
    path = Path(text)
    if path.is_dir():
        return bool(text) and (path / MANIFEST).is_file()
    return path.name.endswith(".tar") and path.is_file()


def shown(text: str) -> Record | None:
    """The record in a bundle, to be looked at; None where the text names none.

    Raises:
        BrokenBundle: the bundle is no whole one, or its record is damaged.
    """
    if not is_bundle(text):
        return None
    import tempfile

    from nixrepro.bundle.opening import recorded
    from nixrepro.bundle.reading import open_bundle

    bundle = open_bundle(Path(text))
    with tempfile.TemporaryDirectory(prefix="nixrepro-") as folder:
        found = recorded(bundle, Path(folder) / "record")
    return Record(bundle.path, found.document)
