"""Which certificate authorities are trusted: the user's own, else the system's and certifi's."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

from nixrepro.errors import FetchError

_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def trust(cert: str, environ: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """What a connection is checked with.

    Args:
        cert: file or folder of certificates to trust in place of all others, or "".
        environ: its usual variables are followed where `cert` is "".

    Raises:
        FetchError: the certificates can't be read.
    """
    named = (environ[name] for name in _VARIABLES if environ.get(name))
    place = cert or next(named, "")
    try:
        if place and os.path.isdir(place):
            return ssl.create_default_context(capath=place)
        context = ssl.create_default_context(cafile=place or None)
    except (OSError, ssl.SSLError) as error:
        raise FetchError(
            f"the file of CA certificates {place} can't be read: {error}",
            hint="correct `cert` in pip's configuration, or SSL_CERT_FILE",
        ) from error
    if not place and not environ.get("SSL_CERT_DIR"):
        import certifi

        # A bare machine may hold no certificates at all.
        context.load_verify_locations(certifi.where())
    return context
