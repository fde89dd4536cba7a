"""``sympy.diff`` one variable at a time, with a look at what each step would make before SymPy makes it.

The product rule makes m products of m factors, the next one m² of them: what people write in a line can fill the
memory at the third derivative. So the size of a derivative is foretold from the tree it is taken of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy
from sympy.core.exprtools import factor_terms
from sympy.simplify.simplify import signsimp

from diffkit.calculus.sympy.outward import ASK
from diffkit.core.limits import Limits

STEP = 4  # times the limit of nodes, which one step may make
ALL = 40  # times the limit, which all steps together may make
TIDY = 400  # arguments of a derivative of higher order up to which SymPy collects its common factors, as it is read


class Stepwise:
    """Derivatives of terms of one program, within the limits together."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.left = ALL * limits.symbolic_nodes

    def diff(self, term: Any, symbols: Sequence[Any]) -> Any:
        """Give the derivative; LimitError where it is larger than SymPy can take."""
        for symbol in symbols:
            size = foretold(term, symbol)
            self.left -= size
            if size > STEP * self.limits.symbolic_nodes or self.left < 0:
                raise self.limits.exceeded("symbolic_nodes", "the derivative is too large for SymPy", ASK)
            term = sympy.diff(term, symbol)
        if len(symbols) > 1 and foretold(term, None) <= TIDY:
            return factor_terms(signsimp(term))
        return term


def foretold(expression: Any, symbol: Any) -> int:
    """About how many arguments the operations of the derivative by a symbol have; of the expression itself for None.

    A product of m factors, k of which vary, has a derivative of k·m; everything else about twice its own.
    """
    varies: dict[Any, bool] = {}
    size = 0
    stack = [expression]
    while stack:
        node = stack[-1]
        waiting = [] if node in varies else [part for part in node.args if part not in varies]
        if waiting:
            stack += waiting
            continue
        stack.pop()
        if node in varies:
            continue
        moving = sum(varies[part] for part in node.args)
        varies[node] = moving > 0 or node == symbol
        if symbol is None:
            size += len(node.args)
        elif moving:
            size += moving * len(node.args) if node.is_Mul else 2 * len(node.args)
    return size
