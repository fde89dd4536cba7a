"""A function of the table, as text and derivatives know it. diffkit loads this with its table, so it imports little."""


def add_rows(add):
    """Add the Gudermannian: gd(x) = 2·atan(tanh(x/2)), gd′(x) = 1/cosh(x) (DLMF 4.23.39)."""
    add(
        "gd",
        "x",
        "Gudermannian, 2·atan(tanh(x/2))",
        aliases=("gudermannian",),
        definition=lambda F, x: 2 * F.atan(F.tanh(x / 2)),
        partials=(lambda F, x, y: 1 / F.cosh(x),),
        points=(-3.0, 0.0, 0.5, 8.0),
        ulps=4.0,
        odd=True,
    )
