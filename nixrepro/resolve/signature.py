"""Checks a clear-signed text against the archive keyring that the package ships."""

from __future__ import annotations

from importlib.resources import files

from nixrepro.errors import ResolveError

_HEAD = b"-----BEGIN PGP SIGNED MESSAGE-----"
_TAIL = b"-----END PGP SIGNATURE-----"


def keyring() -> bytes:
    """The certificates of Debian's archive keys, as the package ships them."""
    return (files("nixrepro.resolve") / "keyrings/debian-archive-keyring.pgp").read_bytes()


def signed_text(message: bytes, keys: bytes, where: str) -> bytes:
    """The text that a valid signature by one of the keys covers, and nothing around it.

    Args:
        message: a clear-signed OpenPGP message.
        keys: OpenPGP certificates, binary or armored.
        where: what is being checked, for the error.

    Raises:
        ResolveError: unsigned, cut short, signed by an unknown key, or changed after signing.
    """
    import pysequoia

    if _HEAD not in message:
        raise _refused(where, "it has no signature")
    if _TAIL not in message:
        raise _refused(where, "it is cut short")
    certificates = pysequoia.Cert.split_bytes(keys)
    asked: list[str] = []

    def lookup(ids: list[str]) -> list[pysequoia.Cert]:
        asked.extend(ids)
        return certificates

    reason = ""
    try:
        verified = pysequoia.verify(message, lookup)
        if verified.bytes is not None and verified.valid_sigs:
            return bytes(verified.bytes)
    except Exception:  # the library's text is a stack trace: it says nothing to a person
        known = _key_ids(keys)
        strange = [key for key in asked if not any(key[-16:].lower() == k for k in known)]
        if asked and len(strange) == len(asked):
            reason = f"it is signed by keys that are not in the keyring ({', '.join(strange)})"
    # Outside the handler, so that no chained stack trace comes along.
    raise _refused(where, reason or "its content is not what was signed")


def _key_ids(keys: bytes) -> set[str]:
    from pysequoia.packet import PacketPile

    prints = (packet.fingerprint for packet in PacketPile.from_bytes(keys))
    return {fingerprint[-16:].lower() for fingerprint in prints if fingerprint}


def _refused(where: str, reason: str) -> ResolveError:
    return ResolveError(
        f"the archive index {where} is not to be trusted: {reason}",
        hint="try again later or with another mirror; should it stay, somebody may be tampering",
    )
