"""Ordinary points are decided, special ones as far as they can be; nothing that is called proven is wrong."""

import math
import os

import pytest
from drawn_points import Differences, odd, ordinary

import diffkit as dk

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "300"))
FAR = 10**60  # of two steps, how much longer one is where the order of differentiation counts
NEAR = 1e-15


def components(names):
    """Indices of the gradient and of the Hessian."""
    return [(i,) for i in range(len(names))] + [(i, j) for i in range(len(names)) for j in range(len(names))]


def answers(text, names, point):
    """(index, status, value, error, odd) of every first and second partial derivative; nothing if f is refused."""
    try:
        f = dk.parse(text, names)
    except dk.DiffkitError:
        return None, []
    found = []
    for result in (dk.gradient(f, point), dk.hessian(f, point)):
        for c, (value, error) in enumerate(zip(result.flat, result.flat_error, strict=True)):
            seen = result.odd.get(c)
            found.append((seen.status if seen else "ok", float(value), float(error), seen))
    return f.program, list(zip(components(names), found, strict=True))


def agrees(value, error, truth):
    """Whether a value lies within its error of the truth, and is the nearest binary64."""
    size, distance = abs(truth), abs(value - truth)
    small = size * 1e-25 + 1e-20
    nearest = {float(truth + sign * size * 1e-20) for sign in (1, -1)}
    return distance <= error * (1 + 1e-9) + small and (value in nearest or distance <= small)


def wrong(text, names, point):
    """Statements about a function that differences at 520 digits contradict."""
    program, found = answers(text, names, point)
    for index, (status, value, error, seen) in found:
        differences = Differences(program, point)
        if status == "ok":
            truth = differences.first(*index) if len(index) == 1 else differences.second(*index)
            noisy = differences.noise(len(index)) > 1e-30 * (1 + abs(value))  # such as 1e9000 beside a number
            if not differences.finite(truth) or agrees(value, error, truth) or noisy or not differences.is_told():
                continue
            orders = [differences.second(*pair, apart=FAR) for pair in (index, index[::-1])] if len(index) == 2 else []
            if not orders or not all(abs(value - d) <= NEAR + 1e-8 * abs(d) for d in orders):
                yield index, value, truth
        elif status == "not_differentiable" and len(index) == 1 and differences.is_told():
            sides = differences.sides(*index)
            steep = any(abs(side) > 1e30 for side in sides)
            if differences.finite(*sides) and not steep and abs(sides[0] - sides[1]) < 1e-30 * abs(sides[0]):
                yield index, "no kink", sides
            for shown, side in zip((seen.left, seen.right), sides, strict=True):
                if math.isfinite(shown) and differences.finite(side) and abs(shown - side) > 1e-12 * (1 + abs(side)):
                    yield index, shown, side


def test_ordinary_points_are_decided_and_right():
    """At most one component in a thousand is uncertain (and one, as a sample of this size may have one)."""
    count, uncertain = 0, []
    for seed in range(EXAMPLES):
        text, names, point = ordinary(seed)
        assert not list(wrong(text, names, point)), (seed, text, point)
        for index, (status, *_, seen) in answers(text, names, point)[1]:
            count += 1
            if status == "uncertain":
                uncertain.append((seed, text, point, index, seen.message))
    assert len(uncertain) <= 1 + count / 1000, uncertain
    assert all(": " in message or "bits" in message for *_, message in uncertain), uncertain  # the place and the reason


def test_special_points_are_right():
    for seed in range(EXAMPLES // 2):
        text, names, point = odd(seed)
        assert not list(wrong(text, names, point)), (seed, text, point)


@pytest.mark.parametrize(("factor", "ulps"), [(-1, 0), (1, 1), (2, 0), (0, 0)])
def test_what_is_wrong_would_be_seen(factor, ulps):
    """The measure itself, at values that are off."""
    differences = Differences(dk.parse("x**2/3 + abs(y)").program, [0.7, 0.0])
    truth = differences.first(0)
    value = float(truth)
    assert agrees(value, 1e-16, truth)
    assert not agrees(factor * value + ulps * math.ulp(value), 1e-16, truth)
    assert [round(float(side), 9) for side in differences.sides(1)] == [-1.0, 1.0]
