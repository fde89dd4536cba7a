"""Functions, points and claims of other libraries: arrays, trees of them, models, functions of their own kinds."""

import os
import subprocess
import sys
from collections import namedtuple
from importlib.util import find_spec

import numpy as np
import pytest

import diffkit as dk

Pair = namedtuple("Pair", "w b")
W, B = np.array([[0.3, -1.2], [0.7, 2.1]]), np.array([0.4, -0.6])

TREES = [
    ({"w": W, "b": B}, lambda p: (p["w"], p["b"]), lambda w, b: {"w": w, "b": b}, "w[0,0]"),
    ({"layer": {"w": W}, "b": B}, lambda p: (p["layer"]["w"], p["b"]), lambda w, b: {"layer": {"w": w}, "b": b},
     "layer.w[0,0]"),
    ([W, B], tuple, lambda w, b: [w, b], "p[0][0,0]"),
    (([W], {"b": B}), lambda p: (p[0][0], p[1]["b"]), lambda w, b: ([w], {"b": b}), "p[0][0][0,0]"),
    (Pair(W, B), tuple, Pair, "w[0,0]"),
    ({"x": Pair(W, B)}, lambda p: tuple(p["x"]), lambda w, b: {"x": Pair(w, b)}, "x.w[0,0]"),
    ({"b": B, "rest": [None, W]}, lambda p: (p["rest"][1], p["b"]), lambda w, b: {"rest": [None, w], "b": b}, "b[0]"),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "parts", "made", "first"), TREES)
def test_points_and_claims_are_trees(tree, parts, made, first):
    def f(p):
        w, b = parts(p)
        return np.sum(np.sin(w) @ b)

    def gradient(p, factor=1.0):
        w, b = parts(p)
        return made(factor * np.cos(w) * b, np.sin(w).sum(0))

    assert dk.check(f, gradient, tree).verdict == "correct"
    assert dk.check(f, lambda p: (f(p), gradient(p)), tree).verdict == "correct"
    assert dk.check(f, gradient(tree), tree).verdict == "correct"
    wrong = dk.check(f, lambda p: gradient(p, 1.001), tree)
    assert wrong.verdict == "wrong"
    assert first.split("[")[0] in str(wrong)
    found = dk.gradient(f, tree)
    assert found.variables[0] == first
    expected = {"w": np.cos(W) * B, "b": np.sin(W).sum(0)}
    order = ("b", "w") if first == "b[0]" else ("w", "b")
    assert np.allclose(found.value, np.concatenate([np.ravel(expected[name]) for name in order]), rtol=1e-12)


def test_one_of_several_arguments_is_a_tree():
    def f(params, x):
        return np.sum(params["w"] @ x)

    def by_params(params, x):
        return {"w": np.tile(x, (2, 1))}

    point = {"params": {"w": W}, "x": B}
    assert dk.check(f, by_params, point, wrt="params").verdict == "correct"
    assert dk.check(f, by_params, [{"w": W}, B], wrt="params").verdict == "correct"
    assert dk.check(f, lambda p, x: {"w": np.tile(2 * x, (2, 1))}, point, wrt="params").verdict == "wrong"


def test_leaves_of_one_name_are_refused():
    with pytest.raises(dk.PointError, match=r"two leaves of the point are called a\.b"):
        dk.gradient(lambda p: p["a"]["b"], {"a": {"b": 1.0}, "a.b": 2.0})


# Each runs in a process of its own: threads of these libraries must not meet the forks of other tests -----------------

