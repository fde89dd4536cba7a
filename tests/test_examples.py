"""Every example runs, prints what its prose promises, and stands with its output on docs/examples.md."""

import ast
import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))

import generate

EXAMPLES = generate.examples()
PAGE = generate.EXAMPLES.read_text(encoding="utf-8")
PROMISES = {
    "activations": [
        "σ′(40) = 4.248354e-18; σ(1 − σ) in binary64 gives 0.0e+00",
        "not_differentiable, slopes 0 and 1",
        "(sigmoid(x))′ = sigmoid(x)*(1 - sigmoid(x)): correct",
        "(tanh(x))′ = 1 - tanh(x)^2: correct",
        "(tanh(x))′ = 1 - x^2: wrong; the derivative of tanh(x) is ",
        "(relu(x))′ = where(x > 0, 1, 0): correct",
        "claim 0: correct; f has a kink with slopes 0 and 1; the claim takes the slope from the left, 0",
        "claim 2: wrong",
    ],
    "calculus_in_machine_learning": [
        "m = 2, c = 1: the tangent at 0.7 is y = 2*x + 1",
        "m = 1.4  9.2       1.2       1.2",
        "by hand: correct; at (1, 0): [-34.0, -12.0]",
        "Hessian: [[60.0, 20.0], [20.0, 8.0]], eigenvalues [1.1976, 66.8024]: convex",
        "1 stationary point: 1 minimum. All stationary points in the box were found: proven.",
        "  global minimum at m = 1.4, c = 0.5: f = 0.2 (interval Newton)",
        "α = 0.01, below 1/L = 0.0150: converged, path 2.287, straight line 1.676, 0 steps turn back",
        "α = 0.02, above 1/L = 0.0150: converged, path 3.604, straight line 1.676, 4 steps turn back",
        "local maximum at w = 0.07542915857: f = 0.01128200272",
        "ends in the local minimum, at w = 0.9601",
        "the Hessian has the eigenvalue -2: this is a saddle point",
    ],
    "chain_rule": [
        "quotient           (sin(x)/exp(x))′ = (cos(x)*exp(x) - sin(x)*exp(x))/exp(x)^2: correct",
        "logarithm          (log(x))′ = 1/x: correct",
        "wrong; multiply by 2*x, the derivative of x**2",
        "∂y/∂u·∂u/∂x = [7.417424225, 2.25]; of the composed formula [7.417424225, 2.25]",
        "chain rule, with the derivative of sin: d/dx[sin(x**2)] = cos(x**2)*d/dx[x**2]",
        "d/dx x.T @ A @ x = (A + A.T) @ x: true",
        "d/dx x.T @ A @ x = 2*A @ x: false; it is (A + A.T) @ x",
        "d/dX norm(X)**2 = 2*X: true",
        "d/dx A @ x = A.T: true",
        "whose rows are gradients: wrong; transpose",
    ],
    "convergence_rates": [
        "L/μ = 100: 458 steps, the bound (L/μ)·log(1/ε) is 1382: kept: True",
        "L/μ = 10: factor 0.818182, promised 0.818182",
        "step 0.21: diverged, |y| = 1.38e+04",
        "worst factor of f − f* over ten steps of 1/L: 0.0794; 1 − μ/L = 0.5000",
        "step 10000: x = 0.01580, x·√(8·0.05·k) = 0.9996",
    ],
    "convolution": [
        "stride 1, padding 0, output (3, 2, 3): correct",
        "stride 2, padding 1, output (3, 2, 3): correct",
        "W[i,j,output,input]: ∂L/∂X wrong",
        "W[i,j,output,input]: ∂L/∂W correct",
        "W[i,j,output,input]: both wrong; exchange axes 2 and 3 of W",
        "W[i,j,input,output]: ∂L/∂X correct",
        "W[i,j,input,output]: both wrong; W: exchange axes 2 and 3",
        "2 input and 3 output channels: it does not run, matmul",
    ],
    "is_my_gradient_right": [
        "by hand, right: correct",
        "by hand, without the factor x: wrong; entry w is ∂f/∂b",
        "methods agree: ∂loss/∂w = -0.44914928628904",
        "z4 = -z3 = -0.850000, adjoint 0.299433",
    ],
    "linear_regression": [
        "∂/∂theta sum((X @ theta - y)**2) = X.T @ (2*X @ theta - 2*y)",
        "gradient by hand: correct",
        "without the 2: wrong; multiply by 2",
        "gradient at the start: [-7.0, -25.0]",
        "step    1: θ = (0.0700, 0.2500), J = 8.307400",
        "step 1000: θ = (0.4930, 1.0019), J = 0.000009",
        "normal equations: θ = (0.5000, 1.0000), J = 0.000000",
        "step    0: loss = 12.925393",
        "y = 2.1635·x + 2.8108; least squares: y = 2.0192·x + 2.9743",
    ],
    "losses": [
        "∂L/∂w = −(1/n)Σ(y − ŷ)x: correct",
        "the same for (1/n)Σ(y − ŷ)²: wrong; multiply by 2",
        "as published, through ∂ŷ/∂w: correct",
        "without the minus before the sum: wrong; change the sign of every entry",
        "gradient s − e₁: correct",
        "diag(s) alone: wrong",
        "gradient: [-0.661007, 0.102103, 0.558905], it adds up to 0",
        "= nan; with the derivatives cancelled: 1.0",
    ],
    "perceptron": [
        "17 partial derivatives\ncorrect: the code was recorded as a formula",
        "1/n forgotten: wrong; divide by 3, which is len(X)",
        "σ′(A₁) for σ′(Z₁): wrong; the derivative of every sigmoid of layer 1 is taken at the wrong place",
        "step     0: loss = 1.742080",
        "step  1000: loss = 0.038848",
        "rounded: [0, 1, 1, 0]",
    ],
    "pooling": [
        "a quarter of the window's gradient each: correct",
        "all of it to each: wrong; divide by 4",
        "all of it to the largest: correct",
        "the first     correct, both together 1: an element of Clarke's gradient",
        "equal shares  correct, both together 1: an element of Clarke's gradient",
        "all to each   wrong, both together 2: along X[0,0], X[0,1] the claim gives 2, f has slope 1",
        "neither       wrong, both together 0: along X[0,0], X[0,1] the claim gives 0, f has slope 1",
    ],
    "published_faults": [
        "1a. The error term is never computed\n   refused: the claim raised NameError",
        "wrong: every entry: put in the partials, where the claim has 0",
        "wrong: evaluate at theta, not at 0",
        "2. Shapes that do not multiply: X is 5×1, θ has length 2\n   refused: the claim raised ValueError: matmul",
        "take it at 1.3*w1, not at sigmoid(1.3*w1)",
        "wrong: put a1 where the claim has p, in line",
        "wrong: change the sign of every entry",
        "wrong: differentiate once more: the claim is the first derivative",
        "which is the second derivative",
        "in a whole layer\n   wrong: the derivative of every sigmoid of layer 1 is taken at the wrong place",
        "refused: the claim has other shapes than the parameters: for W2 of shape (4, 1) it gives (1, 1)",
        "refused: the claim has other shapes than the parameters: for W1 of shape (2, 4) it gives (2, 3)",
        "for z = W·a\n   wrong: transpose",
        "order of channels\n   wrong: exchange axes 2 and 3 of W",
        "does not return\n   refused: the claim raised NameError",
    ],
    "regularisers": [
        "L2: Ω = ‖W‖², 2W: correct",
        "L2: Ω = ½‖W‖², 2W: wrong; divide by 2",
        "L1: Ω = ‖W‖₁, sign(W): correct",
        "not_differentiable: the slopes are -1 and 1",
        "the claim takes the mean of the two, 0",
        "claim 1.5: wrong",
        "λ = 1/10: global minimum at w = 0.2",
        "λ = 1/2: global kink minimum at w = 0: f = 0.045",
        "plain descent, λ = 1/2: stagnated, f = 0.0509",
        "wrong: add the derivative of 0.1*w**2",
    ],
    "vanishing_gradients": [
        "∂L/∂w1 = 7.18e-08",
        "∂L/∂w8 = 1.04e-01",
        "the gradient shrinks by a factor of 0.129 per layer (7.18e-08 for w1, 0.104 for w8): the first layers hardly",
        "Two layers are no problem\n  neither",
        "w = 0.3\n  ∂L/∂b₁ : ∂L/∂b₁₂ = 1.771e-06, w¹¹ = 1.771e-06\n",
        "the gradient shrinks by a factor of 0.3 per layer",
        "w = 1\n  ∂L/∂b₁ : ∂L/∂b₁₂ = 1, w¹¹ = 1\n  neither",
        "w = 3\n  ∂L/∂b₁ : ∂L/∂b₁₂ = 1.771e+05, w¹¹ = 1.771e+05\n",
        "the gradient grows by a factor of 3 per layer",
    ],
    "what_is_a_gradient": [
        "f′(-0.5) = -1.000, tangent y = -x - 0.25\n  f′ < 0: f is falling",
        "f′(0.5) = 1.000, tangent y = x - 0.25\n  f′ > 0: f is rising",
        "f′(0) = 0.000, tangent y = 0\n  f′ = 0: the point is stationary",
        "h = 0.1     2.30000",
        "h = 1e-05   2.00003",
        "the limit: 2.00000",
        "power rule: d/dx[x**2] = 2*x",
        "δ = 0.01: off by 0.0001, which is δ² = 0.0001",
        "slope along it: 8.544004; in 24 other directions: at most 8.503864",
    ],
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path, tmp_path):
    """It prints what was promised, and what docs/examples.md shows; where it can draw, it draws."""
    picture = tmp_path / "picture.svg"
    draws = "sys.argv" in path.read_text(encoding="utf-8") and find_spec("matplotlib") is not None
    output = generate.run_example(path, *([picture] if draws else []))
    assert picture.exists() is draws
    if draws:
        assert "<svg" in picture.read_text(encoding="utf-8")
    for promise in PROMISES[path.stem]:
        assert promise in output
    assert generate.example_section(path, output) in PAGE, "run python docs/generate.py --refresh"


