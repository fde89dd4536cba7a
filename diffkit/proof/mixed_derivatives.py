"""Mixed derivatives at odd points: one variable after the other, over germs in those that come later.

∂²f/∂y∂x at (a, b) is the derivative at b of y ↦ ∂f/∂x(a, y). To either side of b that is a germ in t = |y − b|, and
∂f/∂x(a, b ± t) is read off f(a ± s, b ± t) as a series in s whose coefficients are germs in t.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from diffkit.calculus.balanced_sums import BalancedProgram
from diffkit.calculus.derivatives import sum_of
from diffkit.numbers.constants import Numbers, Undecided
from diffkit.numbers.germs import FLAT_ORDER, Germ, GermAlgebra, GermNumbers, Missing, UnknownGerm
from diffkit.proof.neighbourhood import Neighbourhood, sides
from diffkit.proof.point_values import Around, Spot, Undefined

Path = Sequence[tuple[int, int]]
"""(variable, how often) in the order of differentiation"""

UNJOINED = "it is not decided whether f is continuous at the point"
ONLY_A_BOUND = "a bound of it beside the point says nothing of higher derivatives"


class Broken(Exception):
    """There is no derivative in this order; ``where`` names what has no value on a side, if that is why."""

    def __init__(self, where: str = ""):
        super().__init__(where)
        self.where = where


class JointPart:
    """The addends of f that vary with each of some inputs, near a point: a mixed derivative has no others."""

    def __init__(self, here: Spot, addends: Mapping[int, int]):
        self.program = sum_of(here.program, addends)
        inputs = [here.values[k] for k in range(len(self.program.inputs))]
        around = Around(self.program, here.around.point)
        self.spot = Spot(BalancedProgram.plain(self.program), inputs, here.constants, here.movers, around)
        self._firsts: dict[int, Broken | None] = {}

    def check_firsts(self, variables: Iterable[int]) -> None:
        """Broken where there is no first derivative by some input: a mixed one by it needs that at the point."""
        for variable in variables:
            if (broken := self._first(variable)) is not None:
                raise broken

    def derivative(self, path: Path) -> Any:
        """Differentiate by one variable after the other; Broken where there is no derivative."""
        return iterated(self.spot, self.program.outputs[0], path)

    def _first(self, variable: int) -> Broken | None:
        """Why there is no first derivative by an input, if that is known; found once."""
        if variable not in self._firsts:
            self._firsts[variable] = None
            try:
                iterated(self.spot, self.program.outputs[0], [(variable, 1)])
            except Broken as broken:
                self._firsts[variable] = broken
            except Undecided:
                pass
        return self._firsts[variable]


def iterated(here: Spot, output: int, path: Path) -> Any:
    """Differentiate an output by one variable after the other; Broken where there is no derivative."""
    (variable, order), rest = path[-1], path[:-1]
    if not rest:
        return _plain(Neighbourhood(here, output, variable), order)
    middle = iterated(here, output, rest)

    def beside(algebra: GermAlgebra) -> tuple[GermAlgebra, Any]:
        try:
            return algebra, iterated(_moved(here, algebra, variable), output, rest)
        except Undecided as undecided:  # the other side may have no derivative
            return algebra, undecided

    right, left = sides(here.constants, beside)
    for algebra, germ in (right, left):
        if isinstance(germ, Undecided):
            raise germ
        limit = algebra.limit(germ)
        if limit is None or not here.constants.equal(limit, middle):
            raise Broken
    return _common(here.constants, right, left, order)


def _moved(here: Spot, algebra: GermAlgebra, variable: int) -> Spot:
    """A point beside another one: the variable moves, the other inputs stay."""
    count = len(here.program.inputs)
    numbers = GermNumbers(algebra)
    inputs = [numbers.moving(x) if i == variable else numbers.lift(x) for i, x in enumerate(here.values[:count])]
    return Spot(here.form, inputs, numbers, here.movers, here.around, here.moved | 1 << variable)


def _plain(line: Neighbourhood, order: int) -> Any:
    """The derivative along a variable that is differentiated by first."""
    output = line.output
    right, left = (side.germs[output] for side in (line.right, line.left))
    joined = (line.right.joined[output], line.left.joined[output])
    known = (line.values[output], right, left)
    for seen in known:
        if isinstance(seen, (Undefined, Missing)):
            raise Broken(line.here.form.text(seen.slot))
    if False in joined:
        raise Broken
    for seen in known:
        if isinstance(seen, UnknownGerm):
            raise Undecided(seen.reason, seen.where)
    if None in joined:
        raise Undecided(UNJOINED)
    return _common(line.constants, (line.right.algebra, right), (line.left.algebra, left), order, line.whole)


def _common(
    numbers: Numbers, right: tuple[GermAlgebra, Germ], left: tuple[GermAlgebra, Germ], order: int, whole: bool = False
) -> Any:
    """The derivative of an order that both sides share, with all lower ones; ``whole`` says they are one function."""
    found: Any = None
    for k in range(1, order + 1):
        if k > 1 and any(germ.rough or germ.order < FLAT_ORDER for _, germ in (right, left)):
            raise Undecided(ONLY_A_BOUND)
        above, below = (algebra.derivative(germ, k) for algebra, germ in (right, left))
        if isinstance(above, float) or isinstance(below, float) or not (whole or numbers.equal(above, below)):
            raise Broken
        found = above
    return found
