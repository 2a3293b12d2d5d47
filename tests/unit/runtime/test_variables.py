"""What of the host may pass into a run, and what never does."""

from __future__ import annotations

from pathlib import Path

import pytest

from nixrepro.config import parse
from nixrepro.errors import ConfigError
from nixrepro.runtime.variables import OWNED, reasons, refused

NUMERICS = [
    *("DNNL_MAX_CPU_ISA", "KMP_AFFINITY", "GOMP_CPU_AFFINITY", "CUDA_VISIBLE_DEVICES"),
    *("CUDNN_LOGINFO_DBG", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS"),
]
SYSTEM = [
    *("LD_PRELOAD", "PYTHONPATH", "MALLOC_PERTURB_", "LC_ALL", "LC_NUMERIC"),
    *("LANG", "LANGUAGE", "TZ", "GLIBC_TUNABLES"),
]


@pytest.mark.parametrize("name", [*NUMERICS, *SYSTEM, *sorted(OWNED)])
def test_what_steers_a_run_may_not_simply_pass(name: str) -> None:
    assert refused(["TOKEN", name]) == [name]


def test_what_only_looks_like_it_may() -> None:
    assert refused(["LANGSMITH_API_KEY", "PATHS", "TZX", "HTTPS_PROXY", "WANDB_API_KEY"]) == []


@pytest.mark.parametrize("name", [*sorted(OWNED), "NIXREPRO_SEED"])
def test_what_cannot_be_set_is_not_to_be_stated_either(name: str) -> None:
    """The project's file refuses it as well, so the advice would be wrong."""
    text = f'[project]\n[tool.nixrepro.settings.variables]\n{name} = "x"\n'
    with pytest.raises(ConfigError, match=f"can't set {name}"):
        parse(text, Path())
    assert "settings.variables" not in reasons([name])
    assert f"{name} can't be set" in reasons([name])


@pytest.mark.parametrize("name", [*NUMERICS, *SYSTEM])
def test_what_may_be_stated_is_said_to_be(name: str) -> None:
    text = f'[project]\n[tool.nixrepro.settings.variables]\n{name} = "x"\n'
    assert parse(text, Path()).settings.variables == ((name, "x"),)
    assert "state it in [tool.nixrepro.settings.variables]" in reasons([name])


def test_each_kind_has_its_own_reason() -> None:
    said = reasons(["PATH", "TZ", "SHELL", "LD_PRELOAD"]).split("; ")
    assert [text.split(" can")[0] for text in said if " can" in text] == [
        "PATH, SHELL",
        "TZ, LD_PRELOAD",
    ]
