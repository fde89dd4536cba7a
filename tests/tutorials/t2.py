"""T2 "Applications of differentiation in machine learning": a line by descent, and a 2-4-1 perceptron."""

import numpy as np
from scipy.special import expit as sigmoid

import diffkit as dk
from tutorials.statements import Statement, claim, fact, number

COLUMN, LINE = np.arange(1.0, 6.0).reshape(5, 1), np.arange(1.5, 6.0)
DESIGN = np.hstack([np.ones((5, 1)), COLUMN])
START = np.array([0.3, 0.4])
RATE, STEPS, REACHED, BEST = 0.01, 1000, "(0.4930, 1.0019)", "(0.5, 1)"


def cost(theta):
    return np.mean((DESIGN @ theta - LINE) ** 2)


def cost_gradient(theta):
    return 2 / 5 * DESIGN.T @ (DESIGN @ theta - LINE)


def run(rate, steps):
    return dk.descend(cost, np.zeros(2), gradient=cost_gradient, rate=rate, steps=steps)


def reached():
    return "({:.4f}, {:.4f})".format(*run(RATE, STEPS).point)


def best():
    return "({:g}, {:g})".format(*run(0.08, 10_000).point.round(6))


POINTS, ONES = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), np.ones((3, 1))
RNG = np.random.default_rng(11)
WEIGHTS = [RNG.normal(size=(2, 4)), RNG.normal(size=(4, 1))]


def network(W1, W2):
    return sigmoid(sigmoid(POINTS @ W1) @ W2)


def loss(W1, W2):
    p = network(W1, W2)
    return -np.sum(ONES * np.log(p) + (1 - ONES) * np.log(1 - p))


def without_minus(W1, W2):
    return -loss(W1, W2)


def backward(W1, W2, slope=lambda z, a: a * (1 - a), multiply=np.multiply, previous=lambda a, p: a):
    """The gradient by hand; ``slope``, ``multiply`` and ``previous`` are where the published faults are put in."""
    Z = POINTS @ W1
    hidden, out = sigmoid(Z), network(W1, W2)
    delta = out - ONES
    return POINTS.T @ multiply(delta @ W2.T, slope(Z, hidden)), previous(hidden, out).T @ delta


def z2_is_not_returned(W1, W2):
    def forward():
        z2 = sigmoid(POINTS @ W1) @ W2
        return sigmoid(z2)

    out = forward()
    delta = (out - ONES) * sigmoid(z2) * (1 - sigmoid(z2))  # type: ignore[name-defined]  # noqa: F821
    return POINTS.T @ (delta @ W2.T), sigmoid(POINTS @ W1).T @ delta


def faulty(**fault):
    return lambda W1, W2: backward(W1, W2, **fault)


def learns():
    run = dk.descend(loss, WEIGHTS, gradient=backward, rate=RATE, steps=STEPS)
    return (np.diff(run.path.values) < 0).all() and run.value < 0.2 * run.path.values[0]


def of_batches(schedule):
    """Descent on noisy data, two rows a step."""

    def squares(w, x, y):
        return np.mean((w * x - y) ** 2) / 2

    def slope(w, x, y):
        return np.mean((w * x - y) * x)

    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    data = (x, 2 * x + 0.5 * rng.normal(size=200))
    batches = {"batch": 2, "rows": ("x", "y"), "schedule": schedule, "steps": 4000}
    return dk.descend(squares, 0.0, args=data, gradient=slope, rate=0.2, **batches)


