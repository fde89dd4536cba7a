"""Bugs in a line of array code: changes of one place that keep all shapes, from the likely to the far-fetched.

The claim's code is recorded as a Program, one instruction of it is changed, and what comes from that is computed again:
the change that gives the truth is what the line should say. What may belong there is whatever the claim or f computes,
and the slopes of the functions that f applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.callables.faults import in_extended
from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import Gather, Total
from diffkit.core.contractions import Contract
from diffkit.core.matrix_operations import multiplied, symmetric_part, transposed
from diffkit.core.program import Program, Shape, rerun
from diffkit.core.table import ADD, MUL, SUB, Primitive
from diffkit.judging.repair.code_record import RAISED_BY_CODE, CodeRecord
from diffkit.judging.repair.code_values import CodeNames, Pool, Ref, Site, sites
from diffkit.judging.repair.evidence import Array, Candidate, ClaimSamples, Investigation, Predict
from diffkit.judging.repair.multiples import Namer
from diffkit.judging.repair.rewritten_lines import rewritten
from diffkit.numbers.arrays import ARRAYS

_Edit = Callable[[Any, Any, list[Any], Any], Any]
"""what an instruction gives after a change, of an algebra, its row, the values of its arguments and that of a Ref"""
_NEAR_THE_TRUTH = 1e-9  # of the largest entry: a change is worth a proof


class Mutation(NamedTuple):
    """A change of a place in a record: ``refs`` are values it needs, one for each run (None stands for 0), or none.

    ``say`` is the instruction, with places for what it is ``about``.
    """

    site: Site
    edit: _Edit
    say: str
    about: tuple[int | Ref, ...] = ()
    refs: tuple[Ref | None, ...] = ()

    def repaired(self, record: CodeRecord) -> Any:
        """The claim after the change, flat."""
        return np.ravel(self._result(record, ARRAYS, record.values))

    def program(self, record: CodeRecord) -> Program:
        """The Program of the claim after the change."""
        builder = ArrayBuilder.of(record.program)
        return builder.program([self._result(record, builder, range(len(record.program)))], record.program.inputs)

    def lines(self, record: CodeRecord) -> tuple[str, str] | None:
        """The line of the code before and after the change, where that can be said."""
        where = record.lines[self.site[0]]
        runs = {slot for slot in record.claim if record.lines[slot] == where}
        if runs != set(self.site):  # the line does something else besides, or in other runs
            return None
        return rewritten(record, self.site[-1], self.refs[-1] if self.refs else None, self.edit)

    def _result(self, record: CodeRecord, algebra: Any, values: Any) -> Any:
        """The claim's result after the change, in an algebra that has values for all slots before."""
        refs = self.refs or (None,) * len(self.site)
        changes = {
            slot: partial(self._changed, record, algebra, slot, ref)
            for slot, ref in zip(self.site, refs, strict=True)
        }  # fmt: skip
        return rerun(record.program, algebra, values, changes, record.output)

    def _changed(
        self, record: CodeRecord, algebra: Any, slot: int, ref: Ref | None, value: Callable[[int], Any]
    ) -> Any:
        """What the instruction in a slot gives after the change."""
        given = algebra.constant(0) if ref is None else ref.given(record, algebra, value)
        return self.edit(algebra, record.row(slot), [value(arg) for arg in record.args(slot)], given)


def _with(i: int, made: Callable[[Any, Any, Any], Any]) -> _Edit:
    """Argument i made anew, from what it is and the value of the Ref."""
    return lambda algebra, row, v, x: algebra.apply(row, [*v[:i], made(algebra, v[i], x), *v[i + 1 :]])


def _transposed(algebra: Any, x: Any) -> Any:
    return transposed(algebra, x, algebra.shape(x))


def _products(record: CodeRecord, site: Site, _: Pool) -> Iterator[Mutation]:
    """Operands transposed, and products entry by entry for matrix products or the other way about."""
    row, args = record.row(site[0]), record.args(site[0])
    shapes = [record.shape(arg) for arg in args]
    square = [len(s) == 2 and s[0] == s[1] for s in shapes]
    for i, arg in enumerate(args):
        if square[i] and (isinstance(row, Contract) or row in (MUL, ADD, SUB)):
            yield Mutation(site, _with(i, lambda algebra, y, _: _transposed(algebra, y)), "transpose {0}", (arg,))
    if len(shapes) != 2 or not all(square) or shapes[0] != shapes[1]:
        return
    if isinstance(row, Contract):
        for turned, what in ((None, "{0} and {1}"), (0, "{0}.T and {1}"), (1, "{0} and {1}.T")):
            say = f"multiply {what} entry by entry, not as matrices"
            yield Mutation(site, _multiplied(turned), say, args)
    if row is MUL:
        say = "multiply {0} and {1} as matrices, not entry by entry"
        yield Mutation(site, lambda algebra, _, v, __: multiplied(algebra, v[0], v[1], 0), say, args)


