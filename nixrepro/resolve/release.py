"""The signed root of a Debian suite: its Release file, checked, and the hashes it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime

from nixrepro.errors import ResolveError
from nixrepro.names import SHA256


@dataclass(frozen=True)
class Release:
    """What a suite's signed index says.

    Args:
        suite: code name, such as "bookworm-security".
        by_hash: whether its files are served under their hashes too.
        files: path below `dists/SUITE` to (size in bytes, sha256).
    """

    suite: str
    by_hash: bool
    files: Mapping[str, tuple[int, str]]


def parse(text: bytes, suite: str, *, now: datetime, expired: bool = False) -> Release:
    """Read a Release file whose signature has been checked.

    Args:
        text: its bytes.
        suite: the code name that was asked for.
        now: the moment at which it has to be valid.
        expired: take it although its Valid-Until has passed.

    Raises:
        ResolveError: broken, of another suite, not yet made at that moment, or expired.
    """
    from debian.deb822 import Release as Paragraph

    try:
        fields = Paragraph(text.decode("utf-8"))
        files = {
            str(entry["name"]): (int(entry["size"]), str(entry["sha256"]).lower())
            for entry in fields["SHA256"]
        }
        if not all(SHA256.fullmatch(sha256) for _, sha256 in files.values()):
            raise ValueError("a sha256 that is none")
        made = _moment(str(fields["Date"]))
        until = _moment(str(fields["Valid-Until"])) if "Valid-Until" in fields else None
    except (KeyError, ValueError, TypeError) as error:
        raise ResolveError(
            f"the index of {suite} can't be read: {type(error).__name__} {error}",
            hint="try again later or with another mirror",
        ) from None
    names = {str(fields.get("Codename", "")), str(fields.get("Suite", ""))}
    if suite not in names:
        raise ResolveError(
            f"the archive answered with the index of {' / '.join(sorted(names))}, "
            f"not of {suite}, which was asked for",
            hint="check the mirror's URL",
        )
    if made > now + timedelta(days=1):
        raise ResolveError(
            f"the index of {suite} was made on {made:%Y-%m-%d}, after {now:%Y-%m-%d}",
            hint="check the clock of this machine, or the snapshot's URL",
        )
    if until is not None and until < now and not expired:
        raise ResolveError(
            f"the index of {suite} expired on {until:%Y-%m-%d %H:%M} UTC",
            hint="the mirror is out of date: use another one, or the snapshot of a day (--as-of)",
        )
    return Release(suite, str(fields.get("Acquire-By-Hash", "")).lower() == "yes", files)


def moment_of(day: date | None) -> datetime:
    """When an index has to be valid: the end of a day in UTC, or now."""
    if day is None:
        return datetime.now(UTC)
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _moment(text: str) -> datetime:
    moment = parsedate_to_datetime(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
