# %% [markdown]
# # How fast is the tea cooling?
#
# A cup of tea stands in a room of 20 °C. After t minutes its temperature is T(t) = 20 + 60·exp(−t/10). It cools
# quickly at first and slowly later. *How fast, exactly, after five minutes?*
#
# "How fast" is a derivative. This notebook builds one from nothing but subtraction and division, sees where that goes
# wrong, and ends with a question you will meet again and again: **is the derivative that I worked out by hand right?**

# %%
import diffkit as dk

tea = "20 + 60*exp(-t/10)"
dk.parse(tea)

# %% [markdown]
# ## A slope between two moments
#
# Between 5 and 5 + h minutes the temperature changes by T(5 + h) − T(5). Divided by h, that is the average speed of
# cooling over these h minutes. Let h shrink:

# %%
for h in (5, 1, 0.1, 0.01):
    (step,) = dk.quotients(tea, 5, steps=[h]).steps
    print(f"over {h:>4} minutes: {step.forward.value:.6f} degrees a minute")

# %% [markdown]
# The numbers settle down. What they settle down *to* is the derivative T′(5): the limit of the quotients for h → 0.
# diffkit gives it with a proof, correctly rounded to the last bit:

# %%
speed = dk.derivative(tea, 5)
print(speed.value, speed.error_kind)

# %% [markdown]
# Five minutes in, the tea loses 3.64 degrees a minute. The derivative is also the slope of the straight line that
# touches the curve there, its *tangent*. Below the curve stands T′, whose height at t = 5 is that slope:

# %%
dk.tangent(tea, 5)

# %% [markdown]
# ## Smaller is not always better
#
# If h → 0 is the recipe, why not take h = 10⁻¹⁵ and be done? Because a computer keeps about 16 digits. For a tiny h
# the two temperatures agree in nearly all of them, and the subtraction leaves only the rounding. The next cell lets h
# shrink until that has taken over. Look at the V: on its right arm the error falls with h (*truncation*: the curve is
# not a line), on its left arm it rises again (*round-off*).

# %%
dk.quotients(tea, 5)

# %% [markdown]
# The central quotient (T(5 + h) − T(5 − h))/2h is better than the other two: its errors to the left and to the right
# cancel. It reaches nearly twelve digits, and no choice of h reaches sixteen.
#
# ## Where there is no limit
#
# A kettle heats the water to 100 °C and then holds it there: T(t) = min(100, 20 + 16·t). At t = 5 the heating stops.
# From the left the quotients tend to 16, from the right to 0. There is no *one* slope, and so no derivative:

# %%
kettle = dk.derivative("min(100, 20 + 16*t)", 5)
print(kettle.status, "from the left:", kettle.left, "from the right:", kettle.right)

# %% [markdown]
# The central quotient does not notice: it gives the mean of the two, 8, for every h. A number that looks fine is no
# proof that there is a derivative.

# %%
for step in dk.quotients("min(100, 20 + 16*t)", 5, steps=[0.1, 0.001]).steps:
    print(step.h, step.central.value)

# %% [markdown]
# ## Where the formula comes from
#
# Limits are tedious. The rules of differentiation do them once and for all: each step below is one rule, checked
# against two other methods.

# %%
dk.explain(tea)

# %% [markdown]
# ## Is my hand-written derivative right?
#
# Work out the derivative by hand, type it in, and let `dk.check` judge it. The first try forgets the inner derivative:

# %%
dk.check(tea, "60*exp(-t/10)")

# %%
dk.check(tea, "-6*exp(-t/10)")

# %% [markdown]
# **Exercises.** Replace each `"0"` by your derivative, until `verdict` is *correct*.
#
# 1. the height of a ball, h(t) = 2 + 12·t − 4.9·t²
# 2. a swing that comes to rest, s(t) = exp(−t/3)·cos(2·t)
# 3. a dose in the blood, c(t) = t/(1 + t²). When does it fall? (Hint: where is c′(t) < 0?)

# %%
for f in ("2 + 12*t - 4.9*t^2", "exp(-t/3)*cos(2*t)", "t/(1 + t^2)"):
    print(f, "→", dk.check(f, "0").verdict)

# %% [markdown]
# One solution, to see what success looks like:

# %%
print(dk.check("t/(1 + t^2)", "(1 - t^2)/(1 + t^2)^2"))
