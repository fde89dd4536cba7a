"""Proofs of derivatives of Programs of arrays, at any size: the same as of numbers, an array at a time.

The derivative by the table's rules runs in balls on whole arrays; before anything is called proven, every entry that
matters must lie inside the domain and off every kink, jump, pole and tie. Arb's power series along a few directions
with random weights must agree, and so closely that half a unit in the last place of any one entry would show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from diffkit.calculus.array_derivatives import adjoints, gradient_program, tangents
from diffkit.calculus.array_masks import dependence, needed, reached
from diffkit.calculus.colouring import column_colours
from diffkit.core.deadline import TimeIsUp, check_time
from diffkit.core.limits import PROOF_PRECISIONS
from diffkit.core.program import Program, run_slots
from diffkit.numbers.array_balls import BallArrays, Balls, balls_of, exactly_zero, finite
from diffkit.numbers.array_series import SeriesArrays, moving
from diffkit.numbers.balls import enclose, precision
from diffkit.proof.array_obstacles import ArrayPrimal

WEIGHT = 2**30
"""random weights of a direction are whole numbers from this to twice this"""
DIRECTIONS = 6
"""directions that are tried for entries which are not seen beside larger ones"""
LONG_ARRAYS = 2**20  # numbers computed above which only the first precisions are tried
ROUNDED_UP = 1.0 + 2.0**-40  # of a radius that is turned into a binary64


class ProvenEntries(NamedTuple):
    """What is proven of entries of a matrix of derivatives, flat: values, bounds, and which of them are proven."""

    values: Any
    errors: Any
    proven: Any
    stopped: str = ""

    def at(self, places: Any) -> ProvenEntries:
        """Those at some places."""
        return ProvenEntries(self.values[places], self.errors[places], self.proven[places], self.stopped)


class ArrayProver:
    """First or second derivatives of a Program with one output, ready for proofs at points."""

    def __init__(self, program: Program, order: int):
        self.program, self.order, self.balls = program, order, BallArrays()
        sizes = [math.prod(shape) for shape in program.lengths]
        self.ends = list(accumulate(sizes))
        self.inputs = sum(sizes)
        self.outputs = math.prod(program.shapes[program.outputs[0]])

    def __reduce__(self) -> tuple[Any, ...]:
        return ArrayProver, (self.program, self.order)

    @cached_property
    def differentiated(self) -> Program:
        """The Program whose first derivatives are wanted: f, or its gradient."""
        return self.program if self.order == 1 else gradient_program(self.program)

    @property
    def steps(self) -> tuple[int, ...]:
        """The precisions to try."""
        size = sum(math.prod(shape) for shape in self.differentiated.shapes)
        return PROOF_PRECISIONS[: 2 if size > LONG_ARRAYS else 3]

    # One point ------------------------------------------------------------------------------------------------------

    def at(self, point: Any, rows: Sequence[int], columns: Sequence[int], places: Any = None) -> ProvenEntries:
        """Prove what can be proven of the entries (rows × columns) of the Jacobian of f, or of its gradient.

        Rows are outputs, flat (for second derivatives inputs), columns inputs. An entry that is not proven has NaN.
        ``places`` are those of the entries that are told, counted row by row; all if it is None.
        """
        work = _Climbing(self, np.asarray(point, dtype=float), list(rows), list(columns))
        stopped = ""
        try:
            for bits in self.steps:
                check_time()
                with precision(bits, self.order + 1), np.errstate(all="ignore"):
                    if work.climb():
                        break
        except TimeIsUp as up:
            stopped = up.reason
        return work.found(stopped, places)

    def primal(self, point: Any) -> ArrayPrimal:
        """The primal values at a point, in the precision held."""
        return ArrayPrimal(self.program, self.balls, self.split(np.asarray(point, dtype=float)))

    # Inputs, flat and in their shapes -------------------------------------------------------------------------------

    def split(self, flat: Any) -> list[Any]:
        """A flat array as arrays in the shapes of the inputs."""
        starts = [0, *self.ends[:-1]]
        pairs = zip(starts, self.ends, self.program.lengths, strict=True)
        return [flat[start:end].reshape(shape) for start, end, shape in pairs]

    def mask(self, columns: Sequence[int]) -> list[Any]:
        """Masks of the inputs that are true at some of their entries."""
        flat = np.zeros(self.inputs, dtype=bool)
        flat[list(columns)] = True
        return self.split(flat)

    def flat(self, masks: Mapping[int, Any], lengths: Sequence[Any]) -> Any:
        """Masks of the inputs, some of which are given, as one."""
        return np.concatenate([np.ravel(masks.get(k, np.zeros(shape, bool))) for k, shape in enumerate(lengths)])

    def joined(self, program: Program, values: Mapping[int, Any], balls: BallArrays) -> Balls:
        """The outputs of the Program that is differentiated, flat."""
        shapes = program.shapes
        parts = [values.get(slot) for slot in program.outputs]
        whole: list[Any] = [
            balls.zeros(shapes[slot]) if part is None else part
            for slot, part in zip(program.outputs, parts, strict=True)
        ]
        return np.concatenate([np.ravel(part) for part in whole])


class _Climbing:
    """A point's way up the precisions: an entry that is proven stays so, the others go on.

    Entries of the matrix are listed where the graph allows them to be other than zero: row, column, and ball of each.
    """

    def __init__(self, prover: ArrayProver, point: Any, rows: list[int], columns: list[int]):
        self.prover, self.point, self.rows, self.columns = prover, point, np.array(rows, int), np.array(columns, int)
        self.balls = prover.balls
        self.r: Any = None
        """rows of the entries, counted in ``rows``, in order; ``c`` likewise"""
        self.c: Any = None
        self.colours: list[int] = []
        self.lost = np.zeros(len(rows), dtype=bool)
        """rows that may have no value"""
        self.denied = np.zeros(len(rows), dtype=bool)
        """rows that Arb's series contradict"""
        self.witnessed = self.prover.order == 1
        """whether they were asked about second derivatives, which the graph of the gradient may show to be all zero"""
        self.moving_rows = np.zeros(len(rows), dtype=bool)
        """rows of second derivatives that move an obstacle; ``moving_columns`` likewise, of first ones too"""
        self.moving_columns = np.zeros(len(columns), dtype=bool)
        self.barred: Any = None
        """entries that an obstacle is in the way of, if any is"""
        self._linked: Any = None

    def found(self, stopped: str, places: Any) -> ProvenEntries:
        """What is known so far of the entries at some places, which are 0 where the graph allows nothing else."""
        width = len(self.columns)
        count = len(self.rows) * width if places is None else len(places)
        if self.r is None:
            return ProvenEntries(np.full(count, np.nan), np.full(count, np.inf), np.zeros(count, bool), stopped)
        values, errors, proven = np.zeros(count), np.zeros(count), np.ones(count, bool)
        own, its = self._matched(self.r * width + self.c, places)
        values[own] = np.where(self.proven, self.values, np.nan)[its]
        errors[own] = np.where(self.proven, self.errors, np.inf)[its]
        proven[own] = self.proven[its]
        unknown = (
            np.repeat(self.lost | self.denied, width) if places is None else (self.lost | self.denied)[places // width]
        )
        if self.barred is not None:
            unknown |= self.barred.ravel() if places is None else self.barred.ravel()[places]
        values[unknown], errors[unknown], proven[unknown] = np.nan, np.inf, False
        return ProvenEntries(values, errors, proven, stopped)

    @staticmethod
    def _matched(listed: Any, places: Any) -> tuple[Any, Any]:
        """Which of the places are listed, and where in the list, which is in order."""
        if places is None:
            return listed, slice(None)
        at = np.minimum(np.searchsorted(listed, places), max(0, len(listed) - 1))
        own = np.flatnonzero(listed[at] == places) if len(listed) else np.zeros(0, dtype=int)
        return own, at[own]

    def climb(self) -> bool:
        """One precision, which is held: prove what can be; whether more of it is of no use."""
        prover, balls = self.prover, self.balls
        primal = prover.primal(self.point)
        program = prover.differentiated
        inputs = [balls_of(x) for x in prover.split(self.point)]
        values = primal.values if program is prover.program else run_slots(program, balls, inputs)
        if self.r is None:
            self._list(program, values, primal)
        self._look(primal, values)
        hindered = self.lost[self.r] if self.barred is None else self.lost[self.r] | self.barred[self.r, self.c]
        open_ = ~self.proven & ~hindered
        if self.witnessed and not open_.any():
            return True
        entries = self._entries(program, values)
        for k in np.flatnonzero(open_):
            enclosure = enclose(entries[k])
            if enclosure.value is not None and math.isfinite(enclosure.value):
                self.values[k], self.errors[k] = enclosure.value, enclosure.error
        known = open_ & ~np.isnan(self.values)
        self.proven |= self._confirmed(primal, entries, known)
        self.values[~self.proven] = np.nan
        return bool((self.proven | hindered).all())

    def _look(self, primal: ArrayPrimal, values: Sequence[Any]) -> None:
        """Find the rows that may have no value, and the entries whose row needs an obstacle that the column moves."""
        prover = self.prover
        (output,) = primal.program.outputs
        whole = finite(np.ravel(primal.values[output]))
        self.lost = ~whole[self.rows] if prover.order == 1 else np.full(len(self.rows), not whole.all())
        self.barred, self.moving_rows[:], self.moving_columns[:] = None, False, False
        for obstacle in primal.obstacles(self.rows if prover.order == 1 else None):
            inputs = needed(primal.program, obstacle.movers, primal.values)
            moved = prover.flat(inputs, primal.program.lengths)
            self.moving_columns |= moved[self.columns]
            if prover.order == 1:
                self.lost |= self._rows_of(primal, obstacle.slot, obstacle.ends)
                hit = self._rows_of(primal, obstacle.slot, obstacle.entries)
                self._bar(hit[:, None] & moved[self.columns])
            else:
                self.lost |= bool(obstacle.ends.any())
                self.moving_rows |= moved[self.rows]
                either = moved[self.rows][:, None] | moved[self.columns]
                self._bar(either & self._links(values) if obstacle.continuous else either)

    def _bar(self, entries: Any) -> None:
        self.barred = entries if self.barred is None else self.barred | entries

    def _links(self, values: Sequence[Any]) -> Any:
        """Entries of second derivatives that are not zero by the graph, in this order of the inputs or in the other.

        For those that are, a kink that only one of the inputs moves leaves both orders of differentiation at 0.
        """
        if self._linked is None:
            structure = dependence(self.prover.differentiated, self.columns.tolist(), values, locally=False)[self.rows]
            symmetric = self.rows.tolist() == self.columns.tolist()
            self._linked = structure | (structure.T if symmetric else True)
        return self._linked

    def _rows_of(self, primal: ArrayPrimal, slot: int, entries: Any) -> Any:
        """Which rows depend on some entries of a slot."""
        if not entries.any():
            return np.zeros(len(self.rows), dtype=bool)
        (output,) = primal.program.outputs
        blank = [np.zeros(shape, bool) for shape in primal.program.lengths]
        return np.ravel(reached(primal.program, blank, primal.values, {slot: entries})[output])[self.rows]

    # The matrix -----------------------------------------------------------------------------------------------------

    @cached_property
    def by_rows(self) -> bool:
        """Whether the matrix is found by sweeps back, one for each row, rather than by tangents of each colour."""
        return self.prover.order == 1 and len(self.rows) < max(self.colours, default=0) + 1

    def _list(self, program: Program, values: Sequence[Any], primal: ArrayPrimal) -> None:
        """Find the entries that may be other than zero, and what columns may be found together."""
        if self.prover.order == 1 and len(self.rows) == 1:
            ways = needed(program, primal.wanted(self.rows), values, smoothly=True)
            structure = self.prover.flat(ways, program.lengths)[self.columns][None, :]
            self.colours = list(range(len(self.columns)))
        else:
            structure = dependence(program, self.columns.tolist(), values)[self.rows]
            self.colours = column_colours([np.flatnonzero(row).tolist() for row in structure], len(self.columns))
        self.r, self.c = np.nonzero(structure)
        self.values, self.errors = np.full(len(self.r), np.nan), np.full(len(self.r), np.inf)
        self.proven = np.zeros(len(self.r), dtype=bool)

    def _entries(self, program: Program, values: Sequence[Any]) -> Balls:
        """The balls of the listed entries."""
        found = np.empty(len(self.r), dtype=object)
        if self.by_rows:
            (output,) = program.outputs
            for k, row in enumerate(self.rows):
                seed = np.zeros(self.prover.outputs)
                seed[row] = 1.0
                bars = adjoints(program, self.balls, values, {output: balls_of(seed.reshape(program.shapes[output]))})
                blank = map(self.balls.zeros, program.lengths)
                whole: list[Any] = [bars.get(j, zeros) for j, zeros in enumerate(blank)]
                own = slice(*np.searchsorted(self.r, [k, k + 1]))
                found[own] = np.concatenate([np.ravel(part) for part in whole])[self.columns[self.c[own]]]
            return found
        colours = np.array(self.colours, int)[self.c]
        for colour in range(max(self.colours, default=-1) + 1):
            speeds = np.zeros(self.prover.inputs)
            speeds[self.columns[np.array(self.colours, int) == colour]] = 1.0
            parts = self.prover.split(speeds)
            seeds = {k: balls_of(part) for k, part in enumerate(parts) if part.any()}
            moved = self.prover.joined(program, tangents(program, self.balls, values, seeds), self.balls)
            members = colours == colour
            found[members] = moved[self.rows[self.r[members]]]
        return found

    # Confirmation ---------------------------------------------------------------------------------------------------

    def _confirmed(self, primal: ArrayPrimal, entries: Balls, known: Any) -> Any:
        """Which entries Arb's series confirm: half a unit in the last place of any would exceed what is left open."""
        zero = exactly_zero(entries)
        found = np.zeros(len(known), dtype=bool)
        left = known & ~zero
        for turn in range(DIRECTIONS if left.any() else 1 - self.witnessed):
            new = self._agreement(primal, entries, left, left, zero, np.random.default_rng(turn))
            if not new.any():
                break
            found, left = found | new, left & ~new
        self.witnessed = True
        left = known & zero & ~found
        for turn in range(DIRECTIONS if left.any() else 0):  # of zeros, what one row has: it sees no others
            row = np.bincount(self.r[left]).argmax() if left.any() else -1
            new = self._agreement(primal, entries, left & (self.r == row), left, zero, np.random.default_rng(turn))
            found, left = found | new, left & ~new & (self.r != row)
        return found

    def _agreement(self, primal: ArrayPrimal, entries: Balls, wanted: Any, left: Any, zero: Any, random: Any) -> Any:
        """Which entries of those that are left one direction confirms, along which the columns of the wanted move.

        So do, unless these are zeros, all that meet no obstacle, as witnesses that nothing is missing.
        """
        moves = ~self.moving_columns & (not _alone(zero, wanted))
        moves[self.c[~finite(entries) & ~self.moving_rows[self.r]]] = False
        moves[self.c[wanted]] = True
        weights = np.where(moves, random.integers(WEIGHT, 2 * WEIGHT, size=len(moves)), 0)
        if self.prover.order == 2:
            return self._second(primal, entries, weights, left, zero, random)
        found = np.zeros(len(left), dtype=bool)
        along, own_weights = self._along(primal, weights, 1)[self.rows], weights[self.c]
        for k in np.unique(self.r[left & (own_weights != 0)]):
            own = slice(*np.searchsorted(self.r, [k, k + 1]))
            found[own], denied = _seen(along[k], entries[own], own_weights[own], zero[own])
            self.denied[k] |= denied
        return found & left

    def _along(self, primal: ArrayPrimal, speeds: Any, order: int, beside: Any = None) -> Balls:
        """The coefficients of an order of the outputs along a direction: speeds of the columns, and of the rows."""
        prover, balls, flat = self.prover, self.balls, np.zeros(self.prover.inputs)
        flat[self.columns] = speeds
        if beside is not None:
            np.add.at(flat, self.rows, beside)
        pairs = zip(prover.split(self.point), prover.split(flat), strict=True)
        inputs = [moving(balls_of(x), balls_of(v)) for x, v in pairs]
        series = run_slots(primal.program, SeriesArrays(balls), inputs)[primal.program.outputs[0]]
        known: Any = series[order]
        found: Any = balls.zeros(np.shape(series[0])) if known is None else known
        return np.ravel(found)

    def _second(self, primal: ArrayPrimal, entries: Balls, weights: Any, left: Any, zero: Any, random: Any) -> Any:
        """The same of second derivatives: q(a + b) − q(a − b) = 2aᵀHb, for the second coefficients q."""
        moving, alone = weights[self.c] != 0, _alone(zero, left)
        moves = ~self.moving_rows & (not alone)
        moves[self.r[left & moving]] = True
        if alone:
            moves[self.r[~left & moving]] = False
        beside = np.where(moves, random.integers(WEIGHT, 2 * WEIGHT, size=len(moves)), 0)
        above, below = (self._along(primal, weights, 2, sign * beside)[0] for sign in (1, -1))
        products = beside.astype(object)[self.r] * weights.astype(object)[self.c]
        found, denied = _seen((above - below) / 2, entries, products, zero)
        self.denied |= denied
        return found & left


def _alone(zero: Any, wanted: Any) -> bool:
    """Whether some entries are wanted, all of them zeros, which are seen where nothing else moves."""
    return bool(wanted.any() and zero[wanted].all())


def _seen(along: Any, entries: Balls, weights: Any, zero: Any) -> tuple[Any, bool]:
    """Which entries of a sum of weighted ones would show an error of half a unit in the last place.

    The sum and the series must overlap, else the sum is denied; a zero is seen where both are exactly zero.
    """
    found, moving = np.zeros(len(entries), dtype=bool), np.flatnonzero(weights)
    total = np.sum(entries[moving] * [arb(int(weight)) for weight in weights[moving]], initial=arb(0))
    if not (along.is_finite() and total.is_finite() and along.overlaps(total)):
        return found, bool(along.is_finite() and total.is_finite())
    if along.is_zero() and total.is_zero():
        found[moving] = zero[moving]
        return found, False
    radius = 2 * float(along.rad() + total.rad()) * ROUNDED_UP  # they may lie at opposite ends
    for k in moving[~zero[moving]]:
        found[k] = math.ulp(abs(float(entries[k]))) / 2 * float(weights[k]) > radius
    return found, False
