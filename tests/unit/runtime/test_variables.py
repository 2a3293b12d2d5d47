"""What of the host may pass into a run, and what never does."""

from __future__ import annotations

import pytest

from nixrepro.runtime.variables import OWNED, refused

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
