"""Laws of random Programs of arrays: copies, bounds, balls, series, derivatives and masks, against 200 digits."""

import os
import pickle
from random import Random

import mpmath
import numpy as np
import pytest
from drawn_formulas import programs
from drawn_programs import array, drawn
from flint import arb
from many_digits import OPERATIONS, Moved, many_digits, slopes

from diffkit.calculus.array_derivatives import adjoints, gradient_program, tangents
from diffkit.calculus.array_masks import dependence, needed
from diffkit.core.array_builder import ArrayBuilder
from diffkit.core.array_operations import ArrayOperation
from diffkit.core.builder import copy_slots
from diffkit.core.program import run_slots
from diffkit.numbers.array_balls import BallArrays, balls_of
from diffkit.numbers.array_bounds import ARRAY_BOUNDS
from diffkit.numbers.array_series import SeriesArrays, moving
from diffkit.numbers.arrays import ARRAYS
from diffkit.numbers.balls import precision
from diffkit.proof.array_obstacles import ArrayPrimal

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "60"))
PARTS = 4
TINY = mpmath.mpf(10) ** -60


def share(part):
    """Seeds of one part of the examples."""
    return range(part, EXAMPLES, PARTS)


parts = pytest.mark.parametrize("part", range(PARTS))


def question(seed):
    """A random program with a point, of one number or of many."""
    return drawn(seed, output=() if seed % 2 else None, plain=seed % 4 < 2)


def truths(example, digits=200):
    """The values of all slots, and whether they all are numbers."""
    algebra = many_digits(digits)
    values = run_slots(example.program, algebra, [algebra.array(x) for x in example.inputs])
    numbers = [v for array in values for v in array.ravel() if isinstance(v, algebra.context.mpf)]
    return values, all(map(algebra.context.isfinite, numbers))


def in_balls(algebra, program, inputs):
    return run_slots(program, algebra, [balls_of(x) for x in inputs])


def holds(ball, number, slack=0):
    """Whether a ball holds a number of many digits."""
    with precision(900):
        wide = arb(mpmath.nstr(number, 240), arb(slack))
        return ball.overlaps(wide)


@parts
def test_a_copy_is_the_same_program(part):
    for seed in share(part):
        program = question(seed).program
        builder = ArrayBuilder(dict(zip(program.inputs, program.lengths, strict=True)))
        slots = copy_slots(program, builder, [builder.input(name) for name in program.inputs])
        copied = builder.program([slots[o] for o in program.outputs], program.inputs)
        assert copied == program == ArrayBuilder.of(program).program(program.outputs, program.inputs), seed
        assert pickle.loads(pickle.dumps(program)) == program, seed
        assert hash(copied) == hash(program), seed
        assert len(repr(program).splitlines()) <= 42, seed
        assert copied.lengths == program.lengths, seed


@parts
def test_programs_of_numbers_are_the_same_by_either_builder(part):
    for seed, program in zip(share(part), programs(Random(part), EXAMPLES), strict=False):
        builder = ArrayBuilder(dict.fromkeys(program.inputs, ()))
        slots = copy_slots(program, builder, [builder.input(name) for name in program.inputs])
        copied = builder.program([slots[o] for o in program.outputs], program.inputs)
        assert copied == program, seed
        assert program == copied, seed
        assert hash(copied) == hash(program), seed
        assert pickle.loads(pickle.dumps(copied)) == program, seed
        names = ArrayBuilder(dict.fromkeys(program.inputs, (2,)))
        slots = copy_slots(program, names, [names.input(name) for name in program.inputs])
        wide = names.program([slots[o] for o in program.outputs], program.inputs)
        assert wide != program, seed


@parts
def test_shapes_are_those_of_the_values(part):
    for seed in share(part):
        example = question(seed)
        values, _ = truths(example, 50)
        with precision(64), np.errstate(all="ignore"):
            found = [run_slots(example.program, ARRAYS, example.inputs),
                     in_balls(BallArrays(), example.program, example.inputs), values]  # fmt: skip
        for each in found:
            assert [np.shape(v) for v in each] == list(example.program.shapes), seed


