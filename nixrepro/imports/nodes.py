"""A YAML document with the line of each of its values, read by PyYAML."""

from __future__ import annotations

from typing import Any

from nixrepro.errors import ImportFileError
from nixrepro.imports.model import fail


def compose(text: str, file: str) -> Any:
    """The root of a YAML document.

    Raises:
        ImportFileError: it is none, with the line; or PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError:
        raise ImportFileError(
            f"{file}: PyYAML, which reads it, is not installed",
            hint="install nixrepro[import]",
        ) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        fail(file, mark.line + 1 if mark else 0, f"is not YAML: {error.problem}")
    except yaml.YAMLError as error:
        fail(file, 0, f"is not YAML: {str(error).splitlines()[0]}")
    except RecursionError:
        fail(file, 0, "is nested too deeply to be read")
    if node is None:
        fail(file, 1, "is empty")
    return node


def line(node: Any) -> int:
    """Where it stands, counted from 1."""
    return int(node.start_mark.line) + 1


def is_scalar(node: Any) -> bool:
    return bool(node.id == "scalar")


def scalar(node: Any, file: str) -> str:
    """Its text.

    Raises:
        ImportFileError: it is a list or a mapping.
    """
    if not is_scalar(node):
        fail(file, line(node), "must be a string")
    return str(node.value)


def sequence(node: Any, file: str, what: str) -> list[Any]:
    """What a list holds; an empty one where nothing is written.

    Raises:
        ImportFileError: it is none.
    """
    if is_scalar(node) and not node.value:
        return []
    if node.id != "sequence":
        fail(file, line(node), f"{what} must be a list")
    return list(node.value)


def mapping(node: Any, file: str, what: str) -> dict[str, Any]:
    """What a mapping holds.

    Raises:
        ImportFileError: it is none.
    """
    if node.id != "mapping":
        fail(file, line(node), f"{what} must be a mapping")
    return {scalar(key, file): value for key, value in node.value}
