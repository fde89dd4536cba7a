"""Sines, cosines and arctangents of elements, by the addition of angles."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.numbers.field.elements import Element, Unprovable
from diffkit.numbers.field.powers import Powers

Turn = tuple[Element, Element]
"""the sine and the cosine of an angle"""

MOST_TURNS = 16  # multiples of an angle that are multiplied out
MOST_ANGLES = 4  # terms of an angle that are added
PARTS_OF_PI = 60  # parts of π whose sines are written with square roots: π/4, π/3, π/5 and their sums
HALF = Fraction(1, 2)
MULTIPLES = (1, -1, 2, -2)
NEAR_INTEGER = arb(2) ** -50


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
        if len(terms) > MOST_ANGLES:
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
        if abs(n) > MOST_TURNS:
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
        if kernel == self.index(self.pi) and PARTS_OF_PI % scale.denominator == 0:
            return self._part_of_pi(scale)
        if kernel in self.tangents and scale.denominator == 1:
            z = self.tangents[kernel]
            root = self.raised_to(self.add(self.number(1), self.mul(z, z)), HALF)
            return self._times((self.div(z, root), self.div(self.number(1), root)), int(scale))
        sine, cosine = self._multiple_turn(part, abs(scale))
        return (sine, cosine) if scale > 0 else (self.neg(sine), cosine)

    def _multiple_turn(self, part: Element, amount: Fraction) -> Turn:
        known = self.angles.setdefault(self.key(part), [])
        for place, (_, unit, found) in enumerate(known):
            ratio = amount / unit
            if max(ratio.numerator, ratio.denominator) <= MOST_TURNS:
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
        amount = int(scale * PARTS_OF_PI) % (2 * PARTS_OF_PI)
        thirds, fifths = next((b, e) for b in range(3) for e in range(5) if (amount - 20 * b - 12 * e) % 15 == 0)
        quarters = (amount - 20 * thirds - 12 * fifths) // 15 % 8
        found = self._times(self._quarter, quarters)
        for turn, times in ((self._third, thirds), (self._fifth, fifths)):
            if times:
                found = self._both(found, self._times(turn, times))
        return found

    @property
    def _quarter(self) -> Turn:
        half_root = self.div(self.raised_to(self.number(2), HALF), self.number(2))
        return half_root, half_root

    @property
    def _third(self) -> Turn:
        return self.div(self.raised_to(self.number(3), HALF), self.number(2)), self.number(HALF)

    @property
    def _fifth(self) -> Turn:
        """The cosine of π/5 is (1 + √5)/4."""
        cosine = self.div(self.add(self.number(1), self.raised_to(self.number(5), HALF)), self.number(4))
        return self.raised_to(self.sub(self.number(1), self.mul(cosine, cosine)), HALF), cosine

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
            return self.sub(self.mul(self.number(HALF), self.pi), self.atan(self.div(self.number(1), z)))
        found = self.kernel(("angle", self.key(z)), self.ball(z).atan())
        kernel = self.index(found)
        assert kernel is not None
        self.tangents[kernel] = z
        return found

    def _known_angles(self, near: Any) -> Iterator[tuple[Element, Turn]]:
        """Angles that seem to be near a number, with their sines and cosines up to one sign for both.

        They are a part of π, and multiples of the angles met before and of their complements.
        """
        part = _nearest(near / arb.pi() * PARTS_OF_PI)
        if part is not None:
            scale = Fraction(part, PARTS_OF_PI)
            yield self.mul(self.number(scale), self.pi), self._part_of_pi(scale)
        for part_of, unit, turn in [angle for known in self.angles.values() for angle in known]:
            for times in MULTIPLES:
                angle = self.mul(self.number(unit * times), part_of)
                for around in (angle, self.sub(self.mul(self.number(HALF), self.pi), angle)):
                    turns = _nearest((self.ball(around) - near) / arb.pi())
                    if turns is not None:
                        sine, cosine = self._times(turn, times)
                        found = self.sub(around, self.mul(self.number(turns), self.pi))
                        yield found, (sine, cosine) if around is angle else (cosine, sine)

    def asin(self, z: Element) -> Element:
        """The angle in [−π/2, π/2] whose sine is z."""
        rest = self.sub(self.number(1), self.mul(z, z))
        if rest.up == 0:
            return self.mul(self.number(HALF * self.sign(z)), self.pi)
        return self.atan(self.div(z, self.raised_to(rest, HALF)))

    def atan2(self, y: Element, x: Element) -> Element:
        """The angle in (−π, π] of a point."""
        right, above = self.sign(x), self.sign(y)
        if right == 0:
            if above == 0:
                raise Unprovable
            return self.mul(self.number(HALF * above), self.pi)
        angle = self.atan(self.div(y, x))
        return angle if right > 0 else self.add(angle, self.neg(self.pi) if above < 0 else self.pi)


def _nearest(ball: Any) -> int | None:
    """The integer that a ball is very near to, if there is one."""
    found = (ball + arb(0.5)).floor().unique_fmpz()
    return int(found) if found is not None and abs(ball - found) < NEAR_INTEGER else None
