"""ψ⁽ⁿ⁾ by SciPy and mpmath for x > 0, and elsewhere by reflection: there they would walk to the right step by step.

ψ⁽ⁿ⁾(x) = (−1)ⁿ·ψ⁽ⁿ⁾(1 − x) − π·dⁿ/dxⁿ cot(πx) (DLMF 5.15.6), where dⁿ/dxⁿ cot(πx) = πⁿ·Pₙ(cot πx) with P₀ = c and
Pₙ₊₁ = −(1 + c²)·Pₙ′: coefficients of one sign and powers of one parity, so that nothing cancels.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

MOST = 170  # the order whose factorial is the last that is a binary64


@cache
def cotangents(n: int) -> tuple[int, ...]:
    """Coefficients of Pₙ, of the highest power first, every other one: those of the powers n + 1, n − 1, …"""
    p = [0, 1]
    for _ in range(n):
        slope = [k * a for k, a in enumerate(p)][1:]
        p = [-(a + b) for a, b in zip([*slope, 0, 0], [0, 0, *slope], strict=True)]
    return tuple(p[::-2])


def polygamma(n: float, x: float) -> float:
    """ψ⁽ⁿ⁾(x); NaN where binary64 does not reach."""
    import scipy.special

    order = int(n)
    if not -math.inf < x < 0:
        return float(scipy.special.polygamma(order, x))
    d = math.remainder(x, 1.0)
    if d == 0 or order > MOST:
        return math.inf if d == 0 else math.nan
    cosine = math.cos(math.pi * d) if abs(d) < 0.25 else math.sin(math.pi * (0.5 - abs(d)))
    c = cosine / math.sin(math.pi * d)
    total, *rest = map(float, cotangents(order))
    for a in rest:
        total = total * c * c + a
    turned: float = math.pi * math.pi**order * (total if order % 2 else total * c)
    mirrored = float(scipy.special.polygamma(order, 1.0 - x))
    return (-mirrored if order % 2 else mirrored) - turned


def polygammas(np: Any, n: float, x: Any) -> Any:
    """The same of the elements of an array."""
    import scipy.special

    order, x = int(n), np.asarray(x, dtype=float)
    left = (x < 0) & np.isfinite(x)
    found = np.array(scipy.special.polygamma(order, np.where(left, 1.0 - x, x)), dtype=float)
    if left.any():
        found[left] = _mirrored(np, order, x[left], found[left])
    return found


def _mirrored(np: Any, order: int, x: Any, right: Any) -> Any:
    """ψ⁽ⁿ⁾ at finite x < 0, from what it is at 1 − x."""
    d = x - np.rint(x)
    if order > MOST:
        return np.where(d == 0, np.inf, np.nan)
    cosine = np.where(np.abs(d) < 0.25, np.cos(np.pi * d), np.sin(np.pi * (0.5 - np.abs(d))))
    with np.errstate(all="ignore"):
        c = cosine / np.sin(np.pi * d)
        total, *rest = map(float, cotangents(order))
        for a in rest:
            total = total * c * c + a
        turned = np.pi * np.pi**order * (total if order % 2 else total * c)
        return np.where(d == 0, np.inf, (-1) ** order * right - turned)


def polygamma_of_mpmath(mp: Any, n: Any, x: Any) -> Any:
    """The same of a number of mpmath."""
    order = int(n)
    if not x < 0:
        return mp.psi(order, x)
    d = x - mp.nint(x)
    c = mp.cot(mp.pi * d) if abs(d) < 0.25 else mp.sign(d) * mp.tan(mp.pi * (0.5 - abs(d)))
    turned = mp.pi ** (order + 1) * mp.polyval(cotangents(order), c * c) * (1 if order % 2 else c)
    return (-1) ** order * mp.psi(order, 1 - x) - turned