def test_the_page_shows_every_example_and_no_other():
    assert re.findall(r"^## (.*)$", PAGE, flags=re.MULTILINE) == [path.stem for path in EXAMPLES]
    assert PAGE.startswith(generate.examples_head())
    assert PROMISES.keys() == {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 120


def test_the_formulas_of_convolution_are_what_its_prose_says():
    """Y and ∂L/∂W are computed from the text of the docstring, entry by entry, and compared with the code."""
    path = next(path for path in EXAMPLES if path.stem == "convolution")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = " ".join(ast.get_docstring(tree).split())
    tree.body = [part for part in tree.body if isinstance(part, (ast.Import, ast.FunctionDef))]
    code: dict = {}
    exec(compile(tree, str(path), "exec"), code)
    forward = re.search(r"Y\[m,n,k\] = Σ_{i,j,l} (.*?) with input channels", prose)[1]
    backward = re.search(r"∂L/∂W\[i,j,k,l\] = Σ_{m,n} (.*?), and each", prose)[1]
    rng = np.random.default_rng(0)
    X, W, s, p = rng.normal(size=(4, 3, 2)), rng.normal(size=(2, 2, 3, 2)), 2, 1
    Y = code["convolve"](X, W, s, p)
    G = rng.normal(size=Y.shape)
    padded = Outside(X)
    found, by_kernel = np.zeros(Y.shape), np.zeros(W.shape)
    for m, n, k, i, j, l in np.ndindex(*Y.shape, *W.shape[:2], X.shape[2]):  # noqa: E741
        names = {"X": padded, "W": W, "G": G, "m": m, "n": n, "k": k, "i": i, "j": j, "l": l, "s": s, "p": p}
        found[m, n, k] += eval(forward.replace("·", "*").replace("−", "-"), names)
        by_kernel[i, j, k, l] += eval(backward.replace("·", "*").replace("−", "-"), names)
    assert np.allclose(Y, found)
    assert np.allclose(code["gradients"](X, W, G, s, p)[1], by_kernel)


class Outside:
    """An array that is 0 outside."""

    def __init__(self, array):
        self.array = array

    def __getitem__(self, place):
        inside = all(0 <= k < n for k, n in zip(place, self.array.shape, strict=True))
        return self.array[place] if inside else 0.0
