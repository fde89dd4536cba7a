"""Bugs in a line of array code: changes of one place that keep all shapes, from the likely to the far-fetched.

The claim's code is recorded operation by operation, one place in it is changed, and the rest is replayed: the change
that gives the truth is what the line should say. What may belong there is whatever the claim or f computes, and the
slopes of the functions that f applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from diffkit.asking.callables.faults import in_extended
from diffkit.core.table import Primitive
from diffkit.judging.repair.code_values import CodeNames, Pool, Ref, Site, sites
from diffkit.judging.repair.evidence import (
    RAISED_BY_CODE,
    Array,
    Candidate,
    ClaimSamples,
    Investigation,
    Predict,
    Records,
)
from diffkit.judging.repair.multiples import Namer
from diffkit.ndarrays.kernel import ROWS
from diffkit.ndarrays.record import Record

_Run = Callable[[Sequence[Any]], Any]
_Edit = Callable[[_Run, list[Any], Any], Any]
"""what an operation gives after a change: of its own run, the values of its operands, and the value of a Ref"""
_NEAR_THE_TRUTH = 1e-9  # of the largest entry: a change is worth a proof


class _Rewrite(NamedTuple):
    """A change of a place: ``refs`` are values it needs, one for each run (None stands for 0), or none.

    ``say`` is the instruction, with places for what it is ``about``.
    """

    site: Site
    edit: _Edit
    say: str
    about: tuple[Any, ...] = ()
    refs: tuple[Ref | None, ...] = ()

    def repaired(self, records: Records) -> Any:
        """The claim after the change, flat."""
        changes = {}
        for k, number in enumerate(self.site):
            operation = records.claim.operations[number]
            ref = self.refs[k] if self.refs else None
            operands = (*operation.operands, 0.0 if ref is None else ref.operand(records))
            changes[number] = operation._replace(operands=operands, run=partial(_edited, self.edit, operation.run))
        return np.ravel(records.claim.replayed(changes))


def _edited(edit: _Edit, run: _Run, values: Sequence[Any]) -> Any:
    """The run of a changed operation, whose last operand is the value of the Ref."""
    return edit(run, list(values[:-1]), values[-1])


def _with(i: int, made: Callable[[Any, Any], Any]) -> _Edit:
    """Operand i made anew, from what it is and the value of the Ref."""
    return lambda run, v, x: run([made(y, x) if j == i else y for j, y in enumerate(v)])


def _products(claim: Record, site: Site, _: Pool) -> Iterator[_Rewrite]:
    """Operands transposed, and products entry by entry for matrix products or the other way about."""
    operation = claim.operations[site[0]]
    shapes = [np.shape(claim.value(o)) for o in operation.operands]
    square = [len(s) == 2 and s[0] == s[1] for s in shapes]
    for i, operand in enumerate(operation.operands):
        if square[i] and operation.kind in ("product", "mul", "add", "sub"):
            yield _Rewrite(site, _with(i, lambda y, _: np.transpose(y)), "transpose {0}", (operand,))
    if len(shapes) != 2 or not all(square) or shapes[0] != shapes[1]:
        return
    if operation.kind == "product":
        for turned, what in ((None, "{0} and {1}"), (0, "{0}.T and {1}"), (1, "{0} and {1}.T")):
            say = f"multiply {what} entry by entry, not as matrices"
            yield _Rewrite(site, _multiplied(turned), say, operation.operands)
    if operation.kind == "mul":
        say = "multiply {0} and {1} as matrices, not entry by entry"
        yield _Rewrite(site, lambda _, v, __: v[0] @ v[1], say, operation.operands)


def _multiplied(turned: int | None) -> _Edit:
    """The product entry by entry, with one operand transposed."""
    return lambda _, v, __: np.multiply(*[np.transpose(x) if j == turned else x for j, x in enumerate(v)])


def _symmetric(claim: Record, site: Site, _: Pool) -> Iterator[_Rewrite]:
    """The symmetric part of a constant matrix: (A + A.T) @ x, not 2*A @ x."""
    operation = claim.operations[site[0]]
    for i, operand in enumerate(operation.operands):
        shape = np.shape(operand)
        if not isinstance(operand, int) and operation.kind == "product" and len(shape) == 2 and shape[0] == shape[1]:
            say = "{0} is not symmetric: put half the sum of it and its transpose"
            yield _Rewrite(site, _with(i, lambda y, _: (y + y.T) / 2), say, (operand,))


def _carried(_: Record, site: Site, pool: Pool) -> Iterator[_Rewrite]:
    """What the run of a loop before should have added: back-propagation through time that was cut."""
    for refs in pool.carried(site):
        yield _Rewrite(site, _and_add, "add {1} of the run before to {0}", (site[0], refs[1]), refs)


def _others(claim: Record, site: Site, pool: Pool) -> Iterator[_Rewrite]:
    """Another value in the place of an operand."""
    operation = claim.operations[site[0]]
    for i, operand in enumerate(operation.operands):
        shapes = [np.shape(claim.value(operand))]
        if isinstance(operation.detail, Primitive) and len(operation.operands) == 2:
            rest = np.shape(claim.value(operation.operands[1 - i]))
            shapes += [s for s in pool.refs if s not in ((), *shapes) and _joined(s, rest) == operation.shape]
        for refs in pool.fitting(site, shapes):
            if operation.kind != "gather" or not _is_gathered(claim, refs[0], operand):
                edit = _with(i, lambda _, x: np.asarray(x))
                yield _Rewrite(site, edit, "put {1} where the claim has {0}", (operand, refs[0]), refs)


def _is_gathered(claim: Record, ref: Ref, operand: Any) -> bool:
    """Whether a value is another arrangement of an operand."""
    found = claim.operations[ref.number] if not ref.model else None
    if found is None or found.kind != "gather":
        return False
    whole = found.operands[0]
    return whole == operand if isinstance(whole, int) and isinstance(operand, int) else whole is operand


def _joined(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of two that broadcast; None if they do not."""
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        return None


