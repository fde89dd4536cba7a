"""How parsing and differentiation grow with the size of the expression.

    python benchmarks/growth.py

Medians of five runs. Times belong to the machine; the growth (time per operation) belongs to the code.
"""

from timing import median

from diffkit.asking.tasks import gradient_task, hessian_task
from diffkit.calculus.derivatives import derivative_program, differentiate
from diffkit.core.limits import Limits
from diffkit.core.text import parse_program


def rosenbrock(n: int) -> str:
    """The chained Rosenbrock function of n variables."""
    return "+".join(f"100*(x{i + 1}-x{i}**2)**2+(1-x{i})**2" for i in range(n - 1))


def line(name: str, size: int, seconds: float) -> None:
    """Print one measurement."""
    print(f"{name:44s} {size:8,d} slots  {1000 * seconds:9.1f} ms  {1e6 * seconds / size:6.2f} µs/slot")


def main() -> None:
    """Print every measurement."""
    for terms in (12_500, 25_000, 50_000, 100_000):
        text = "+".join(["x", "y", "3"] * (terms // 3))
        size = len(parse_program(text))
        line(f"parse a sum of {terms:,} terms", size, median(lambda text=text: parse_program(text)))
    for n in (250, 500, 1000, 2000):
        text = rosenbrock(n)
        program = parse_program(text)
        line(f"parse Rosenbrock n = {n}", len(program), median(lambda text=text: parse_program(text)))
        indices = gradient_task(program).indices
        for mode, transform in (("forward", differentiate), ("reverse", derivative_program)):
            size = len(transform(program, indices))
            seconds = median(lambda t=transform, p=program, i=indices: t(p, i))
            line(f"gradient program of Rosenbrock n = {n}, {mode}", size, seconds)
        whole = median(lambda text=text, i=indices: derivative_program(parse_program(text), i))
        print(f"    from text to gradient program, n = {n}: {1000 * whole:.0f} ms")
    program = parse_program(rosenbrock(100))
    indices = hessian_task(program).indices
    line("Hessian program of Rosenbrock n = 100", len(differentiate(program, indices)),
         median(lambda: differentiate(program, indices)))  # fmt: skip
    for depth in (50, 100, 200, 400):
        program = parse_program("sin(" * depth + "x" + ")" * depth, limits=Limits(parentheses=500))
        size = len(differentiate(program, [(0, (0,))]))
        line(f"derivative of sine nested {depth} deep", size, median(lambda p=program: differentiate(p, [(0, (0,))])))
    for order in (5, 10, 20):
        program = parse_program("exp(sin(x))*gamma(x)/(1 + x**2)")
        size = len(differentiate(program, [(0, (0,) * order)]))
        line(f"derivative of order {order}", size, median(lambda o=order, p=program: differentiate(p, [(0, (0,) * o)])))


if __name__ == "__main__":
    main()
