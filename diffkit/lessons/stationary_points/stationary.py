"""``stationary``: the points in a box where the gradient is zero, of what kind they are, and what is proven of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from flint import arb

from diffkit.asking.box_sides import named, read_box
from diffkit.asking.expressions import is_function, read_joint
from diffkit.asking.tasks import hessian_task
from diffkit.core.builder import ProgramBuilder, copy_slots
from diffkit.core.deadline import INTERRUPTED, TimeIsUp, check_time, time_limit, unhurried
from diffkit.core.errors import DiffkitError, PointError
from diffkit.core.isolation import Isolation
from diffkit.core.limits import POINT_BITS, SEARCH_BITS
from diffkit.core.program import Program
from diffkit.core.surroundings import undisturbed
from diffkit.core.text import format_outputs
from diffkit.core.text.names import Names
from diffkit.core.watching import current_watcher, tell
from diffkit.core.workers import timed
from diffkit.lessons.stationary_points.boxes import Surface, balls, hull, measured
from diffkit.lessons.stationary_points.branch_and_bound import Progress, Search, touching
from diffkit.lessons.stationary_points.clusters import settle
from diffkit.lessons.stationary_points.lowest import ODD, Least, LowestSearch, at_global, faces, negated, told_apart
from diffkit.lessons.stationary_points.newton import Zero
from diffkit.lessons.stationary_points.points_found import (
    Extreme,
    Region,
    StationaryPoint,
    StationaryPoints,
    is_stationary,
    signs,
)
from diffkit.lessons.stationary_points.unresolved_places import ranges, up
from diffkit.numbers.balls import precision
from diffkit.numbers.intervals import Box, ends
from diffkit.proof.prover import Prover

_MOST_VARIABLES = 6
_MOST_BOXES = 50_000
_MOST_BOUNDS = 20_000  # boxes that the least and the greatest value may take
_ROUND_IT = 4  # smallest boxes, in which a flat part is looked at for a jump at its edge
_GRACE_SECONDS = 0.5  # seconds after an interrupt, in which what was found is classified
_CONFIRMED_POINTS = 40  # points at which Arb's own rules are asked
_KIND_NAMES = {"degenerate": "degenerate point"}
_PLURALS = {"minimum": "minima", "maximum": "maxima", "kink minimum": "kink minima", "kink maximum": "kink maxima",
           "degenerate": "degenerate points"}  # fmt: skip


@timed
@undisturbed()
def stationary(
    f: Any, box: Any, *, timeout: float | None = None, isolated: bool | Isolation = False, most: int = _MOST_BOXES,  # noqa: ARG001
    variables: Names | None = None, args: Sequence[Any] = (), progress: Progress | None = None,
) -> StationaryPoints:  # fmt: skip
    """Find the points of a box where ∇f = 0, classify and prove them.

    Branch and bound with Krawczyk's interval Newton method: see ``search`` and
    ``newton`` for the sources. Ctrl-C ends it, and what was found so far is
    kept.

    Parameters
    ----------
    f : str, Expression, sympy.Expr or callable
        A formula, or a Python function that can be recorded.
    box : str, mapping or sequence
        Text such as ``x=-2:2,y=-1:1``, a mapping of names to pairs, or pairs in
        the order of the variables (6 at most).
    timeout : float, optional
        Seconds after which what is not settled is an undecided region.
    isolated : bool or Isolation, default False
        Do all of it in a worker process.
    most : int, default 50000
        How many boxes are looked at; what is not settled then is undecided.
    variables : str, sympy.Symbol or sequence, optional
        The variables and their order.
    args : sequence, default ()
        Further arguments of a Python function.
    progress : callable, optional
        Is told how many boxes were looked at, how many points were found, and
        what part of the box is settled.

    Returns
    -------
    StationaryPoints
        The points, and whether these are all.

    Raises
    ------
    PointError
        For a box that does not fit or lies outside the domain of f.
    VariableError
        For unknown names.

    Examples
    --------
    >>> found = dk.stationary("x^2 - y^2", "x=-1:1,y=-1:1")
    >>> [(point.kind, point.eigenvalues) for point in found.points]
    [('saddle', (-2.0, 2.0))]
    """
    _check_most(most)
    program, notes = _program_of(f, box, variables, args)
    if len(program.inputs) > _MOST_VARIABLES:
        raise DiffkitError(f"f has {len(program.inputs)} variables: the boxes would be too many",
                           hint=f"up to {_MOST_VARIABLES} variables are searched")  # fmt: skip
    whole = read_box(box, program.inputs)
    found = _found(program, whole, most, progress)
    return replace(found, notes=(*notes, *found.notes))


def _check_most(most: Any) -> None:
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise DiffkitError(f"most is a positive number of boxes, not {most!r}")


def _program_of(f: Any, box: Any, variables: Names | None, args: Sequence[Any]) -> tuple[Program, tuple[str, ...]]:
    """The program of f, and how its names were read; a constant is taken as a function of the names of the box."""
    sides = named(box)
    if is_function(f):
        from diffkit.asking.questions import ask

        pairs = sides.items() if isinstance(sides, dict) else [(str(k), side) for k, side in enumerate(sides)]
        centre = {name: sum(read_box([side], [name])[0]) / 2 for name, side in pairs}
        values = list(centre.values())
        at: Any = centre if isinstance(sides, dict) else values if len(values) > 1 else values[0]
        return ask(f, "gradient", at, variables, args).task.program, ()
    if len(args):
        raise DiffkitError("args are further arguments of a Python function", hint="an expression takes none")
    reading = read_joint([f], variables, tuple(sides) if isinstance(sides, dict) else ())
    reading = reading.of_one(variables) if len(sides) == 1 else reading
    if not reading.program.inputs:
        raise PointError("f has no variables", hint="name them in the box, for example x=-2:2")
    return reading.program, reading.notes


def _used(program: Program) -> Program:
    """The program over the variables that occur in it; as it is if none does."""
    names = [name for k, name in enumerate(program.inputs) if k in program.used_inputs]
    if not names or len(names) == len(program.inputs):
        return program
    builder = ProgramBuilder(names)
    zero = builder.constant(0)
    slots = copy_slots(program, builder, [builder.input(n) if n in names else zero for n in program.inputs])
    return builder.program([slots[o] for o in program.outputs], names)


def _telling() -> Progress | None:
    """Tell whoever watches what part of the box is settled."""
    if current_watcher() is None:
        return None
    return lambda _, __, part: tell("searching", min(part, 1.0), 1.0)


def _found(program: Program, whole: Box, most: int, progress: Progress | None) -> StationaryPoints:
    used = _used(program)
    box = tuple(side for side, name in zip(whole, program.inputs, strict=True) if name in used.inputs)
    surface = Surface(used)
    search = Search(surface, box, most, progress or _telling())
    search.run()
    if search.outside and not (search.inside or search.stopped):
        raise PointError("the box lies outside the domain of f")
    with time_limit(_GRACE_SECONDS if search.stopped == INTERRUPTED else None):
        return _told(search, program, used, box)


def _told(search: Search, program: Program, used: Program, box: Box) -> StationaryPoints:
    """What the search has found, classified as far as there is time."""
    settled = settle(search)
    points, unnamed = _classified(search)
    points += [p for p in settled.points if _within(p.point, box, p.radius or 0.0)]
    with unhurried():
        flat = sorted((_flat(search, boxes) for boxes in touching(search.flat)), key=lambda r: tuple(r.ranges.values()))
    regions = [*flat, *settled.regions, *unnamed]
    points = _confirmed(used, points)
    lowest, highest = _extremes(search, points)
    points = [_scoped(p, lowest, highest) for p in points]
    points = _told_apart(search, points)
    lowest, highest = at_global(lowest, points, "minimum"), at_global(highest, points, "maximum")
    points.sort(key=lambda p: (p.value, p.point))
    complete = not search.stopped and all(r.proven for r in regions)
    with unhurried():
        notes = tuple(_notes(search, program, used))
    return StationaryPoints(
        format_outputs(program, 20_000)[0], used.inputs, ranges(search, box), tuple(points), tuple(regions), complete,
        _message(points, regions, complete, search), lowest, highest, search.looked, search.stopped, notes,
    )  # fmt: skip


def _within(point: Sequence[float], box: Box, slack: float) -> bool:
    return all(low - slack <= x <= high + slack for x, (low, high) in zip(point, box, strict=True))


def _classified(search: Search) -> tuple[list[StationaryPoint], list[Region]]:
    """The proven zeros as points; those for which there is no time as regions."""
    points: list[StationaryPoint] = []
    zeros = iter(search.zeros)
    try:
        for zero in zeros:
            check_time()
            points += [p for p in [_proven(search, zero)] if p is not None]
    except TimeIsUp as up:
        search.stopped = search.stopped or up.reason
        note = "here is one stationary point, which was not classified"
        boxes = [tuple(map(ends, z.balls)) for z in (zero, *zeros)]
        return points, [Region("undecided", ranges(search, b), 1, False, note) for b in boxes]
    return points, []


def _proven(search: Search, zero: Zero) -> StationaryPoint | None:
    """The point of a proven zero; None if it lies outside the box."""
    surface, box = search.surface, search.box
    note = ""
    with precision(POINT_BITS):
        for b, (low, high) in zip(zero.balls, box, strict=True):
            if b < low or b > high:
                return None
            if not (b >= low and b <= high):
                note = "on the edge of the box, or beyond it by no more than the radius"
        at = [min(max(x, low), high) for x, (low, high) in zip(zero.at, box, strict=True)]
        if note:
            note = "" if is_stationary(surface, [Fraction(x) for x in at]) else note
        hessian = surface.hessian(zero.balls, POINT_BITS)
        found = signs(hessian)
        number, error = measured(surface.value(zero.balls, POINT_BITS))
        radius = max(float((b - arb(x)).abs_upper()) for b, x in zip(zero.balls, at, strict=True))
    names = surface.program.inputs
    return StationaryPoint(
        dict(zip(names, at, strict=True)), number, error, found.kind or "degenerate",  # type: ignore[arg-type]
        "interval Newton", bool(found.kind), up(radius), found.eigenvalues, note=note,
    )  # fmt: skip


def _flat(search: Search, boxes: list[Box]) -> Region:
    """A part of the box where the gradient is 0 throughout; where it ends at a jump, f there may be another number."""
    around = hull(boxes)
    rim = [_ROUND_IT * search.least * scale for scale in search.scale]
    with precision(SEARCH_BITS):
        wide = [
            (max(low - r, first), min(high + r, last))
            for (low, high), r, (first, last) in zip(around, rim, search.box, strict=True)
        ]
        jumps = "jump" in search.surface.standing(balls(tuple(wide))).cross
        value = float(search.surface.value([arb(low / 2 + high / 2) for low, high in boxes[0]]))
    full = math.prod(b - a for a, b in around)
    filled = sum(math.prod(b - a for a, b in box) for box in boxes) >= full * (1 - 1e-9)
    where = "in a part of" if not filled else "inside" if jumps else "of"
    note = f"f is constant here: every point {where} it is stationary, f = {value:.10g}"
    if jumps:
        note += "; f may jump at its edge, which is not part of it then"
    return Region("flat", ranges(search, around), len(boxes), True, note)


def _confirmed(program: Program, points: list[StationaryPoint]) -> list[StationaryPoint]:
    """Ask Arb's own series whether the table's derivatives hold at the points; a wrong row proves nothing."""
    prover = Prover(hessian_task(program))
    kept = []
    try:
        for point in points[:_CONFIRMED_POINTS]:
            if not point.kind.startswith("kink") and prover.at(point.point).agreed is False:
                note = "Arb's own rules contradict the derivative"
                point = replace(point, proof="numeric", kind_proven=False, note=note)
            kept.append(point)
    except TimeIsUp:
        pass
    return [*kept, *points[len(kept) :]]


def _told_apart(search: Search, points: list[StationaryPoint]) -> list[StationaryPoint]:
    try:
        return told_apart(search, told_apart(search, points, "minimum"), "maximum")
    except TimeIsUp:
        return points


# The least and the greatest value -----------------------------------------------------------------------------------


def _extremes(search: Search, points: list[StationaryPoint]) -> tuple[Extreme | None, Extreme | None]:
    """Bounds of f over the whole box, by what the search has excluded where it was complete; none if it was late."""
    try:
        return _bounded(search, points)
    except TimeIsUp:
        return None, None


def _bounded(search: Search, points: list[StationaryPoint]) -> tuple[Extreme | None, Extreme | None]:
    surface, box = search.surface, search.box
    with precision(SEARCH_BITS):
        cross = surface.standing(balls(box)).cross
    rest = [box, *faces(box)]
    if not search.stopped and not cross & ODD:
        rest = [*faces(box), *search.flat, *(b for c in search.clusters for b in c.boxes)]
    known = [*(p.point for p in points), *search.met]
    most = min(search.most, _MOST_BOUNDS)
    low = LowestSearch(surface, box, known, search.zeros).run(rest, most)
    high = LowestSearch(negated(surface), box, known, search.zeros).run(rest, most)
    high_up = high._replace(low=-high.high, high=-high.low)
    return _extreme(search, points, low, low.high), _extreme(search, points, high_up, high_up.low)


def _extreme(search: Search, points: list[StationaryPoint], found: Least, reached: float) -> Extreme | None:
    if not math.isfinite(reached):
        return None
    at = found.at
    if any(p.point == at for p in points):
        where = "stationary point"
    elif any(x in side for x, side in zip(at, search.box, strict=True)):
        where = "edge of the box"
    else:
        where = "inside"
    place = dict(zip(search.surface.program.inputs, at, strict=True))
    return Extreme(found.low, found.high, place, where, found.proven, found.tolerance)


def _scoped(point: StationaryPoint, lowest: Extreme | None, highest: Extreme | None) -> StationaryPoint:
    """The point with what is known of the whole box."""
    if point.kind.endswith("minimum") and lowest is not None:
        over, extreme = point.value - lowest.low, lowest
        surely_not = point.value - point.value_error > lowest.high
    elif point.kind.endswith("maximum") and highest is not None:
        over, extreme = highest.high - point.value, highest
        surely_not = point.value + point.value_error < highest.low
    else:
        return point
    if surely_not:
        return replace(point, is_global=False)
    return replace(point, is_global=True) if extreme.proven and over <= 2 * extreme.tolerance else point


# Words --------------------------------------------------------------------------------------------------------------


def _message(points: list[StationaryPoint], regions: list[Region], complete: bool, search: Search) -> str:
    counted = Counter(p.kind for p in points)
    kinds = [
        f"{n} {_KIND_NAMES.get(kind, kind) if n == 1 else _PLURALS.get(kind, kind + 's')}"
        for kind, n in counted.items()
    ]
    flat = [r for r in regions if r.kind == "flat"]
    if points:
        text = f"{len(points)} stationary point{'s' * (len(points) != 1)}: {', '.join(kinds)}"
    elif flat or any(r.kind == "curve" for r in regions):
        text = "no isolated stationary point"
    else:
        text = "no stationary point" if complete else "no stationary point was found"
    if flat:
        text += f"; f is flat in {len(flat)} region{'s' * (len(flat) != 1)}"
    if any(r.kind == "curve" for r in regions):
        text += "; and a curve or surface of them"
    if complete:
        unproven = sum(p.proof == "numeric" for p in points)
        doubt = f" (that {unproven} of them exist{'s' * (unproven == 1)} is not proven)" if unproven else ""
        return f"{text}{doubt}. All stationary points in the box were found: proven."
    why = f"the search ended early ({search.stopped})" if search.stopped else "some regions are undecided"
    return f"{text}. There may be more: {why}."


def _notes(search: Search, program: Program, used: Program) -> Iterator[str]:
    unused = [name for name in program.inputs if name not in used.inputs]
    if unused:
        yield f"f does not depend on {', '.join(unused)}: each point stands for a whole line"
    if search.outside:
        yield "a part of the box lies outside the domain and was skipped"
    with precision(SEARCH_BITS):
        cross = search.surface.standing(balls(search.box)).cross
    if "jump" in cross:
        yield "f may jump: least and greatest values at a jump are no stationary points and are not listed"
