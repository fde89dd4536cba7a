"""Elementary functions of vectors, written out in LLVM's intermediate language, of at most 1.3 ulp.

Arguments are reduced with π/2 and log 2 in two or three parts (Cody & Waite, Software Manual for the Elementary
Functions, 1980), and polynomials of least maximal error, found with 60 digits, do the rest. Where an argument is out of
the range that this serves, the C library is called. Largest errors found by ``benchmarks/vector_functions.py``, in ulp:

=====  =====  =====  =====  =====  =====  =====  =====  =====  =====
exp    expm1  log    log1p  sin    cos    tan    sinh   cosh   tanh
1.09   1.23   0.85   0.83   0.86   0.87   1.06   1.27   1.02   1.04
=====  =====  =====  =====  =====  =====  =====  =====  =====  =====

The vector library of glibc 2.36 was found to reach 3.0 for exp, 1.6 for log and 3.4 for cos, so it is not called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from diffkit.core.table import ABS, ADD, DIV, MUL, NEG, SUB
from diffkit.engines.llvm_writer import Condition, Writer, bits_of_float
from diffkit.numbers.floats import LARGEST_FLOAT

_SHIFTER = 1.5 * 2.0**52  # x + this has x, rounded to an integer, in its last bits
_SHIFTER_BITS = bits_of_float(_SHIFTER)
_LOG2_E = 1.4426950408889634
_LN2, _LN2_LOW = 0.6931471805599453, 2.3190468138462996e-17
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
_FARTHEST_ANGLE = 2.0**30
_ROOT_HALF_BITS = bits_of_float(math.sqrt(0.5))
_LAST_EXPONENT = 760.0  # exp overflows before and vanishes after −760
_LAST_WHOLE = 708.0  # its power of two is a float
_LANES_THAT_SCALE = 8  # of AVX-512, which has an instruction for x·2ⁿ
_EXP_SERIES = (2.510038549551032e-08, 2.7620088445409746e-07, 2.7557268459997064e-06, 2.4801521295954376e-05,
        0.00019841269863053618, 0.0013888888917213717, 0.008333333333330062, 0.04166666666662413, 0.16666666666666669,
        0.5000000000000001)  # fmt: skip
"""(eʳ − 1 − r)/r² for |r| ≤ log(2)/2"""
_LOG_SERIES = (0.14616721179861816, 0.15331699633543858, 0.18182889786191042, 0.2222221112572281, 0.28571428626031065,
        0.3999999999989938, 0.666666666666667)  # fmt: skip
"""(log((1 + s)/(1 − s))/s − 2)/s² of s² for |s| ≤ 3 − √8"""
_SIN_SERIES = (1.591810123027412e-10, -2.5051131455427946e-08, 2.755731610068303e-06, -0.0001984126983675497,
        0.008333333333330946, -0.16666666666666666)  # fmt: skip
"""(sin(r)/r − 1)/r² of r² for |r| ≤ π/4"""
_COS_SERIES = (-1.1382614868556325e-11, 2.0876146024689747e-09, -2.7557317270560326e-07, 2.4801587298763433e-05,
        -0.0013888888888887395, 0.041666666666666664)  # fmt: skip
"""(cos(r) − 1 + r²/2)/r⁴ of r² for |r| ≤ π/4"""


class InTwo(NamedTuple):
    """A float and what it lacks."""

    value: str
    error: str


class VectorArithmetic:
    """Arithmetic on vectors of a writer."""

    def __init__(self, writer: Writer):
        self.writer = writer
        self.integers = writer.vector("i64")

    def add(self, x: str, y: str) -> str:
        """x + y."""
        return self.writer.rows[ADD](x, y)

    def sub(self, x: str, y: str) -> str:
        """x − y."""
        return self.writer.rows[SUB](x, y)

    def mul(self, x: str, y: str) -> str:
        """x·y."""
        return self.writer.rows[MUL](x, y)

    def div(self, x: str, y: str) -> str:
        """x/y."""
        return self.writer.rows[DIV](x, y)

    def neg(self, x: str) -> str:
        """−x."""
        return self.writer.rows[NEG](x)

    def size(self, x: str) -> str:
        """|x|."""
        return self.writer.rows[ABS](x)

    def number(self, value: float) -> str:
        """A constant."""
        return self.writer.number(value)

    def fma(self, x: str, y: str, z: str) -> str:
        """x·y + z, rounded once."""
        return self.writer.fma(x, y, z)

    def fast_sum(self, x: str, y: str, any_order: bool = False) -> InTwo:
        """The sum and its rounding error, for |x| ≥ |y| or for any (Dekker 1971; Knuth, section 4.2.2)."""
        total = self.add(x, y)
        part = self.sub(total, x)
        error = self.sub(y, part)
        return InTwo(total, self.add(self.sub(x, self.sub(total, part)), error) if any_order else error)

    def ratio(self, up: InTwo, down: InTwo) -> str:
        """The quotient of sums of two, by one division and what it leaves."""
        inverse = self.div(self.number(1.0), down.value)
        found = self.mul(up.value, inverse)
        left = self.fma(self.neg(found), down.value, up.value)
        left = self.add(left, self.fma(self.neg(found), down.error, up.error))
        return self.fma(left, inverse, found)

    def signed(self, x: str, y: str) -> str:
        """|x| with the sign of y."""
        return self.writer.intrinsic("copysign", x, y)

    def polynomial(self, coefficients: Sequence[float], x: str) -> str:
        """Horner's rule, the highest power first, for even and odd powers side by side."""
        square = self.mul(x, x)
        parts = []
        for part in (coefficients[-1::-2], coefficients[-2::-2]):
            found = self.number(part[-1])
            for c in part[-2::-1]:
                found = self.fma(found, square, self.number(c))
            parts.append(found)
        return self.fma(parts[1], x, parts[0])

    def bits(self, x: str) -> str:
        """The bits of numbers as integers."""
        return self.writer.value(f"bitcast {self.writer.double} {x} to {self.integers}")

    def of_bits(self, k: str) -> str:
        """The numbers of some bits."""
        return self.writer.value(f"bitcast {self.integers} {k} to {self.writer.double}")

    def integer(self, operation: str, k: str, constant: int) -> str:
        """An operation on integers with a constant."""
        return self.writer.value(f"{operation} {self.integers} {k}, {self.writer.integer(constant)}")

    def power_of_two(self, k: str) -> str:
        """2ᵏ within the range of exponents."""
        return self.of_bits(self.integer("shl", self.integer("add", k, 1023), 52))


