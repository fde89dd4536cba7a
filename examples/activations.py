"""Activation functions of neural networks and their derivatives, with their kinks and tails.

σ′ = σ(1 − σ) is what tutorials print; in binary64 it loses the right tail, where σ rounds to 1.
"""

import sys

import numpy as np

import diffkit as dk

points = np.array([-20.0, -1.0, 0.0, 1.0, 40.0])
for name in ("sigmoid", "tanh", "relu", "softplus", "silu", "gelu"):
    result = dk.derivative(f"{name}(x)", points, backend="dual")
    pairs = zip(result.value, result.statuses, strict=True)
    print(f"{name + '′':10s}", *(f"{v:16.4g}" if status == "ok" else f"{status:>18s}" for v, status in pairs))

print("\nσ′ as the rules give it: " + dk.explain("sigmoid(x)").formula + ", which keeps both tails")

print("\nWhat tutorials print, as formulas")
for f, claim in (
    ("sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))"),
    ("tanh(x)", "1 - tanh(x)^2"),
    ("tanh(x)", "1 - x^2"),
    ("relu(x)", "where(x > 0, 1, 0)"),
):
    check = dk.check(f, claim)
    print(f"({f})′ = {claim}: {check.verdict}" + (f"; {check.explanation}" if check.explanation else ""))

kink = dk.derivative("relu(x)", 0)
print(f"\nReLU at 0: {kink.status}, slopes {kink.left:g} and {kink.right:g}")
for claim in (0.0, 0.5, 1.0, 2.0):
    check = dk.check("relu(x)", np.array([claim]), at=0)
    print(f"claim {claim:g}: {check.verdict}" + (f"; {check.convention}" if check.convention else ""))

print("\nTails")
tail = dk.derivative("sigmoid(x)", 40).value
print(f"σ′(40) = {tail:.6e}; σ(1 − σ) in binary64 gives {1 / (1 + np.exp(-40)) * (1 - 1 / (1 + np.exp(-40))):.1e}")

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import gallery

    pictures.save(gallery.activations(), sys.argv[1])
