"""Quotients of polynomials in kernels: their arithmetic, the identities that reduce them, and the balls they lie in."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from fractions import Fraction
from typing import Any

from flint import Ordering, arb, fmpq, fmpq_mpoly_ctx

from diffkit.core.table.ball_forms import raised
from diffkit.numbers.balls import rational

_LONGEST_POLYNOMIAL = 2000  # terms of a polynomial beyond which exact algebra gives up
_LONGEST_PRODUCT = 20_000  # terms that a product may have before it is sorted
LARGEST_POWER = 64  # whole powers that are multiplied out
LARGEST_RULE = 4096


class Unprovable(ArithmeticError):
    """Exact algebra has no answer."""


class Full(Exception):
    """There is no room for another kernel."""


class Element:
    """A quotient of two polynomials in kernels."""

    __slots__ = ("down", "up")

    def __init__(self, up: Any, down: Any):
        self.up, self.down = up, down


class Elements:
    """Rational functions of at most ``count`` kernels.

    A kernel is a number such as sin(1), exp(1/3) or the square root of 2. ``rules`` says of a kernel that its n-th
    power is a polynomial in others; a sum that reduces to no terms is zero.
    """

    def __init__(self, count: int):
        self.context = fmpq_mpoly_ctx.get([f"k{i}" for i in range(max(count, 1))], Ordering.lex)
        self.generators = self.context.gens()
        self.kernels: dict[Hashable, int] = {}
        self.balls: list[Any] = []
        self.rules: dict[int, tuple[int, Any]] = {}
        self.one = self.context.constant(1)

    # Making elements ------------------------------------------------------------------------------------------

    def number(self, value: int | Fraction) -> Element:
        """Give a rational number."""
        return Element(self.context.constant(rational(value)), self.one)

    def kernel(self, key: Hashable, ball: Any) -> Element:
        """Give the kernel of a key, a new one with the ball that it lies in."""
        index = self.kernels.get(key)
        if index is None:
            if len(self.balls) == len(self.generators):
                raise Full
            index = self.kernels[key] = len(self.balls)
            self.balls.append(ball)
        return Element(self.generators[index], self.one)

    def index(self, x: Element) -> int | None:
        """Which kernel an element is, if it is one."""
        if len(x.up) != 1 or x.down != self.one or x.up.total_degree() != 1 or x.up.leading_coefficient() != 1:
            return None
        return list(map(int, x.up.monoms()[0])).index(1)

    def key(self, x: Element) -> tuple[str, str]:
        """What equal elements have in common."""
        return str(x.up), str(x.down)

    # Reading them ---------------------------------------------------------------------------------------------

    def rational(self, x: Element) -> Fraction | None:
        """The number that an element is, if it is rational."""
        if not (x.up.is_constant() and x.down.is_constant()):
            return None
        return Fraction(0) if x.up == 0 else _fraction(x.up.leading_coefficient() / x.down.leading_coefficient())

    def equals(self, x: Element, value: Fraction, point: Sequence[Fraction]) -> bool:
        """Whether an element is proven to be a number where the variables have values."""
        rest = x.up - x.down * self.context.constant(rational(value))
        names = {f"k{self.kernels['variable', i]}": rational(v) for i, v in enumerate(point)}
        return bool(self._by_rules(rest.subs(names)) == 0)

    def ball(self, x: Element) -> Any:
        """A ball that an element lies in."""
        return self.value(x.up) / self.value(x.down)

    def value(self, polynomial: Any) -> Any:
        """A ball that a polynomial in the kernels lies in."""
        total = arb(0)
        for monomial, coefficient in polynomial.to_dict().items():
            term = arb(coefficient)
            for k, n in enumerate(monomial):
                if n:
                    term *= raised(self.balls[k], int(n))
            total += term
        return total

    def sign(self, x: Element) -> int:
        """−1, 0 or 1; Unknown if neither the algebra nor its ball tells."""
        if x.up == 0:
            return 0
        ball = self.ball(x)
        if ball > 0 or ball < 0:
            return 1 if ball > 0 else -1
        raise Unprovable

    def absolute(self, x: Element) -> Element:
        """Give x or −x, whichever is not negative."""
        return self.neg(x) if self.sign(x) < 0 else x

    def terms(self, x: Element) -> list[tuple[Fraction, Element]]:
        """An element as a sum of rational multiples of products of kernels; of itself, where it is no such sum."""
        if len(x.down) > 1:
            lead = x.up.leading_coefficient()
            return [(_fraction(lead), Element(x.up / self.context.constant(lead), x.down))]
        ((below, scale),) = x.down.to_dict().items()
        return [(_fraction(c / scale), self._quotient_of(above, below)) for above, c in x.up.to_dict().items()]

    def _quotient_of(self, above: tuple[int, ...], below: tuple[int, ...]) -> Element:
        """A product of powers of kernels with exponents of either sign."""
        exponents = [int(a) - int(b) for a, b in zip(above, below, strict=True)]
        up, down = (tuple(max(sign * n, 0) for n in exponents) for sign in (1, -1))
        return Element(self.context.from_dict({up: 1}), self.context.from_dict({down: 1}))

    # Arithmetic -----------------------------------------------------------------------------------------------

    def add(self, x: Element, y: Element) -> Element:
        """Add."""
        return self.reduced(_product(x.up, y.down) + _product(y.up, x.down), _product(x.down, y.down))

    def sub(self, x: Element, y: Element) -> Element:
        """Subtract."""
        return self.reduced(_product(x.up, y.down) - _product(y.up, x.down), _product(x.down, y.down))

    def mul(self, x: Element, y: Element) -> Element:
        """Multiply."""
        return self.reduced(_product(x.up, y.up), _product(x.down, y.down))

    def div(self, x: Element, y: Element) -> Element:
        """Divide; Unknown by zero."""
        if y.up == 0:
            raise Unprovable
        return self.reduced(_product(x.up, y.down), _product(x.down, y.up))

    def neg(self, x: Element) -> Element:
        """Change the sign."""
        return Element(-x.up, x.down)

    def whole_power(self, x: Element, n: int) -> Element:
        """xⁿ."""
        if abs(n) > LARGEST_POWER:
            raise Unprovable
        if n < 0:
            return self.div(self.number(1), self.whole_power(x, -n))
        if not n:
            return self.number(1)
        half = self.whole_power(x, n // 2) if n > 1 else self.number(1)
        square = self.mul(half, half)
        return self.mul(square, x) if n % 2 else square

    def reduced(self, up: Any, down: Any) -> Element:
        """Apply the kernels' identities, then cancel common factors."""
        up, down = self._by_rules(up), self._by_rules(down)
        if down == 0:
            raise Unprovable
        if up == 0:
            return Element(up, self.one)
        if not down.is_constant():
            common = up.gcd(down)
            up, down = up / common, down / common
        up, down = self._without_roots_below(up, down)
        lead = self.context.constant(down.leading_coefficient())
        return Element(up / lead, down / lead)

    def _without_roots_below(self, up: Any, down: Any) -> tuple[Any, Any]:
        """A quotient with no root of a number in a denominator of one term: 1/√2 = √2/2."""
        if len(down) == 1 and not down.is_constant():
            for k, power in enumerate(down.degrees()):
                n, value = self.rules.get(k, (0, None))
                if power and n and value.is_constant():
                    rest = self.generators[k] ** (n - power % n)
                    up, down = self._by_rules(up * rest), self._by_rules(down * rest)
        return up, down

    def _by_rules(self, polynomial: Any) -> Any:
        """Replace powers of kernels until no rule applies."""
        while polynomial != 0:
            degrees = polynomial.degrees()
            found = next((k for k, (n, _) in self.rules.items() if degrees[k] >= n), None)
            if found is None:
                break
            polynomial = self._by_rule(polynomial, found, *self.rules[found])
        return polynomial

    def _by_rule(self, polynomial: Any, kernel: int, n: int, value: Any) -> Any:
        """Replace the n-th power of a kernel by its value."""
        if len(polynomial) > _LONGEST_POLYNOMIAL:
            raise Unprovable
        parts: dict[int, dict[tuple[int, ...], Any]] = {}
        for monomial, coefficient in polynomial.to_dict().items():
            times, rest = divmod(int(monomial[kernel]), n)
            parts.setdefault(times, {})[*monomial[:kernel], rest, *monomial[kernel + 1 :]] = coefficient
        total = self.context.constant(0)
        for times, part in parts.items():
            total += self.context.from_dict(part) * value**times
        return total


def _product(x: Any, y: Any) -> Any:
    """A product of polynomials, if it is not too long."""
    if len(x) * len(y) > _LONGEST_PRODUCT:
        raise Unprovable
    return x * y


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))
