"""Planted bugs are explained, and no explanation is refuted at further points."""

import math
from collections import Counter

import numpy as np
import pytest
from planted import BUGS, assess, programs

from diffkit.calculus.derivatives import differentiate
from diffkit.core.text import parse_program
from diffkit.judging.repair.evidence import ClaimEvidence
from diffkit.judging.repair.explanation import explain
from diffkit.judging.repair.mutants import with_bounds

sin, cos, exp, tanh = np.sin, np.cos, np.exp, np.tanh
LARGE = ("trefethen", "broyden", "lanczos", "rat43", "gulf", "jennrich", "brown", "zakharov")


def evidence(text, claim, point, variables=None, known=True, **given):
    """Evidence about the gradient of one expression, its truth by the table with rounding bounds."""
    program = parse_program(text, variables)
    n = len(program.inputs)
    indices = given.pop("indices", tuple((0, (i,)) for i in range(n)))
    function = differentiate(program, indices)
    facts = {"groups": tuple((name, ()) for name in program.inputs), "shape": (n,), "sizes": {}, **given}
    return ClaimEvidence(
        names=facts.pop("names", program.inputs),
        indices=indices,
        claim=claim,
        truth=lambda x: tuple(part[0] for part in with_bounds(function, x[None])),
        point=np.array(point, dtype=float),
        program=program if known else None,
        **facts,
    )


def rough(found, relative=1e-10):
    """The same evidence with a truth known to ten digits only."""

    def truth(x):
        values, bars = found.truth(x)
        wobble = np.sin(1e6 * x.sum() + np.arange(len(values)))
        return values * (1 + relative * wobble), bars + relative * np.abs(values)

    return found._replace(truth=truth, program=None)


SMALL = [row for row in programs() if not any(name in row[0] for name in LARGE)]


@pytest.mark.parametrize("known", [True, False], ids=["expression", "black box"])
def test_planted_bugs_are_explained(known):
    counts = Counter()
    bugs = [bug for bug in BUGS if known or not bug.needs_program]
    for k, (name, program, point) in enumerate(SMALL[:4] + SMALL[4::6]):
        for bug in bugs[k % 4 :: 4]:
            verdict, detail = assess(bug, program, point, known)
            assert verdict != "refuted" or not known, (name, bug.name, detail)
            counts[verdict] += 1
    planted = sum(counts.values()) - counts["same"]
    assert counts["named"] + counts["true"] >= 0.95 * planted, counts
    assert counts["refuted"] <= 0.01 * planted, counts


CASES = [
    ("sin(x*y)", lambda x, y: [y, x], "missing chain factor", "multiply by cos(x*y), the derivative of sin(x*y)"),
    (
        "exp(-x)*sin(3*x) + y",
        lambda x, y: [-exp(-x) * sin(3 * x) + exp(-x) * cos(3 * x), 1],
        "missing chain factor",
        "multiply by 3, the derivative of 3*x",
    ),
    (
        "exp(sin(x*y)) + x**2",
        lambda x, y: [exp(sin(x * y)) * y + 2 * x, exp(sin(x * y)) * x],
        "missing chain factor",
        "multiply by cos(x*y), the derivative of sin(x*y)",
    ),
    (
        "exp(x*y) + x**2",
        lambda x, y: [exp(x * y) + 2 * x, exp(x * y)],
        "missing inner derivative",
        "multiply by the derivative of x*y",
    ),
    ("tanh(x*y)", lambda x, y: [y * (1 - tanh(x * y)), x * (1 - tanh(x * y))], "wrong derivative", "not 1 - tanh(x*y)"),
    ("x*y + cos(x)", lambda x, y: [y + sin(x), x], "sign of a term", "cos(x)"),
    ("x*y + 0.1*(x**2 + y**2)", lambda x, y: [y, x], "missing term", "add the derivative of 0.1*(x**2 + y**2)"),
    (
        "sqrt(x**2 + y**2 + exp(x))",
        lambda x, y: [x / math.hypot(x, y), y / math.hypot(x, y)],
        "missing term",
        "put exp(x) into f",
    ),
    ("max(x*y - 0.5, 0) + x", lambda x, y: [y + 1, x], "mask", "multiply by where(x*y - 0.5 >= 0, 1, 0)"),
    ("x**3*y", lambda x, y: [2 * 3 * x**2 * y, 2 * x**3], "factor", "divide by 2"),
    ("x**3*y", lambda x, y: [3 * x**2 * y * 1.001, x**3 * 1.001], "factor", "divide by 1.001"),
    ("x**3*y", lambda x, y: [3 * x**2 * y, -(x**3)], "signs", "entry y: change the sign"),
    ("x**3*y", lambda x, y: [3 * x**2 * y, 1.1 * x**3], "entry factor", "entry y: divide by 1.1"),
    ("x**3*y", lambda x, y: [x**3, 3 * x**2 * y], "swap", "swap entries x and y"),
    ("x**3*y", lambda x, y: [x**3, x**3], "wrong index", "entry x is ∂f/∂y: differentiate by x"),
    ("x**3*y", lambda x, y: [3 * x**2 * y, 0], "missing entry", "entry y: put in ∂f/∂y"),
    ("x**3*y", lambda x, y: [3 * x**2 * y + 1e-8, x**3 + 1e-8], "offset", "subtract 1e-08"),
    ("x**3*y", lambda x, y: [3 * x**2 * y + 0.2 * x, x**3 + 0.2 * y], "extra term", "subtract 2·0.1·x, 2·0.1·y"),
    ("x**3*y", lambda x, y: [-(x**3), 3 * x**2 * y], "swap", "change the signs"),
    ("sin(x)*y", lambda x, y: [cos(1.01 * x) * y, sin(1.01 * x)], "stale argument", "evaluate at x, not at 1.01·x"),
    ("sin(x)*exp(y)", lambda x, y: [cos(y) * exp(x), sin(y) * exp(x)], "swapped arguments", "x and y"),
    ("sin(x)*y", lambda x, y: [cos(x * math.pi / 180) * y, sin(x * math.pi / 180)], "unit", "radians"),
    ("sin(pi*x/180) + 0*y", lambda x, y: [cos(x), 0], "unit", "multiply by π/180"),
]


