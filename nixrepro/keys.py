"""Keys to sign with: ed25519 pairs in PEM files, the private one for its owner's eyes alone."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nixrepro.errors import NixreproError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import SSlibKey

_PRIVATE = 0o600
_MAKES = "`nixrepro key` makes a pair"
_ASK = "ask who signed for the public key: the file that ends in .pub of the pair"


class UnusableKey(NixreproError):
    """A file that is named as a key is not there, or is none."""


def make_key(file: Path, passphrase: bytes = b"") -> str:
    """Write a new key pair as PEM: the private one to `file`, the public one to `file`.pub.

    Args:
        file: readable by its owner alone afterwards.
        passphrase: encrypts the private key; empty for none.

    Returns:
        The key's id.

    Raises:
        NixreproError: one of the files is there already.
        OSError: they can't be written.
    """
    library()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import SSlibKey

    public_file = public_of(file)
    for each in (file, public_file):
        if os.path.lexists(each):
            hint = "a key that was lost can't be had again: name another file"
            raise NixreproError(f"{each} is there already, and is not overwritten", hint=hint)
    key = Ed25519PrivateKey.generate()
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, encryption)
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    file.parent.mkdir(parents=True, exist_ok=True)
    for path, data, mode in ((file, private, _PRIVATE), (public_file, public, 0o644)):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
    return str(SSlibKey.from_crypto(key.public_key()).keyid)


def public_of(file: Path) -> Path:
    """Where the public key of a private one lies."""
    return file.with_name(f"{file.name}.pub")


def public_key(file: Path) -> SSlibKey:
    """A public key.

    Raises:
        UnusableKey: it is no public ed25519 key.
        NixreproError: the libraries for it are not there.
    """
    data = _bytes(file, _ASK)
    library()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    if b"PRIVATE KEY" in data:
        raise UnusableKey(
            f"{file} is a private key", hint=f"name the public one: {public_of(file)}"
        )
    try:
        key = load_pem_public_key(data)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableKey(f"{file} is no public ed25519 key", hint=_ASK)
    return SSlibKey.from_crypto(key)


def private_key(file: Path, passphrase: Callable[[], bytes]) -> Ed25519PrivateKey:
    """A private key.

    Args:
        file: its PEM file.
        passphrase: asked for where the key is encrypted.

    Raises:
        UnusableKey: it is no ed25519 key, or the passphrase is wrong.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _bytes(file, _MAKES)
    hint = _MAKES
    try:
        try:
            key = load_pem_private_key(data, None)
        except TypeError:  # it is encrypted
            hint = "is the passphrase right?"
            key = load_pem_private_key(data, passphrase())
    except ValueError:
        raise UnusableKey(f"{file} can't be used as a private key", hint=hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKey(f"{file} is no ed25519 key", hint=hint)
    return key


def _bytes(file: Path, hint: str) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        raise UnusableKey(f"there is no {file}", hint=hint) from None


def library() -> None:
    """See that the optional libraries are there.

    Raises:
        NixreproError: they are not.
    """
    try:
        import cryptography  # noqa: F401
        import securesystemslib.dsse  # noqa: F401
    except ImportError:
        raise NixreproError(
            "signatures need the packages securesystemslib and cryptography",
            hint="install them beside nixrepro: pip install 'securesystemslib[crypto]'",
        ) from None