JAX = """
import jax, jax.numpy as jnp, numpy as np, diffkit as dk
f = lambda x: jnp.sum(jnp.sin(x) * x)
narrow = dk.check(f, jax.grad(f), [1.0, 2.0])
assert narrow.verdict == "inconclusive" and "float32" in narrow.reason and "jax_enable_x64" in narrow.reason, narrow
assert dk.check(f, jax.grad(f), [1.0, 2.0], rtol=1e-4).verdict == "correct"
assert dk.check(f, lambda x: 1.01 * jax.grad(f)(x), jnp.array([1.0, 2.0])).verdict == "wrong"
jax.config.update("jax_enable_x64", True)
at = jnp.array([1.0, 2.0])
for g in (f, jax.jit(f)):
    for point in (at, [1.0, 2.0], np.array(at)):
        assert dk.check(g, jax.grad(g), point).verdict == "correct"
        assert dk.check(g, jax.value_and_grad(g), point).verdict == "correct"
        assert dk.check(g, jax.hessian(g), point, kind="hessian").verdict == "correct"
        assert np.allclose(dk.gradient(g, point).value, jax.grad(g)(at), rtol=1e-10)
only = lambda x: jnp.sum(x.at[0].set(2.0) ** 2)
assert dk.check(only, jax.grad(only), [1.0, 2.0]).verdict == "correct"
loss = lambda p: sum(jnp.sum(jnp.tanh(w) * b) for w, b in p["layers"])
tree = {"layers": [(jnp.ones((2, 2)), jnp.array([1.0, 2.0])), (jnp.ones((1, 2)), jnp.array([3.0]))]}
assert dk.check(loss, jax.grad(loss), tree).verdict == "correct"
assert dk.check(loss, jax.value_and_grad(loss), tree).verdict == "correct"
assert dk.check(loss, jax.grad(loss)(tree), tree).verdict == "correct"
bad = dk.check(loss, lambda p: {"layers": [(w, b) for w, b in jax.grad(loss)(p)["layers"][::-1]]}, tree) \\
    if False else dk.check(loss, lambda p: jax.tree.map(lambda g: 1.5 * g, jax.grad(loss)(p)), tree)
assert bad.verdict == "wrong" and "layers[" in str(bad), bad

@jax.tree_util.register_dataclass
@__import__("dataclasses").dataclass
class Model:
    w: object
    b: object

value = lambda m: jnp.sum(jnp.exp(m.w) * m.b)
assert dk.check(value, jax.grad(value), Model(at, at + 1)).verdict == "correct"
assert dk.check(value, lambda m: Model(m.w, m.b), Model(at, at + 1)).verdict == "wrong"

@jax.custom_vjp
def cube(x):
    return jnp.sum(x**3)

cube.defvjp(lambda x: (cube(x), x), lambda x, g: (g * 2 * x**2,))
assert dk.check(cube, jax.grad(cube), at).verdict == "wrong"
assert dk.check(jnp.cumsum, jax.jacrev(jnp.cumsum), at).verdict == "correct"
"""

AUTOGRAD = """
import autograd, autograd.numpy as anp, numpy as np, diffkit as dk
f = lambda x: anp.sum(anp.sin(x) * x)
for point in ([1.0, 2.0], np.array([1.0, 2.0])):
    assert dk.check(f, autograd.grad(f), point).verdict == "correct"
g = lambda p: anp.sum(anp.sin(p["w"]) * p["b"]["c"])
tree = {"w": np.array([1.0, 2.0]), "b": {"c": 3.0}}
assert dk.check(g, autograd.grad(g), tree).verdict == "correct"
"""

