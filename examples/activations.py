"""Activation functions of neural networks and their derivatives, with their kinks and tails.

σ′ = σ(1 − σ) is what tutorials print; in binary64 it loses the right tail, where σ rounds to 1.
"""

import numpy as np

import diffkit as dk

points = np.array([-20.0, -1.0, 0.0, 1.0, 40.0])
for name in ("sigmoid", "tanh", "relu", "softplus", "silu", "gelu"):
    result = dk.derivative(f"{name}(x)", points, backend="dual")
    pairs = zip(result.value, result.statuses, strict=True)
    print(f"{name + '′':10s}", *(f"{v:16.4g}" if status == "ok" else f"{status:>18s}" for v, status in pairs))

tail = dk.derivative("sigmoid(x)", 40).value
print(f"σ′(40) = {tail:.6e}; σ(1 − σ) in binary64 gives {1 / (1 + np.exp(-40)) * (1 - 1 / (1 + np.exp(-40))):.1e}")
