"""Rows of machine learning: activations and logsumexp, in forms that neither overflow nor cancel."""

from __future__ import annotations

from diffkit.core.table import ball_forms, ieee
from diffkit.core.table.places import Place
from diffkit.core.table.primitive import NOT_NEGATIVE, row

row("sigmoid", "x", "logistic function 1/(1 + e⁻ˣ)", aliases=("expit", "logistic"),
    family="function", activation=True,
    range=(0.0, 1.0), positive=True, monotone=1,
    tails=(0.0, 1.0), exponent=60, latex="\\sigma",
    floats=ieee.sigmoid, array="scipy.special.expit", ulps=2.5,
    definition=lambda F, x: 1 / (1 + F.exp(-x)),
    ball=ball_forms.logistic, series=ball_forms.logistic,
    pairs=lambda F, x: F.where(x > 0, 1, F.exp(-F.abs(x))) / (1 + F.exp(-F.abs(x))),
    partials=(lambda F, x, y: y * F.sigmoid(-x),), written=(lambda F, x, y: y * (1 - y),),
    points=(-700.0, -20.5, 0.0, 0.3, 8.0, 40.0))

row("relu", "x", "max(x, 0)", bends=(),
    pairs="relu", extreme=1, options=(lambda F, x: x, lambda F, x: 0), convention="and frameworks take 0",
    activation=True,
    range=NOT_NEGATIVE, monotone=1,
    floats=lambda x: ieee.maximum(x, 0.0), array=lambda np, x: np.maximum(x, 0.0), ulps=0.0,
    definition=lambda F, x: F.max(x, 0),
    partials=(lambda F, x, y: F.where(x > 0, 1, 0),),
    places=(Place("kink", lambda F, x: x, "x = 0", slope=lambda F, t: F.max(t, 0)),),
    points=(-3.0, -1e-8, 1e-8, 2.0))

row("softplus", "x", "log(1 + eˣ)",
    activation=True,
    range=NOT_NEGATIVE, positive=True, monotone=1,
    growth=lambda F, x: F.max(x, 0) + F.log1p(F.exp(-F.abs(x))), exponent=60,
    floats=ieee.softplus, array=lambda np, x: np.logaddexp(0.0, x), ulps=2.0,
    definition=lambda F, x: F.log1p(F.exp(x)),
    ball=ball_forms.softplus, series=ball_forms.softplus,
    pairs=lambda F, x: F.max(x, 0) + F.log1p(F.exp(-F.abs(x))),
    partials=(lambda F, x, y: F.sigmoid(x),),
    points=(-700.0, -20.5, 0.0, 0.3, 8.0, 800.0))

row("silu", "x", "x·sigmoid(x)", aliases=("swish",), ulps=3.0,
    activation=True,
    exponent=60,
    definition=lambda F, x: x * F.sigmoid(x),
    partials=(lambda F, x, y: F.sigmoid(x) * (1 + x * F.sigmoid(-x)),),
    written=(lambda F, x, y: F.sigmoid(x) * (1 + x * (1 - F.sigmoid(x))),),
    points=(-700.0, -6.0, 0.0, 1.3, 40.0))

row("gelu", "x", "x·Φ(x), Φ the normal distribution function", ulps=6.0,
    activation=True,
    exponent=30,
    definition=lambda F, x: x * F.erfc(-x / F.sqrt(2)) / 2,
    partials=(lambda F, x, y: F.erfc(-x / F.sqrt(2)) / 2 + x * F.exp(-(x**2) / 2) / F.sqrt(2 * F.pi),),
    points=(-1.5, 0.0, 0.3, 4.0))

row("logsumexp", "x, y", "log(eˣ + eʸ + …)", variadic=True, aliases=("logaddexp",),
    growth=lambda F, x, y: F.max(x, y) + F.log1p(F.exp(-F.abs(x - y))), exponent=60,
    floats=ieee.logsumexp, array="logaddexp", ulps=2.0,
    definition=lambda F, x, y: F.log(F.exp(x) + F.exp(y)),
    ball=ball_forms.logsumexp, series=ball_forms.logsumexp,
    pairs=lambda F, x, y: F.max(x, y) + F.log1p(F.exp(-F.abs(x - y))),
    partials=(lambda F, x, y, s: F.sigmoid(x - y), lambda F, x, y, s: F.sigmoid(y - x)),
    points=((0.3, 0.5), (1000.0, 999.0), (-700.0, 3.0)))
