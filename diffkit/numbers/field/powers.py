"""Powers, exponentials and logarithms of elements, by their irreducible factors; exp and log undo each other."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

from flint import arb, fmpz

from diffkit.numbers.balls import rational
from diffkit.numbers.field.elements import LARGEST_POWER, LARGEST_RULE, Element, Elements, Unprovable

FACTORED = 100  # terms of a polynomial that is factored
POWER_OF_TINY = arb(0.5, 0.5)  # what a power of something small lies in
FACTORED_BITS = 64  # size of an integer that is factored
SMOOTH_BITS = 15  # size of the factors that are looked for in a larger one


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
        if len(polynomial) > FACTORED:
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
        ball = POWER_OF_TINY if tiny else self.ball(base) ** rational(unit)
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
    found = whole.factor() if number.bit_length() <= FACTORED_BITS else whole.factor_smooth(SMOOTH_BITS)
    return [(int(prime), int(times)) for prime, times in found]
