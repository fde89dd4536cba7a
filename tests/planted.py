"""Bugs planted in the gradients of the corpus, shared by the tests and the benchmark of repairs."""

import json
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.points import number
from diffkit.calculus.derivatives import differentiate
from diffkit.core.program import run
from diffkit.core.table import LINEAR_ROWS
from diffkit.core.text import parse_program
from diffkit.judging.repair import mistakes
from diffkit.judging.repair.evidence import ClaimEvidence, Investigation
from diffkit.judging.repair.explanation import proven
from diffkit.judging.repair.mutants import Mutant, flowing_edges, instruction_of, is_mask, mutant_program, with_bounds
from diffkit.numbers.arrays import ARRAYS

DATA = Path(__file__).parent / "data"
SIZES = {"len(X)": 50}
FURTHER = 50
EXTRA = ("relu", "max(x*y - 0.5, 0) + x", [0.5, 0.9]), ("hinge", "max(1 - x*y, 0) + 0.1*x**2", [1.5, 1.2])
EXTRA += (
    ("absolute", "abs(x - 2*y)*y + cos(x)", [0.5, 0.9]),
    ("layer", "max(x*sin(y), 0)**2 + max(y - x, 0)*x", [1.1, 0.7]),
)


class Bug(NamedTuple):
    name: str
    plant: Any
    """(program, values, bars, points, random) -> claim values and bars, or a mutant; None where it cannot be planted"""
    kinds: frozenset
    needs_program: bool = False


def programs():
    """The programs of the corpus with their points."""
    found = [(name, parse_program(text), np.array(at)) for name, text, at in EXTRA]
    for line in (DATA / "corpus.jsonl").read_text().splitlines():
        row = json.loads(line)
        program = parse_program(row["expr"], row["vars"])
        found.append((row["id"], program, np.array([number(row["at"][v]) for v in row["vars"]])))
    return found


def gradient(program):
    return differentiate(program, [(0, (i,)) for i in range(len(program.inputs))])


def linear(change):
    """A bug that makes the claim of the truth's values alone."""

    def plant(program, random):
        truth = truth_of(program)
        return lambda x: change(*truth(x), x)

    return plant


def _component(factor):
    def change(values, bars, x):
        factors = np.ones(len(values))
        factors[-1] = factor
        return values * factors, bars * abs(factors)

    return change


def _reordered(order):
    def change(values, bars, x):
        chosen = order(len(values))
        return values[chosen], bars[chosen]

    return change


def _swapped(count):
    order = np.arange(count)
    order[: min(2, count)] = order[: min(2, count)][::-1]
    return order


def _repeated(count):
    order = np.arange(count)
    order[-1] = max(count - 2, 0)
    return order


def mutant(choose):
    """A bug that is a mutant of the adjoint program."""

    def plant(program, random):
        choices = choose(program)
        if not choices:
            return None
        made = mutant_program(
            program, [(0, (i,)) for i in range(len(program.inputs))], choices[int(random.integers(len(choices)))]
        )
        return lambda x: tuple(part[0] for part in with_bounds(made, x[None]))

    return plant


def _edges(program, linear):
    edges = flowing_edges(program)
    return [e for e in edges if (instruction_of(program, e[0])[0] in LINEAR_ROWS) == linear]


def _chain(program):
    return [Mutant((edge,), mistakes.WRITTEN_ONE) for edge in _edges(program, False)]


def _flipped(program):
    return [Mutant((edge,), _negative) for edge in _edges(program, True)]


def _negative(algebra, p, args, y):
    return algebra.apply(mistakes.NEG, (p,))


def _terms(program):
    return [
        Mutant((edge,), mistakes.WRITTEN_ZERO)
        for edge in _edges(program, True)
        if instruction_of(program, edge[0])[0] is not mistakes.NEG
    ]


def _product(program):
    return [Mutant((edge,), mistakes.WRITTEN_ZERO) for edge in _edges(program, False)]


def _inner(program):
    return [mistake.mutant for mistake in mistakes.other_functions(program)]


def _masks(program):
    return [
        Mutant((e,), mistakes.WRITTEN_ONE) for e in _edges(program, False) if is_mask(instruction_of(program, e[0])[0])
    ]


