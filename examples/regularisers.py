"""Regularisers: λ‖w‖² has the gradient 2λw, λ‖w‖₁ has λ·sign(w), and no derivative where a weight is 0.

At 0 the slopes of |w| are −1 and 1. Any number between them may stand for the derivative in descent (an element of
Clarke's interval); sign(0) = 0 is the mean of the two. A weight that is exactly 0 stays there if the gradient of the
rest of the loss is between −λ and λ.
"""

import sys

import numpy as np

import diffkit as dk

W = np.array([[0.5, -1.2], [2.0, -0.1]])
CASES = (
    ("L2: Ω = ‖W‖², 2W", lambda W: np.sum(W**2), lambda W: 2 * W),
    ("L2: Ω = ½‖W‖², 2W", lambda W: np.sum(W**2) / 2, lambda W: 2 * W),
    ("L2: Ω = ‖W‖ without the square, 2W", lambda W: np.sqrt(np.sum(W**2)), lambda W: 2 * W),
    ("L2: Ω = ‖W‖, W/‖W‖", lambda W: np.sqrt(np.sum(W**2)), lambda W: W / np.sqrt(np.sum(W**2))),
    ("L1: Ω = ‖W‖₁, sign(W)", lambda W: np.sum(np.abs(W)), np.sign),
    ("L1: Ω = ‖W‖₁, 1", lambda W: np.sum(np.abs(W)), np.ones_like),
)
for name, f, claim in CASES:
    check = dk.check(f, claim, at=W)
    print(f"{name}: {check.verdict}" + (f"; {check.explanation}" if check.explanation else ""))

print("\nL1 at a weight of 0")
slope = dk.derivative("abs(w)", 0)
print(f"{slope.status}: the slopes are {slope.left:g} and {slope.right:g}")
for claim in (0.0, 1.0, -1.0, 0.25, 1.5):
    check = dk.check("abs(w)", np.array([claim]), at=0)
    print(f"claim {claim:g}: {check.verdict}" + (f"; {check.convention}" if check.convention else ""))

print("\nWhere ½(w − 0.3)² + λ|w| is least: at 0 as soon as λ ≥ 0.3")
for strength in ("1/10", "1/2"):
    found = dk.stationary(f"(w - 3/10)^2/2 + {strength}*abs(w)", (-1, 1))
    print(f"λ = {strength}: {found.points[0]}")
plain = dk.descend("(w - 3/10)^2/2 + abs(w)/2", 1, rate=0.15, steps=100, keep=1)
print(f"plain descent, λ = 1/2: {plain.status}, f = {plain.value:.4f}, though 0.0450 is the least")
print(f"  {plain.messages[0]}")

print("\nA regulariser left out of the gradient is noticed")
check = dk.check(lambda w: (2 * w - 3) ** 2 / 2 + 0.1 * w**2, lambda w: (2 * w - 3) * 2, at=0.7)
print(f"{check.verdict}: {check.explanation}")

if len(sys.argv) > 1:
    from diffkit.reports import pictures
    from diffkit.reports.pictures import extrema

    pictures.save(extrema.picture(dk.stationary("(w - 3/10)^2/2 + abs(w)/2", (-1, 1))), sys.argv[1])
