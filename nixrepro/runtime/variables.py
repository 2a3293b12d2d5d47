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
# Where and as whom a tracker logs: no number changes with it, so these pass where the environment
# has the tracker, under no digest of the run. What a tracker gives to the program (sweeps, resumed
# runs, configurations) is not among them.
TRACKERS: tuple[tuple[tuple[str, ...], tuple[str, ...], dict[str, str]], ...] = (
    (
        ("mlflow", "mlflow-skinny"),
        (
            "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD",
            "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_AUTH", "MLFLOW_TRACKING_AWS_SIGV4",
            "MLFLOW_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_SERVER_CERT_PATH",
            "MLFLOW_TRACKING_CLIENT_CERT_PATH", "MLFLOW_REGISTRY_URI", "MLFLOW_WORKSPACE",
            "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID",
            "MLFLOW_S3_ENDPOINT_URL", "MLFLOW_S3_IGNORE_TLS", "MLFLOW_HTTP_REQUEST_TIMEOUT",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_ALLOW_FILE_STORE",
            "MLFLOW_DISABLE_TELEMETRY",
        ),
        {},
    ),
    (
        ("wandb",),
        (
            "WANDB_MODE", "WANDB_API_KEY", "WANDB_BASE_URL", "WANDB_ENTITY", "WANDB_PROJECT",
            "WANDB_NAME", "WANDB_NOTES", "WANDB_TAGS", "WANDB_RUN_GROUP", "WANDB_JOB_TYPE",
            "WANDB_DIR", "WANDB_SILENT", "WANDB_CONSOLE", "WANDB_IDENTITY_TOKEN_FILE",
        ),
        {"WANDB_MODE": "offline"},
    ),
)  # fmt: skip
# Set to `no` where a run is a trial and no experiment: then none of these pass.
SWITCH = "NIXREPRO_TRACKERS"
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


def tracking(
    wheels: Iterable[Mapping[str, Any]], host: Mapping[str, str], named: Iterable[str]
) -> dict[str, str]:
    """The variables that a program's trackers get.

    Args:
        wheels: what distributions the environment has.
        host: this process's variables.
        named: those that pass, and are recorded, as the project says.
    """
    there = {entry["name"] for entry in wheels}
    found: dict[str, str] = {}
    for distributions, names, trial in TRACKERS:
        if there.isdisjoint(distributions):
            continue
        passing = {name: host[name] for name in names if name in host and name not in named}
        found.update(trial if host.get(SWITCH) == "no" else passing)
    return found


def digests(host: Mapping[str, str], passed: Iterable[str]) -> dict[str, str]:
    """Names that passed with a digest of what they held: it may be a secret, the record is not."""
    return {
        name: small(host[name].encode("utf-8", "surrogateescape"))[:16]
        for name in sorted(set(passed))
        if name in host
    }
