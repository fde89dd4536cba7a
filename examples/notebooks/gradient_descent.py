# %% [markdown]
# # Learning is walking downhill
#
# Five bean plants got different hours of light a day; after a week we measured how much they had grown. How does
# growth depend on light? We look for the line growth = w·light + b that misses the measurements least. A computer
# finds it by walking downhill, and how it walks decides whether it arrives.

# %%
import numpy as np

import diffkit as dk

light = np.array([2.0, 4.0, 6.0, 8.0, 10.0])  # hours a day
growth = np.array([1.1, 1.9, 3.2, 3.9, 5.1])  # centimetres

# %% [markdown]
# ## The landscape of mistakes
#
# For every pair (w, b) the line misses each plant by some amount. Square these, take the mean: one number that says
# how bad the pair is. It is small where the line fits. This *loss* is a landscape over w and b, and we want its lowest
# place.


# %%
def loss(w, b):
    return np.mean((w * light + b - growth) ** 2)


start = {"w": 0.0, "b": 0.0}
print("loss at the start", loss(**start))
print("gradient there   ", dk.gradient(loss, start).value)

# %% [markdown]
# Both partial derivatives are negative: more w and more b would help. *Gradient descent* takes a step against the
# gradient, looks again, and repeats: θ ← θ − α·∇f(θ). The factor α is the *learning rate*.

# %%
walk = dk.descend(loss, start, rate=0.02, steps=4000)
print(walk)

# %% [markdown]
# The line is growth ≈ 0.5·light + 0.04. Each hour of light is worth half a centimetre. Is that really the best line?
# For this landscape linear algebra knows the answer, and it agrees:

# %%
w, b = np.polyfit(light, growth, 1)
print(f"descent  w = {walk.weights['w']:.6f}  b = {walk.weights['b']:.6f}")
print(f"algebra  w = {w:.6f}  b = {b:.6f}")

# %% [markdown]
# ## Too timid, too bold
#
# Why 0.02? A smaller rate is safe and slow. A larger one overshoots: it crosses the valley and climbs the other side,
# higher each time.

# %%
for rate in (0.0005, 0.02, 0.0225, 0.03):
    run = dk.descend(loss, start, rate=rate, steps=300)
    print(f"rate {rate:<7} {run.status:12} loss {run.value:.4g}")

# %% [markdown]
# There is no magic in the limit. The Hessian of the loss has two curvatures, and the larger one, L, decides: beyond
# 2/L every step makes things worse.

# %%
curvatures = np.linalg.eigvalsh(dk.hessian(loss, start).value)
print("curvatures      ", curvatures.round(4))
print("largest rate 2/L", round(2 / curvatures[-1], 5))

# %% [markdown]
# The two curvatures differ by a factor of 250: a long narrow gorge. Descent rushes to its floor and then creeps along
# it. Here is the same effect on a loss that is small enough to draw, with the path across it:

# %%
dk.descend("(w - 3)^2 + 12*(b + 1)^2", {"w": 0, "b": 0}, rate=0.07, steps=60)

# %% [markdown]
# ## A better landscape
#
# The gorge comes from the data: hours run from 2 to 10, while the constant that goes with b is 1. Measure light from
# its mean, in units of its spread, and the valley becomes round. The same descent then needs a handful of steps.

# %%
scaled = (light - light.mean()) / light.std()


def scaled_loss(w, b):
    return np.mean((w * scaled + b - growth) ** 2)


print("curvatures", np.linalg.eigvalsh(dk.hessian(scaled_loss, start).value).round(4))
print(dk.descend(scaled_loss, start, rate=0.4, steps=100))

# %% [markdown]
# ## Is my hand-written gradient right?
#
# Frameworks need gradients, and people write them. This one forgets the mean: it sums over the plants. Descent may
# even converge with it, only with another rate than you think. `dk.check` is not fooled, and says what is missing:

# %%


def summed(w, b):
    miss = w * light + b - growth
    return 2 * np.sum(miss * light), 2 * np.sum(miss)


dk.check(loss, summed, start)

# %% [markdown]
# **Exercises.**
#
# 1. Mend `summed` so that the check says *correct*.
# 2. Use the mean of |miss| in place of its square. Write its gradient (hint: `np.sign`) and check it.
# 3. Add a penalty 0.1·w² to the loss, and to the gradient. Does the best w become larger or smaller?
#
# Here is a start for the first: your gradient goes into the descent, and the descent judges it.

# %%


def mended(w, b):
    miss = w * light + b - growth
    return 2 * np.mean(miss * light), 2 * np.mean(miss)


print(dk.descend(loss, start, rate=0.02, steps=50, gradient=mended).check())