@pytest.mark.parametrize(("text", "claim", "kind", "words"), CASES)
def test_what_people_get_wrong_by_hand(text, claim, kind, words):
    found = explain(evidence(text, lambda p: claim(*p), [0.9, 0.4], ("x", "y")))
    assert found is not None
    assert found.kind == kind
    assert words in found.text
    assert found.points >= 3


@pytest.mark.parametrize(
    ("claim", "kind"),
    [
        (lambda x, y: [6 * x**2 * y, 2 * x**3], "factor"),
        (lambda x, y: [3 * x**2 * y, -(x**3)], "signs"),
        (lambda x, y: [x**3, 3 * x**2 * y], "swap"),
        (lambda x, y: [3 * x**2 * y - 0.2 * x, x**3 - 0.2 * y], "missing term"),
        (lambda x, y: [3 * (1.01 * x) ** 2 * y, (1.01 * x) ** 3], "stale argument"),
        (lambda x, y: [3 * x**2 * y, 1.1 * x**3], "entry factor"),
    ],
)
def test_ten_digits_of_the_truth_are_enough(claim, kind):
    found = explain(rough(evidence("x**3*y", lambda p: claim(*p), [0.9, 0.4])))
    assert found is not None
    assert found.kind == kind


def test_a_length_of_the_data_is_named():
    given = evidence("((x - 1)**2 + (y - 2)**2)/50", lambda p: 2 * (p - [1, 2]), [0.9, 0.4], sizes={"len(X)": 50})
    assert explain(given)[:2] == ("mean", "divide by 50, which is len(X)")
    assert explain(given._replace(claim=lambda p: 2 * (p - [1, 2]) / 2500))[:2] == (
        "sum",
        "multiply by 50, which is len(X)",
    )


PARAMETERS = ("w0", "w1", "w2", "w3", "b")
WITH_BIAS = {
    "names": ("w[0]", "w[1]", "w[2]", "w[3]", "b"),
    "groups": (("w", (2, 2)), ("b", ())),
}
MODEL = "exp(w0*b) + sin(w1)*w2 + w3**3*b"


def model(p):
    w0, w1, w2, w3, b = p
    return np.array([b * exp(w0 * b), cos(w1) * w2, sin(w1), 3 * w3**2 * b, w0 * exp(w0 * b) + w3**3])


