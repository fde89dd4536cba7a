"""Random functions of arrays from the outside: code, text with data, batches, several arguments, threads; by mpmath."""

import os
from concurrent.futures import ThreadPoolExecutor
from random import Random

import mpmath
import numpy as np
import pytest
from drawn_array_code import DIGITS, SMALL, ArrayCode, agreed, at, exact
from many_digits import correctly_rounded

import diffkit as dk

EXAMPLES = int(os.environ.get("DIFFKIT_EXAMPLES", "80"))
PARTS = 4
ALMOST = 1 + mpmath.mpf(10) ** -9
parts = pytest.mark.parametrize("part", range(PARTS))
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def share(part, of=EXAMPLES):
    """Seeds of one part of the examples."""
    return range(part, of, PARTS)


def of_code(drawn, kind="gradient", **options):
    """What is said of the code."""
    point = drawn.point if len(drawn.point) > 1 else next(iter(drawn.point.values()))
    return getattr(dk, kind)(drawn.function(), point, **options)


def of_text(drawn, kind="gradient", **options):
    """What is said of the text with its data."""
    return getattr(dk, kind)(dk.arrays(drawn.text, variables=tuple(drawn.point), **drawn.data), drawn.point, **options)


def entries(result):
    """Status, value and error of each component."""
    errors = result.error if result.error is not None else np.full(np.shape(result.value), np.nan)
    return zip(*(np.ravel(part).tolist() for part in (result.statuses, result.value, errors)), strict=True)


def judge(result, expected, seed):
    """A law of every component: proven ones are correctly rounded, and what has no derivative has none in mpmath."""
    with mpmath.workdps(DIGITS):
        for k, ((status, value, error), truth) in enumerate(zip(entries(result), expected, strict=True)):
            if truth is not None and (mpmath.isnan(truth) or (abs(truth) < SMALL and abs(value) < SMALL)):
                continue
            if status == "overflow":
                assert truth is None or abs(truth) > 1.7e308, (seed, k)
            elif status == "ok" and result.error_kind == "proven":
                assert truth is not None, (seed, k, value)
                assert correctly_rounded(truth, value), (seed, k, value, mpmath.nstr(truth, 20))
                assert abs(truth - mpmath.mpf(value)) <= mpmath.mpf(error) * ALMOST + mpmath.mpf(10) ** -60, (seed, k)
            elif status not in ("ok", "uncertain"):
                assert truth is None, (seed, k, status, result.message)


@parts
def test_code_and_text_are_proven_right_and_alike(part):
    for seed in share(part):
        drawn = ArrayCode(seed)
        code, text, expected = of_code(drawn), of_text(drawn), drawn.expected()
        judge(code, expected, seed)
        judge(text, expected, seed)
        for k, (one, other) in enumerate(zip(entries(code), entries(text), strict=True)):
            assert one[0] == other[0], (seed, k, code.message, text.message)
            proven = code.error_kind == text.error_kind == "proven"
            assert not proven or one[0] != "ok" or one[1] == other[1], (seed, k)


def second_slopes(drawn):
    """The Hessian's entries by differences of values, each from all four sides."""
    names = [(name, place) for name, value in drawn.point.items() for place in np.ndindex(*np.shape(value))]
    f, point = drawn.of_many_digits(), {name: exact(value) for name, value in drawn.point.items()}
    h = mpmath.mpf(10) ** -30

    def moved(*steps):
        there = {name: value.copy() for name, value in point.items()}
        for (name, place), step in steps:
            there[name][place] += step
        return at(f, there)

    for a in names:
        for b in names:
            sides = [
                (moved((a, p * h), (b, q * h)) - moved((a, p * h)) - moved((b, q * h)) + moved()) / (p * q * h * h)
                for p in (1, -1) for q in (1, -1)
            ]  # fmt: skip
            yield agreed(sides[0], sides[3]) if agreed(sides[1], sides[2]) is not None else None


@parts
def test_second_derivatives_that_are_proven_are_those_of_differences(part):
    for seed in share(part, EXAMPLES // 4):
        drawn = ArrayCode(seed, arguments=1)
        code = of_code(drawn, "hessian")
        text = of_text(drawn, "hessian")
        with mpmath.workdps(DIGITS):
            truths = list(second_slopes(drawn))
            for found in (code, text):
                for k, ((status, value, _), truth) in enumerate(zip(entries(found), truths, strict=True)):
                    if status == "ok" and found.error_kind == "proven" and truth is not None:
                        near = mpmath.mpf(10) ** -20 * (1 + abs(truth)) + np.spacing(abs(value))
                        assert abs(truth - mpmath.mpf(value)) <= near, (seed, k, value, mpmath.nstr(truth, 20))


@parts
def test_a_batch_is_its_points(part):
    """Of a function that says the shape of its argument, and of one prepared: rows are judged alike."""
    for seed in share(part):
        drawn = ArrayCode(seed, arguments=1)
        (point,), random = drawn.point.values(), Random(seed)
        batch = np.array([[point, np.round(point * random.gauss(1, 0.5), 2)], [point + 0.25, -point]])
        f = drawn.function()
        whole = dk.gradient(dk.Function(f, shape=point.shape), batch)
        prepared = dk.prepare(f)
        assert np.shape(whole.value) == (2, 2, *point.shape), seed
        for place in np.ndindex(2, 2):
            single = dk.gradient(f, batch[place])
            assert np.array_equal(whole.statuses[place], single.statuses), (seed, place, whole.message, single.message)
            if "estimate" not in (whole.error_kind, single.error_kind):
                assert np.array_equal(whole.value[place], single.value, equal_nan=True), (seed, place)
                assert np.array_equal(prepared(batch[place]), single.value, equal_nan=True), (seed, place)


@parts
def test_several_arguments_may_be_given_by_name_or_in_order(part):
    for seed in share(part):
        drawn = ArrayCode(seed, arguments=2 + seed % 2)
        by_name, in_order = (dk.gradient(drawn.function(), p) for p in (drawn.point, list(drawn.point.values())))
        assert by_name == in_order, seed
        name = tuple(drawn.point)[-1]
        some = of_text(drawn, wrt=name)
        size = drawn.point[name].size
        both = "estimate" not in (some.error_kind, by_name.error_kind)
        if both and by_name.ok:
            assert np.ravel(some.value).tolist() == by_name.value.ravel()[-size:].tolist(), seed


@parts
def test_threads_give_what_one_gives(part):
    """Functions, kinds and precisions beside each other: nothing that one thread holds is seen by another."""
    seeds = list(share(part))
    jobs = [(seed, ask, kind) for seed in seeds for ask in (of_code, of_text) for kind in ("gradient", "hessian")
            if kind == "gradient" or seed % 8 < PARTS]  # fmt: skip

    def answered(job):
        seed, ask, kind = job
        return ask(ArrayCode(seed, arguments=1 if kind == "hessian" else None), kind)

    alone = list(map(answered, jobs))
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answered, jobs))
    for job, one, other in zip(jobs, alone, together, strict=True):
        assert one == other, job
