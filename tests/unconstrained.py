"""Unconstrained test functions that other people chose, as text: a public collection, written out for checks.

From J. Moré, B. Garbow & K. Hillstrom, Testing unconstrained optimization software (ACM TOMS 7, 1981), N. Andrei, An
unconstrained optimization test functions collection (Adv. Model. Optim. 10, 2008), whose functions are many of CUTEst,
and W. Hock & K. Schittkowski, Test examples for nonlinear programming codes (1981). Each has its starting point.
"""

import random
import zlib

import mpmath
import sympy

POINTS = 7  # of each function: the start and others around it
DIGITS = 40
FUNCTIONS = {}


def function(text, start):
    """A decorator-free entry: (text in x1 … xn, the starting point)."""
    return text, [float(v) for v in start]


def x(i):
    return f"x{i}"


def total(terms):
    return " + ".join(f"({term})" for term in terms)


def squares(terms):
    return " + ".join(f"({term})**2" for term in terms)


def alternating(a, b, n):
    return [a, b] * (n // 2)


def add(name, text, start):
    FUNCTIONS[name] = function(text, start)


# Moré, Garbow & Hillstrom ----------------------------------------------------------------------------------------
add("rosenbrock", squares(["10*(x2 - x1**2)", "1 - x1"]), [-1.2, 1])
add("freudenstein_roth", squares(["-13 + x1 + ((5 - x2)*x2 - 2)*x2", "-29 + x1 + ((x2 + 1)*x2 - 14)*x2"]), [0.5, -2])
add("powell_badly_scaled", squares(["1e4*x1*x2 - 1", "exp(-x1) + exp(-x2) - 1.0001"]), [0.1, 1])
add("brown_badly_scaled", squares(["x1 - 1e6", "x2 - 2e-6", "x1*x2 - 2"]), [1, 1])
add("beale", squares(f"{y} - x1*(1 - x2**{i})" for i, y in enumerate((1.5, 2.25, 2.625), 1)), [1, 1])
add("jennrich_sampson", squares(f"2 + 2*{i} - (exp({i}*x1) + exp({i}*x2))" for i in range(1, 11)), [0.3, 0.4])
BARD = (0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.1, 4.39)
add("bard", squares(f"{y} - (x1 + {u}/({16 - u}*x2 + {min(u, 16 - u)}*x3))" for u, y in enumerate(BARD, 1)), [1, 1, 1])
GAUSS = (0.0009, 0.0044, 0.0175, 0.054, 0.1295, 0.242, 0.3521, 0.3989, 0.3521, 0.242, 0.1295, 0.054, 0.0175, 0.0044)
add("gaussian", squares(f"x1*exp(-x2*({(8 - i) / 2} - x3)**2/2) - {y}" for i, y in enumerate(GAUSS, 1)), [0.4, 1, 0])
MEYER = (34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427, 3820, 3307, 2872)
add("meyer", squares(f"x1*exp(x2/({45 + 5 * i} + x3)) - {y}" for i, y in enumerate(MEYER, 1)), [0.02, 4000, 250])
add("box_3d", squares(f"exp(-{i / 10}*x1) - exp(-{i / 10}*x2) - x3*(exp(-{i / 10}) - exp(-{i}))"
                      for i in range(1, 11)), [0, 10, 20])  # fmt: skip
add("powell_singular", "(x1 + 10*x2)**2 + 5*(x3 - x4)**2 + (x2 - 2*x3)**4 + 10*(x1 - x4)**4", [3, -1, 0, 1])
add("wood", "100*(x1**2 - x2)**2 + (x1 - 1)**2 + 90*(x3**2 - x4)**2 + (1 - x3)**2 + 10*(x2 + x4 - 2)**2 "
    "+ (x2 - x4)**2/10", [-3, -1, -3, -1])  # fmt: skip
KOWALIK = ((4, 0.1957), (2, 0.1947), (1, 0.1735), (0.5, 0.16), (0.25, 0.0844), (0.167, 0.0627), (0.125, 0.0456),
           (0.1, 0.0342), (0.0833, 0.0323), (0.0714, 0.0235), (0.0625, 0.0246))  # fmt: skip
add("kowalik_osborne", squares(f"{y} - x1*({u}**2 + {u}*x2)/({u}**2 + {u}*x3 + x4)" for u, y in KOWALIK),
    [0.25, 0.39, 0.415, 0.39])  # fmt: skip
add("brown_dennis", squares(f"(x1 + {t}*x2 - exp({t}))**2 + (x3 + x4*sin({t}) - cos({t}))**2"
                            for t in (i / 5 for i in range(1, 11))), [25, 5, -5, -1])  # fmt: skip
OSBORNE = (0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628)
add("osborne_1", squares(f"{y} - (x1 + x2*exp(-{10 * i}*x4) + x3*exp(-{10 * i}*x5))" for i, y in enumerate(OSBORNE)),
    [0.5, 1.5, -1, 0.01, 0.02])  # fmt: skip
add("biggs_exp6", squares(
    f"x3*exp(-{i / 10}*x1) - x4*exp(-{i / 10}*x2) + x6*exp(-{i / 10}*x5) - "
    f"(exp(-{i / 10}) - 5*exp(-{i}) + 3*exp(-{4 * i / 10}))" for i in range(1, 14)), [1, 2, 1, 1, 1, 1])  # fmt: skip
add("penalty_1", total([f"1e-5*(x{i} - 1)**2" for i in range(1, 11)])
    + f" + ({squares(map(x, range(1, 11)))} - 0.25)**2", range(1, 11))  # fmt: skip
add("variably_dimensioned", squares(f"x{i} - 1" for i in range(1, 11))
    + " + ({0})**2 + ({0})**4".format(total(f"{i}*(x{i} - 1)" for i in range(1, 11))),
    [1 - i / 10 for i in range(1, 11)])  # fmt: skip
add("trigonometric", squares(
    f"8 - ({total(f'cos(x{j})' for j in range(1, 9))}) + {i}*(1 - cos(x{i})) - sin(x{i})" for i in range(1, 9)),
    [1 / 8] * 8)  # fmt: skip
add("brown_almost_linear", squares(
    [f"x{i} + {total(map(x, range(1, 9)))} - 9" for i in range(1, 8)] + ["*".join(map(x, range(1, 9))) + " - 1"]),
    [0.5] * 8)  # fmt: skip
add("discrete_boundary_value", squares(
    f"2*x{i} - {x(i - 1) if i > 1 else 0} - {x(i + 1) if i < 10 else 0} + (x{i} + {i / 11} + 1)**3/242"
    for i in range(1, 11)), [i / 11 * (i / 11 - 1) for i in range(1, 11)])  # fmt: skip
add("broyden_tridiagonal", squares(
    f"(3 - 2*x{i})*x{i} - {x(i - 1) if i > 1 else 0} - 2*{x(i + 1) if i < 10 else 0} + 1" for i in range(1, 11)),
    [-1] * 10)  # fmt: skip
BAND = {i: [j for j in range(max(1, i - 5), min(10, i + 1) + 1) if j != i] for i in range(1, 11)}
add("broyden_banded", squares(
    f"x{i}*(2 + 5*x{i}**2) + 1 - ({total(f'x{j}*(1 + x{j})' for j in band)})" for i, band in BAND.items()),
    [-1] * 10)  # fmt: skip
add("watson", squares(
    [total(f"{j - 1}*x{j}*{i / 29}**{max(j - 2, 0)}" for j in range(2, 7))
     + f" - ({total(f'x{j}*{i / 29}**{j - 1}' for j in range(1, 7))})**2 - 1" for i in range(1, 30)]
    + ["x1", "x2 - x1**2 - 1"]), [0.1] * 6)  # fmt: skip

# Andrei's collection, and CUTEst ----------------------------------------------------------------------------------
N = range(1, 11)
PAIRS = [(2 * i - 1, 2 * i) for i in range(1, 4)]
add("ext_rosenbrock", total(f"100*(x{b} - x{a}**2)**2 + (1 - x{a})**2" for a, b in PAIRS), alternating(-1.2, 1, 6))
add("ext_white_holst", total(f"100*(x{b} - x{a}**3)**2 + (1 - x{a})**2" for a, b in PAIRS), alternating(-1.2, 1, 6))
add("ext_beale", total(f"(1.5 - x{a}*(1 - x{b}))**2 + (2.25 - x{a}*(1 - x{b}**2))**2 + (2.625 - x{a}*(1 - x{b}**3))**2"
                       for a, b in PAIRS), alternating(1, 0.8, 6))  # fmt: skip
add("ext_penalty", total(f"(x{i} - 1)**2" for i in range(1, 10)) + f" + ({squares(map(x, N))} - 0.25)**2", N)
add("perturbed_quadratic", total(f"{i}*x{i}**2" for i in N) + f" + ({total(map(x, N))})**2/100", [0.5] * 10)
add("raydan_1", total(f"{i / 10}*(exp(x{i}) - x{i})" for i in N), [1] * 10)
add("raydan_2", total(f"exp(x{i}) - x{i}" for i in N), [1.1] * 10)
add("diagonal_1", total(f"exp(x{i}) - {i}*x{i}" for i in N), [0.1] * 10)
add("diagonal_2", total(f"exp(x{i}) - x{i}/{i}" for i in N), [1 / i for i in N])
add("diagonal_3", total(f"exp(x{i}) - {i}*sin(x{i})" for i in N), [1] * 10)
add("hager", total(f"exp(x{i}) - {i**0.5}*x{i}" for i in N), [1.1] * 10)
add("generalized_tridiagonal_1", total(f"(x{i} + x{i + 1} - 3)**2 + (x{i} - x{i + 1} + 1)**4" for i in range(1, 10)),
    [2] * 10)  # fmt: skip
add("ext_tridiagonal_1", total(f"(x{a} + x{b} - 3)**2 + (x{a} - x{b} + 1)**4" for a, b in PAIRS), [2] * 6)
add("ext_three_exponentials", total(
    f"exp(x{a} + 3*x{b} - 0.1) + exp(x{a} - 3*x{b} - 0.1) + exp(-x{a} - 0.1)" for a, b in PAIRS),
    [0.1] * 6)  # fmt: skip
add("diagonal_4", total(f"(x{a}**2 + 100*x{b}**2)/2" for a, b in PAIRS), [1] * 6)
add("diagonal_5", total(f"log(exp(x{i}) + exp(-x{i}))" for i in N), [1.1] * 10)
add("ext_himmelblau", total(f"(x{a}**2 + x{b} - 11)**2 + (x{a} + x{b}**2 - 7)**2" for a, b in PAIRS), [1] * 6)
add("generalized_psc1", total(
    f"(x{i}**2 + x{i + 1}**2 + x{i}*x{i + 1})**2 + sin(x{i})**2 + cos(x{i + 1})**2" for i in range(1, 10)),
    alternating(3, 0.1, 10))  # fmt: skip
add("ext_bd1", total(f"(x{a}**2 + x{b}**2 - 2)**2 + (exp(x{a} - 1) - x{b})**2" for a, b in PAIRS), [0.1] * 6)
add("ext_maratos", total(f"x{a} + 100*(x{a}**2 + x{b}**2 - 1)**2" for a, b in PAIRS), alternating(1.1, 0.1, 6))
add("ext_cliff", total(f"((x{a} - 3)/100)**2 - (x{a} - x{b}) + exp(2*(x{a} - x{b}))" for a, b in PAIRS),
    alternating(0, -1, 6))  # fmt: skip
add("quadratic_diagonal_perturbed", f"({total(map(x, N))})**2 + " + total(f"{i / 100}*x{i}**2" for i in N), [0.5] * 10)
add("ext_hiebert", total(f"(x{a} - 10)**2 + (x{a}*x{b} - 50000)**2" for a, b in PAIRS), [0] * 6)
add("qf1", total(f"{i}*x{i}**2" for i in N) + "/2 - x10", [1] * 10)
add("qp1", total(f"(x{i}**2 - 2)**2" for i in range(1, 10)) + f" + ({squares(map(x, N))} - 0.5)**2", [1] * 10)
add("qf2", total(f"{i}*(x{i}**2 - 1)**2" for i in N) + " - x10", [0.5] * 10)
add("ext_ep1", total(f"(exp(x{a} - x{b}) - 5)**2 + (x{a} - x{b})**2*(x{a} - x{b} - 11)**2" for a, b in PAIRS),
    alternating(1.5, 1, 6))  # fmt: skip
add(
    "ext_tridiagonal_2",
    total(f"(x{i}*x{i + 1} - 1)**2 + 0.1*(x{i} + 1)*(x{i + 1} + 1)" for i in range(1, 10)),
    [1] * 10,
)
add("bdqrtic", total(f"(3 - 4*x{i})**2 + (x{i}**2 + 2*x{i + 1}**2 + 3*x{i + 2}**2 + 4*x{i + 3}**2 + 5*x10**2)**2"
                     for i in range(1, 7)), [1] * 10)  # fmt: skip
add("tridia", "(x1 - 1)**2 + " + total(f"{i}*(2*x{i} - x{i - 1})**2" for i in range(2, 11)), [1] * 10)
add("arwhead", total(f"-4*x{i} + 3 + (x{i}**2 + x10**2)**2" for i in range(1, 10)), [1] * 10)
add("nondia", "(x1 - 1)**2 + " + total(f"100*(x1 - x{i - 1}**2)**2" for i in range(2, 11)), [-1] * 10)
add("nondquar", "(x1 - x2)**2 + (x9 + x10)**2 + " + total(f"(x{i} + x{i + 1} + x10)**4" for i in range(1, 9)),
    alternating(1, -1, 10))  # fmt: skip
add("dqdrtic", total(f"x{i}**2 + 100*x{i + 1}**2 + 100*x{i + 2}**2" for i in range(1, 9)), [3] * 10)
add("eg2", total(f"sin(x1 + x{i}**2 - 1)" for i in range(1, 10)) + " + sin(x10**2)/2", [1] * 10)
add("liarwhd", total(f"4*(x{i}**2 - x1)**2 + (x{i} - 1)**2" for i in N), [4] * 10)
add("power", total(f"({i}*x{i})**2" for i in N), [1] * 10)
add("engval1", total(f"(x{i}**2 + x{i + 1}**2)**2 - 4*x{i} + 3" for i in range(1, 10)), [2] * 10)
add("cragglvy", total(
    f"(exp(x{2 * i - 1}) - x{2 * i})**4 + 100*(x{2 * i} - x{2 * i + 1})**6 + tan(x{2 * i + 1} - x{2 * i + 2})**4 + "
    f"x{2 * i - 1}**8 + (x{2 * i + 2} - 1)**2" for i in range(1, 4)), [1, 2, 2, 2, 2, 2, 2, 2])  # fmt: skip
add("edensch", "16 + " + total(f"(x{i} - 2)**4 + (x{i}*x{i + 1} - 2*x{i + 1})**2 + (x{i + 1} + 1)**2"
                               for i in range(1, 10)), [0] * 10)  # fmt: skip
add("indef", total(map(x, N)) + " + " + total(f"cos(2*x{i} - x10 - x1)/2" for i in range(2, 10)), [i / 11 for i in N])
add("cube", "(x1 - 1)**2 + " + total(f"100*(x{i} - x{i - 1}**3)**2" for i in range(2, 5)), alternating(-1.2, 1, 4))
add("bdexp", total(f"(x{i} + x{i + 1})*exp(-x{i + 2}*(x{i} + x{i + 1}))" for i in range(1, 9)), [1] * 10)
add("genhumps", total(f"sin(2*x{i})**2*sin(2*x{i + 1})**2 + 0.05*(x{i}**2 + x{i + 1}**2)" for i in range(1, 5)),
    [-506, *[-506.2] * 4])  # fmt: skip
add("mccormck", total(f"-1.5*x{i} + 2.5*x{i + 1} + 1 + (x{i} - x{i + 1})**2 + sin(x{i} + x{i + 1})"
                      for i in range(1, 10)), [1] * 10)  # fmt: skip
add("cosine", total(f"cos(-0.5*x{i + 1} + x{i}**2)" for i in range(1, 10)), [1] * 10)
add("sine", total(f"sin(-0.5*x{i + 1} + x{i}**2)" for i in range(1, 10)), [1] * 10)
add("sinquad", "(x1 - 1)**4 + " + total(f"(sin(x{i} - x10) - x1**2 + x{i}**2)**2" for i in range(2, 10))
    + " + (x10**2 - x1**2)**2", [0.1] * 10)  # fmt: skip
add("denschna", "x1**4 + (x1 + x2)**2 + (exp(x2) - 1)**2", [1, 1])
add("denschnb", "(x1 - 2)**2 + ((x1 - 2)*x2)**2 + (x2 + 1)**2", [1, 1])
add("denschnc", "(-2 + x1**2 + x2**2)**2 + (-2 + exp(x1 - 1) + x2**3)**2", [2, 3])
add("denschnf", "(2*(x1 + x2)**2 + (x1 - x2)**2 - 8)**2 + (5*x1**2 + (x2 - 3)**2 - 9)**2", [2, 0])
add("dixmaana", "1 + " + squares(map(x, range(1, 10)))
    + " + " + total(f"0.125*x{i}**2*x{i + 3}**4 + 0.125*x{i}*x{i + 6}" for i in range(1, 4)), [2] * 9)  # fmt: skip

# Hock & Schittkowski, the objectives ------------------------------------------------------------------------------
add("hs5", "sin(x1 + x2) + (x1 - x2)**2 - 1.5*x1 + 2.5*x2 + 1", [0, 0])
add("hs26", "(x1 - x2)**2 + (x2 - x3)**4", [-2.6, 2, 2])
add("hs38", "100*(x2 - x1**2)**2 + (1 - x1)**2 + 90*(x4 - x3**2)**2 + (1 - x3)**2 + 10.1*((x2 - 1)**2 + (x4 - 1)**2) "
    "+ 19.8*(x2 - 1)*(x4 - 1)", [-3, -1, -3, -1])  # fmt: skip
add("hs45", "2 - x1*x2*x3*x4*x5/120", [2] * 5)
add("hs62", "-32.174*(255*log((x1 + x2 + x3 + 0.03)/(0.09*x1 + x2 + x3 + 0.03)) + "
    "280*log((x2 + x3 + 0.03)/(0.07*x2 + x3 + 0.03)) + 290*log((x3 + 0.03)/(0.13*x3 + 0.03)))",
    [0.7, 0.2, 0.1])  # fmt: skip
add("hs71", "x1*x4*(x1 + x2 + x3) + x3", [1, 5, 5, 1])
add("hs77", "(x1 - 1)**2 + (x1 - x2)**2 + (x3 - 1)**2 + (x4 - 1)**4 + (x5 - 1)**6", [2] * 5)
add("hs100", "(x1 - 10)**2 + 5*(x2 - 12)**2 + x3**4 + 3*(x4 - 11)**2 + 10*x5**6 + 7*x6**2 + x7**4 - 4*x6*x7 - 10*x6 "
    "- 8*x7", [1, 2, 0, 4, 0, 1, 1])  # fmt: skip
add(
    "hs110",
    " + ".join(f"log(x{i} - 2)**2 + log(10 - x{i})**2" for i in N) + f" - ({'*'.join(map(x, N))})**0.2",
    [9] * 10,
)


def points(name):
    """The starting point, and others around it that everybody draws alike; decimals of few digits."""
    start = FUNCTIONS[name][1]
    rng = random.Random(zlib.crc32(name.encode()))
    yield start
    for k in range(1, POINTS):
        spread = 0.02 if name in ("hs110", "meyer", "hs62") else 0.1 * k
        yield [round(v + spread * rng.uniform(-1, 1) * (abs(v) or 1.0), 6) for v in start]


def rows(names=None):
    """Rows as those of the corpus: id, expr, vars, at, value and gradient to 30 digits, by sympy.diff in 40."""
    for name in names or FUNCTIONS:
        text, start = FUNCTIONS[name]
        variables = [f"x{i}" for i in range(1, len(start) + 1)]
        symbols = sympy.symbols(variables)
        exact = sympy.sympify(text, locals=dict(zip(variables, symbols, strict=True)), rational=True)
        evaluate = sympy.lambdify([symbols], [exact, *(sympy.diff(exact, s) for s in symbols)], "mpmath", cse=True)
        for k, point in enumerate(points(name)):
            with mpmath.workdps(DIGITS):
                value, *gradient = (mpmath.nstr(mpmath.mpf(v), 30) for v in evaluate([mpmath.mpf(v) for v in point]))
            yield {"id": f"{name}@{k}", "expr": text, "vars": variables, "value": value, "gradient": gradient,
                   "at": {v: repr(p) for v, p in zip(variables, point, strict=True)}}  # fmt: skip
