"""A Packages index kept small: what resolving does not read is left out, and little is parsed."""

from __future__ import annotations

import lzma
import re
import zlib
from collections.abc import Iterable, Iterator

from nixrepro.errors import ResolveError
from nixrepro.resolve.package import Package, parse

# Of sixty thousand paragraphs some hundred are asked for, and most of the text is descriptions.
_FIELDS = (
    b"Package|Version|Source|Architecture|Priority|Filename|Size|SHA256|"
    b"Depends|Pre-Depends|Provides|Conflicts|Breaks"
)
_OTHERS = re.compile(rb"^(?!(?:" + _FIELDS + rb"):)[^\s:]+:.*\n(?:[ \t].*\n)*", re.MULTILINE)
_PACKAGE = re.compile(rb"^Package:[ \t]*(\S+)", re.MULTILINE)
_PROVIDES = re.compile(rb"^Provides:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_WORD = re.compile(rb"(?:^|,)\s*([^\s(:,]+)")
_PIECE = 1 << 18


def trimmed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A Packages file with only the fields that resolving reads, packed for an `Index`.

    Args:
        pieces: its text, in pieces of any size.
    """
    rest = b""
    for piece in pieces:
        rest += piece
        end = rest.rfind(b"\n\n")
        if end >= 0:
            yield zlib.compress(_OTHERS.sub(b"", rest[: end + 2]), 1)
            rest = rest[end + 2 :]
    if rest.strip():
        yield zlib.compress(_OTHERS.sub(b"", rest.rstrip(b"\n") + b"\n"), 1)


class Index:
    """The packages of one index by name, and who provides what; its text stays packed."""

    def __init__(self, blocks: Iterable[bytes], group: str, archive: str) -> None:
        """Find the names in a trimmed Packages file.

        Args:
            blocks: what `trimmed` made.
            group: the suite that its packages count to.
            archive: "debian" or "debian-security".

        Raises:
            ResolveError: a paragraph names no package.
        """
        self.group = group
        self.archive = archive
        self._blocks: list[bytes] = []
        self._places: dict[str, tuple[int, ...]] = {}  # block number and offset, alternating
        self._providers: dict[str, tuple[str, ...]] = {}
        for block in blocks:
            self._scan(zlib.decompress(block), len(self._blocks))
            self._blocks.append(block)

    def _scan(self, text: bytes, number: int) -> None:
        start = 0
        for paragraph in text.split(b"\n\n"):
            if paragraph.strip():
                found = _PACKAGE.search(paragraph)
                if not found:
                    raise ResolveError(
                        f"the index of {self.group} has a paragraph that names no package",
                        hint="try again later or with another mirror",
                    )
                name = found[1].decode("utf-8", "replace")
                self._places[name] = (*self._places.get(name, ()), number, start)
                if b"Provides:" in paragraph and (provides := _PROVIDES.search(paragraph)):
                    for word in _WORD.findall(provides[1]):
                        virtual = word.decode("utf-8", "replace")
                        self._providers[virtual] = (*self._providers.get(virtual, ()), name)
            start += len(paragraph) + 2

    def names(self) -> Iterable[str]:
        """All package names."""
        return self._places.keys()

    def packages(self, name: str) -> list[Package]:
        """The packages of a name, parsed.

        Raises:
            ResolveError: the index describes one badly.
        """
        places = self._places.get(name, ())
        return [
            parse(self._paragraph(number, start), self.group, self.archive)
            for number, start in zip(places[::2], places[1::2], strict=True)
        ]

    def providers(self, virtual: str) -> Iterable[str]:
        """Names of the packages that provide a virtual one, in some version at least."""
        return self._providers.get(virtual, ())

    def _paragraph(self, number: int, start: int) -> bytes:
        text = zlib.decompress(self._blocks[number])
        return text[start:].partition(b"\n\n")[0]


def unpacked(data: bytes, name: str, where: str) -> Iterator[bytes]:
    """The plain text of a compressed file, in pieces of a quarter of a megabyte.

    Args:
        data: the file's bytes.
        name: its name, whose ending says how it is compressed (.xz, .gz or not at all).
        where: what it is, for the error.

    Raises:
        ResolveError: broken, or cut short.
    """
    if name.endswith(".xz"):
        pieces = _xz(data)
    elif name.endswith(".gz"):
        pieces = _gz(data)
    else:
        pieces = iter((data,))
    try:
        yield from pieces
    except (lzma.LZMAError, zlib.error, EOFError):
        raise ResolveError(
            f"{where} can't be unpacked: it is broken or cut short",
            hint="try again later or with another mirror",
        ) from None


def _xz(data: bytes) -> Iterator[bytes]:
    stream = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    yield stream.decompress(data, _PIECE)
    while not stream.eof:
        if stream.needs_input:
            raise EOFError
        yield stream.decompress(b"", _PIECE)


def _gz(data: bytes) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=31)
    piece = stream.decompress(data, _PIECE)
    while piece:
        yield piece
        piece = stream.decompress(stream.unconsumed_tail, _PIECE)
    if not stream.eof:
        raise EOFError