class Exponential:
    """eˣ = 2ⁿ·(1 + s + error), |s| < ½: the argument r of its polynomial, as a float and what it lacks."""

    def __init__(self, writer: Writer, x: str):
        v = self.v = VectorArithmetic(writer)
        for how, bound in (("ogt", _LAST_EXPONENT), ("olt", -_LAST_EXPONENT)):
            x = writer.choose(writer.compare(how, x, v.number(bound)), v.number(bound), x)
        self.shifted = v.fma(x, v.number(_LOG2_E), v.number(_SHIFTER))
        self.n = v.sub(self.shifted, v.number(_SHIFTER))
        self.whole = v.fma(self.n, v.number(-_LN2), x)  # exact
        self.r = v.fma(self.n, v.number(-_LN2_LOW), self.whole)
        self.rest = v.polynomial(_EXP_SERIES, self.r)

    def scaled(self, x: str) -> str:
        """x·2ⁿ, rounded once: by an instruction, or in two steps, as 2ⁿ may be no float where that is one."""
        v = self.v
        if v.writer.lanes == _LANES_THAT_SCALE:
            return v.writer.scaled(x, self.n)
        k = v.integer("sub", v.bits(self.shifted), _SHIFTER_BITS)
        half = v.integer("ashr", k, 1)
        rest = v.writer.value(f"sub {v.integers} {k}, {half}")
        return v.mul(v.mul(x, v.power_of_two(half)), v.power_of_two(rest))

    def error(self) -> str:
        """What r lacks."""
        return self.v.fma(self.n, self.v.number(-_LN2_LOW), self.v.sub(self.whole, self.r))

    def power(self) -> str:
        """eˣ."""
        v, r = self.v, self.r
        return self.scaled(v.add(v.number(1.0), v.fma(v.mul(r, r), self.rest, r)))

    def less_one(self) -> InTwo:
        """eˣ − 1 = (2ⁿ − 1) + 2ⁿ·(s + error), for n < 1023."""
        v, two = self.v, self.scaled(self.v.number(1.0))
        s = v.fast_sum(self.r, v.mul(v.mul(self.r, self.r), self.rest))
        less = v.fast_sum(v.number(-1.0), two)
        found = v.fast_sum(less.value, v.mul(two, s.value))
        error = v.fma(self.error(), v.add(v.number(1.0), s.value), s.error)
        error = v.fma(two, error, v.add(less.error, found.error))
        return InTwo(found.value, error)


