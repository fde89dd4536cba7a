"""Elementary functions of vectors with the bits of the GNU C library, for pairs.

That library rounds to the nearest float unless the exact value is almost half way between two: its authors bound its
errors by 0.511 ulp for exp and 0.55 for sine and cosine. So what is computed here to 0.02 ulp rounds to the same float,
unless it lies that near to half way (Ziv, ACM Trans. Math. Software 17 (1991) 410-423). Then the library is called for
that lane: for one in ten or twenty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from diffkit.engines.llvm_elementary import Angle, Exponential, InTwo, VectorArithmetic
from diffkit.engines.llvm_writer import Condition, Writer, bits_of_float

_EXP_MARGIN, _TURN_MARGIN = 0.04, 0.08
"""ulp beyond one half up to which the library may be wrong, and this"""
_LAST_ORDINARY = 700.0  # exponents whose powers are normal numbers
_SMALLEST_ANGLE = 2.0**-200
_BITS_OF_EXPONENT = bits_of_float(float("inf"))
_EXP_FOURTH = (2.0907786724124373e-09, 2.5095554677111112e-08, 2.7557291258666905e-07, 2.755728006701698e-06,
               2.4801587310920686e-05, 0.0001984126985433861, 0.0013888888888888048, 0.008333333333332155,
               0.041666666666666664)  # fmt: skip
"""(eʳ − 1 − r − r²/2 − r³/6)/r⁴ for |r| ≤ log(2)/2"""
_SIN_FIFTH = (-7.595301509942013e-13, 1.6058684257431606e-10, -2.5052107235693167e-08, 2.7557319222323764e-06,
              -0.00019841269841268963, 0.008333333333333333)  # fmt: skip
"""(sin r − r + r³/6)/r⁵ of r² for |r| ≤ π/4"""
_COS_SIXTH = (4.7506552474098083e-14, -1.1470545741976986e-11, 2.0876756348800146e-09, -2.7557319223062003e-07,
              2.4801587301586814e-05, -0.001388888888888889)  # fmt: skip
"""(cos r − 1 + r²/2 − r⁴/24)/r⁶ of r² for |r| ≤ π/4"""
_A_SIXTH = (0.16666666666666666, 9.25185853854297e-18)
_A_24TH = (0.041666666666666664, 2.3129646346357427e-18)


def _is_doubtful(v: VectorArithmetic, found: InTwo, margin: float) -> Condition:
    """Whether a sum rounds to another float if it is changed by a margin in ulp, of a normal number."""
    unit = v.of_bits(v.integer("and", v.bits(v.add(found.value, found.error)), _BITS_OF_EXPONENT))
    change = v.mul(unit, v.number(margin * 2.0**-52))
    ends = [v.add(found.value, step(found.error, change)) for step in (v.add, v.sub)]
    return v.writer.compare("une", *ends)


def _either(writer: Writer, p: Condition, q: Condition) -> Condition:
    return Condition(writer.value(f"or {writer.vector('i1')} {p}, {q}"))


def _part(v: VectorArithmetic, power: str, error: str, share: tuple[float, float]) -> InTwo:
    """A share, as a sum of two, of a power, as a sum of two."""
    first, second = map(v.number, share)
    found = v.mul(power, first)
    return InTwo(found, v.fma(error, first, v.fma(power, second, v.fma(power, first, v.neg(found)))))


def _exp(writer: Writer, x: str) -> str:
    """1 + r + r²/2 + r³/6 as sums of two, and r⁴·p."""
    power = Exponential(writer, x)
    v, r = power.v, power.r
    square = v.mul(r, r)
    square_error = v.fma(r, r, v.neg(square))
    cube = v.mul(r, square)
    third = _part(v, cube, v.fma(r, square_error, v.fma(r, square, v.neg(cube))), _A_SIXTH)
    second = v.fast_sum(r, v.mul(v.number(0.5), square))
    some = v.fast_sum(second.value, third.value)
    whole = v.fast_sum(v.number(1.0), some.value)
    rest = v.fma(v.mul(square, square), v.polynomial(_EXP_FOURTH, r), v.fma(v.number(0.5), square_error, third.error))
    rest = v.fma(power.error(), v.add(v.number(1.0), some.value), rest)
    rest = v.add(v.add(second.error, some.error), rest)
    found = InTwo(whole.value, v.add(whole.error, rest))
    far = writer.compare("ugt", v.size(x), v.number(_LAST_ORDINARY))
    odd = _either(writer, far, _is_doubtful(v, found, _EXP_MARGIN))
    return writer.or_each(odd, power.scaled(v.add(found.value, found.error)), "exp", x)


class _ExactAngle(Angle):
    """An angle of which sine and cosine are sums of two."""

    @property
    def square_error(self) -> str:
        """What r² lacks of (r + low)²."""
        v, r = self.v, self.r
        return v.fma(v.add(r, r), self.low, v.fma(r, r, v.neg(self.square)))

    def sine(self) -> InTwo:
        """r − r³/6 as sums of two, and low + r⁵·p."""
        v, r = self.v, self.r
        cube = v.mul(r, self.square)
        error = v.fma(r, self.square_error, v.fma(r, self.square, v.neg(cube)))
        third = _part(v, cube, v.fma(self.low, self.square, error), _A_SIXTH)
        fifth = v.mul(v.mul(cube, self.square), v.polynomial(_SIN_FIFTH, self.square))
        found = v.fast_sum(r, v.neg(third.value))
        return InTwo(found.value, v.add(found.error, v.add(v.sub(self.low, third.error), fifth)))

    def cosine(self) -> InTwo:
        """1 − r²/2 + r⁴/24 as sums of two, and r⁶·p."""
        v, square, minus_half = self.v, self.square, self.v.number(-0.5)
        fourth = v.mul(square, square)
        error = v.fma(v.add(square, square), self.square_error, v.fma(square, square, v.neg(fourth)))
        part = _part(v, fourth, error, _A_24TH)
        sixth = v.fma(v.mul(fourth, square), v.polynomial(_COS_SIXTH, square), part.error)
        first = v.fast_sum(v.number(1.0), v.mul(minus_half, square))
        found = v.fast_sum(first.value, part.value)
        rest = v.fma(minus_half, self.square_error, sixth)
        return InTwo(found.value, v.add(v.add(first.error, found.error), rest))

    def exactly_turned(self, quarters: int, x: str, name: str) -> str:
        """The sine of the angle and some quarters more."""
        v, writer, swap = self.v, self.writer, self.is_odd(quarters)
        parts = zip(self.cosine(), self.sine(), strict=True)
        found = InTwo(*(writer.choose(swap, y, z) for y, z in parts))
        near = writer.compare("ult", v.size(x), v.number(_SMALLEST_ANGLE))
        odd = _either(writer, _either(writer, self.odd, near), _is_doubtful(v, found, _TURN_MARGIN))
        return writer.or_each(odd, self.with_sign(quarters, v.add(found.value, found.error)), name, x)


def _sin(writer: Writer, x: str) -> str:
    return _ExactAngle(writer, x).exactly_turned(0, x, "sin")


def _cos(writer: Writer, x: str) -> str:
    return _ExactAngle(writer, x).exactly_turned(1, x, "cos")


WITH_SAME_BITS: Mapping[str, Callable[[Writer, str], str]] = {"exp": _exp, "sin": _sin, "cos": _cos}
"""by their names in the C library"""