def distance(descent):
    """How far from the minimum the last quarter of a path is, on average."""
    x, y = descent.question[3]
    last = descent.path.points[-len(descent.path.points) // 4 :, 0]
    return np.sqrt(np.mean((last - x @ y / (x @ x)) ** 2))


NEURONS = "-log(sigmoid(v*sigmoid(w)))"
RIGHT = "-sigmoid(-v*sigmoid(w))*v*sigmoid(w)*(1 - sigmoid(w))"

STATEMENTS = [
    Statement("J = (1/m)Σ(Xθ − y)² has the gradient (2/m)·Xᵀ·errors", "right",
              "the errors Xθ − y are those of this θ", [
        claim("(2/m)·Xᵀ(Xθ − y)", cost, cost_gradient, START),
    ], [
        claim("errors 0", cost, lambda t: 2 / 5 * DESIGN.T @ np.zeros(5), START, "wrong",
              "every entry: put in the partials, where the claim has 0"),
        claim("errors of θ = 0", cost, lambda t: 2 / 5 * DESIGN.T @ -LINE, START, "wrong",
              "evaluate at theta, not at 0"),
    ]),
    Statement("the loop of descent as printed, in which the errors are never computed", "wrong",
              f"it does not run; mended, {STEPS} steps of α = {RATE} from (0, 0) lead to θ = {REACHED}, and the "
              f"minimum is "
              f"at {BEST}", [
        claim("as printed", cost, lambda t: 2 / 5 * DESIGN.T @ errors, START, "refused",  # noqa: F821
              "name 'errors' is not defined"),
    ], [
        number(REACHED, "dk.descend", reached),
        number(BEST, "dk.descend", best),
    ]),
    Statement("X = 1 … 5 as one column, 5×1, with a θ of length 2", "wrong",
              "they do not multiply; X needs a column of ones", [
        claim("as printed", cost, lambda t: 2 / 5 * COLUMN.T @ (COLUMN @ t - LINE), START, "refused", "matmul"),
    ]),
    Statement("loss Σ y·log ŷ + (1 − y)·log(1 − ŷ), with the gradient ŷ − y at the output", "wrong",
              "without its minus it is greatest where it should be least, and this is the gradient of the loss "
              "with it", [
        claim("as printed", without_minus, backward, WEIGHTS, "wrong", "change the sign of every entry"),
    ], [
        claim("with its minus", loss, backward, WEIGHTS),
    ]),
    Statement("dW₂ = ŷᵀ(ŷ − Y), with a₂ taken as the network's output", "wrong",
              "the activation of the layer before belongs there; with one neuron a layer the shapes fit, and "
              "the value is wrong", [
        claim("as printed", loss, faulty(previous=lambda a, p: p), WEIGHTS, "refused",
              "for W2 of shape (4, 1) it gives (1, 1)"),
    ], [
        claim("one neuron a layer", NEURONS, ["-sigmoid(-v*sigmoid(w))*sigmoid(v*sigmoid(w))", RIGHT], None, "wrong",
              "entry v: put sigmoid(w) where the claim has sigmoid(v*sigmoid(w))"),
        claim("… mended", NEURONS, ["-sigmoid(-v*sigmoid(w))*sigmoid(w)", RIGHT]),
    ]),
    Statement("dZ₂ = dZ₃·W₂ᵀ·σ′(z₂) by matrix products", "wrong", "the last product is elementwise", [
        claim("as printed", loss, faulty(multiply=np.matmul), WEIGHTS, "refused", "matmul"),
    ], [
        claim("with σ′ transposed", loss, faulty(multiply=lambda a, b: a @ b.T), WEIGHTS, "refused",
              "for W1 of shape (2, 4) it gives (2, 3)"),
    ]),
    Statement("the backward pass uses z₂, which the forward pass does not return", "wrong", "it does not run", [
        claim("as printed", loss, z2_is_not_returned, WEIGHTS, "refused", "name 'z2' is not defined"),
    ]),
    Statement("σ′(a), with a the output of the sigmoid", "wrong", "σ′ is taken at z", [
        claim("as printed", loss, faulty(slope=lambda z, a: sigmoid(a) * (1 - sigmoid(a))), WEIGHTS, "wrong",
              "the derivative of every sigmoid of layer 1 is taken at the wrong place"),
    ], [
        claim("z(1 − z) for a(1 − a)", loss, faulty(slope=lambda z, a: z * (1 - z)), WEIGHTS, "wrong",
              "correct the derivative of every sigmoid of layer 1"),
    ]),
    Statement("the derivative σ(1 − σ) of the activation is its “second derivative”", "wrong", "it is the first", [
        claim("as printed", "sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", None, "wrong",
              "differentiate once more: the claim is the first derivative", kind="hessian"),
    ], [
        claim("the second derivative for the first", loss, faulty(slope=lambda z, a: a * (1 - a) * (1 - 2 * a)),
              WEIGHTS,
              "wrong", "take the first derivative, not the second, as the derivative of every sigmoid of layer 1"),
    ]),
    Statement(f"a 2-4-1 perceptron learns Y = 1 in {STEPS} steps of α = {RATE}", "right",
              "once all of this is mended: the loss falls in every step", [
        fact("mended", "dk.descend", learns),
    ]),
    Statement("steps may take the whole data or a batch, and the rate may decay", "right",
              "with a constant rate the noise of the batches keeps the path away from the minimum; with one "
              "that decays it settles", [
        fact("whole data: it converges", "dk.descend", lambda: run(0.08, 10_000).status == "converged"),
        fact("batches and decay", "dk.descend",
             lambda: distance(of_batches("inverse")) < distance(of_batches("constant")) / 2),
    ], [
        fact("a constant rate", "dk.descend", lambda: distance(of_batches("constant")) > 0.05),
    ]),
]  # fmt: skip