@parts
def test_bounds_hold(part):
    """Of rows that are no special functions: of those the bound is that of their float forms, not of SciPy's."""
    for seed in share(part):
        example = question(seed)
        program = example.program
        if any("scipy" in str(getattr(row, "array", "")) or getattr(row, "orders", ()) or row.steps or row.truth
               for row, _ in program.instructions):  # fmt: skip
            continue
        values, whole = truths(example)
        if not whole:
            continue
        with np.errstate(all="ignore"):
            found = run_slots(program, ARRAY_BOUNDS, [(x, np.zeros(x.shape)) for x in example.inputs])
        for slot, ((value, bound), truth) in enumerate(zip(found, values, strict=True)):
            bounds = np.broadcast_to(bound, np.shape(value))
            for a, b, t in zip(np.ravel(value), np.ravel(bounds), truth.ravel(), strict=True):
                assert b == np.inf or abs(t - float(a)) <= float(b) * 1.01 + 1e-300, (seed, slot)


@parts
def test_a_ball_of_an_array_holds_two_hundred_digits(part):
    for seed in share(part):
        example = question(seed)
        values, whole = truths(example)
        if not whole:
            continue
        with precision(96), np.errstate(all="ignore"):
            primal = ArrayPrimal(example.program, BallArrays(), example.inputs)
            if any(obstacle.place is None for obstacle in primal.obstacles()):  # an order that is open
                continue
            found = primal.values
        for slot, (balls, truth) in enumerate(zip(found, values, strict=True)):
            for ball, number in zip(balls.ravel(), truth.ravel(), strict=True):
                if isinstance(ball, arb) and ball.is_finite():
                    assert holds(ball, number), (seed, slot)
                elif isinstance(ball, bool):
                    assert ball == number, (seed, slot)


def ordinary(example):
    """Whether nothing special is met, and all numbers are known."""
    with precision(256, 2), np.errstate(all="ignore"):
        primal = ArrayPrimal(example.program, BallArrays(), example.inputs)
        return not list(primal.obstacles()) and all(
            ball.is_finite() for ball in primal.values[example.program.outputs[0]].ravel()
        )


@parts
def test_coefficients_of_series_are_those_of_differences(part):
    """Along a random direction, up to the second; the differences leave a step squared."""
    for seed in share(part):
        example = question(seed)
        if not ordinary(example):
            continue
        random = Random(seed)
        speeds = [array(random, x.shape) for x in example.inputs]
        line = Moved(example, speeds)
        with precision(128, 3), np.errstate(all="ignore"):
            series = run_slots(
                example.program,
                SeriesArrays(BallArrays()),
                [moving(balls_of(x), balls_of(v)) for x, v in zip(example.inputs, speeds, strict=True)],
            )
            for order, expected in enumerate(line.coefficients()):
                found = series[example.program.outputs[0]][order]
                balls = [arb(0)] * len(expected) if found is None else found.ravel().tolist()
                for ball, number in zip(balls, expected, strict=True):
                    assert not ball.is_finite() or holds(ball, number, 1e-80), (seed, order)


# Derivatives --------------------------------------------------------------------------------------------------------


def close(a, b):
    return abs(a - b) <= TINY * (1 + abs(a) + abs(b))


def inner(x, y):
    """The inner product of two arrays; None of what is absent is zero."""
    return sum((a * b for a, b in zip(x.ravel(), y.ravel(), strict=True)), mpmath.mpf(0))