@pytest.mark.parametrize(
    ("claim", "kind", "words"),
    [
        (lambda p: model(p) - 0.2 * p * [1, 1, 1, 1, 0], "missing term", "add 2·0.1·w"),
        (lambda p: model(p) + 0.3 * np.sign(p) * [1, 1, 1, 1, 0], "extra term", "subtract 0.3·sign(w)"),
        (lambda p: model(p)[[0, 2, 1, 3, 4]], "transpose", "w: transpose"),
        (lambda p: model(p)[::-1], "reversed", "reverse the order of the entries"),
        (lambda p: np.roll(model(p), 1), "shift", "shift the entries by one place up"),
        (lambda p: model(p) * [2, 2, 2, 2, 1], "entry factor", "w: divide by 2"),
        (lambda p: model(p) * 5, "factor", "divide by 5, the number of coordinates"),
    ],
)
def test_parameters_are_named(claim, kind, words):
    found = explain(evidence(MODEL, claim, [0.3, -0.7, 1.1, 0.6, -1.3], PARAMETERS, known=False, **WITH_BIAS))
    assert found is not None
    assert found.kind == kind
    assert words in found.text


def hessian(x, y):
    return np.array([[6 * x * y, 3 * x**2], [3 * x**2, -sin(y)]])


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (lambda h: h * [[2, 1], [1, 2]], "entry factor", "the diagonal: divide by 2"),
        (lambda h: h * [[1, 1], [0, 1]], "missing entry", "entry (y, x)"),
        (lambda h: h * [[1, -1], [-1, 1]], "signs", "everything off the diagonal: change the sign"),
        (lambda h: h[::-1], "reversed", "rows"),
        (lambda h: h + np.diag([0.5, 0.5]), "offset", "the diagonal: subtract 0.5"),
    ],
)
def test_hessians_are_named_by_row_and_column(change, kind, words):
    given = {"indices": ((0, (0, 0)), (0, (0, 1)), (0, (1, 0)), (0, (1, 1))), "shape": (2, 2)}
    found = explain(evidence("x**3*y + sin(y)", lambda p: change(hessian(*p)), [0.9, 0.4], **given))
    assert found is not None
    assert found.kind == kind
    assert words in found.text


def test_jacobians_are_named_by_row_and_column():
    fs = [parse_program(text, ("x", "y", "z")) for text in ("x*y**2", "sin(y*z)")]
    indices = tuple((k, (i,)) for k in range(2) for i in range(3))
    rows = [differentiate(f, [(0, (i,)) for i in range(3)]) for f in fs]

    def truth(x):
        parts = [with_bounds(row, x[None]) for row in rows]
        return np.concatenate([v[0] for v, _ in parts]), np.concatenate([b[0] for _, b in parts])

    groups = (("x", ()), ("y", ()), ("z", ()))
    point = np.array([0.9, 0.4, 1.3])
    given = ClaimEvidence(("x", "y", "z"), groups, (2, 3), indices, lambda x: None, truth, point, None, {})

    def said(change):
        found = explain(given._replace(claim=lambda x: change(truth(x)[0].reshape(2, 3))))
        return found and found[:2]

    assert said(lambda j: j * [[1], [-1]]) == ("signs", "row f2: change the sign")
    assert said(lambda j: j * [1, 2, 1]) == ("entry factor", "column y: divide by 2")
    assert said(lambda j: j[::-1]) == ("reversed", "reverse the order of the rows")
    assert said(lambda j: j.T) == ("transpose", "transpose")
    assert said(lambda j: j[:, [1, 0, 2]]) == ("permutation", "swap columns x and y")


def test_a_claim_for_the_call_before():
    seen = [np.array([0.9, 0.4])]

    def claim(p):
        seen.append(p)
        x, y = seen[-2]
        return [3 * x**2 * y, x**3]

    found = explain(evidence("x**3*y", claim, [0.9, 0.4])._replace(noise=lambda p: np.zeros(2)))
    assert found is not None
    assert "the call before" in found.text


@pytest.mark.parametrize(
    "claim",
    [
        lambda p: [p[0] * p[1] ** 2 + 1, sin(p[0])],
        lambda p: [math.nan, 1],
        lambda p: 1 / 0,
        lambda p: np.random.default_rng(int(1e6 * p[0])).normal(size=2),
    ],
)
def test_what_nothing_explains_is_not_explained(claim):
    assert explain(evidence("x**3*y", claim, [0.9, 0.4])) is None


def test_a_right_claim_needs_no_repair():
    assert explain(evidence("x**3*y", lambda p: [3 * p[0] ** 2 * p[1], p[0] ** 3], [0.9, 0.4])) is None


def test_the_same_seed_gives_the_same_explanation():
    given = evidence("sin(x*y)", lambda p: [p[1], p[0]], [1, 0.7])
    assert explain(given, 3) == explain(given, 3)
