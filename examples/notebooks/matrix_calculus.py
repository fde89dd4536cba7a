# %% [markdown]
# # Calculus for whole tables at once
#
# Nobody differentiates a loss with a thousand weights one weight at a time. Matrix calculus writes all of these
# derivatives as one formula. Half of its formulas look obvious and are wrong: a transpose is missing, or a matrix was
# assumed to be symmetric. Here every formula is tested before we trust it.

# %%
import numpy as np

import diffkit as dk

# %% [markdown]
# ## A formula for any size
#
# Least squares again: X is a table of data, y what was measured, w the weights, and the loss ‖X·w − y‖². Its gradient
# by w, for tables of any size:

# %%
squares = dk.matrix_derivative("norm(X @ w - y)**2", "w")
squares

# %% [markdown]
# At the best w that gradient is zero: Xᵀ·X·w = Xᵀ·y, the *normal equations*. A formula is a promise about numbers, so
# put some in. With data for X and y, the formula and the derivative at a point agree:

# %%
X = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
y = np.array([1.0, 2.9, 5.1, 7.2])
w = np.array([0.5, 0.5])

loss = dk.arrays("norm(X @ w - y)**2", X=X, y=y)
print("at a point  ", dk.gradient(loss, {"w": w}).value)
print("by formula  ", 2 * X.T @ (X @ w - y))

# %% [markdown]
# ## Obvious, and wrong
#
# Everybody knows that the derivative of a·x² is 2·a·x. So the derivative of xᵀ·A·x should be 2·A·x:

# %%
dk.check_identity("d/dx x.T @ A @ x = 2 * A @ x")

# %% [markdown]
# It is wrong, with numbers to prove it. The right formula is (A + Aᵀ)·x. The obvious one holds if A is its own
# transpose, which is why it survives in so many notes:

# %%
print(dk.check_identity("d/dx x.T @ A @ x = (A + A.T) @ x").verdict)
print(dk.check_identity("d/dx x.T @ A @ x = 2 * A @ x", symmetric=["A"]).verdict)

# %% [markdown]
# A few that are worth knowing. Each is tried on random shapes with rigorous arithmetic; none is believed.

# %%
for text in (
    "d/dx norm(x)**2 = 2*x",
    "d/dX trace(A @ X) = A.T",
    "d/dX log(det(X)) = inv(X).T",
    "d/dX trace(X.T @ A @ X) = 2 * A @ X",
    "inv(A @ B) = inv(B) @ inv(A)",
    "(A @ B).T = A.T @ B.T",
):
    found = dk.check_identity(text)
    print(f"{found.verdict:5}  {text}")

# %% [markdown]
# ## The Hessian, and a step that needs no second
#
# The second derivative of a scalar by a vector is a matrix. For least squares it does not even depend on w:

# %%
curvature = dk.matrix_derivative("norm(X @ w - y)**2", "w", order=2)
print(curvature.formula, " ", curvature.shape)

# %% [markdown]
# A landscape of constant curvature is a perfect bowl, and its bottom is *one* step away: w − H⁻¹·∇f. That is Newton's
# method. (Gradient descent knows only the slope, and needs hundreds of steps.)

# %%
H = dk.hessian(loss, {"w": w}).value
step = np.linalg.solve(H, dk.gradient(loss, {"w": w}).value)
best = w - step
print("after one step", best)
print("gradient there", abs(dk.gradient(loss, {"w": best}).value).round(12))

# %% [markdown]
# Where H itself would be too large to write down, H·v is enough, and diffkit never forms H:

# %%
print(dk.hvp(loss, {"w": w}, [1.0, 0.0]).value, "is the first column of")
print(H)

# %% [markdown]
# ## Is my hand-written gradient right?
#
# Logistic regression: labels s are +1 or −1, and the loss is the sum of ln(1 + exp(−s·(X·w))). A hand-written
# gradient, in which a sign is wrong:

# %%
s = np.array([-1.0, -1.0, 1.0, 1.0])


def logistic(w):
    return np.sum(np.log(1 + np.exp(-s * (X @ w))))


def logistic_gradient(w):
    return X.T @ (s / (1 + np.exp(s * (X @ w))))


dk.check(logistic, logistic_gradient, w)

# %% [markdown]
# **Exercises.**
#
# 1. Mend `logistic_gradient`.
# 2. Ridge regression adds λ·‖w‖² to least squares. Find its gradient with `dk.matrix_derivative`, then write it in
#    NumPy and check it.
# 3. Is d/dX ‖A·X − B‖² = 2·Aᵀ·(A·X − B)? Write it as text for `dk.check_identity` (the norm of a matrix is `norm`).
# 4. Find an identity in your lecture notes that is false.

# %%
print(dk.matrix_derivative("norm(X @ w - y)**2 + c*norm(w)**2", "w", shapes={"c": ()}).formula)
