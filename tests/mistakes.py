"""Planted bugs: gradients of the corpus written out as NumPy code, right ones and ones with a mistake in them."""

import math
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy.special
from conftest import exact

import diffkit as dk
from diffkit.calculus.derivatives import derivative_program
from diffkit.numbers.arrays import array_function
from diffkit.numbers.floats import to_float

NUMPY = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "max": np.maximum, "min": np.minimum,
    "erfc": scipy.special.erfc, "loggamma": scipy.special.gammaln,
    **{n: getattr(np, n) for n in ("abs", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sqrt", "pi")},
}  # fmt: skip
INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "power": "**"}
EDGES = {"mul": (0, 1), "div": (0,), "neg": (0,)}
"""arguments that are left when a factor of a product is forgotten"""
TERMS = {"add": (0, 1), "sub": (0,)}
MASKS = {"where": (1, 2), "max": (0, 1), "min": (0, 1)}
EDITS = {"missing chain factor": EDGES, "dropped term": TERMS, "mask off": MASKS}
CLEAR = 1e-2  # relative change by which an edit of the code must show to be a bug at the point
FAINT = 5e-10  # that by which any other must: well above rounding, and below the smallest planted error
SMALL = ("relative 1e-3", "relative 1e-6", "relative 1e-9", "offset 1e-8")
KINDS = (
    "factor 2", "sign of one", "missing 1/n", "missing chain factor", "reversed", "swapped", "wrong index",
    "dropped term", "mask off", "stale x by 1 %", "smallest off by 10 %", *SMALL,
)  # fmt: skip
STRUCTURAL = tuple(kind for kind in KINDS if kind not in SMALL)


class Claimed(NamedTuple):
    """A claim of a case: the mistake in it (empty if there is none) and the code."""

    kind: str
    code: Callable[[Any], Any]


class Case:
    """A function of the corpus, with its gradient known to many digits, in text, as code, and as a black box."""

    def __init__(self, row: dict[str, Any]):
        self.label, self.text, self.variables = row["id"], row["expr"], row["vars"]
        self.point = [float(row["at"][name]) for name in self.variables]
        self.value = exact(row["value"])
        self.truth = [exact(text) for text in row["gradient"]]
        compiled = compile(self.text, self.label, "eval")
        self.code = lambda x: eval(compiled, NUMPY, dict(zip(self.variables, x, strict=True)))

    def black(self, x: Any) -> Any:
        """F at plain numbers only: nothing can look inside."""
        return self.code([float(v) for v in x])

    @cached_property
    def posed(self) -> list[bool]:
        """Whether values of f can tell ∂f/∂xᵢ: |xᵢgᵢ| ≥ 10⁻³|f|, and f itself has nine digits in float64."""
        good = abs(exact(float(self.black(self.point))) - self.value) <= exact("1e-9") * abs(self.value)
        pairs = zip(self.point, self.truth, strict=True)
        return [bool(good and g and abs(exact(x) * g) >= abs(self.value) / 1000) for x, g in pairs]

    @cached_property
    def gradient(self) -> Any:
        """The gradient as straight-line code."""
        program = dk.parse(self.text, self.variables).program
        return derivative_program(program, [(0, (i,)) for i in range(len(self.variables))])

    def claims(self, black: bool, kinds: Sequence[str] = KINDS) -> Iterator[Claimed]:
        """The right claim first, then every mistake that changes the gradient at the point where it can be seen."""
        right = self._written({}, black)
        yield Claimed("", right)
        values = self._at(right)
        for kind in kinds:
            rng = random.Random(zlib.crc32(f"{self.label} {kind}".encode()))
            for code in self._mistakes(kind, values, rng, black):
                if self._shows(values, self._at(code), CLEAR if kind in EDITS else FAINT, black):
                    yield Claimed(kind, code)
                    break

    def overstated(self, check: Any, code: Any, black: bool) -> bool:
        """Whether a claim is called correct to more digits than its values have: the worst a checker can do."""
        seen = [(exact(v), t) for v, t, p in zip(self._at(code), self.truth, self.posed, strict=True) if p or not black]
        return check.verdict == "correct" and any(
            check.digits <= 15 and abs(v - t) > exact(f"1e-{check.digits}") * abs(t) for v, t in seen if t
        )

    def clear(self, check: Any, code: Any) -> bool:
        """Whether a claim is off by three bars of the reference or more somewhere."""
        bars = np.ravel(check.reference.error)
        off = [abs(exact(v) - t) for v, t in zip(self._at(code), self.truth, strict=True)]
        return any(d >= 3 * exact(float(bar)) for d, bar in zip(off, bars, strict=True) if math.isfinite(bar))

    def _at(self, code: Any) -> list[float]:
        """The entries of a claim at the point, NaN where it has none."""
        try:
            with np.errstate(all="ignore"):
                return [float(v) for v in code(np.array(self.point))]
        except ArithmeticError:
            return [math.nan] * len(self.point)

    def _shows(self, values: list[float], changed: list[float], limit: float, black: bool) -> bool:
        """Whether a component that can be judged changes by more than a share of it."""
        if not all(map(math.isfinite, changed)):
            return False
        largest = max(map(abs, values))
        for own, new, truth, posed in zip(values, changed, self.truth, self.posed, strict=True):
            if (posed or not black) and abs(new - own) > limit * (abs(float(truth)) or largest):
                return True
        return False

    def _mistakes(self, kind: str, values: list[float], rng: random.Random, black: bool) -> Iterator[Any]:
        """Claims with a mistake of a kind, until one of them shows."""
        if kind in EDITS:
            edits = [(slot, args[k]) for slot, row, args in self.gradient.numbered()
                     for k in EDITS[kind].get(row.name, ())]  # fmt: skip
            for slot, kept in rng.sample(edits, len(edits)):
                yield self._written({slot: kept}, black)
            return
        if kind == "stale x by 1 %":
            right = self._written({}, black)
            yield lambda x: right(1.01 * x)
            return
        bug = mistake(kind, values, [p or not black for p in self.posed], rng)
        if bug is not None:
            yield self._written({}, black, bug)

    def _written(self, kept: dict[int, int], black: bool, bug: Any = None) -> Callable[[Any], Any]:
        """The gradient as a function of an array; ``kept`` are slots that hold one of their arguments instead."""
        code = emitted(self.gradient, kept)
        style = zlib.crc32(self.label.encode()) % 4  # people return a list, build an array, or fill one

        def claim(x: Any) -> Any:
            found = code(*([float(v) for v in x] if black else [x[i] for i in range(len(x))]))
            found = found if bug is None else bug(found)
            if style == 0:
                return found
            if style == 1:
                return np.array(found)
            filled = np.zeros_like(x) if style == 2 else np.empty(len(x))
            for i, entry in enumerate(found):
                filled[i] = entry
            return filled

        return claim