def _turned_others(claim: Record, site: Site, pool: Pool) -> Iterator[_Rewrite]:
    """Another value, transposed, in the place of an operand of a matrix product."""
    operation = claim.operations[site[0]]
    for i, operand in enumerate(operation.operands if operation.kind == "product" else ()):
        shape = np.shape(claim.value(operand))
        for refs in pool.fitting(site, [shape[::-1]] if len(shape) == 2 else []):
            edit = _with(i, lambda _, x: np.transpose(x))
            yield _Rewrite(site, edit, "put {1}.T where the claim has {0}", (operand, refs[0]), refs)


def _swapped(claim: Record, site: Site, _: Pool) -> Iterator[_Rewrite]:
    """Another function: cos for sin, a difference for a sum."""
    taken = claim.operations[site[0]].detail
    if not isinstance(taken, Primitive):
        return
    for row in taken.cousins:
        say = f"take {row.infix.strip() or row.name} for {taken.infix.strip() or taken.name}"
        yield _Rewrite(site, partial(_applied, row), say)


def _applied(row: Primitive, _: _Run, values: list[Any], __: Any) -> Any:
    return ROWS.apply(row, values)


def _axes(claim: Record, site: Site, _: Pool) -> Iterator[_Rewrite]:
    """A sum over another axis."""
    operation = claim.operations[site[0]]
    if operation.kind == "sum" and len(operation.detail) == 1:
        for axis in range(np.ndim(claim.value(operation.operands[0]))):
            if axis != operation.detail[0]:
                say = f"sum over axis {axis}, not over axis {operation.detail[0]}"
                yield _Rewrite(site, partial(_summed, axis), say)


def _summed(axis: int, _: _Run, values: list[Any], __: Any) -> Any:
    return np.sum(values[0], axis=axis)


def _factors(claim: Record, site: Site, pool: Pool) -> Iterator[_Rewrite]:
    """A factor that is missing from a result."""
    for refs in pool.fitting(site, [claim.operations[site[0]].shape]):
        yield _Rewrite(site, lambda run, v, x: run(v) * x, "multiply {0} by {1}", (site[0], refs[0]), refs)


