"""Ufuncs of NumPy and SciPy that are no rows, as formulas in rows; their derivatives are those of the rows."""

from __future__ import annotations

from typing import Any

from diffkit.core.table.places import Rule


def _toward_zero(F: Any, x: Any) -> Any:
    return F.sign(x) * F.floor(F.abs(x))


def _half_to_even(F: Any, x: Any) -> Any:
    up = F.floor(x + F.rational(1, 2))
    odd = F.ne(up, 2 * F.floor(up / 2))
    return up - F.where(F.and_(F.eq(up, x + F.rational(1, 2)), odd), 1, 0)


def _logaddexp2(F: Any, x: Any, y: Any) -> Any:
    return F.logsumexp(x * F.log(2), y * F.log(2)) / F.log(2)


UFUNC_FORMULAS: dict[str, Rule] = {
    "positive": lambda _, x: x,
    "conjugate": lambda _, x: x,
    "square": lambda _, x: x * x,
    "reciprocal": lambda _, x: 1 / x,
    "exp2": lambda F, x: F.power(2, x),
    "exp10": lambda F, x: F.power(10, x),
    "logaddexp2": _logaddexp2,
    "deg2rad": lambda F, x: x * F.pi / 180,
    "radians": lambda F, x: x * F.pi / 180,
    "rad2deg": lambda F, x: x * 180 / F.pi,
    "degrees": lambda F, x: x * 180 / F.pi,
    "fabs": lambda F, x: F.abs(x),
    "float_power": lambda F, x, y: F.power(x, y),
    "fmax": lambda F, x, y: F.max(x, y),
    "fmin": lambda F, x, y: F.min(x, y),
    "trunc": _toward_zero,
    "fix": _toward_zero,
    "rint": _half_to_even,
    "floor_divide": lambda F, x, y: F.floor(x / y),
    "remainder": lambda F, x, y: x - F.floor(x / y) * y,
    "fmod": lambda F, x, y: x - _toward_zero(F, x / y) * y,
    "copysign": lambda F, x, y: F.abs(x) * F.where(y >= 0, 1, -1),
    "heaviside": lambda F, x, h: (1 + F.sign(x)) / 2 + F.where(F.eq(x, 0), h - F.rational(1, 2), 0),
    "sinc": lambda F, x: F.sinc(F.pi * x),
    "logical_xor": lambda F, p, q: F.and_(F.or_(p, q), F.not_(F.and_(p, q))),
    # scipy.special
    "logit": lambda F, x: F.log(x) - F.log1p(-x),
    "log_expit": lambda F, x: -F.softplus(-x),
    "ndtr": lambda F, x: F.erfc(-x / F.sqrt(2)) / 2,
    # at x = 0 these are 0 like √x, with its edge there
    "xlogy": lambda F, x, y: F.where(F.and_(F.eq(y, 0), F.eq(x, 0)), F.sqrt(x), x * F.log(y)),
    "xlog1py": lambda F, x, y: F.where(F.and_(F.eq(y, -1), F.eq(x, 0)), F.sqrt(x), x * F.log1p(y)),
    "entr": lambda F, x: F.where(F.eq(x, 0), F.sqrt(x), -x * F.log(x)),
    "rel_entr": lambda F, x, y: F.where(F.eq(x, 0), F.sqrt(x), x * F.log(x / y)),
    "kl_div": lambda F, x, y: F.where(F.eq(x, 0), y + F.sqrt(x), x * F.log(x / y) - x + y),
    "rgamma": lambda F, x: 1 / F.gamma(x),
    "beta": lambda F, x, y: F.gamma(x) * F.gamma(y) / F.gamma(x + y),
    "betaln": lambda F, x, y: F.loggamma(x) + F.loggamma(y) - F.loggamma(x + y),
    "jv": lambda F, n, x: F.besselj(n, x),
    "j0": lambda F, x: F.besselj(0, x),
    "j1": lambda F, x: F.besselj(1, x),
    "huber": lambda F, d, r: F.where(F.abs(r) <= d, r * r / 2, d * (F.abs(r) - d / 2)),
    "pseudo_huber": lambda F, d, r: d * d * (F.sqrt(1 + (r / d) * (r / d)) - 1),
}
"""by the name of the ufunc"""
