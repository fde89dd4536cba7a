"""Every example runs, and prints what its prose promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import diffkit

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
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
        "m = 2, c = 1: dy/dx = 2",
        "m = 1.4  9.2       1.2       1.2",
        "by hand: correct; at (1, 0): [-34.0, -12.0]",
        "Hessian: [[60.0, 20.0], [20.0, 8.0]], eigenvalues [1.1976, 66.8024]: convex",
        "minimum: m = 1.4000, c = 0.5000, SSE = 0.2000; gradient there: [-0.0, -0.0]",
        "step 2000: m = 1.4000, c = 0.5000, SSE = 0.2000",
        "length of the path 3.0095, straight line 1.4866: it is not straight",
        "stationary at w = 0.0754, cost 0.0113: maximum (f″ = -3.932)",
        "saddle of u² − v² at 0: eigenvalues of the Hessian [-2.0, 2.0]",
    ],
    "chain_rule": [
        "quotient           (sin(x)/exp(x))′ = (cos(x)*exp(x) - sin(x)*exp(x))/exp(x)^2: correct",
        "logarithm          (log(x))′ = 1/x: correct",
        "wrong; multiply by 2*x, the derivative of x**2",
        "∂y/∂u·∂u/∂x = [7.417424225, 2.25]; of the composed formula [7.417424225, 2.25]",
        "∇(xᵀAx) = (A + Aᵀ)x: correct",
        "∇(xᵀAx) = 2Ax: wrong",
        "∇‖X‖²_F = 2X: correct",
        "∂(Ax)/∂x = Aᵀ, gradients as rows: wrong; transpose",
    ],
    "convergence_rates": [
        "L/μ = 100: 458 steps, the bound (L/μ)·log(1/ε) is 1382: kept: True",
        "L/μ = 10: factor 0.818182, promised 0.818182",
        "step 0.21, 2/L = 0.2: |y| after 100 steps is 1.38e+04",
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
        "methods agree",
        "by hand, right: -0.449149, off by 0.0e+00",
        "factor x: -0.299433, off by",
    ],
    "linear_regression": [
        "gradient by hand: correct",
        "without the 2: wrong; multiply by 2",
        "gradient at the start: [-7.0, -25.0]",
        "step    1: θ = (0.0700, 0.2500), J = 8.307400",
        "step 1000: θ = (0.4930, 1.0019), J = 0.000009",
        "normal equations: θ = (0.5000, 1.0000), J = 0.000000",
        "step    0: loss = 12.925393",
        "y = 2.1633·x + 2.8110; least squares: y = 2.0192·x + 2.9743",
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
        "17 partial derivatives\ncorrect: the code was traced to a formula",
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
        "wrong: entry w2: put sigmoid(1.3*w1) where the claim has sigmoid(w2*sigmoid(1.3*w1))",
        "wrong: change the sign of every entry",
        "wrong: differentiate once more: the claim is the first derivative",
        "which is the second derivative",
        "in a whole layer\n   wrong: the derivative of every sigmoid of layer 1 is taken at the wrong place",
        "refused: the claim has other shapes than the parameters: for W2 of shape (4, 1) it gives (1, 1)",
        "refused: the claim has other shapes than the parameters: for W1 of shape (2, 4) it gives (2, 3)",
        "for z = W·a\n   wrong: transpose",
        "order of channels\n   wrong: exchange axes 2 and 3 of W",
    ],
    "regularisers": [
        "L2: Ω = ‖W‖², 2W: correct",
        "L2: Ω = ½‖W‖², 2W: wrong; divide by 2",
        "L1: Ω = ‖W‖₁, sign(W): correct",
        "not_differentiable: the slopes are -1 and 1",
        "the claim takes the mean of the two, 0",
        "claim 1.5: wrong",
        "λ = 0.1: w = 0.2000",
        "λ = 0.5: w = 0.0000",
        "wrong: add the derivative of 0.1*w**2",
    ],
    "what_is_a_gradient": [
        "f′(-0.5) = -1.000 (proven): f falls",
        "f′(0.5) = 1.000 (proven): f rises",
        "f′(0) = 0.000 (proven): f is stationary",
        "h = 0.1     2.30000",
        "h = 1e-05   2.00003",
        "the limit: 2.00000",
        "δ = 0.01: off by 0.0001, which is ½f″·δ² = 0.0001",
        "slope along it: 8.544004; in 24 other directions: at most 8.503864",
    ],
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example(path):
    environment = {**os.environ, "PYTHONPATH": str(Path(diffkit.__file__).parent.parent), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, path], capture_output=True, env=environment, check=True, encoding="utf-8")
    for promise in PROMISES[path.stem]:
        assert promise in done.stdout


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < 120
