"""Is my gradient right? Compare a derivative worked out by hand with three independent methods.

The function is the logistic loss of one sample, log(1 + exp(−y·(w·x + b))). By hand:
∂/∂w = −y·x·σ(−y·(w·x + b)). A common slip forgets the factor x.
"""

import diffkit as dk

LOSS = "log(1 + exp(-y*(w*x + b)))"
BY_HAND = {"right": "-y*x*sigmoid(-y*(w*x + b))", "without the factor x": "-y*sigmoid(-y*(w*x + b))"}
POINT = {"w": 0.7, "b": -0.2, "x": 1.5, "y": 1}

truth = dk.compare(LOSS, POINT, kind="derivative", wrt="w")
print(f"methods {truth.verdict}: ∂loss/∂w = {truth.reference.value}")
for name, text in BY_HAND.items():
    value = dk.taylor(text, POINT, 0, wrt="w").value[0]  # the order-0 coefficient is the value itself
    print(f"by hand, {name}: {value:.6f}, off by {abs(value - truth.reference.value):.1e}")
