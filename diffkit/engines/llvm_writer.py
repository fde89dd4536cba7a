"""LLVM's intermediate language for the operations of lowered code, one number at a time or several side by side.

A ``Writer`` is an algebra whose numbers are names of values in the text: running a Program in it writes the Program.
Nothing may be reordered or joined (no fast-math flags), so that each operation rounds as the interpreter's does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

from diffkit.core.program import Constant
from diffkit.core.rules import by_definition, by_rule
from diffkit.core.table import (
    ABS,
    ADD,
    AND,
    DIV,
    EQ,
    GE,
    GT,
    LE,
    LT,
    MAX,
    MIN,
    MUL,
    NE,
    NEG,
    NOT,
    OR,
    SQRT,
    SUB,
    WHERE,
    Primitive,
    table,
)  # fmt: skip
from diffkit.engines import Unsuited
from diffkit.engines.float_operations import IS_LOST, PRODUCT_ERROR
from diffkit.numbers.doubles import FLOOR, LOST_SHARE
from diffkit.numbers.floats import LARGEST_FLOAT, SMALLEST_FLOAT, to_float

CEIL, SIGN = table.one(pairs="whole_above"), table.one(germ="sign")
_OPERATIONS = {ADD: "fadd", SUB: "fsub", MUL: "fmul", DIV: "fdiv"}
_COMPARISONS = {LT: "olt", LE: "ole", GT: "ogt", GE: "oge", EQ: "oeq", NE: "une"}
_INTRINSICS = (SQRT, FLOOR, CEIL)  # LLVM has them by the names of the C library
_LONGEST_BLOCK = 1000  # values


class Condition(str):
    """A value that is true or false."""

    __slots__ = ()


class Writer:
    """The algebra of values named in the text of one function, ``lanes`` numbers in each."""

    def __init__(
        self, lanes: int = 1, written_out: Mapping[str, Callable[..., str]] | None = None, hasty: bool = False
    ):
        self.lanes, self.hasty = lanes, hasty
        self.mistakes: list[Condition] = []
        """where the C library should have been called"""
        self.written_out = written_out or {}
        """functions of the C library that are not called"""
        self.lines: list[str] = []
        self.declared: set[str] = set()
        self.called: dict[str, int] = {}
        """functions of the C library, each with the number of its arguments"""
        self.mended: set[str] = set()
        """functions of one argument that it has to give in some lanes"""
        self._known: dict[str, str] = {}
        self._negated: dict[str, str] = {}
        """what a value is the negative of"""
        self._functions: dict[tuple[str, ...], str] = {}
        self._count = self._begun = 0
        self.is_split = False
        """whether code may go to a block %stop if %never holds, which is so"""
        self.block = "entry"
        self.rows: dict[Primitive, Callable[..., str]] = {
            **{row: self._operation(name) for row, name in _OPERATIONS.items()},
            **{row: self._comparison(name) for row, name in _COMPARISONS.items()},
            **{row: self._intrinsic(row.libm) for row in _INTRINSICS},
            ABS: self._size,
            NEG: self._negative,
            MAX: lambda x, y: self._extreme("oge", x, y),
            MIN: lambda x, y: self._extreme("ole", x, y),
            AND: lambda p, q: self._logic("and", p, q),
            OR: lambda p, q: self._logic("or", p, q),
            NOT: lambda p: self._logic("xor", p, self.truth(True)),
            WHERE: self._where,
            SIGN: self._sign,
            PRODUCT_ERROR: lambda x, y, p: self.fma(x, y, self.rows[NEG](p)),
            IS_LOST: self._is_lost,
        }

    # Types, constants and lines -------------------------------------------------------------------------------------

    def vector(self, element: str) -> str:
        """The type of as many elements as there are lanes."""
        return element if self.lanes == 1 else f"<{self.lanes} x {element}>"

    @property
    def double(self) -> str:
        """The type of a number."""
        return self.vector("double")

    def suffix(self, element: str = "f64") -> str:
        """How names of intrinsics end."""
        return element if self.lanes == 1 else f"v{self.lanes}{element}"

    def splat(self, element: str, literal: str) -> str:
        """A constant in all lanes."""
        return literal if self.lanes == 1 else f"splat ({element} {literal})"

    def number(self, value: float) -> str:
        """A constant, by its bits."""
        return self.splat("double", f"0x{struct.pack('>d', value).hex().upper()}")

    def integer(self, value: int) -> str:
        """A constant integer of 64 bits."""
        return self.splat("i64", str(value))

    def truth(self, value: bool) -> Condition:
        """A constant that is true or false."""
        return Condition(self.splat("i1", "true" if value else "false"))

    def name(self) -> str:
        """A new name."""
        self._count += 1
        return f"v{self._count}"

    def value(self, text: str) -> str:
        """The value of an operation; the same one for the same text."""
        found = self._known.get(text)
        if found is None:
            if self._count - self._begun >= _LONGEST_BLOCK:
                self._split()
            found = self._known[text] = f"%{self.name()}"
            self.lines.append(f"{found} = {text}")
        return found

    def _split(self) -> None:
        """Begin another block, as LLVM takes more than proportional time for long ones; it cannot know that %never."""
        after = f"part{self._count}"
        self.lines.append(f"br i1 %never, label %stop, label %{after}")
        self.begin(after)
        self.is_split = True

    def line(self, text: str) -> None:
        """Write a line that gives no value."""
        self.lines.append(text)

    def begin(self, label: str) -> None:
        """Begin a block."""
        self.block, self._begun = label, self._count
        self.lines.append(f"{label}:")

    def intrinsic(self, name: str, *args: str) -> str:
        """Call an intrinsic of numbers."""
        full = f"@llvm.{name}.{self.suffix()}"
        self.declared.add(f"declare {self.double} {full}({', '.join([self.double] * len(args))})")
        return self.value(f"call {self.double} {full}({', '.join(f'{self.double} {arg}' for arg in args)})")

    def fma(self, x: str, y: str, z: str) -> str:
        """x·y + z, rounded once."""
        return self.intrinsic("fma", x, y, z)

    def scaled(self, x: str, n: str) -> str:
        """x·2ⁿ for n a whole number, by an instruction of AVX-512."""
        name, double = "@llvm.x86.avx512.mask.scalef.pd.512", self.double
        self.declared.add(f"declare {double} {name}({', '.join([double] * 3)}, i8, i32)")
        given = ", ".join(f"{double} {arg}" for arg in (x, n, self.number(0.0)))
        return self.value(f"call {double} {name}({given}, i8 -1, i32 4)")

    def compare(self, how: str, x: str, y: str) -> Condition:
        """A comparison of numbers."""
        return Condition(self.value(f"fcmp {how} {self.double} {x}, {y}"))

    def outside(self, x: str, smallest: float, largest: float) -> Condition:
        """Whether numbers, as they are and not by size, are less or more than bounds that are positive, or none."""
        integer, low = self.vector("i64"), bits_of_float(smallest)
        bits = self.value(f"bitcast {self.double} {x} to {integer}")
        shifted = self.value(f"sub {integer} {bits}, {self.integer(low)}")
        return Condition(self.value(f"icmp ugt {integer} {shifted}, {self.integer(bits_of_float(largest) - low)}"))

    def choose(self, condition: str, x: str, y: str) -> str:
        """x where the condition holds, else y."""
        return self.value(f"select {self.vector('i1')} {condition}, {self.double} {x}, {self.double} {y}")

    def all(self, truths: Sequence[Condition]) -> Condition:
        """Whether all hold, joined two by two."""
        found = list(truths) or [self.truth(True)]
        while len(found) > 1:
            joined = [self._logic("and", p, q) for p, q in zip(found[::2], found[1::2], strict=False)]
            found = joined + found[2 * len(joined) :]
        return found[0]

    # The algebra ----------------------------------------------------------------------------------------------------

    def constant(self, value: Constant) -> str:
        """Give the nearest float, or a truth."""
        return self.truth(value) if isinstance(value, bool) else self.number(to_float(value))

    def apply(self, row: Primitive, args: Sequence[str]) -> str:
        """Write a row: an operation, what the C library has, or a formula with the bits of its float form."""
        if (rule := self.rows.get(row)) is not None:
            return rule(*args)
        if row.libm:
            return self.function(row.libm, args)
        if callable(row.pairs):
            return by_rule(row.pairs, self, args)  # type: ignore[no-any-return]
        if row.definition is not None and row.ulps == 0.0:
            return by_definition(row, self, args)  # type: ignore[no-any-return]
        raise Unsuited(f"the llvm engine has no {row.name}")

    def function(self, name: str, args: Sequence[str]) -> str:
        """Give what the C library has, written out or called."""
        known = (name, *args)
        if known not in self._functions:
            written = self.written_out.get(name)
            self._functions[known] = self.value(self.each(name, args)) if written is None else written(self, *args)
        return self._functions[known]

    def each(self, name: str, args: Sequence[str]) -> str:
        """The call of a function of the C library for lane after lane."""
        self.called[name] = len(args)
        return f"call {self.double} @each.{name}({', '.join(f'{self.double} {arg}' for arg in args)})"

    def or_each(self, odd: Condition, found: str, name: str, x: str) -> str:
        """What was found, or what the C library gives in lanes that are odd: so no row depends on its neighbours.

        What is hasty takes what was found, and remembers that.
        """
        if self.hasty:
            self.mistakes.append(odd)
            return found
        self._count += 1
        words = ("%bits", "%mask", "%some", "slow", "after", "%other")
        bits, mask, some, slow, after, other = (f"{word}{self._count}" for word in words)
        self.mended.add(name)
        self.lines += [
            f"{bits} = bitcast {self.vector('i1')} {odd} to i{self.lanes}",
            f"{mask} = zext i{self.lanes} {bits} to i64",
            f"{some} = icmp ne i64 {mask}, 0",
            f"br i1 {some}, label %{slow}, label %{after}, !prof !0",
        ]
        before = self.block
        self.begin(slow)
        given = f"{self.double} {x}, {self.double} {found}, i64 {mask}"
        self.lines += [f"{other} = call {self.double} @mend.{name}({given})", f"br label %{after}"]
        self.begin(after)
        return self.value(f"phi {self.double} [ {found}, %{before} ], [ {other}, %{slow} ]")

    def _operation(self, name: str) -> Callable[..., str]:
        either = name in ("fadd", "fmul")  # in one order, so that what is the same is seen to be
        return lambda x, y: self.value(f"{name} {self.double} {', '.join(sorted((x, y)) if either else (x, y))}")

    def _comparison(self, how: str) -> Callable[..., str]:
        return lambda x, y: self.compare(how, x, y)

    def _intrinsic(self, name: str) -> Callable[..., str]:
        return lambda x: self.intrinsic(name, x)

    def _negative(self, x: str) -> str:
        found = self.value(f"fneg {self.double} {x}")
        self._negated[found] = x
        return found

    def _size(self, x: str) -> str:
        return self.intrinsic(ABS.libm, self._negated.get(x, x))

    def _extreme(self, how: str, x: str, y: str) -> str:
        """x where it is the one, or no number."""
        return self.choose(self._logic("or", self.compare(how, x, y), self.compare("uno", x, x)), x, y)

    def any(self, truths: Sequence[Condition]) -> Condition:
        """Whether one holds."""
        found = truths[0]
        for truth in truths[1:]:
            found = self._logic("or", found, truth)
        return found

    def _logic(self, name: str, p: str, q: str) -> Condition:
        return Condition(self.value(f"{name} {self.vector('i1')} {self._as_truth(p)}, {self._as_truth(q)}"))

    def _as_truth(self, p: str) -> Condition:
        return p if isinstance(p, Condition) else self.compare("une", p, self.number(0.0))

    def _as_number(self, x: str) -> str:
        return self.choose(x, self.number(1.0), self.number(0.0)) if isinstance(x, Condition) else x

    def _where(self, condition: str, x: str, y: str) -> str:
        """Choose numbers or truths."""
        condition = self._as_truth(condition)
        if not isinstance(x, Condition) and not isinstance(y, Condition):
            return self.choose(condition, x, y)
        truth = self.vector("i1")
        return Condition(
            self.value(f"select {truth} {condition}, {truth} {self._as_truth(x)}, {truth} {self._as_truth(y)}")
        )

    def _sign(self, x: str) -> str:
        zero, signs = self.number(0.0), [self.number(s) for s in (1.0, -1.0)]
        found = self.choose(self.compare("olt", x, zero), signs[1], x)
        return self.choose(self.compare("ogt", x, zero), signs[0], found)

    def _is_lost(self, s: str, x: str) -> str:
        share = self.rows[MUL](self.number(LOST_SHARE), self.rows[ABS](x))
        return self.compare("olt", self.rows[ABS](s), share)


def ordinary(writer: Writer, values: Sequence[str], truths: Sequence[Condition]) -> Condition:
    """Whether all values are finite and all truths hold: v·0 is no number where v is not finite."""
    zero = writer.number(0.0)
    chains: list[str] = []
    for k, value in enumerate(dict.fromkeys(v for v in values if v.startswith("%"))):
        if k < 4:
            chains.append(writer.rows[MUL](value, zero))
        else:
            chains[k % 4] = writer.rows[ADD](chains[k % 4], writer.rows[MUL](value, zero))
    finite = [writer.compare("ord", chains[0], chains[0])] if len(chains) == 1 else []
    finite += [writer.compare("ord", x, y) for x, y in zip(chains[::2], chains[1::2], strict=False)]
    finite += [writer.compare("ord", chains[2], chains[2])] if len(chains) == 3 else []
    return writer.all([*finite, *truths])


def tame(writer: Writer, value: str, smallest: float, largest: float) -> Condition:
    """Whether a size lies between bounds, or is zero or not finite."""
    size = writer.rows[ABS](value)
    out, some = writer.outside(size, smallest, largest), writer.outside(size, SMALLEST_FLOAT, LARGEST_FLOAT)
    truth = writer.vector("i1")
    inside = writer.value(f"xor {truth} {out}, {writer.truth(True)}")
    return Condition(writer.value(f"or {truth} {inside}, {some}"))


def bits_of_float(value: float) -> int:
    """The bits of a float as an integer."""
    return int.from_bytes(struct.pack(">d", value))
