"""The functions of the C library's libm that are probed, and where their arguments lie."""

from __future__ import annotations

from typing import NamedTuple

# Points a function is called at; an error in ulp is looked for at the first CHECKED of them.
POINTS = 4096
CHECKED = 256


class Span(NamedTuple):
    """Arguments x with 2**low <= abs(x) < 2**(high + 1); of both signs where `signed`."""

    low: int
    high: int
    signed: bool = True


class Function(NamedTuple):
    """A function by its C name for doubles, and a span for each argument of both types."""

    name: str
    double: tuple[Span, ...]
    single: tuple[Span, ...]

    def spans(self, kind: str) -> tuple[Span, ...]:
        """Those of one type: `d` for double, `f` for float."""
        return self.double if kind == "d" else self.single

    def called(self, kind: str) -> str:
        """Its C name for one type."""
        return self.name if kind == "d" else self.name + "f"


def _one(name: str, double: Span, single: Span | None = None) -> Function:
    return Function(name, (double,), (single or double,))


_WIDE = Span(-12, 20)
_BELOW_ONE = Span(-20, -1)
_MIDDLE = Span(-12, 6)
_POSITIVE = Span(-8, 8, False)

# No result of these overflows, and none is subnormal: there the size of an ulp says little.
FUNCTIONS = (
    _one("acos", _BELOW_ONE),
    _one("acosh", Span(0, 20, False)),
    _one("asin", _BELOW_ONE),
    _one("asinh", _WIDE),
    _one("atan", _MIDDLE),
    Function("atan2", (_MIDDLE, _MIDDLE), (_MIDDLE, _MIDDLE)),
    _one("atanh", _BELOW_ONE),
    _one("cbrt", _WIDE),
    _one("cos", _WIDE),
    _one("cosh", Span(-12, 8), Span(-12, 5)),
    _one("erf", Span(-12, 1)),
    _one("erfc", Span(-12, 3), Span(-12, 2)),
    _one("exp", Span(-12, 8), Span(-12, 5)),
    _one("exp10", Span(-12, 7), Span(-12, 4)),
    _one("exp2", Span(-12, 8), Span(-12, 5)),
    _one("expm1", Span(-20, 8), Span(-20, 5)),
    Function("hypot", (_WIDE, _WIDE), (_WIDE, _WIDE)),
    _one("j0", Span(-6, 6, False)),
    _one("j1", Span(-6, 6, False)),
    _one("lgamma", Span(-6, 8)),
    _one("log", _POSITIVE),
    _one("log10", _POSITIVE),
    _one("log1p", _BELOW_ONE),
    _one("log2", _POSITIVE),
    Function("pow", (_POSITIVE, Span(-6, 4)), (Span(-4, 4, False), Span(-6, 3))),
    _one("sin", _WIDE),
    _one("sinh", Span(-12, 8), Span(-12, 5)),
    _one("sqrt", Span(-30, 30, False)),
    _one("tan", _WIDE),
    _one("tanh", Span(-12, 4), Span(-12, 3)),
    _one("tgamma", Span(-6, 6), Span(-6, 4)),
    _one("y0", Span(-6, 6, False)),
    _one("y1", Span(-6, 6, False)),
)
BY_NAME = {function.name: function for function in FUNCTIONS}
