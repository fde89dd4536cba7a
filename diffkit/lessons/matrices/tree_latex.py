"""LaTeX of formulas of arrays, by the walk that writes their text: as on paper, where vectors are columns.

Entry by entry the signs are those of Hadamard: ⊙, ⊘ and powers with ⊙, so that the square of every entry of X does
not look like X·X.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from diffkit.core.table import ADD, Primitive
from diffkit.core.table.array_shapes import ArrayShape
from diffkit.core.table.array_table import AT_INDEX, INVERSE, LITERAL, PRODUCT, TRANSPOSE, array_table
from diffkit.core.text.bindings import ATOM_BINDING, POWER_BINDING, PRODUCT_BINDING, SIGN_BINDING, SUM_BINDING
from diffkit.core.text.latex import DOT, LONGEST_LATEX, THIN_SPACE, Latex, called_upright, framed, operator_name
from diffkit.core.text.printer import Piece, Written, format_integer
from diffkit.lessons.matrices.nodes import Factors, Node, TreeView, Value, is_negative_number, key_text

_TIMES, _OVER = " \\odot ", " \\oslash "
_TRANSPOSED = "^{\\top}"


def tree_latex(root: Node, shape: Callable[[Node], ArrayShape]) -> str:
    """Give a tree as LaTeX, with what tells the shape of its parts; LimitError if it is too long."""
    return TreeLatex(shape).write(root, LONGEST_LATEX)


class TreeLatex(Latex):
    """How formulas of arrays are written in LaTeX."""

    def __init__(self, shape: Callable[[Node], ArrayShape]):
        super().__init__(TreeView(), {})
        self.shape = shape

    def axes(self, *nodes: Node) -> int:
        """The most axes that any of some parts has."""
        return max((len(self.shape(node)) for node in nodes), default=0)

    def infix(self, row: Primitive, args: Sequence[Node]) -> Written:
        """An operator; terms with a sign of their own need no brackets in a sum."""
        if row is not ADD:
            return super().infix(row, args)
        terms: list[Piece] = [(args[0], SUM_BINDING)]
        for arg in args[1:]:
            terms += [self.sign(row), (arg, SUM_BINDING)]
        return terms, SUM_BINDING

    def quotient(self, over: Node, under: Node) -> Written:
        """A fraction by a number, Hadamard's quotient by an array."""
        if not self.axes(under):
            return super().quotient(over, under)
        return [(over, SIGN_BINDING), _OVER, (under, SIGN_BINDING)], PRODUCT_BINDING

    def power(self, base: Node, exponent: Node) -> Written:
        """A power, of numbers under a bar if it is negative."""
        if self.axes(base, exponent):
            wanted = 0 if exponent.kind == "number" else SIGN_BINDING
            return [(base, ATOM_BINDING), "^{\\odot ", (exponent, wanted), "}"], POWER_BINDING
        if is_negative_number(exponent):
            return ["\\frac{1}{", *self.positive_power(base, exponent), "}"], SIGN_BINDING
        return super().power(base, exponent)

    def call(self, row: Primitive, args: Sequence[Node]) -> Written:
        """A function of numbers; of arrays, entry by entry, by its name, as e^X and |X| would be something else."""
        if "#" in row.latex and self.axes(*args):
            return called_upright(operator_name(row.name), args), SIGN_BINDING
        return super().call(row, args)

    def word(self, word: str, args: Sequence[Node], value: Value, /) -> Written:
        """A product entry by entry, or what only arrays have."""
        if word == "*":
            return self.hadamard(args)
        if word == PRODUCT:
            return self.chain(args)
        if word == AT_INDEX:
            return [*self.indexed(args[0]), f"_{{{','.join(map(key_text, value))}}}"], POWER_BINDING
        if word == LITERAL:
            return self.literal(args)
        if word == TRANSPOSE and args[0].kind == INVERSE:
            return [(args[0].args[0], ATOM_BINDING), "^{-\\top}"], POWER_BINDING
        row = array_table.rows[word]
        form = row.latex_of(self.axes(args[0]))
        if "#" not in form:
            axis = "" if value is None else f", \\mathrm{{axis}}={value}"
            return called_upright(form or operator_name(word), args, axis), SIGN_BINDING
        if row.lengths:
            return [form.partition("#")[0], *_between(args, " \\times "), "}"], ATOM_BINDING
        return framed(form, args)

    def chain(self, factors: Sequence[Node]) -> Written:
        """A matrix product, which a vector begins as a row, and numbers with their sign as they are."""
        while (first := factors[0]).kind == PRODUCT and self.axes(first.args[-1]) == 2:
            factors = (*first.args, *factors[1:])
        is_row = self.axes(first) == 1 and first.kind != TRANSPOSE
        is_scaled = not is_row and (first.kind == "neg" or (first.kind == "*" and not self.axes(*first.args[:-1])))
        parts: list[Piece] = [(first, ATOM_BINDING if is_row else SUM_BINDING if is_scaled else SIGN_BINDING)]
        parts += [_TRANSPOSED] * is_row
        for factor in factors[1:]:
            parts += [THIN_SPACE, (factor, SIGN_BINDING)]
        return parts, SUM_BINDING if is_scaled else PRODUCT_BINDING

    def indexed(self, part: Node) -> list[Piece]:
        """What an index stands at; a name that has one already goes into brackets."""
        if part.kind == "name" and "_" in self.name(part.value):
            return [self.opening, (part, 0), self.closing]
        return [(part, ATOM_BINDING)]

    def literal(self, entries: Sequence[Node]) -> Written:
        """An array by its entries: numbers below each other, vectors as rows."""
        rows = [self.row(entry) for entry in entries]
        before, _, after = array_table.rows[LITERAL].latex_of(0).partition("#")
        cells = [piece for k, row in enumerate(rows) for piece in ([" \\\\ "] * bool(k) + row)]
        return [before, *cells, after], ATOM_BINDING

    def row(self, entry: Node) -> list[Piece]:
        """A row of a literal."""
        if not self.axes(entry):
            return [(entry, 0)]
        return _between(entry.args, " & ") if entry.kind == LITERAL else [(entry, ATOM_BINDING), _TRANSPOSED]

    def hadamard(self, factors: Sequence[Node]) -> Written:
        """A product entry by entry: numbers that divide stand under a bar, arrays that divide at the end."""
        while factors[0].kind == "*":
            factors = (*factors[0].args, *factors[1:])
        negative, above, below = Factors.of(factors)
        arrays = [f for f in below if not isinstance(f, int) and self.axes(f)]
        numbers = [f for f in below if isinstance(f, int) or not self.axes(f)]
        is_alone = len(above) == 1 and bool(numbers)
        parts = [self.factor(above[0], 0)] if is_alone else self.factors(above, is_last=not arrays)
        binding = PRODUCT_BINDING if len(above) > 1 or not numbers else SIGN_BINDING
        if numbers:
            parts, binding = ["\\frac{", *parts, "}{", *_spaced([self.divisor(f) for f in numbers]), "}"], SIGN_BINDING
        for array in arrays:
            parts, binding = [*parts, _OVER, *self.divisor(array)], PRODUCT_BINDING
        return (["-", *parts], SUM_BINDING) if negative else (parts, binding)

    def factors(self, above: Sequence[Node | int], is_last: bool) -> list[Piece]:
        """What is multiplied; a matrix product at the end needs no brackets after numbers, if it ``is_last``."""
        parts: list[Piece] = [] if above else ["1"]
        has_arrays = False
        for k, factor in enumerate(above):
            is_array = not isinstance(factor, int) and bool(self.axes(factor))
            sign = _TIMES if has_arrays and is_array else DOT if _begins_with_digit(factor) else THIN_SPACE
            is_open = is_last and k == len(above) - 1 and not has_arrays
            parts += [*[sign] * bool(k), self.factor(factor, PRODUCT_BINDING if is_open else SIGN_BINDING)]
            has_arrays |= is_array
        return parts

    def factor(self, factor: Node | int, wanted: int) -> Piece:
        """One factor."""
        return format_integer(factor) if isinstance(factor, int) else (factor, wanted)

    def divisor(self, factor: Node | int) -> list[Piece]:
        """What a negative power divides by."""
        return [format_integer(factor)] if isinstance(factor, int) else self.positive_power(*factor.args)

    def positive_power(self, base: Node, exponent: Node) -> list[Piece]:
        """The power with the opposite exponent."""
        if exponent.value == -1:
            return [(base, SIGN_BINDING)]
        sign = "\\odot " if self.axes(base) else ""
        return [(base, ATOM_BINDING), f"^{{{sign}{self.constant(-exponent.value)[0]}}}"]


def _begins_with_digit(factor: Node | int) -> bool:
    return isinstance(factor, int) or (factor.kind == "**" and factor.args[0].kind == "number")


def _spaced(parts: Sequence[list[Piece]]) -> list[Piece]:
    """Factors beside each other."""
    found: list[Piece] = list(parts[0])
    for part in parts[1:]:
        found += [DOT if isinstance(part[0], str) else THIN_SPACE, *part]
    return found


def _between(parts: Sequence[Node], sign: str) -> list[Piece]:
    """Parts with a sign between them."""
    return [piece for k, part in enumerate(parts) for piece in ([sign] * bool(k) + [(part, 0)])]