def mistake(kind: str, values: list[float], seen: list[bool], rng: random.Random) -> Callable[[list[Any]], Any] | None:
    """What a mistake does to the entries; None if there is no place for it."""
    n = len(values)
    places = [i for i in range(n) if seen[i] and values[i]]
    if kind == "factor 2":
        return lambda g: [2 * v for v in g]
    if kind == "missing 1/n":
        return lambda g: [50 * v for v in g]
    if kind == "reversed":
        return lambda g: g[::-1]
    if not places:
        return None
    i = rng.choice(places)
    if kind in ("swapped", "wrong index"):
        if n < 2:
            return None
        j = rng.choice([k for k in range(n) if k != i])
        order = [j if k == i else i if k == j and kind == "swapped" else k for k in range(n)]
        return lambda g: [g[k] for k in order]
    if kind == "sign of one":
        return lambda g: [-v if k == i else v for k, v in enumerate(g)]
    if kind == "offset 1e-8":
        return lambda g: [v + 1e-8 if k == i else v for k, v in enumerate(g)]
    if kind == "smallest off by 10 %":
        i, factor = min(places, key=lambda k: abs(values[k])), 1.1
    else:
        factor = 1 + float(kind.split()[1]) * rng.choice((-1, 1))
    return lambda g: [factor * v if k == i else v for k, v in enumerate(g)]


def emitted(program: Any, kept: dict[int, int]) -> Callable[..., list[Any]]:
    """A program as a Python function of its inputs, over NumPy."""
    names = {f"c{k}": to_float(value) for k, value in enumerate(program.constants)}
    count = len(program.inputs)
    words = [f"v{slot}" if not count <= slot < program.first_instruction else f"c{slot - count}"
             for slot in range(len(program))]  # fmt: skip
    lines = [f"def gradient({', '.join(words[:count])}):"]
    for slot, row, args in program.numbered():
        if slot in kept:
            text = words[kept[slot]]
        elif row.name in INFIX:
            exponent = program.constant_at(args[1]) if row.name == "power" else None
            right = str(exponent) if isinstance(exponent, int) and exponent >= 0 else words[args[1]]
            text = f"{words[args[0]]} {INFIX[row.name]} {right}"
        else:
            names[f"f_{row.name}"] = array_function(row)
            text = f"f_{row.name}({', '.join(words[a] for a in args)})"
        lines.append(f"    {words[slot]} = {text}")
    lines.append(f"    return [{', '.join(words[slot] for slot in program.outputs)}]")
    exec(compile("\n".join(lines), "<claim>", "exec"), names)
    return names["gradient"]
