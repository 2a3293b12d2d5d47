"""The clean set of variables that a program of the closure gets."""

from __future__ import annotations

from .canonical import small
from .numerics import instead, threads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

# What a person's terminal and home need; nothing here changes numbers.
ALWAYS = ("HOME", "TERM", "USER", "LOGNAME")
# The environment sets these: by them its programs find their own files and none of the host.
OWNED = frozenset(
    (
        "PATH", "SHELL", "LOCPATH", "GCONV_PATH", "TZDIR", "INPUTRC", "TERMINFO_DIRS",
        "GIT_TEXTDOMAINDIR", "OPENSSL_CONF", "OPENSSL_MODULES", "SSL_CERT_FILE",
        "PYTHONDONTWRITEBYTECODE", "PYTHONNOUSERSITE", "PYTHONUSERBASE",
    )
)  # fmt: skip
# These steer the loader, Python and numerics: they enter by settings.variables, and are recorded.
REFUSED = (
    "LD_", "PYTHON", "NIXREPRO_", "GLIBC_TUNABLES", "TF_", "XLA_", "OMP_", "MKL_", "OPENBLAS_",
    "ONEDNN_", "KERAS_", "NPY_", "DNNL_", "KMP_", "GOMP_", "CUDA_", "CUDNN_", "CUBLAS_", "NVIDIA_",
    "MALLOC_", "LC_",
)  # fmt: skip
# The environment sets the first and the last too, but a project may state another one.
_STATED = frozenset(("LANG", "LANGUAGE", "TZ"))


def refused(names: Iterable[str]) -> list[str]:
    """Those of the names that may not simply pass from the host."""
    never = OWNED | _STATED
    return [name for name in names if name in never or name.startswith(REFUSED)]


def reasons(names: Iterable[str]) -> str:
    """Why refused names may not pass, and what to do about each."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(_reason(name), []).append(name)
    return "; ".join(f"{', '.join(alike)} {reason}" for reason, alike in found.items())


def _reason(name: str) -> str:
    if name.startswith("NIXREPRO_"):
        return "can't be set from outside: those names are nixrepro's own"
    if name in OWNED:
        return (
            "can't be set from outside: by it the environment finds its own files and none of "
            "the host; leave it out"
        )
    return (
        "can change results and may not simply pass: state it in "
        "[tool.nixrepro.settings.variables], where it is recorded"
    )


def clean(
    *,
    host: Mapping[str, str],
    base: Mapping[str, str],
    settings: Mapping[str, Any],
    passed: Iterable[str],
    folder: str,
    data: str,
    temporary: str,
) -> dict[str, str]:
    """All variables of the program, later ones winning: base, host's, the run's own, the project's.

    Args:
        host: this process's variables.
        base: the environment's own (PATH, LANG, TZ, ...).
        settings: the settings file's table.
        passed: names that pass from the host beyond `ALWAYS`.
        folder: the run's record folder, or an empty text when nothing is recorded.
        data: the file that says what data is pinned.
        temporary: the run's temporary folder.
    """
    variables = dict(base)
    for name in (*ALWAYS, *passed):
        if name in host:
            variables[name] = host[name]
    seed = settings.get("seed")
    if seed is not None:
        variables["NIXREPRO_SEED"] = str(seed)
        # Python takes 0 to 4294967295 only.
        variables["PYTHONHASHSEED"] = str(int(seed) % 2**32)
    variables["NIXREPRO_DETERMINISTIC"] = "1" if settings.get("deterministic", True) else "0"
    variables.update(threads(settings))
    variables["NIXREPRO_DATA"] = data
    variables["PYTHONNOUSERSITE"] = "1"
    variables["TMPDIR"] = temporary
    # Keras reads keras.json and keeps what it fetched in a folder of the home otherwise.
    variables["KERAS_HOME"] = f"{temporary}/keras"
    if folder:
        variables["NIXREPRO_RUN"] = folder
    variables.update(settings.get("variables", {}))
    variables.update(instead(settings))  # made with those of the project
    return variables


def digests(host: Mapping[str, str], passed: Iterable[str]) -> dict[str, str]:
    """Names that passed with a digest of what they held: it may be a secret, the record is not."""
    return {
        name: small(host[name].encode("utf-8", "surrogateescape"))[:16]
        for name in sorted(set(passed))
        if name in host
    }
