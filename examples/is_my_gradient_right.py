"""Is my gradient right? Check a derivative worked out by hand, and see what stands behind the answer.

The function is the logistic loss of one sample, log(1 + exp(−y·(w·x + b))). By hand:
∂/∂w = −y·x·σ(−y·(w·x + b)). A common slip forgets the factor x.
"""

import diffkit as dk

LOSS = "log(1 + exp(-y*(w*x + b)))"
AT = {"b": -0.2, "w": 0.7, "x": 1.5, "y": 1}
BACK = "sigmoid(-y*(w*x + b))"
BY_HAND = {"right": f"-y*x*{BACK}", "without the factor x": f"-y*{BACK}"}

for name, by_w in BY_HAND.items():
    check = dk.check(LOSS, [f"-y*{BACK}", by_w, f"-y*w*{BACK}", f"-(w*x + b)*{BACK}"])
    print(f"∂loss/∂w by hand, {name}: {check.verdict}; {check.explanation or check.scope}")

truth = dk.compare(LOSS, AT, kind="derivative", wrt="w")
print(f"\nThree methods {truth.verdict}: ∂loss/∂w = {truth.reference.value}")

print("\nBack-propagation, node by node: values forward, adjoints backward")
for node in dk.backward(LOSS, AT).forward:
    print(f"{node.name} = {node.instruction} = {node.value:.6f}, adjoint {node.adjoint:.6f}")
