"""Colourings of patterns over kinds: direct recovery is possible from every one, and few colours are enough."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from diffkit.calculus.colouring import column_colours, star_colours


def banded(n, width=1):
    return [list(range(max(0, i - width), min(n, i + width + 1))) for i in range(n)]


def arrow(n):
    return [list(range(n)), *([0, i] for i in range(1, n))]


def grid(side):
    """The five-point stencil."""
    near = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))
    return [
        sorted((i + a) * side + j + b for a, b in near if 0 <= i + a < side and 0 <= j + b < side)
        for i in range(side)
        for j in range(side)
    ]


def drawn(n, seed):
    draw = random.Random(seed)
    rows = [{i} if draw.random() < 0.8 else set() for i in range(n)]
    for _ in range(draw.randint(0, 3 * n)):
        i, j = draw.randrange(n), draw.randrange(n)
        rows[i].add(j)
        rows[j].add(i)
    return [sorted(row) for row in rows]


SYMMETRIC = {
    "diagonal": ([[i] for i in range(9)], 1),
    "nothing": ([[] for _ in range(5)], 1),
    "tridiagonal": (banded(200), 3),
    "pentadiagonal": (banded(60, 2), 6),
    "arrow": (arrow(100), 2),
    "reversed arrow": ([[99 - k for k in row][::-1] for row in arrow(100)[::-1]], 2),
    "grid": (grid(12), 9),
    "full": ([list(range(7))] * 7, 7),
    "blocks": ([[k - k % 4 + j for j in range(4)] for k in range(80)], 4),
}


def proper_star(rows, colours):
    """Whether neighbours differ and no path of four has two colours, by trying all paths."""
    near = [[j for j in row if j != i] for i, row in enumerate(rows)]
    if any(colours[i] == colours[j] for i, row in enumerate(near) for j in row):
        return False
    return not any(
        a != x and w != b and a != b and colours[a] == colours[x] and colours[w] == colours[b]
        for w, row in enumerate(near)
        for a in row
        for x in row
        for b in near[x]
    )


@pytest.mark.parametrize("name", SYMMETRIC)
def test_star_colourings_of_known_patterns(name):
    rows, most = SYMMETRIC[name]
    colours = star_colours(rows)
    assert proper_star(rows, colours)
    assert len(set(colours)) <= most


@pytest.mark.parametrize("seed", range(60))
def test_star_colourings_of_drawn_patterns(seed):
    rows = drawn(random.Random(seed).randint(3, 24), seed)
    colours = star_colours(rows)
    assert proper_star(rows, colours)
    for i, row in enumerate(rows):  # each entry stands alone in its row or in its column
        around = Counter(colours[j] for j in row)
        for j in row:
            assert around[colours[j]] == 1 or Counter(colours[k] for k in rows[j])[colours[i]] == 1


@pytest.mark.parametrize("seed", range(30))
def test_columns_of_one_colour_share_no_row(seed):
    draw = random.Random(seed)
    height, width = draw.randint(1, 30), draw.randint(1, 30)
    rows = [sorted(draw.sample(range(width), draw.randint(0, min(width, 4)))) for _ in range(height)]
    colours = column_colours(rows, width)
    assert len(colours) == width
    assert all(len({colours[j] for j in row}) == len(row) for row in rows)


def test_few_colours_are_enough_for_columns():
    assert len(set(column_colours(banded(300, 2), 300))) == 5
    assert len(set(column_colours([[i] for i in range(50)], 50))) == 1
    assert len(set(column_colours([[0], [1], [0, 1, 2]], 3))) == 3
    assert len(set(column_colours([list(pair) for pair in pairwise(range(500))], 500))) == 2
    assert column_colours([], 0) == []
