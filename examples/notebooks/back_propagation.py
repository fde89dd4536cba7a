# %% [markdown]
# # How a network learns from one mistake
#
# A neural network is a long chain of simple steps: multiply, add, squash, again and again. To improve it we must know
# how the final mistake depends on every single weight. There may be millions, and *back-propagation* finds all of
# these derivatives in one sweep. We look at it under the microscope, then build it by hand, and break it on purpose.

# %%
import numpy as np

import diffkit as dk

# %% [markdown]
# ## One neuron
#
# A neuron multiplies its input x by a weight w, adds a bias b and squashes the sum to something between 0 and 1 with
# the sigmoid σ. We wanted y, so the mistake is (y − σ(w·x + b))².
#
# On the way forward every intermediate gets its value. On the way back each one gets its *adjoint*: how much the
# mistake changes if this one quantity changes. An adjoint is the adjoint of whoever uses the quantity, times the local
# slope at the arrow. That is the chain rule, and all there is to back-propagation.

# %%
dk.backward("(y - sigmoid(w*x + b))^2", {"w": 1, "b": -1, "x": 2, "y": 0})

# %% [markdown]
# The adjoints of w and b are the gradient. Both are positive here: less w and less b would bring the output, 0.73,
# closer to the 0 that we want.
#
# ## Two layers, by hand
#
# Three inputs, four hidden neurons, one output. The forward pass keeps what the backward pass will need.

# %%
X = np.array([[0.0, 0.5, 1.0], [1.0, -0.5, 0.2], [-1.0, 0.3, 0.4]])
y = np.array([1.0, 0.0, 1.0])
W = np.array([[0.2, -0.4, 0.1, 0.5], [-0.3, 0.8, 0.6, -0.2], [0.7, 0.1, -0.5, 0.3]])
v = np.array([0.6, -0.7, 0.4, 0.2])


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def mistake(W, v):
    hidden = np.tanh(X @ W)
    output = sigmoid(hidden @ v)
    return np.mean((output - y) ** 2)


print("mistake", mistake(W, v))

# %% [markdown]
# And now backwards, layer by layer. Each line is the adjoint of one quantity; read it from the bottom of `mistake` up.


# %%
def gradient(W, v):
    hidden = np.tanh(X @ W)
    output = sigmoid(hidden @ v)
    d_output = 2 * (output - y) / len(y)
    d_sum = d_output * output * (1 - output)  # σ′ = σ·(1 − σ)
    d_v = hidden.T @ d_sum
    d_hidden = np.outer(d_sum, v)
    d_W = X.T @ (d_hidden * (1 - hidden**2))  # tanh′ = 1 − tanh²
    return d_W, d_v


check = dk.check(mistake, gradient, [W, v])
print(check)

# %% [markdown]
# Sixteen derivatives, all right. Computing them one after another by nudging each weight would take sixteen more
# forward passes; the sweep took about two, and that would not change for sixteen million weights.
#
# ## The mistake everybody makes once
#
# Leave out the derivative of the squashing function. Nothing crashes, shapes fit, and training even seems to work for
# a while. A check finds it at once:


# %%
def forgetful(W, v):
    hidden = np.tanh(X @ W)
    output = sigmoid(hidden @ v)
    d_sum = 2 * (output - y) / len(y) * output * (1 - output)
    d_hidden = np.outer(d_sum, v)
    return X.T @ d_hidden, hidden.T @ d_sum


wrong = dk.check(mistake, forgetful, [W, v])
print(wrong.verdict, "in", len(wrong.entries), "entries;", wrong.passed, "are right")
print(wrong.explanation)

# %% [markdown]
# ## Why deep networks were hard to train
#
# An adjoint travels back through every layer and is multiplied by a slope in each. The slope of the sigmoid is at most
# 1/4. Twelve layers of it, and next to nothing arrives at the first weight:

# %%
for layers in (1, 4, 8, 12):
    f = "w*x"
    for _ in range(layers):
        f = f"sigmoid({f})"
    print(f"{layers:2} layers: df/dw = {dk.derivative(f, {'w': 1, 'x': 1}, wrt='w').value:.2e}")

# %% [markdown]
# With ReLU, max(0, z), the slope is 1 wherever the neuron is on, and the adjoint arrives whole. The price is a kink at
# 0, where there is no derivative; frameworks pick a value there, and diffkit says that it is a choice:

# %%
print(dk.derivative("relu(z)", 0).message)
print(dk.check("relu(z)", "0", at=0).convention)

# %% [markdown]
# ## Is my hand-written gradient right?
#
# **Exercises.** Each changes `mistake`; change `gradient` to fit, and check it.
#
# 1. Add a bias to the hidden layer: `np.tanh(X @ W + c)` with a vector c of four numbers.
# 2. Use the cross-entropy −mean(y·ln(output) + (1 − y)·ln(1 − output)). Something pleasant happens to `d_sum`.
# 3. Replace tanh by ReLU, `np.maximum(0, …)`.
#
# A start for the second, which is wrong as it stands:


# %%
def entropy(W, v):
    output = sigmoid(np.tanh(X @ W) @ v)
    return -np.mean(y * np.log(output) + (1 - y) * np.log(1 - output))


print(dk.check(entropy, gradient, [W, v]).verdict)
