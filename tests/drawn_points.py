"""Random expressions at points, as strangers write them, and what differences of f itself at 520 digits say of them."""

import random
from itertools import product

from flint import arb

from diffkit.core.program import run
from diffkit.numbers.balls import BALLS, precision
from diffkit.numbers.multiprecision import multiprecision

UNARY = {
    "sqrt": 6, "log": 6, "exp": 6, "sin": 5, "cos": 5, "tan": 2, "abs": 4, "cbrt": 3, "tanh": 3, "atan": 3, "asin": 2,
    "acos": 2, "sinh": 2, "cosh": 2, "asinh": 2, "acosh": 1, "atanh": 2, "log2": 1, "log10": 1, "log1p": 2, "expm1": 2,
    "erf": 1, "erfc": 1, "sigmoid": 2, "softplus": 2, "relu": 2, "silu": 1, "gelu": 1, "sign": 1, "gamma": 1,
    "loggamma": 1, "sec": 0.5, "cot": 0.5, "csc": 0.5, "floor": 0.3, "ceil": 0.3, "heaviside": 0.3, "digamma": 0.5,
    "erfcx": 0.5, "log_ndtr": 0.5,
}  # fmt: skip
CONSTANTS = ["1", "2", "3", "4", "5", "0.5", "1.7", "0.1", "2.5", "pi", "e", "sqrt(2)", "1/3", "(2/3)", "log(2)", "10"]
POWERS = ["2", "2", "2", "3", "4", "(1/2)", "1.5", "(-1)", "(-2)", "pi", "(1/3)", "0.5", "(-0.5)", "(2/3)"]
UNDONE = ["(sin({0})**2 + cos({0})**2)", "log(exp({0}))", "exp(log({0}))", "sqrt(({0})**2)", "cbrt(({0})**3)",
          "tan(atan({0}))", "sinh(asinh({0}))"]  # fmt: skip
NAMES = ("t", "x", "y", "z")


def expression(draw, names, depth):
    """A random expression."""
    if depth == 0 or draw.random() < 0.12:
        return draw.choice(names) if draw.random() < 0.72 else draw.choice(CONSTANTS)
    a, b = expression(draw, names, depth - 1), expression(draw, names, depth - 1)
    forms = {
        f"({a} {draw.choice('++--**/')} {b})": 42, f"{draw.choices(list(UNARY), list(UNARY.values()))[0]}({a})": 30,
        f"({a})**{draw.choice(POWERS)}": 12, f"({a})**({b})": 2, f"hypot({a}, {b})": 3, f"sqrt(({a})**2 + ({b})**2)": 2,
        f"{draw.choice(['max', 'min'])}({a}, {b})": 4, f"atan2({a}, {b})": 1, f"logsumexp({a}, {b})": 1,
        f"where({a} {draw.choice(['<', '>', '<=', '>='])} {b}, {a}, {b})": 2,
        f"besselj({draw.randint(0, 3)}, {a})": 0.5, f"polygamma({draw.randint(0, 2)}, {a})": 0.5,
        f"({a})*({b}) - ({a})**2/({b})": 2,  # parts that come more than once
        draw.choice(UNDONE).format(a): 1,
    }  # fmt: skip
    return draw.choices(list(forms), list(forms.values()))[0]


def coordinate(draw):
    """A whole number, an eighth or a tenth."""
    return draw.choice([float(draw.choice([-3, -2, -1, 0, 1, 2, 3, 4, 5, 10])), draw.randint(-24, 32) / 8,
                        draw.randint(-30, 50) / 10])  # fmt: skip


def ordinary(seed):
    """An expression, its variables, and a point that nothing is known of."""
    draw = random.Random(f"ordinary {seed}")
    names = NAMES[-draw.choice([1, 2, 2, 2, 3, 4]) :]
    return expression(draw, names, draw.choice([2, 3, 3, 4])), names, [coordinate(draw) for _ in names]


