"""Probes as a person reads them, in 80 columns."""

from __future__ import annotations

from nixrepro.probe import compare
from nixrepro.probe.sides import Side
from nixrepro.probe.text import differences, lines

KERNEL = "convolution brg_conv_bwd:avx512_core+brg_conv_fwd:avx512_core"
FUNCTIONS = {
    "cpu.rcpps": {"digest": "7378f5658f1e", "ulp": 3987.77},
    "libm.erf": {"digest": "092bb27f322a", "ulp": 0.74},
    "libm.erff": {"digest": "16dbcec64867", "ulp": 0.71},
    "libm.tanf": {"digest": "c9643211d665", "ulp": 0.66},
    "libm.tan": {"digest": "bb3463d42398", "ulp": 0.5},
    "numpy.float32.sum": {"digest": "fb69c0e1a5b5"},
    "numpy.float64.sum": {"digest": "2700fef06859"},
    "onednn.float32.conv2d-filter-gradient": {"digest": "9d66dd820f26", "by": [KERNEL]},
    "tensorflow": {"unknown": "ImportError: libnothing.so is not there"},
}
HERE = Side("environment /nix/store/x", {"digest": "5135f7fc6fd39b01", "functions": FUNCTIONS})


def test_a_probe() -> None:
    assert "\n".join(lines(HERE)) == (
        """\
environment /nix/store/x
probe 5135f7fc6fd3, 9 functions

cpu  approximate instructions             ulp
  rcpps                   7378f5658f1e   3988

libm  the C library       float64         ulp  float32         ulp
  erf                     092bb27f322a   0.74  16dbcec64867   0.71
  tan                     bb3463d42398   0.50  c9643211d665   0.66

numpy  numpy's own loops  float64         ulp  float32         ulp
  sum                     2700fef06859         fb69c0e1a5b5

onednn  TensorFlow's kernels with code of oneDNN
                          float32         ulp
  conv2d-filter-gradient  9d66dd820f26
    by convolution brg_conv_bwd:avx512_core+brg_conv_fwd:avx512_core

tensorflow                                ulp
  tensorflow              unknown: ImportError: libnothing.so is not there"""
    )


def test_what_two_differ_in() -> None:
    other = {
        "libm.erf": {"digest": "aaaaaaaaaaaa", "ulp": 0.5},
        "onednn.float32.conv2d-filter-gradient": {"digest": "bbbbbbbbbbbb", "by": ["gemm_api"]},
    }
    there = Side("there.json", {"digest": "1", "functions": {**FUNCTIONS, **other}})
    del there.probe["functions"]["cpu.rcpps"]
    text = "\n".join(differences(HERE, there, compare(HERE.probe, there.probe)))
    assert text == (
        """\
A  environment /nix/store/x
B  there.json
not compared: tensorflow, which neither knows: ImportError: libnothing.so is not there

                                       A                    B
cpu.rcpps                              7378f5658f1e   3988  -
libm.erf                               092bb27f322a   0.74  aaaaaaaaaaaa   0.50
onednn.float32.conv2d-filter-gradient  9d66dd820f26         bbbbbbbbbbbb
    by convolution brg_conv_bwd:avx512_core+brg_conv_fwd:avx512_core
    and gemm_api

3 of 8 functions differ: cpu 1, libm 1, onednn 1"""
    )
    assert max(map(len, text.splitlines()[3:])) <= 80


def test_what_two_agree_in_or_can_not_be_compared() -> None:
    *_, neither, last = differences(HERE, HERE, ())
    assert neither == (
        "not compared: tensorflow, which neither knows: ImportError: libnothing.so is not there"
    )
    assert last == "all 8 functions give the same bytes"
    only = Side("only", {"digest": "1", "functions": {"tensorflow": {"unknown": "why"}}})
    assert list(differences(only, only, ()))[-1].startswith("can't be compared")
    none = Side("run 12", {"unknown": "it took more than 300 s"})
    assert list(differences(HERE, none, ()))[-1] == "can't be compared: B: it took more than 300 s"
    assert list(lines(none)) == ["run 12: it took more than 300 s"]
