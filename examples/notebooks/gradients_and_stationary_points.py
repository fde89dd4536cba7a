# %% [markdown]
# # Which way is up?
#
# You stand on a hill in thick fog. You can feel how the ground tilts under your boots, in each direction, and nothing
# else. That is exactly what a *gradient* knows. This notebook walks a small landscape with it: uphill, downhill, over
# the pass, and to the bottom of both valleys.

# %%
import numpy as np

import diffkit as dk

land = "(x^2 - 1)^2 + y^2 + x/4"
dk.parse(land)

# %% [markdown]
# ## One slope for each direction
#
# A function of two variables has two partial derivatives: how it changes if you step east (x) and if you step north
# (y). Together they are the gradient ∇f.

# %%
here = {"x": 0.5, "y": 1}
tilt = dk.gradient(land, here)
tilt

# %% [markdown]
# East of here the ground falls (−1.25), to the north it rises (2). What about any other direction? It takes no new
# measurement: the slope along a unit vector v is ∇f·v.

# %%
for name, degrees in (("east", 0), ("north-east", 45), ("north", 90), ("north-west", 135), ("west", 180)):
    v = [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
    slope = dk.directional(land, here, v).value
    print(f"{name:10}  measured {slope:8.5f}   ∇f·v {np.dot(tilt.value, v):8.5f}")

# %% [markdown]
# Of all directions the gradient itself is the steepest, and its length is that slope. Against it you lose height the
# fastest; at right angles to it you walk along the hillside and stay level.

# %%
steepest = tilt.value / np.linalg.norm(tilt.value)
level = np.array([-steepest[1], steepest[0]])
print("length of the gradient ", np.linalg.norm(tilt.value))
print("slope along the gradient", dk.directional(land, here, steepest).value)
print("slope at right angles   ", abs(round(dk.directional(land, here, level).value, 12)))

# %% [markdown]
# ## Where it is flat
#
# At the bottom of a valley the ground does not tilt: ∇f = 0. On a summit it does not either, nor on a pass. diffkit
# searches the whole map and *proves* that it has found every such point:

# %%
found = dk.stationary(land, "x=-2:2,y=-1:1")
found

# %% [markdown]
# Two valleys, one deeper than the other, and a pass (a *saddle*) between them. The gradient cannot tell these apart:
# it is zero at all three. The second derivatives can. They make up the Hessian, and its eigenvalues are the curvatures
# of the ground: all positive, a valley; all negative, a summit; one of each, a pass.

# %%
for point in found.points:
    curvatures = np.linalg.eigvalsh(dk.hessian(land, point.at).value)
    print(f"{point.kind:8} at x = {point.at['x']:7.4f}   curvatures {curvatures.round(3)}")

# %% [markdown]
# ## A ridge where nothing helps
#
# The roof of a house, −|x|, has a highest line too, but its gradient is zero nowhere: on the ridge it does not exist.
# Looking only for ∇f = 0 would miss it. A search that knows of kinks does not:

# %%
roof = dk.stationary("1 - abs(x) + x/4", "-1:1")
print(roof)
print(dk.derivative("1 - abs(x) + x/4", 0).message)

# %% [markdown]
# ## Is my hand-written gradient right?
#
# A gradient worked out by hand is two formulas. Here the second one has lost its factor 2. `dk.check` says which entry
# is wrong and what would mend it:

# %%
dk.check(land, ["4*x*(x^2 - 1) + 1/4", "y"], at=here)

# %% [markdown]
# Code is checked in the same way. This one is right:

# %%


def height(p):
    x, y = p
    return (x**2 - 1) ** 2 + y**2 + x / 4


def height_gradient(p):
    x, y = p
    return np.array([4 * x * (x**2 - 1) + 0.25, 2 * y])


print(dk.check(height, height_gradient, np.array([0.5, 1.0])))

# %% [markdown]
# **Exercises.** Write the gradient of each, as a list of formulas, and check it.
#
# 1. a bowl that is twice as steep to the north: x² + 2·y²
# 2. a bump: exp(−x² − y²)
# 3. the distance from the origin, sqrt(x² + y²). Check it at (3, 4), and then at (0, 0): what does the verdict say
#    there, and why can no gradient be right?

# %%
for f in ("x^2 + 2*y^2", "exp(-x^2 - y^2)", "sqrt(x^2 + y^2)"):
    print(f, "→", dk.check(f, ["0", "0"], at={"x": 3, "y": 4}).verdict)

# %% [markdown]
# One solution:

# %%
print(dk.check("exp(-x^2 - y^2)", ["-2*x*exp(-x^2 - y^2)", "-2*y*exp(-x^2 - y^2)"]))
