"""SciPy's special functions that take complex numbers, as functions of one number, and the same in mpmath."""

import mpmath
import scipy.special as sp

MP = mpmath.MPContext()
MP.dps = 30
WIDE = (0.3, 0.7, 1.3, 2.2, 3.7, 11.3, -0.3, -1.3, -3.7)
RIGHT = tuple(x for x in WIDE if x > 0)
INSIDE = (0.1, 0.3, 0.7, 0.95, -0.4)


def number(x):
    return MP.mpf(x)


def plain(name, function, points):
    return name, getattr(sp, name), function, points


def of_order(name, orders, function, points):
    """A function of an order and a number."""
    for order in orders:
        yield (name, lambda x, order=order: getattr(sp, name)(order, x),
               lambda x, order=order: function(number(order), x), points)  # fmt: skip


def part(name, k, function, points):
    """One of several functions that come together."""
    return name, lambda x: getattr(sp, name)(x)[k], function, points


def carlson(name, function, *rest):
    return (name, lambda x: getattr(sp, name)(x, *rest), lambda x: function(x, *map(number, rest)), RIGHT)


FUNCTIONS = [
    part("airy", 0, MP.airyai, WIDE),
    part("airy", 1, lambda x: MP.airyai(x, derivative=1), WIDE),
    part("airy", 2, MP.airybi, WIDE),
    part("airy", 3, lambda x: MP.airybi(x, derivative=1), WIDE),
    part("airye", 0, lambda x: MP.airyai(x) * MP.exp(x * MP.sqrt(x) * 2 / 3), RIGHT),
    plain("dawsn", lambda x: MP.sqrt(MP.pi) / 2 * MP.exp(-x * x) * MP.erfi(x), WIDE),
    plain("digamma", MP.digamma, WIDE),
    plain("psi", MP.digamma, RIGHT),
    carlson("elliprc", MP.elliprc, 1.3),
    carlson("elliprd", MP.elliprd, 1.3, 0.4),
    carlson("elliprf", MP.elliprf, 1.3, 0.4),
    carlson("elliprg", MP.elliprg, 1.3, 0.4),
    carlson("elliprj", MP.elliprj, 1.3, 0.4, 0.9),
    plain("erf", MP.erf, (0.3, 0.7, 1.3, -2.2)),
    plain("erfc", MP.erfc, (0.3, 0.7, 1.3, -2.2, 6.1)),
    plain("erfcx", lambda x: MP.exp(x * x) * MP.erfc(x), (0.3, 1.3, 3.7, 6.1, -1.3)),
    plain("erfi", MP.erfi, (0.3, 0.7, 1.3, -2.2)),
    *of_order("eval_chebyt", (3.0, 4.5), MP.chebyt, INSIDE),
    *of_order("eval_chebyu", (3.0, 4.5), MP.chebyu, INSIDE),
    *of_order("eval_chebyc", (3.0, 4.5), lambda n, x: 2 * MP.chebyt(n, x / 2), INSIDE),
    *of_order("eval_chebys", (3.0, 4.5), lambda n, x: MP.chebyu(n, x / 2), INSIDE),
    *of_order("eval_sh_chebyt", (3.0,), lambda n, x: MP.chebyt(n, 2 * x - 1), INSIDE[:3]),
    *of_order("eval_sh_chebyu", (3.0,), lambda n, x: MP.chebyu(n, 2 * x - 1), INSIDE[:3]),
    *of_order("eval_legendre", (3.0, 4.5), MP.legendre, INSIDE),
    *of_order("eval_sh_legendre", (3.0,), lambda n, x: MP.legendre(n, 2 * x - 1), INSIDE[:3]),
    *of_order("eval_laguerre", (3.0, 4.5), lambda n, x: MP.laguerre(n, 0, x), INSIDE),
    ("eval_genlaguerre", lambda x: sp.eval_genlaguerre(3.0, 0.75, x), lambda x: MP.laguerre(3, 0.75, x), INSIDE),
    ("eval_gegenbauer", lambda x: sp.eval_gegenbauer(4.5, 0.75, x), lambda x: MP.gegenbauer(4.5, 0.75, x), INSIDE),
    ("eval_jacobi", lambda x: sp.eval_jacobi(4.5, 0.5, 1.25, x), lambda x: MP.jacobi(4.5, 0.5, 1.25, x), INSIDE),
    plain("exp1", MP.e1, RIGHT),
    plain("expi", MP.ei, WIDE),
    plain("expm1", MP.expm1, WIDE),
    part("fresnel", 0, MP.fresnels, WIDE),
    part("fresnel", 1, MP.fresnelc, WIDE),
    plain("gamma", MP.gamma, WIDE),
    plain("rgamma", MP.rgamma, WIDE),
    plain("loggamma", MP.loggamma, RIGHT),
    *of_order("hyp0f1", (1.5,), MP.hyp0f1, WIDE),
    ("hyp1f1", lambda x: sp.hyp1f1(0.75, 1.5, x), lambda x: MP.hyp1f1(0.75, 1.5, x), WIDE),
    *(("hyp2f1", lambda x, p=p: sp.hyp2f1(*p, x), lambda x, p=p: MP.hyp2f1(*map(number, p), x),
       (0.1, 0.3, 0.5, 0.7, 0.9, 0.95, -0.3, -0.6, -0.9, -1.3, -3.7))
      for p in ((1.0, 1.0, 2.0), (0.5, 1.2, 2.3), (2.0, 3.1, 1.7))),
    *of_order("jv", (0.0, 1.0, 2.5), MP.besselj, RIGHT),
    *of_order("jn", (1.0,), MP.besselj, RIGHT),
    *of_order("jve", (1.0,), MP.besselj, RIGHT),
    *of_order("yv", (0.0, 2.5), MP.bessely, RIGHT),
    *of_order("yve", (1.0,), MP.bessely, RIGHT),
    *of_order("iv", (0.0, 2.5), MP.besseli, RIGHT),
    *of_order("kv", (0.0, 2.5), MP.besselk, RIGHT),
    *of_order("ive", (1.0,), lambda n, x: MP.besseli(n, x) * MP.exp(-x), RIGHT),
    *of_order("kve", (1.0,), lambda n, x: MP.besselk(n, x) * MP.exp(x), RIGHT),
    plain("log1p", MP.log1p, (*RIGHT, -0.3, -0.9)),
    plain("ndtr", MP.ncdf, (0.3, 0.7, 1.3, -2.2)),
    plain("log_ndtr", lambda x: MP.log(MP.ncdf(x)), (0.3, 0.7, 1.3, -2.2, -6.1)),
    part("shichi", 0, MP.shi, WIDE),
    part("shichi", 1, MP.chi, RIGHT),
    part("sici", 0, MP.si, WIDE),
    part("sici", 1, MP.ci, RIGHT),
    plain("spence", lambda x: MP.polylog(2, 1 - x), (0.1, 0.3, 0.7, 0.9, 1.1, 1.7, 2.0, 2.2, 3.7)),
    plain("wrightomega", lambda x: MP.lambertw(MP.exp(x)), WIDE),
    ("xlogy", lambda x: sp.xlogy(x, x), lambda x: x * MP.log(x), RIGHT),
    ("xlog1py", lambda x: sp.xlog1py(x, x), lambda x: x * MP.log1p(x), RIGHT),
]  # fmt: skip
COMPLEX_ONLY = {"hankel1", "hankel1e", "hankel2", "hankel2e", "wofz"}
"""functions whose values are complex at real points"""
OTHERWISE = {"eval_sh_jacobi"}
"""functions that are others of the list with other arguments"""


def slope(function, x):
    """The derivative to 20 digits."""
    return MP.re(MP.diff(lambda t: MP.re(function(t)), number(x)))
