"""Kernels of a field: powers, exponentials and logarithms of elements, their sines, cosines and arctangents.

Powers go by irreducible factors, exp and log undo each other, and angles are added.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from flint import arb, fmpz

from diffkit.numbers.balls import rational
from diffkit.numbers.field.elements import LARGEST_POWER, LARGEST_RULE, Element, Elements, Unprovable

Turn = tuple[Element, Element]
"""the sine and the cosine of an angle"""

_FACTORED = 100  # terms of a polynomial that is factored
_POWER_OF_TINY = arb(0.5, 0.5)  # what a power of something small lies in
_FACTORED_BITS = 64  # size of an integer that is factored
_SMOOTH_BITS = 15  # size of the factors that are looked for in a larger one
_MOST_TURNS = 16  # multiples of an angle that are multiplied out
_MOST_ANGLES = 4  # terms of an angle that are added
_PARTS_OF_PI = 60  # parts of π whose sines are written with square roots: π/4, π/3, π/5 and their sums
_HALF = Fraction(1, 2)
_MULTIPLES = (1, -1, 2, -2)
_NEAR_INTEGER = arb(2) ** -50


class Powers(Elements):
    """Elements with real powers of positive ones.

    A power of a product is the product of the powers of its irreducible factors. Powers of one base, exponentials of
    multiples of one number, are whole powers of one kernel, which is replaced by a finer one when that is wanted.
    """

    def __init__(self, count: int):
        super().__init__(count)
        self.tiny: set[int] = set()
        """kernels that stand for all small positive numbers; their balls reach down to 0"""
        self.units: dict[Hashable, list[tuple[Fraction, int]]] = {}
        """what multiples are taken of → kernels of some of them"""
        self.roots: dict[int, tuple[Element, Fraction]] = {}
        """kernel → the base and the exponent that it is a power with"""
        self.logarithms: dict[int, Element] = {}
        """kernel of an exponential → its exponent"""
        self.exponentials: dict[int, Element] = {}
        """kernel of a logarithm → what it is the logarithm of"""

    def sign(self, x: Element) -> int:
        """−1, 0 or 1; by the factors where the ball of the whole does not tell, as it never does of what is tiny."""
        try:
            return super().sign(x)
        except Unprovable:
            if not self.tiny:
                raise
        found = 1
        for polynomial in (x.up, x.down):
            scale, parts = self._parted(polynomial)
            found *= 1 if scale > 0 else -1
            for part, times in parts:
                found *= self._sign_of_part(part) ** times
        return found

    def _parted(self, polynomial: Any) -> tuple[Any, Any]:
        if len(polynomial) > _FACTORED:
            raise Unprovable
        return polynomial.factor()  # type: ignore[no-any-return]

    def _sign_of_part(self, part: Any) -> int:
        """The sign of an irreducible polynomial."""
        element = Element(part, self.one)
        return 1 if self.index(element) in self.tiny else Elements.sign(self, element)

    def factors(self, x: Element) -> Iterator[tuple[Element, int]]:
        """Positive irreducible elements, primes among them, whose powers multiply up to a positive element."""
        content = Fraction(1)
        found: list[tuple[Element, int]] = []
        for polynomial, side in ((x.up, 1), (x.down, -1)):
            scale, parts = self._parted(polynomial)
            content *= Fraction(int(scale.p), int(scale.q)) ** side
            for part, times in parts:
                sign = self._sign_of_part(part)
                content *= sign**times
                found.append((Element(part * sign, self.one), side * times))
        if content <= 0:
            raise Unprovable
        yield from found
        for number, side in ((content.numerator, 1), (content.denominator, -1)):
            for prime, times in _primes(number):
                yield self.number(prime), side * times

    def power(self, x: Element, y: Element) -> Element:
        """x^y."""
        exponent = self.rational(y)
        if exponent is not None and exponent.denominator == 1:
            return self.whole_power(x, int(exponent))
        if x.up == 0 and self.sign(y) > 0:
            return x
        return self.exp(self.mul(y, self.log(x))) if exponent is None else self.raised_to(x, exponent)

    def raised_to(self, x: Element, exponent: Fraction) -> Element:
        """A rational power of a positive element."""
        answer = self.number(1)
        for base, times in self.factors(x):
            answer = self.mul(answer, self._power_of(base, times * exponent))
        return answer

    def _power_of(self, base: Element, exponent: Fraction) -> Element:
        """A rational power of a positive irreducible element."""
        kernel = self.index(base)
        if kernel in self.logarithms:
            return self.exp(self.mul(self.number(exponent), self.logarithms[kernel]))
        if kernel in self.roots:
            inner, unit = self.roots[kernel]
            return self._power_of(inner, exponent * unit)
        whole = round(exponent)
        rest = exponent - whole
        answer = self.whole_power(base, whole)
        if not rest:
            return answer
        root = self._multiple(("power", self.key(base)), abs(rest), lambda unit: self._root(base, unit), _unit)
        return self.mul(answer, root) if rest > 0 else self.div(answer, root)

    def _root(self, base: Element, unit: Fraction) -> int:
        """The kernel of a power of a base."""
        tiny = self.index(base) in self.tiny
        ball = _POWER_OF_TINY if tiny else self.ball(base) ** rational(unit)
        kernel = self.number_of(("power", self.key(base), unit), ball)
        if tiny:
            self.tiny.add(kernel)
        self.roots[kernel] = (base, unit)
        if unit.numerator == 1 and unit.denominator <= LARGEST_RULE:
            self.rules[kernel] = (unit.denominator, base.up)
        return kernel

    def number_of(self, key: Hashable, ball: Any) -> int:
        """The number of a kernel."""
        found = self.index(self.kernel(key, ball))
        assert found is not None
        return found

    def _multiple(
        self, what: Hashable, amount: Fraction, make: Callable[[Fraction], int], first: Callable[[Fraction], Fraction]
    ) -> Element:
        """What stands for a positive amount of something, as a whole power of the kernel of a unit."""
        known = self.units.setdefault(what, [])
        for place, (unit, kernel) in enumerate(known):
            ratio = amount / unit
            if max(ratio.numerator, ratio.denominator) <= LARGEST_POWER:
                if ratio.denominator > 1:
                    unit /= ratio.denominator
                    finer = make(unit)
                    self.rules[kernel] = (1, self.generators[finer] ** ratio.denominator)
                    known[place] = unit, finer
                    kernel = finer
                return self.reduced(self.generators[kernel] ** ratio.numerator, self.one)
        unit = first(amount)
        known.append((unit, make(unit)))
        return self._multiple(what, amount, make, first)

    def exp(self, x: Element) -> Element:
        """Give the exponential of Σ cᵢ·mᵢ: a product of powers of kernels eᵘᵐ, and of b for c·log b."""
        answer = self.number(1)
        for scale, part in self.terms(x) if x.up != 0 else ():
            kernel = self.index(part)
            if kernel in self.exponentials:
                answer = self.mul(answer, self._power_of(self.exponentials[kernel], scale))
                continue
            make = partial(self._exponential, part)
            power = self._multiple(("exponential", self.key(part)), abs(scale), make, abs)
            answer = self.mul(answer, power) if scale > 0 else self.div(answer, power)
        return answer

    def _exponential(self, part: Element, unit: Fraction) -> int:
        """The kernel of the exponential of a multiple of an element."""
        exponent = self.mul(self.number(unit), part)
        kernel = self.number_of(("exponential", self.key(exponent)), self.ball(exponent).exp())
        self.logarithms[kernel] = exponent
        return kernel

    def log(self, x: Element) -> Element:
        """The logarithm of a positive element: a sum over its irreducible factors."""
        total = self.number(0)
        for base, times in self.factors(x):
            total = self.add(total, self.mul(self.number(times), self._log_of(base)))
        return total

    def _log_of(self, base: Element) -> Element:
        """The logarithm of a positive irreducible element."""
        kernel = self.index(base)
        if kernel in self.logarithms:
            return self.logarithms[kernel]
        if kernel in self.roots:
            inner, unit = self.roots[kernel]
            return self.mul(self.number(unit), self._log_of(inner))
        found = self.kernel(("logarithm", self.key(base)), self.ball(base).log())
        kernel = self.index(found)
        assert kernel is not None
        self.exponentials[kernel] = base
        return found


def _unit(amount: Fraction) -> Fraction:
    """The unit that powers of a base begin with: 1/q for small q, whose q-th power is the base."""
    return Fraction(1, amount.denominator) if amount.denominator <= LARGEST_POWER else amount


def _primes(number: int) -> list[tuple[int, int]]:
    """Factors of an integer with their multiplicities: small primes, and what is left of it."""
    if number == 1:
        return []
    whole = fmpz(number)
    found = whole.factor() if number.bit_length() <= _FACTORED_BITS else whole.factor_smooth(_SMOOTH_BITS)
    return [(int(prime), int(times)) for prime, times in found]


class Angles(Powers):
    """Elements with circular functions and their inverses."""

    def __init__(self, count: int):
        super().__init__(count)
        self.pi: Element = self.kernel("pi", arb.pi())
        self.angles: dict[Hashable, list[tuple[Element, Fraction, Turn]]] = {}
        """what multiples are taken of → it, units of it, and their sines and cosines"""
        self.tangents: dict[int, Element] = {}
        """kernel of an arctangent → what it is the arctangent of"""

    def turn(self, x: Element) -> Turn:
        """Sine and cosine of an element."""
        terms = self.terms(x) if x.up != 0 else []
        if len(terms) > _MOST_ANGLES:
            raise Unprovable
        found = self._none
        for scale, part in terms:
            found = self._both(found, self._turn_by(scale, part))
        return found

    @property
    def _none(self) -> Turn:
        return self.number(0), self.number(1)

    def _both(self, x: Turn, y: Turn) -> Turn:
        """The sine and cosine of a sum."""
        (s, c), (t, d) = x, y
        return self.add(self.mul(s, d), self.mul(c, t)), self.sub(self.mul(c, d), self.mul(s, t))

    def _times(self, x: Turn, n: int) -> Turn:
        """The sine and cosine of a multiple."""
        if abs(n) > _MOST_TURNS:
            raise Unprovable
        found = self._none
        for _ in range(abs(n)):
            found = self._both(found, x)
        return found if n >= 0 else (self.neg(found[0]), found[1])

    def factors(self, x: Element) -> Iterator[tuple[Element, int]]:
        """Factors as those of powers, where 1 − cos and 1 + cos together are the square of a sine."""
        found = {self.key(base): (base, times) for base, times in super().factors(x)}
        for sine, cosine in [turn for known in self.angles.values() for _, _, turn in known]:
            below, above = self.key(self.sub(self.number(1), cosine)), self.key(self.add(self.number(1), cosine))
            if below in found and above in found:
                both = min(found[below][1], found[above][1], key=abs)
                for half in (below, above):
                    found[half] = found[half][0], found[half][1] - both
                yield self.absolute(sine), 2 * both
        yield from found.values()

    def _turn_by(self, scale: Fraction, part: Element) -> Turn:
        """Sine and cosine of a multiple of a product of kernels."""
        kernel = self.index(part)
        if kernel == self.index(self.pi) and _PARTS_OF_PI % scale.denominator == 0:
            return self._part_of_pi(scale)
        if kernel in self.tangents and scale.denominator == 1:
            z = self.tangents[kernel]
            root = self.raised_to(self.add(self.number(1), self.mul(z, z)), _HALF)
            return self._times((self.div(z, root), self.div(self.number(1), root)), int(scale))
        sine, cosine = self._multiple_turn(part, abs(scale))
        return (sine, cosine) if scale > 0 else (self.neg(sine), cosine)

    def _multiple_turn(self, part: Element, amount: Fraction) -> Turn:
        known = self.angles.setdefault(self.key(part), [])
        for place, (_, unit, found) in enumerate(known):
            ratio = amount / unit
            if max(ratio.numerator, ratio.denominator) <= _MOST_TURNS:
                if ratio.denominator > 1:
                    unit /= ratio.denominator
                    finer = self._new_turn(part, unit)
                    for old, new in zip(found, self._times(finer, ratio.denominator), strict=True):
                        kernel = self.index(old)
                        assert kernel is not None
                        self.rules[kernel] = (1, new.up)
                    known[place], found = (part, unit, finer), finer
                return self._times(found, ratio.numerator)
        known.append((part, amount, self._new_turn(part, amount)))
        return known[-1][2]

    def _new_turn(self, part: Element, unit: Fraction) -> Turn:
        """Kernels for sine and cosine, tied by sin² = 1 − cos²."""
        angle = self.mul(self.number(unit), part)
        ball = self.ball(angle)
        sine = self.kernel(("sine", self.key(angle)), ball.sin())
        cosine = self.kernel(("cosine", self.key(angle)), ball.cos())
        kernel = self.index(sine)
        assert kernel is not None
        self.rules[kernel] = (2, self.one - cosine.up**2)
        return sine, cosine

    def _part_of_pi(self, scale: Fraction) -> Turn:
        """Sine and cosine of a multiple of π/60 as a sum of multiples of π/4, π/3 and π/5."""
        amount = int(scale * _PARTS_OF_PI) % (2 * _PARTS_OF_PI)
        thirds, fifths = next((b, e) for b in range(3) for e in range(5) if (amount - 20 * b - 12 * e) % 15 == 0)
        quarters = (amount - 20 * thirds - 12 * fifths) // 15 % 8
        found = self._times(self._quarter, quarters)
        for turn, times in ((self._third, thirds), (self._fifth, fifths)):
            if times:
                found = self._both(found, self._times(turn, times))
        return found

    @property
    def _quarter(self) -> Turn:
        half_root = self.div(self.raised_to(self.number(2), _HALF), self.number(2))
        return half_root, half_root

    @property
    def _third(self) -> Turn:
        return self.div(self.raised_to(self.number(3), _HALF), self.number(2)), self.number(_HALF)

    @property
    def _fifth(self) -> Turn:
        """The cosine of π/5 is (1 + √5)/4."""
        cosine = self.div(self.add(self.number(1), self.raised_to(self.number(5), _HALF)), self.number(4))
        return self.raised_to(self.sub(self.number(1), self.mul(cosine, cosine)), _HALF), cosine

    # Inverses -------------------------------------------------------------------------------------------------

    def atan(self, z: Element) -> Element:
        """The angle in (−π/2, π/2) whose tangent is z."""
        sign = self.sign(z)
        if sign <= 0:
            return self.neg(self.atan(self.neg(z))) if sign else z
        for angle, (sine, cosine) in self._known_angles(self.ball(z).atan()):
            if self.sub(self.mul(z, cosine), sine).up == 0:
                return angle
        if self.ball(z) > 1:
            return self.sub(self.mul(self.number(_HALF), self.pi), self.atan(self.div(self.number(1), z)))
        found = self.kernel(("angle", self.key(z)), self.ball(z).atan())
        kernel = self.index(found)
        assert kernel is not None
        self.tangents[kernel] = z
        return found

    def _known_angles(self, near: Any) -> Iterator[tuple[Element, Turn]]:
        """Angles that seem to be near a number, with their sines and cosines up to one sign for both.

        They are a part of π, and multiples of the angles met before and of their complements.
        """
        part = _nearest(near / arb.pi() * _PARTS_OF_PI)
        if part is not None:
            scale = Fraction(part, _PARTS_OF_PI)
            yield self.mul(self.number(scale), self.pi), self._part_of_pi(scale)
        for part_of, unit, turn in [angle for known in self.angles.values() for angle in known]:
            for times in _MULTIPLES:
                angle = self.mul(self.number(unit * times), part_of)
                for around in (angle, self.sub(self.mul(self.number(_HALF), self.pi), angle)):
                    turns = _nearest((self.ball(around) - near) / arb.pi())
                    if turns is not None:
                        sine, cosine = self._times(turn, times)
                        found = self.sub(around, self.mul(self.number(turns), self.pi))
                        yield found, (sine, cosine) if around is angle else (cosine, sine)

    def asin(self, z: Element) -> Element:
        """The angle in [−π/2, π/2] whose sine is z."""
        rest = self.sub(self.number(1), self.mul(z, z))
        if rest.up == 0:
            return self.mul(self.number(_HALF * self.sign(z)), self.pi)
        return self.atan(self.div(z, self.raised_to(rest, _HALF)))

    def atan2(self, y: Element, x: Element) -> Element:
        """The angle in (−π, π] of a point."""
        right, above = self.sign(x), self.sign(y)
        if right == 0:
            if above == 0:
                raise Unprovable
            return self.mul(self.number(_HALF * above), self.pi)
        angle = self.atan(self.div(y, x))
        return angle if right > 0 else self.add(angle, self.neg(self.pi) if above < 0 else self.pi)


def _nearest(ball: Any) -> int | None:
    """The integer that a ball is very near to, if there is one."""
    found = (ball + arb(0.5)).floor().unique_fmpz()
    return int(found) if found is not None and abs(ball - found) < _NEAR_INTEGER else None