def _multiplied(turned: int | None) -> _Edit:
    """The product entry by entry, with one operand transposed."""
    return lambda algebra, _, v, __: algebra.apply(
        MUL, [_transposed(algebra, x) if j == turned else x for j, x in enumerate(v)]
    )


def _symmetric(record: CodeRecord, site: Site, _: Pool) -> Iterator[Mutation]:
    """The symmetric part of a constant matrix: (A + A.T) @ x, not 2*A @ x."""
    for i, arg in enumerate(record.args(site[0]) if isinstance(record.row(site[0]), Contract) else ()):
        shape = record.shape(arg)
        if record.is_constant(arg) and len(shape) == 2 and shape[0] == shape[1]:
            say = "{0} is not symmetric: put half the sum of it and its transpose"
            edit = _with(i, lambda algebra, y, _: symmetric_part(algebra, y, algebra.shape(y)))
            yield Mutation(site, edit, say, (arg,))


def _carried(_: CodeRecord, site: Site, pool: Pool) -> Iterator[Mutation]:
    """What the run of a loop before should have added: back-propagation through time that was cut."""
    for refs in pool.carried(site):
        assert refs[1] is not None
        yield Mutation(site, _and(ADD), "add {1} of the run before to {0}", (site[0], refs[1]), refs)


def _others(record: CodeRecord, site: Site, pool: Pool) -> Iterator[Mutation]:
    """Another value in the place of an operand."""
    row, args = record.row(site[0]), record.args(site[0])
    for i, arg in enumerate(args):
        shapes = [record.shape(arg)]
        if isinstance(row, Primitive) and len(args) == 2:
            rest = record.shape(args[1 - i])
            shapes += [s for s in pool.refs if s not in ((), *shapes) and _joined(s, rest) == record.shape(site[0])]
        for refs in pool.fitting(site, shapes):
            if not isinstance(row, Gather) or not _is_gathered(record, refs[0], arg):
                edit = _with(i, lambda _, __, x: x)
                yield Mutation(site, edit, "put {1} where the claim has {0}", (arg, refs[0]), refs)


def _is_gathered(record: CodeRecord, ref: Ref, arg: int) -> bool:
    """Whether a value of the claim is another arrangement of an operand."""
    made = ref.number in record.claim and isinstance(record.row(ref.number), Gather)
    return made and record.args(ref.number)[0] == arg


def _joined(a: Shape, b: Shape) -> Shape | None:
    """The shape of two that broadcast; None if they do not."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def _turned_others(record: CodeRecord, site: Site, pool: Pool) -> Iterator[Mutation]:
    """Another value, transposed, in the place of an operand of a matrix product."""
    for i, arg in enumerate(record.args(site[0]) if isinstance(record.row(site[0]), Contract) else ()):
        shape = record.shape(arg)
        for refs in pool.fitting(site, [shape[::-1]] if len(shape) == 2 else []):
            edit = _with(i, lambda algebra, _, x: _transposed(algebra, x))
            yield Mutation(site, edit, "put {1}.T where the claim has {0}", (arg, refs[0]), refs)


def _swapped(record: CodeRecord, site: Site, _: Pool) -> Iterator[Mutation]:
    """Another function: cos for sin, a difference for a sum."""
    taken = record.row(site[0])
    for row in taken.cousins if isinstance(taken, Primitive) else ():
        say = f"take {row.infix.strip() or row.name} for {taken.infix.strip() or taken.name}"
        yield Mutation(site, _applied(row), say)


def _applied(row: Any) -> _Edit:
    """Another row of the same arguments."""
    return lambda algebra, _, v, __: algebra.apply(row, v)


def _axes(record: CodeRecord, site: Site, _: Pool) -> Iterator[Mutation]:
    """A sum over another axis."""
    row = record.row(site[0])
    if isinstance(row, Total) and len(row.axes) == 1:
        for axis in range(len(record.shape(record.args(site[0])[0]))):
            if axis != row.axes[0]:
                yield Mutation(site, _applied(Total((axis,))), f"sum over axis {axis}, not over axis {row.axes[0]}")


def _factors(record: CodeRecord, site: Site, pool: Pool) -> Iterator[Mutation]:
    """A factor that is missing from a result."""
    for refs in pool.fitting(site, [record.shape(site[0])]):
        yield Mutation(site, _and(MUL), "multiply {0} by {1}", (site[0], refs[0]), refs)


def _terms(record: CodeRecord, site: Site, pool: Pool) -> Iterator[Mutation]:
    """A term that is missing from a result, or stands there with the wrong sign."""
    for refs in pool.fitting(site, [record.shape(site[0])]):
        about = (site[0], refs[0])
        yield Mutation(site, _and(ADD), "add {1} to {0}", about, refs)
        yield Mutation(site, _and(SUB), "subtract {1} from {0}", about, refs)


def _and(row: Primitive) -> _Edit:
    """What the instruction gives, and then a row of that and the value of the Ref."""
    return lambda algebra, own, v, x: algebra.apply(row, [algebra.apply(own, v), x])


_CHANGES = (_products, _symmetric, _carried, _others, _turned_others, _swapped, _axes, _factors, _terms)
"""Changes of a place, the likely ones first."""
_OF_CONDITIONS = (_others, _swapped)


def changed_code(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Changes of one place that give the truth at the first point."""
    if case.evidence.record is None:
        return
    recorded = _Recorded(case)
    first = recorded.at(case.fit.points[0])
    if first is None:
        return
    names = CodeNames(first)
    for mutation in mutations_of(first):
        if case.late:
            return
        if recorded.comes_near(mutation, first):
            text = names.instruction(mutation.site[0], mutation.say, mutation.about, mutation.lines(first))
            if text:
                yield Candidate("array code", text, recorded.predict(mutation))


