"""T0 "Calculus in machine learning: why it works"."""

import numpy as np

import diffkit as dk
from tutorials.statements import Statement, claim, fact, number

X, Y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.0, 5.0, 6.0])
COST = "w^4 - 2w^2 + 3/10*w"
START, RATE, LOW, HIGH = (3.0, 0.0), 0.01, 0.029, 0.031
LOCAL, GLOBAL, LIMIT, LENGTHS = "0.9601", "-1.0356", "0.02994", "2.287 against 1.676"


def sse(m, c):
    return np.sum((Y - m * X - c) ** 2)


def sse_gradient(m, c):
    return [-2 * np.sum((Y - m * X - c) * X), -2 * np.sum(Y - m * X - c)]


def sse_hessian(m, c):
    return [[2 * np.sum(X**2), 2 * np.sum(X)], [2 * np.sum(X), 2 * len(X)]]


def eigenvalues(f, at):
    return np.linalg.eigvalsh(dk.hessian(f, at).value)


def minima(is_global):
    found = dk.stationary(COST, (-2, 2)).of_kind("minimum")
    return ", ".join(f"{p.point[0]:.4f}" for p in found if p.is_global is is_global)


def lengths(f, start, rate, steps=20_000):
    """The length of a path of descent, and the distance between its ends."""
    path = dk.descend(f, start, rate=rate, steps=steps, keep=1).path.points
    return np.linalg.norm(np.diff(path, axis=0), axis=1).sum(), np.linalg.norm(path[-1] - path[0])


def both_lengths():
    path, line = lengths(sse, START, RATE)
    return f"{path:.3f} against {line:.3f}"


def is_straight(f, start):
    path, line = lengths(f, start, 0.01)
    return abs(path / line - 1) < 1e-9


STATEMENTS = [
    Statement("a line y = mx + c has slope m", "right", "", [
        claim("dy/dx = m, dy/dm = x, dy/dc = 1", "m*x + c", ["1", "x", "m"]),
    ]),
    Statement("the SSE against m, and against c, is a convex curve", "right",
              "its second derivatives, 2Σx² and 2n, are positive", [
        claim("the gradient of the SSE", sse, sse_gradient, [0.5, 0.2]),
        claim("its Hessian", sse, sse_hessian, [0.5, 0.2], kind="hessian"),
    ]),
    Statement("the SSE over (m, c) is a surface with one minimum, at its bottom", "right", "unless all x are equal", [
        fact("one minimum, proven", "dk.stationary", lambda: [
            (p.kind, p.is_global) for p in dk.stationary(sse, "m=-5:5,c=-5:5").points] == [("minimum", True)]),
        fact("the Hessian is positive definite", "dk.hessian", lambda: (eigenvalues(sse, [0.5, 0.2]) > 1).all()),
    ], [
        fact("x all equal: flat in one direction", "dk.hessian",
             lambda: abs(eigenvalues("(2 - 3m - c)^2 + (4 - 3m - c)^2", (0, 0))[0]) < 1e-12),
    ]),
    Statement("the gradient is the vector of partial derivatives, the Hessian the square matrix of second derivatives",
              "right", "", [
        claim("gradient", "x^2*y", ["2*x*y", "x^2"]),
        claim("Hessian", "x^2*y", [["2*y", "2*x"], ["2*x", "0"]], kind="hessian"),
    ]),
    Statement("a cost curve may have local and global minima, saddles and flat parts", "right",
              f"w⁴ − 2w² + 0.3w has a global minimum at {GLOBAL} and a local one at {LOCAL}, u² − v² a saddle; "
              f"tanh(w)² "
              "is flat far out, though its derivative is not 0", [
        number(GLOBAL, "dk.stationary", lambda: minima(True)),
        number(LOCAL, "dk.stationary", lambda: minima(False)),
        fact("saddle", "dk.stationary",
             lambda: [p.kind for p in dk.stationary("u^2 - v^2", "u=-1:1,v=-1:1").points] == ["saddle"]),
        fact("flat part", "dk.derivative", lambda: 0 < dk.derivative("tanh(w)^2", 10).value < 1e-7),
    ]),
    Statement("θ ← θ − α∇L(θ) goes downhill", "in part",
              f"as long as α < 2/L, with L the largest eigenvalue of the Hessian; for this SSE 2/L = {LIMIT}", [
        fact(f"α = {LOW}", "dk.descend",
             lambda: (np.diff(dk.descend(sse, START, rate=LOW, steps=50).path.values) < 0).all()),
        fact(f"α = {HIGH}", "dk.descend", lambda: dk.descend(sse, START, rate=HIGH, steps=200).status != "diverged",
             "fails"),
    ], [
        number(LIMIT, "dk.hessian", lambda: f"{2 / eigenvalues(sse, [0.5, 0.2])[-1]:.5f}"),
    ]),
    Statement("the path of descent is not a straight line", "right",
              "unless the lines of equal cost are circles, or it starts on an axis of theirs; from "
              f"(3, 0) at α = {RATE}, below 1/L, the path is {LENGTHS}", [
        number(LENGTHS, "dk.descend", both_lengths),
    ], [
        fact("circles", "dk.descend", lambda: is_straight("u^2 + v^2", (1, 2))),
        fact("ellipses, from an axis", "dk.descend", lambda: is_straight("u^2 + 9v^2", (1, 0))),
        fact("ellipses, from elsewhere", "dk.descend", lambda: is_straight("u^2 + 9v^2", (1, 1)), "fails"),
    ]),
    Statement("descent may end at a saddle, or at a minimum that is only local", "right", "", [
        fact("saddle", "dk.descend", lambda: dk.descend("u^2 - v^2", (1, 0), rate=0.1).findings[0].cause == "saddle"),
        fact("local minimum", "dk.descend", lambda: f"{dk.descend(COST, 2, rate=0.02).point[0]:.4f}" == LOCAL),
    ]),
]  # fmt: skip
