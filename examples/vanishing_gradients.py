"""Gradients that vanish and explode: a deep chain of sigmoids, and a small recurrent net.

On the way back each layer multiplies the gradient by its weight and by the slope of its activation. A sigmoid's slope
is at most ¼, so a chain aₖ = σ(wₖ·aₖ₋₁) with weights below 4 loses some of it in every layer. A recurrent net
hₜ = tanh(w·hₜ₋₁ + bₜ) uses one weight w in every step: near h = 0 the gradient of b₁ is that of b_T times wᵀ⁻¹.
"""

import sys

import numpy as np

import diffkit as dk


def chain(layers):
    text = "1"
    for k in range(1, layers + 1):
        text = f"sigmoid(w{k}*{text})"
    return f"({text} - 0.2)^2"


def loss(b, w):
    h = 0.0
    for bias in b:
        h = np.tanh(w * h + bias)
    return (h - 1e-6) ** 2


def show(run):
    """What descent says of the gradients."""
    found = [finding.text for finding in run.findings if "gradient" in finding.cause]
    print("  " + (found[0] if found else "neither vanishing nor exploding"))


print("A chain of eight sigmoids, every weight ½")
vanishing = dk.descend(chain(8), [0.5] * 8, rate=0.1, steps=20)
for name, slope in zip(vanishing.names, vanishing.path.gradients[0], strict=True):
    print(f"  ∂L/∂{name} = {slope:.2e}")
show(vanishing)

print("Two layers are no problem")
show(dk.descend(chain(2), [0.5] * 2, rate=0.1, steps=20))

for w in (0.3, 1.0, 3.0):
    print(f"A recurrent net of 12 steps, w = {w:g}")
    run = dk.descend(loss, np.full(12, 1e-9), args=(w,), rate=1e-3, steps=3)
    first, last = run.path.gradients[0][[0, -1]]
    print(f"  ∂L/∂b₁ : ∂L/∂b₁₂ = {first / last:.4g}, w¹¹ = {w**11:.4g}")
    show(run)

if len(sys.argv) > 1:
    from diffkit.reports import pictures

    figure, axes = pictures.canvas("Eight sigmoids, every weight ½", "layer", "|∂L/∂w|")
    axes.semilogy(range(1, 9), np.abs(vanishing.path.gradients[0]), marker="o", **pictures.style(0))
    pictures.save(figure, sys.argv[1])