def mutations_of(record: CodeRecord) -> Iterator[Mutation]:
    """All changes that are tried; what f runs too is hardly wrong, and comes last."""
    pool = Pool(record)
    places = [
        site for site in sites(record, record.claim)
        if pool.before[record.output] >> site[0] & 1 and record.lines[site[0]].line
    ]  # fmt: skip
    common = set(map(record.place, record.model))
    for shared in (False, True):
        for change in _CHANGES:
            for site in reversed(places):
                fits = change in _OF_CONDITIONS or not record.row(site[0]).truth
                if fits and (record.place(site[0]) in common) == shared:
                    yield from change(record, site, pool)


class _Recorded:
    """The record of claim and f at the points of a case; None where the code runs another way than at the first."""

    def __init__(self, case: Investigation):
        self.case = case
        self.seen: dict[bytes, CodeRecord | None] = {}
        self.form: Any = None

    def at(self, point: Array) -> CodeRecord | None:
        """The record at a point."""
        key = point.tobytes()
        if key not in self.seen:
            assert self.case.evidence.record is not None
            found = self.case.evidence.record(point, self.form is None)
            form = None if found is None else _form(found)
            self.form = form if self.form is None else self.form
            self.seen[key] = found if form == self.form else None
        return self.seen[key]

    def repaired(self, mutation: Mutation, record: CodeRecord) -> Array:
        """The live components of the claim after a change."""
        found = mutation.repaired(record)
        if found.size < self.case.count:
            return np.full(len(self.case.columns), np.nan)
        live: Array = found[found.size - self.case.count :][self.case.live]
        return live

    def comes_near(self, mutation: Mutation, record: CodeRecord) -> bool:
        """Whether a change gives the truth at the first point of the fit, to nine digits of the largest entry."""
        truth = self.case.fit.truth[0]
        try:
            found = self.repaired(mutation, record)
        except RAISED_BY_CODE:
            return False
        return bool((np.abs(found - truth) <= _NEAR_THE_TRUTH * np.max(np.abs(truth), initial=0.0)).all())

    def predict(self, mutation: Mutation) -> Predict:
        """The claim that has the bug: the truth and what the change takes away, which has its own rounding."""
        changed = partial(self._at, mutation)

        def predict(samples: ClaimSamples) -> tuple[Any, Any]:
            found = np.array([changed(point) for point in samples.points])
            exact = [in_extended(changed, point) for point in samples.points]
            noise = [np.spacing(np.abs(f)) if e is None else abs(e - f) for e, f in zip(exact, found, strict=True)]
            return samples.claim - (found - samples.truth), samples.bars + np.array(noise, dtype=float)

        return predict

    def _at(self, mutation: Mutation, point: Array) -> Array:
        """The changed claim at a point; NaN where the code runs another way."""
        record = self.at(point)
        return np.full(len(self.case.columns), np.nan) if record is None else self.repaired(mutation, record)


def _form(record: CodeRecord) -> tuple[Any, ...]:
    """What must be the same at two points for the code to have run the same way."""
    code = (*record.claim, *record.model)
    return tuple((record.row(slot).name, record.shape(slot), record.lines[slot].line) for slot in code)