def _exp(writer: Writer, x: str) -> str:
    return Exponential(writer, x).power()


def _expm1(writer: Writer, x: str) -> str:
    v = VectorArithmetic(writer)
    odd = writer.compare("ugt", v.size(x), v.number(_LAST_WHOLE))
    found = Exponential(writer, x).less_one()
    return writer.or_each(odd, v.signed(v.add(found.value, found.error), x), "expm1", x)


def _tanh(writer: Writer, x: str) -> str:
    """−u/(u + 2) with u = e^−2|x| − 1, which shares its parts with the logistic functions of a derivative."""
    v = VectorArithmetic(writer)
    u = Exponential(writer, v.neg(v.size(v.mul(x, v.number(2.0))))).less_one()
    down = v.fast_sum(v.number(2.0), u.value)
    return v.signed(v.ratio(u, InTwo(down.value, v.add(down.error, u.error))), x)


def _sinh(writer: Writer, x: str) -> str:
    """(u + u/(u + 1))/2 with u = e^|x| − 1."""
    v = VectorArithmetic(writer)
    size = v.size(x)
    u = Exponential(writer, size).less_one()
    down = v.fast_sum(v.number(1.0), u.value, any_order=True)
    other = v.ratio(u, InTwo(down.value, v.add(down.error, u.error)))
    total = v.fast_sum(u.value, other)
    found = v.mul(v.number(0.5), v.add(total.value, v.add(total.error, u.error)))
    odd = writer.compare("ugt", size, v.number(_LAST_WHOLE))
    return writer.or_each(odd, v.signed(found, x), "sinh", x)


def _cosh(writer: Writer, x: str) -> str:
    """(e^|x| + e^−|x|)/2."""
    v = VectorArithmetic(writer)
    size = v.size(x)
    power = Exponential(writer, size).less_one()
    found = v.fast_sum(v.number(1.0), power.value, any_order=True)
    inverse = v.div(v.number(1.0), found.value)
    total = v.fast_sum(found.value, inverse)
    rest = v.add(total.error, v.add(found.error, power.error))
    odd = writer.compare("ugt", size, v.number(_LAST_WHOLE))
    return writer.or_each(odd, v.mul(v.number(0.5), v.add(total.value, rest)), "cosh", x)


def _logarithm(v: VectorArithmetic, x: str, error: str | None) -> str:
    """log(2ᵏ·m) = k·log 2 + log(1 + f) with √½ ≤ 1 + f < √2; ``error`` is what x lacks, in proportion."""
    shifted = v.integer("sub", v.bits(x), _ROOT_HALF_BITS)
    exponent = v.integer("ashr", shifted, 52)
    mantissa = v.of_bits(v.writer.value(f"sub {v.integers} {v.bits(x)}, {v.integer('shl', exponent, 52)}"))
    k = v.sub(v.of_bits(v.integer("add", exponent, _SHIFTER_BITS)), v.number(_SHIFTER))
    f = v.sub(mantissa, v.number(1.0))
    s = v.div(f, v.add(v.number(2.0), f))
    z = v.mul(s, s)
    half = v.mul(v.number(0.5), v.mul(f, f))
    low = v.mul(k, v.number(_LN2_LOW))
    rest = v.fma(s, v.fma(z, v.polynomial(_LOG_SERIES, z), half), low if error is None else v.add(low, error))
    return v.fma(k, v.number(_LN2), v.sub(f, v.sub(half, rest)))


def _log(writer: Writer, x: str) -> str:
    odd = writer.outside(x, 2.0**-1022, LARGEST_FLOAT)
    return writer.or_each(odd, _logarithm(VectorArithmetic(writer), x, None), "log", x)


def _log1p(writer: Writer, x: str) -> str:
    """log of 1 + x as a float and what it lacks; x itself where it is small."""
    v = VectorArithmetic(writer)
    total = v.fast_sum(v.number(1.0), x, any_order=True)
    odd = writer.outside(total.value, 2.0**-53, LARGEST_FLOAT)
    found = _logarithm(v, total.value, v.div(total.error, total.value))
    small = writer.compare("olt", v.size(x), v.number(2.0**-54))
    return writer.or_each(odd, writer.choose(small, x, found), "log1p", x)