def transposed_products(program, inputs, random):
    """⟨ȳ, Jẋ⟩ and ⟨Jᵀȳ, ẋ⟩ at a point, in many digits."""
    algebra = many_digits(200)
    values = run_slots(program, algebra, [algebra.array(x) for x in inputs])
    speeds = {k: algebra.array(array(random, shape)) for k, shape in enumerate(program.lengths)}
    bars = {slot: algebra.array(array(random, program.shapes[slot])) for slot in program.outputs}
    pushed = tangents(program, algebra, values, speeds)
    pulled = adjoints(program, algebra, values, bars)
    forward = sum((inner(bars[s], pushed[s]) for s in bars if s in pushed), mpmath.mpf(0))
    return forward, sum((inner(pulled[k], v) for k, v in speeds.items() if k in pulled), mpmath.mpf(0))


@parts
def test_transposition_of_every_operation(part):
    """Of random programs, and of their gradients, at any point where there are numbers."""
    for seed in share(part):
        example = drawn(seed, plain=seed % 4 < 2)
        for program in (example.program, gradient_program(example.program)):
            with mpmath.workdps(200):
                forward, reverse = transposed_products(program, example.inputs, Random(seed))
                if mpmath.isfinite(forward) and mpmath.isfinite(reverse):
                    assert close(forward, reverse), seed


def test_every_operation_is_drawn():
    """So that the laws are about all of them; derivatives bring those that undo others."""
    met = set()
    for seed in range(150):
        program = drawn(seed).program
        met |= {type(row) for row, _ in (*program.instructions, *gradient_program(program).instructions)}
    assert {kind for kind in met if issubclass(kind, ArrayOperation)} == OPERATIONS


@parts
def test_gradients_are_differences(part):
    """In numbers of many digits, in balls, in floats; the Program of a gradient and the sweep back."""
    for seed in share(part):
        example = drawn(seed, plain=seed % 4 < 2)
        program = example.program
        if not ordinary(example):
            continue
        algebra = many_digits(200)
        gradient = gradient_program(program)
        with mpmath.workdps(200):
            (expected,) = slopes(program, example.inputs)
            values = run_slots(gradient, algebra, [algebra.array(x) for x in example.inputs])
            found = [v for slot in gradient.outputs for v in values[slot].ravel()]
            assert [values[slot].shape for slot in gradient.outputs] == list(program.lengths), seed
            with precision(192), np.errstate(all="ignore"):
                balls = BallArrays()
                primals = in_balls(balls, program, example.inputs)
                bars = adjoints(program, balls, primals, {program.outputs[0]: balls_of(np.ones(()))})
                swept = [b for k, shape in enumerate(program.lengths) for b in bars.get(k, balls.zeros(shape)).ravel()]
            for number, exact, ball in zip(found, expected, swept, strict=True):
                assert exact is None or not mpmath.isfinite(number) or close(number, exact), seed
                assert exact is None or not ball.is_finite() or holds(ball, exact, 1e-80), seed


# Masks --------------------------------------------------------------------------------------------------------------


@parts
def test_masks_miss_no_dependency(part):
    """What changes with an entry of an input is reached by it, and needs it."""
    for seed in share(part):
        example = question(seed)
        program = example.program
        values, whole = truths(example)
        if not whole:
            continue
        (output,) = program.outputs
        still = Moved(example, [np.zeros(x.shape) for x in example.inputs])
        here = still.at(0)
        reach = dependence(program, range(len(example.flat)), values, locally=False)
        ways = [
            np.concatenate([np.ravel(masks.get(k, np.zeros(shape, bool))) for k, shape in enumerate(program.lengths)])
            for row in np.eye(len(here), dtype=bool)
            for masks in [needed(program, {output: row.reshape(program.shapes[output])}, values)]
        ]
        for column in range(len(example.flat)):
            speeds = example.split(np.eye(len(example.flat))[column])
            for sign in (1, -1):
                there = Moved(example, speeds).at(sign * mpmath.mpf(10) ** -90)
                changed = [k for k, (a, b) in enumerate(zip(here, there, strict=True)) if a != b]
                assert all(reach[k, column] and ways[k][column] for k in changed), seed