TORCH = """
import copy, pickle, numpy as np, torch, diffkit as dk
f = lambda x: torch.sum(torch.sin(x) * x)

def by_autograd(x):
    x = x.clone().requires_grad_(True)
    return torch.autograd.grad(f(x), x)

at = torch.tensor([1.0, 2.0], dtype=torch.float64)
for point in (at, [1.0, 2.0], at.clone().requires_grad_(True), np.array([1.0, 2.0])):
    for claim in (by_autograd, torch.func.grad(f), by_autograd(at), by_autograd(at)[0]):
        assert dk.check(f, claim, point).verdict == "correct"
    assert dk.check(f, lambda x: 1.001 * by_autograd(x)[0], point).verdict == "wrong"
    assert np.allclose(dk.gradient(f, point).value, by_autograd(at)[0], rtol=1e-10)
assert dk.check(f, lambda x: torch.autograd.grad(f(x), x), at.clone().requires_grad_(True)).verdict == "correct"
assert np.isclose(dk.derivative(torch.sin, 0.5).value, np.cos(0.5))
assert dk.check("x*y", lambda x: torch.stack([x[1], x[0]]), at).verdict == "correct"
assert dk.gradient(f, torch.tensor([1, 2])).value.shape == (2,)  # integers are points too
narrow = dk.check(f, by_autograd, at.float())
assert narrow.verdict == "inconclusive" and "float32" in narrow.reason and ".double()" in narrow.reason, narrow
two = lambda w, b: (torch.sin(w) @ b).sum()
weights = torch.ones(2, 2, dtype=torch.float64)
assert dk.check(two, lambda w, b: (torch.cos(w) * b, torch.sin(w).sum(0)), [weights, at]).verdict == "correct"
assert any("writes into" in said for said in dk.check(lambda x: (x * x).sum(), lambda x: x.mul_(2), at).warnings)
spread = dk.gradient(lambda x: x.std(), at).value  # tensors stay tensors: NumPy's std is another one
assert np.allclose(spread, torch.func.grad(lambda x: x.std())(at)), spread

net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)).double()
loss = lambda m: (m(at) ** 2).sum()
before = copy.deepcopy(net.state_dict())

def backward(m, factor=1.0):
    loss(m).backward()
    m[0].bias.grad *= factor
    return m

assert dk.check(loss, lambda m: torch.autograd.grad(loss(m), list(m.parameters())), net).verdict == "correct"
assert dk.check(loss, backward, net).verdict == "correct"
assert dk.check(loss, lambda m: {n: p.grad for n, p in backward(m).named_parameters()}, net).verdict == "correct"
wrong = dk.check(loss, lambda m: backward(m, 1.01), net)
assert wrong.verdict == "wrong" and "0.bias[" in str(wrong), wrong
assert "0.weight[0,0]" in dk.gradient(loss, net).variables
assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
assert all(p.grad is None for p in net.parameters())
assert dk.check(net, torch.func.jacrev(net), at).verdict == "correct"
assert dk.check(net, torch.func.jacrev(net), [1.0, 2.0]).verdict == "correct"

class Cube(torch.autograd.Function):
    factor = 3.0
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x**3).sum()
    @staticmethod
    def backward(ctx, g):
        return g * Cube.factor * ctx.saved_tensors[0] ** 2

class Apart(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return (x**3).sum()
    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
    @staticmethod
    def backward(ctx, g):
        return g * Cube.factor * ctx.saved_tensors[0] ** 2

for kind in (Cube, Apart):
    claim = lambda x: torch.autograd.grad(kind.apply(x), x)
    followed = at.clone().requires_grad_(True)
    Cube.factor = 3.0
    assert dk.check(kind.apply, claim, followed).verdict == "correct"
    Cube.factor = 3.003
    assert dk.check(kind.apply, claim, followed).verdict == "wrong"

try:
    dk.check(f, by_autograd, at.bfloat16())
except dk.DiffkitError as error:
    assert "bfloat16" in str(error)
else:
    raise AssertionError("bfloat16 is no type of NumPy's")
"""

CASADI = """
import casadi as ca, numpy as np, diffkit as dk
x, p = ca.SX.sym("x", 2), ca.SX.sym("p")
value = p * ca.dot(ca.sin(x), x)
f, g = ca.Function("f", [x, p], [value]), ca.Function("g", [x, p], [ca.gradient(value, x), ca.gradient(value, p)])
point = [np.array([1.0, 2.0]), 3.0]
assert dk.check(f, g, point).verdict == "correct"
assert dk.check(f, lambda x, p: [1.01 * part for part in g(x, p)], point).verdict == "wrong"
one = ca.Function("one", [x], [ca.dot(ca.sin(x), x)])
by_x = ca.Function("by_x", [x], [ca.gradient(ca.dot(ca.sin(x), x), x)])
for at in ([1.0, 2.0], np.array([1.0, 2.0]), ca.DM([1.0, 2.0])):
    assert dk.check(one, by_x, at).verdict == "correct"
    assert dk.check(one, by_x(at), at).verdict == "correct"
    assert np.allclose(dk.gradient(one, at).value.ravel(), by_x(at).full().ravel(), rtol=1e-10)
"""


@pytest.mark.parametrize(("tool", "code"), [("jax", JAX), ("autograd", AUTOGRAD), ("torch", TORCH), ("casadi", CASADI)])
def test_a_world(tool, code):
    if find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed")
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
