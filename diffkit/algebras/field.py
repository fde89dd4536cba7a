"""Exact algebra on constants: rational functions of kernels, reduced by the identities the kernels obey.

A kernel is a transcendental or algebraic constant such as sin(1), exp(1/3) or sqrt(2). Polynomials in kernels are
kept reduced by sin² = 1 − cos², by the powers of roots, and exponentials are written as monomials. A constant whose
reduced numerator vanishes is zero; the converse is not claimed (Richardson, Some undecidable problems involving
elementary functions of a real variable, J. Symb. Logic 33, 1968, says why).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from diffkit.primitives import Primitive
from diffkit.program import Constant, Named, Program, run
from diffkit.rules import by_definition, trace

LARGEST = 120  # instructions of a constant that exact algebra is asked about
TERMS = 2000  # terms of a polynomial beyond which it gives up
REWRITTEN: dict[str, Callable[..., Any]] = {
    "tan": lambda F, x: F.sin(x) / F.cos(x),
    "sinh": lambda F, x: (F.exp(x) - 1 / F.exp(x)) / 2,
    "cosh": lambda F, x: (F.exp(x) + 1 / F.exp(x)) / 2,
    "tanh": lambda F, x: (F.exp(2 * x) - 1) / (F.exp(2 * x) + 1),
    "sqrt": lambda F, x: x ** F.rational(1, 2),
    "erfc": lambda F, x: 1 - F.erf(x),
}


class Unknown(ArithmeticError):
    """Exact algebra has no answer."""


class Element:
    """A quotient of two polynomials in kernels."""

    __slots__ = ("down", "up")

    def __init__(self, up: Any, down: Any):
        self.up, self.down = up, down


class Field:
    """Rational functions of at most ``count`` kernels."""

    def __init__(self, count: int):
        names = [f"k{i}" for i in range(max(count, 1))]
        self.context = fmpq_mpoly_ctx.get(names, Ordering.lex)
        self.generators = self.context.gens()
        self.kernels: dict[Any, int] = {}
        self.rules: dict[int, tuple[int, Any]] = {}
        """kernel → (n, polynomial that its n-th power equals)"""

    def constant(self, value: Constant) -> Element:
        """Give a number, or the kernel of π or e."""
        if isinstance(value, Named):
            return self._exponential(self.constant(1)) if value.name == "e" else self.kernel(("pi",))
        return Element(self._number(value), self._number(1))

    def _number(self, value: int | Fraction) -> Any:
        return self.context.constant(fmpq(value.numerator, value.denominator))

    def apply(self, primitive: Primitive, args: Sequence[Element]) -> Element:
        """Give a row of elements."""
        name = primitive.name
        x, y = args[0], args[-1]
        if name in ("add", "sub"):
            over = y.up * x.down if name == "add" else -y.up * x.down
            return self._reduced(x.up * y.down + over, x.down * y.down)
        if name == "mul":
            return self._reduced(x.up * y.up, x.down * y.down)
        if name == "div":
            return self._quotient(x, y)
        if name == "neg":
            return Element(-x.up, x.down)
        if name == "power":
            return self._power(x, y)
        if name == "exp":
            return self._exponential(x)
        if name in REWRITTEN:
            return run(trace(REWRITTEN[name], len(args)), self, args)[0]  # type: ignore[no-any-return]
        if primitive.definition is not None and primitive.mpmath is None:
            return by_definition(primitive, self, args)  # type: ignore[no-any-return]
        if name in ("sin", "cos"):
            return self._circular(name, x)
        return self.kernel((name, *(self._key(a) for a in args)))

    def _quotient(self, x: Element, y: Element) -> Element:
        if y.up == 0:
            raise Unknown
        return self._reduced(x.up * y.down, x.down * y.up)

    def _key(self, x: Element) -> tuple[str, str]:
        return str(x.up), str(x.down)

    def kernel(self, key: Any) -> Element:
        """Give the generator of a kernel."""
        index = self.kernels.setdefault(key, len(self.kernels))
        if index >= len(self.generators):
            raise Unknown
        return Element(self.generators[index], self._number(1))

    def _rational(self, x: Element) -> Fraction | None:
        if not (x.up.is_constant() and x.down.is_constant()):
            return None
        up, down = (p.leading_coefficient() if p != 0 else fmpq(0) for p in (x.up, x.down))
        value = up / down
        return Fraction(int(value.p), int(value.q))

    def _power(self, x: Element, y: Element) -> Element:
        exponent, base = self._rational(y), self._rational(x)
        if exponent is None or abs(exponent) > 64:
            raise Unknown
        n, q = exponent.numerator, exponent.denominator
        if q != 1:
            key = ("root", q, self._key(x))
            root = self.kernel(key)
            if base is not None and base >= 0 and base.denominator == 1:
                self.rules[self.kernels[key]] = (q, x.up)
            x = root
        power = self._reduced(x.up ** abs(n), x.down ** abs(n))
        return power if n >= 0 else self._quotient(self.constant(1), power)

    def _exponential(self, x: Element) -> Element:
        """exp(Σ cᵢ·mᵢ) as a product of powers of kernels exp(mᵢ/qᵢ)."""
        if x.up == 0:
            return self.constant(1)
        if not x.down.is_constant():
            return self.kernel(("exp", self._key(x)))
        scale = x.down.leading_coefficient()
        answer = self.constant(1)
        for monomial, coefficient in x.up.to_dict().items():
            c = coefficient / scale
            n, q = int(c.p), int(c.q)
            whole = self.kernel(("exp", monomial, q))
            if q > 1:
                self.rules[self.kernels["exp", monomial, q]] = (q, self.kernel(("exp", monomial, 1)).up)
            if abs(n) > 64:
                raise Unknown
            power = Element(whole.up ** abs(n), self._number(1))
            answer = self._quotient(answer, power) if n < 0 else self._reduced(answer.up * power.up, answer.down)
        return answer

    def _circular(self, name: str, x: Element) -> Element:
        """Sine and cosine of one argument, tied by sin² = 1 − cos²; of −x by their parity."""
        negative = x.up != 0 and x.up.leading_coefficient() < 0
        positive = Element(-x.up, x.down) if negative else x
        if positive.up == 0:
            return self.constant(0 if name == "sin" else 1)
        turns = self._half_turns(positive)
        if turns is not None:
            found = self.constant((0, 1, 0, -1)[(turns + (name == "cos")) % 4])
            return Element(-found.up, found.down) if negative and name == "sin" else found
        whole = self._multiple(positive)
        if whole > 1:
            found = self._multiple_angle(name, Element(positive.up / self._number(whole), positive.down), whole)
            return Element(-found.up, found.down) if negative and name == "sin" else found
        sine = self.kernel(("sin", self._key(positive)))
        cosine = self.kernel(("cos", self._key(positive)))
        self.rules[self.kernels["sin", self._key(positive)]] = (2, self._number(1) - cosine.up**2)
        found = sine if name == "sin" else cosine
        return Element(-found.up, found.down) if negative and name == "sin" else found

    def _half_turns(self, x: Element) -> int | None:
        """N if x is n·π/2."""
        ratio = self._rational(self._quotient(x, self.kernel(("pi",))))
        return None if ratio is None or (2 * ratio).denominator != 1 else int(2 * ratio)

    def _multiple(self, x: Element) -> int:
        """Largest small n such that x is n times something with whole coefficients."""
        numerators = [int(c.p) for c in x.up.to_dict().values()]
        n = math.gcd(*numerators)
        return n if n <= 8 else 1

    def _multiple_angle(self, name: str, x: Element, n: int) -> Element:
        """Sine or cosine of n·x from those of x, by adding angles."""
        one_s, one_c = self._circular("sin", x), self._circular("cos", x)
        s, c = one_s, one_c
        for _ in range(n - 1):
            s, c = (
                self._reduced(s.up * one_c.up + c.up * one_s.up, s.down),
                self._reduced(c.up * one_c.up - s.up * one_s.up, c.down),
            )
        return s if name == "sin" else c

    def _reduced(self, up: Any, down: Any) -> Element:
        """Apply the kernels' identities, then cancel common factors."""
        up, down = self._by_rules(up), self._by_rules(down)
        if down == 0:
            raise Unknown
        if up == 0:
            return Element(up, self._number(1))
        common = up.gcd(down)
        up, down = up / common, down / common
        lead = self.context.constant(down.leading_coefficient())
        return Element(up / lead, down / lead)

    def _by_rules(self, polynomial: Any) -> Any:
        for kernel, (n, value) in self.rules.items():
            while len(polynomial) and polynomial.degrees()[kernel] >= n:
                if len(polynomial) > TERMS:
                    raise Unknown
                total = self._number(0)
                for monomial, coefficient in polynomial.to_dict().items():
                    power = monomial[kernel]
                    rest = list(monomial)
                    rest[kernel] = power % n
                    term = self.context.from_dict({tuple(rest): coefficient})
                    total += term * value ** (power // n)
                polynomial = total
        return polynomial


def vanishes(program: Program, point: Sequence[float] = ()) -> bool:
    """Whether exact algebra proves a program's value to be zero, everywhere or at a point; False if it cannot tell."""
    if len(program.instructions) > LARGEST:
        return False
    count = 2 * len(program.instructions) + len(point) + 4
    everywhere, here = Field(count), Field(count)
    names = [("variable", i) for i in range(len(point))]
    return _is_zero(program, everywhere, [everywhere.kernel(name) for name in names]) or (
        bool(point) and _is_zero(program, here, [here.constant(Fraction(x)) for x in point])
    )


def _is_zero(program: Program, field: Field, inputs: Sequence[Element]) -> bool:
    try:
        return bool(run(program, field, inputs)[0].up == 0)
    except (Unknown, ArithmeticError, ValueError, OverflowError):
        return False