def _terms(claim: Record, site: Site, pool: Pool) -> Iterator[_Rewrite]:
    """A term that is missing from a result, or stands there with the wrong sign."""
    for refs in pool.fitting(site, [claim.operations[site[0]].shape]):
        about = (site[0], refs[0])
        yield _Rewrite(site, _and_add, "add {1} to {0}", about, refs)
        yield _Rewrite(site, lambda run, v, x: run(v) - x, "subtract {1} from {0}", about, refs)


def _and_add(run: _Run, values: list[Any], x: Any) -> Any:
    return run(values) + x


_CHANGES = (_products, _symmetric, _carried, _others, _turned_others, _swapped, _axes, _factors, _terms)
"""Changes of a place, the likely ones first."""


def changed_code(case: Investigation, _: Namer) -> Iterator[Candidate]:
    """Changes of one place that give the truth at the first point."""
    if case.evidence.records is None:
        return
    recorded = _Recorded(case)
    first = recorded.at(case.fit.points[0])
    if first is None:
        return
    names = CodeNames(first)
    for rewrite in _rewrites(first):
        if case.late:
            return
        if recorded.comes_near(rewrite, first):
            text = names.instruction(rewrite.site[0], rewrite.say, rewrite.about)
            if text:
                yield Candidate("array code", text, recorded.predict(rewrite))


def _rewrites(records: Records) -> Iterator[_Rewrite]:
    """All changes that are tried; what f runs too is hardly wrong, and comes last."""
    claim = records.claim
    matters = claim.matters()
    places = [site for site in sites(claim) if matters[site[0]] and claim.operations[site[0]].line.line]
    common = set() if records.model is None else {operation.place for operation in records.model.operations}
    pool = Pool(records)
    for shared in (False, True):
        for change in _CHANGES:
            for site in reversed(places):
                if (claim.operations[site[0]].place in common) == shared:
                    yield from change(claim, site, pool)


class _Recorded:
    """The records of claim and f at the points of a case; None where the code runs another way than at the first."""

    def __init__(self, case: Investigation):
        self.case = case
        self.seen: dict[bytes, Records | None] = {}
        self.form: Any = None

    def at(self, point: Array) -> Records | None:
        """The records at a point."""
        key = point.tobytes()
        if key not in self.seen:
            assert self.case.evidence.records is not None
            found = self.case.evidence.records(point, self.form is None)
            form = None if found is None else _form(found)
            self.form = form if self.form is None else self.form
            self.seen[key] = found if form == self.form else None
        return self.seen[key]

    def repaired(self, rewrite: _Rewrite, records: Records) -> Array:
        """The live components of the claim after a change."""
        found = rewrite.repaired(records)
        if found.size < self.case.count:
            return np.full(len(self.case.columns), np.nan)
        live: Array = found[found.size - self.case.count :][self.case.live]
        return live

    def comes_near(self, rewrite: _Rewrite, records: Records) -> bool:
        """Whether a change gives the truth at the first point of the fit, to nine digits of the largest entry."""
        truth = self.case.fit.truth[0]
        try:
            found = self.repaired(rewrite, records)
        except RAISED_BY_CODE:
            return False
        return bool((np.abs(found - truth) <= _NEAR_THE_TRUTH * np.max(np.abs(truth), initial=0.0)).all())

    def predict(self, rewrite: _Rewrite) -> Predict:
        """The claim that has the bug: the truth and what the change takes away, which has its own rounding."""
        changed = partial(self._at, rewrite)

        def predict(samples: ClaimSamples) -> tuple[Any, Any]:
            found = np.array([changed(point) for point in samples.points])
            exact = [in_extended(changed, point) for point in samples.points]
            noise = [np.spacing(np.abs(f)) if e is None else abs(e - f) for e, f in zip(exact, found, strict=True)]
            return samples.claim - (found - samples.truth), samples.bars + np.array(noise, dtype=float)

        return predict

    def _at(self, rewrite: _Rewrite, point: Array) -> Array:
        """The changed claim at a point; NaN where the code runs another way."""
        records = self.at(point)
        return np.full(len(self.case.columns), np.nan) if records is None else self.repaired(rewrite, records)


def _form(records: Records) -> tuple[Any, ...]:
    """What must be the same at two points for the code to have run the same way."""
    return tuple(
        None if record is None else tuple((o.kind, o.shape, o.line.line) for o in record.operations)
        for record in records
    )