def odd(seed):
    """An expression that is special at the point: kinks, jumps, norms, branches, some smoothed and some not."""
    draw = random.Random(f"odd {seed}")
    names = NAMES[: draw.choice([1, 2, 2, 2, 3])]
    point = [draw.choice([0.0, 0.0, 1.0, -1.0, 2.0, 0.5]) for _ in names]
    apart = [f"({name} - ({at}))" for name, at in zip(names, point, strict=True)]

    def zero():
        x, y = draw.choice(apart), draw.choice(apart)
        return draw.choice([x, x, x, f"({x} {draw.choice('+-')} 2*{y})", f"sin({x})", f"({x}*{draw.choice(names)})"])

    def smooth():
        return expression(draw, names, draw.choice([0, 1, 1, 2]))

    def special():
        a, b = zero(), zero()
        return draw.choice([
            f"abs({a})", f"relu({a})", f"max({a}, {b})", f"min({a}, 0)", f"hypot({a}, {b})", f"sqrt({a}**2 + {b}**2)",
            f"cbrt({a})", f"abs({a})**{draw.choice(['1.5', '2.5', '(2/3)', 'pi', '3'])}", f"sign({a})", f"floor({a})",
            f"where({a} > 0, {smooth()}, {smooth()})", f"where({a} == 0, 1, sin({a})/{a})", f"sqrt({a}**4)",
            f"where({a} == 0, 0, {a}**2*sin(1/{a}))", f"where({a} == 0, 0, exp(-1/{a}**2))",
            f"hypot({a}, {b}, {zero()})",
        ])  # fmt: skip

    def term():
        s, a = special(), zero()
        outer = draw.choice(["sin", "cos", "exp", "tanh", "atan"])
        return draw.choice([s, s, f"{s}**2", f"{a}*{s}", f"{s}*{special()}", f"exp(-{s}**2)", f"{a}**2*{s}", f"{s}**4",
                            f"{outer}({s})", f"{s}*{smooth()}"])  # fmt: skip

    text = term()
    if draw.random() < 0.6:
        text = f"{text} {draw.choice('+-*')} {draw.choice([smooth, term])()}"
    return text, names, point


class Differences:
    """f around a point, in units of 1e-100 along each variable."""

    def __init__(self, program, point):
        self.program, self.digits = program, multiprecision(520)
        self.context = self.digits.context
        self.floats = point
        self.point = [self.digits.number(x) for x in point]
        self.unit = self.context.mpf(10) ** -100
        self.known = {}

    def f(self, *moves):
        """The value where inputs have moved: pairs of an input and a number of units."""
        key = tuple(sorted(moves))
        if key not in self.known:
            at = list(self.point)
            for i, units in moves:
                at[i] += units * self.unit
            self.known[key] = run(self.program, self.digits, at)[0]
        return self.known[key]

    def is_told(self):
        """Whether f has one value at the point as far as balls tell: many digits take sign(sin(pi)) for 1."""
        with precision(2000):
            ball = run(self.program, BALLS, [arb(x) for x in self.floats])[0]
            return bool(ball.rad() <= abs(ball) * 1e-300 or ball.rad() < 1e-300)

    def finite(self, *values):
        """Whether all values are numbers."""
        return all(self.context.isfinite(value) for value in values)

    def noise(self, order):
        """What the rounding of f leaves open in differences of an order."""
        size = max([abs(value) for value in self.known.values() if self.context.isfinite(value)], default=0)
        return size * self.context.mpf(10) ** -515 / self.unit**order

    def first(self, i):
        """∂f/∂xᵢ by the central difference."""
        return (self.f((i, 1)) - self.f((i, -1))) / (2 * self.unit)

    def sides(self, i):
        """The slopes to the left and to the right."""
        here = self.f()
        return (here - self.f((i, -1))) / self.unit, (self.f((i, 1)) - here) / self.unit

    def second(self, i, j, apart=1):
        """∂²f/∂xⱼ∂xᵢ; steps along xⱼ are ``apart`` times as long, so that xᵢ is differentiated by first."""
        if i == j:
            return (self.f((i, 1)) - 2 * self.f() + self.f((i, -1))) / self.unit**2
        corners = sum(a * b * self.f((i, a), (j, b * apart)) for a, b in product((1, -1), repeat=2))
        return corners / (4 * apart * self.unit**2)