class Angle:
    """An angle as n quarters of a turn and r in [−π/4, π/4], as a float and what it lacks; sine and cosine of r."""

    def __init__(self, writer: Writer, x: str):
        v = VectorArithmetic(writer)
        self.v, self.writer = v, writer
        shifted = v.fma(x, v.number(_TWO_OVER_PI), v.number(_SHIFTER))
        n = v.sub(shifted, v.number(_SHIFTER))
        first, second, third = map(v.number, _HALF_PI)
        whole = v.fma(v.neg(n), first, x)  # exact: below 1, and a multiple of 2^−53
        part = v.mul(n, second)
        r = v.sub(whole, part)
        self.low = v.fma(v.neg(n), third, v.sub(v.sub(v.sub(whole, r), part), v.fma(n, second, v.neg(part))))
        self.r, self.square = r, v.mul(r, r)
        self.quarters = v.bits(shifted)
        self.odd = writer.compare("ugt", v.size(x), v.number(_FARTHEST_ANGLE))

    def sine(self) -> InTwo:
        """sin(r + low), as r + (r³·p + low·(1 − r²/2))."""
        v = self.v
        rest = v.fma(v.mul(v.number(-0.5), self.square), self.low, self.low)
        return v.fast_sum(self.r, v.fma(v.mul(self.square, self.r), v.polynomial(_SIN_SERIES, self.square), rest))

    def cosine(self) -> InTwo:
        """cos(r + low), as 1 − r²/2 and (its rounding error + r⁴·p − low·r)."""
        v = self.v
        half = v.mul(v.number(0.5), self.square)
        first = v.sub(v.number(1.0), half)
        error = v.sub(v.sub(v.number(1.0), first), half)
        fourth = v.mul(self.square, self.square)
        rest = v.fma(fourth, v.polynomial(_COS_SERIES, self.square), v.fma(v.neg(self.r), self.low, error))
        return v.fast_sum(first, rest)

    def is_odd(self, quarters: int) -> Condition:
        """Whether the angle and some quarters more is an odd number of quarters and r."""
        v, n = self.v, self._quarters(quarters)
        return Condition(self.writer.value(f"icmp ne {v.integers} {v.integer('and', n, 1)}, {self.writer.integer(0)}"))

    def _quarters(self, more: int) -> str:
        return self.v.integer("add", self.quarters, more) if more else self.quarters

    def turned(self, quarters: int) -> str:
        """The sine of the angle and some quarters more."""
        found = self.writer.choose(self.is_odd(quarters), self.cosine().value, self.sine().value)
        return self.with_sign(quarters, found)

    def with_sign(self, quarters: int, x: str) -> str:
        """x, or −x where the angle and some quarters more are in the lower half of the circle."""
        v = self.v
        sign = v.integer("and", v.integer("shl", self._quarters(quarters), 62), -(2**63))
        return v.of_bits(self.writer.value(f"xor {v.integers} {v.bits(x)}, {sign}"))

    def tangent(self) -> str:
        """sin/cos, or −cos/sin in odd quarters."""
        v, choose, odd = self.v, self.writer.choose, self.is_odd(0)
        parts = tuple(zip(self.sine(), self.cosine(), strict=True))
        up, down = (InTwo(*(choose(odd, y, x) for x, y in two)) for two in (parts, [two[::-1] for two in parts]))
        found = v.ratio(up, down)
        return choose(odd, v.neg(found), found)


def _sin(writer: Writer, x: str) -> str:
    angle = Angle(writer, x)
    return writer.or_each(angle.odd, angle.turned(0), "sin", x)


def _cos(writer: Writer, x: str) -> str:
    angle = Angle(writer, x)
    return writer.or_each(angle.odd, angle.turned(1), "cos", x)


def _tan(writer: Writer, x: str) -> str:
    angle = Angle(writer, x)
    return writer.or_each(angle.odd, angle.tangent(), "tan", x)


IN_VECTORS: Mapping[str, Callable[[Writer, str], str]] = {
    "exp": _exp,
    "expm1": _expm1,
    "log": _log,
    "log1p": _log1p,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
}
"""by their names in the C library"""