def stale(program, random):
    function = gradient(program)
    return lambda x: tuple(part[0] for part in with_bounds(function, 1.01 * x[None]))


def regulariser(values, bars, x):
    return values - 0.2 * x, bars + 1e-16 * abs(values)


FACTORS = frozenset(("factor", "entry factor", "term factor", "mean", "sum", "signs", "sign of a term"))
TERMS = frozenset(("missing term", "sign of a term", "mask", "missing entry", "different function"))
CHAIN = frozenset(("missing chain factor", "mask", "wrong derivative", "missing inner derivative"))
PLACES = frozenset(("reversed", "swap", "wrong index", "permutation", "shift"))
BUGS = [
    Bug("factor 2", linear(lambda v, b, x: (2 * v, 2 * b)), frozenset(("factor",))),
    Bug("factor 1/2", linear(lambda v, b, x: (v / 2, b / 2)), frozenset(("factor",))),
    Bug("factor -1", linear(lambda v, b, x: (-v, b)), frozenset(("signs",))),
    Bug("missing 1/n", linear(lambda v, b, x: (50 * v, 50 * b)), frozenset(("mean",))),
    Bug("sign of one entry", linear(_component(-1.0)), frozenset(("signs",))),
    Bug("one entry off by 10%", linear(_component(1.1)), frozenset(("entry factor", "factor"))),
    Bug("reversed", linear(_reordered(lambda n: np.arange(n)[::-1])), PLACES),
    Bug("swapped", linear(_reordered(_swapped)), PLACES),
    Bug("wrong index", linear(_reordered(_repeated)), PLACES),
    Bug("stale by 1%", stale, frozenset(("stale argument",))),
    Bug("regulariser missing", linear(regulariser), frozenset(("missing term",))),
    Bug("offset 1e-8", linear(lambda v, b, x: (v + 1e-8, b + 1e-16 * abs(v))), frozenset(("offset",))),
    Bug("missing chain factor", mutant(_chain), CHAIN | FACTORS, True),
    Bug("dropped term", mutant(_terms), TERMS, True),
    Bug("sign of a term", mutant(_flipped), TERMS | FACTORS, True),
    Bug("dropped product term", mutant(_product), TERMS, True),
    Bug("mask off", mutant(_masks), CHAIN, True),
    Bug("derivative of another f", mutant(_inner), TERMS | CHAIN | FACTORS, True),
]


def remembered(function):
    """The function with its answers kept by point."""
    kept = {}

    def call(x):
        key = x.tobytes()
        if key not in kept:
            kept[key] = function(x)
        return kept[key]

    return call


@cache
def truth_of(program):
    """The gradient and its bounds at points, kept for all bugs that are planted in a program."""
    function = gradient(program)
    return remembered(lambda x: tuple(part[0] for part in with_bounds(function, x[None])))


def evidence(bug, program, point, known):
    """Evidence for a planted bug; None where it cannot be planted."""
    random = np.random.default_rng(zlib.crc32(repr((bug.name, program)).encode()))
    planted = bug.plant(program, random)
    if planted is None:
        return None
    claim, truth = remembered(planted), truth_of(program)
    n = len(program.inputs)
    return ClaimEvidence(
        names=program.inputs,
        groups=tuple((name, ()) for name in program.inputs),
        shape=(n,),
        indices=tuple((0, (i,)) for i in range(n)),
        claim=lambda x: claim(x)[0],
        truth=truth,
        point=point,
        program=program if known else None,
        sizes=SIZES,
        noise=lambda x: claim(x)[1],
    )


def assess(bug, program, point, known):
    """("named" | "true" | "none" | "refuted" | "same", what was found) for one planted bug."""
    given = evidence(bug, program, point, known)
    if given is None:
        return "same", ""
    case = Investigation(given)
    with np.errstate(all="ignore"):
        if not len(case.fit.points):
            return "same", ""
        found = proven(case)
        if found is None:
            return "none", str(run(program, ARRAYS, list(point))[0])
        further = Investigation(given, seed=1).draw(7, FURTHER, [])
        if len(further.points) and not found.holds(further):
            return "refuted", f"{found.kind}: {case.instruction(found)}"
    return "named" if found.kind in bug.kinds else "true", f"{found.kind}: {case.instruction(found)}"
