"""Back-propagation in a picture: the graph of the computation, with the value and the adjoint of every quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffkit.core.errors import DiffkitError
from diffkit.reports.pictures import COLOURS, empty, in_one_look

if TYPE_CHECKING:
    from diffkit.lessons.derivations.backward import Backward, BackwardNode

_QUANTITIES_DRAWN = 30  # quantities that fit on a page
_COLUMN_INCHES, _ROW_INCHES = 1.65, 0.95  # inches from one quantity to the next
_READING = "arrows: the way forward    × local partial derivative, by which an adjoint goes back along the arrow"


@in_one_look
def picture_of_backward(backward: Backward) -> Any:
    """Draw each quantity in a box, an arrow to whatever uses it, and at the arrow the local partial derivative."""
    quantities = (*backward.variables, *backward.forward)
    nodes = {node.name: node for node in quantities if not isinstance(node.value, bool)}  # conditions have no adjoint
    if len(nodes) > _QUANTITIES_DRAWN:
        raise DiffkitError(f"a graph of {len(nodes)} quantities cannot be read", hint="the tables show all of them")
    places = _places(nodes)
    columns = 1 + max(x for x, _ in places.values())
    rows = [y for _, y in places.values()]
    figure = empty(_COLUMN_INCHES * columns + 0.6, _ROW_INCHES * (max(rows) - min(rows) + 1) + 0.9)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.5, columns - 0.5)
    axes.set_ylim(min(rows) - 0.5, max(rows) + 0.5)
    axes.set_title(f"f = {backward.f}")
    boxes = {name: _box(axes, node, places[name]) for name, node in nodes.items()}
    for node in nodes.values():
        for use in node.contributions:
            (x0, y0), (x1, y1) = places[node.name], places[use.user]
            axes.annotate(
                "", (x1, y1), xytext=(x0, y0), zorder=4,
                arrowprops={"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.0,
                            "patchA": boxes[node.name], "patchB": boxes[use.user]},
            )  # fmt: skip
            axes.text(
                (x0 + x1) / 2, (y0 + y1) / 2, f"× {use.slope:.4g}", color=COLOURS[1], fontsize=8, zorder=5,
                ha="center", va="center", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
            )  # fmt: skip
    figure.supxlabel(_READING, fontsize=8)
    return figure


def _box(axes: Any, node: BackwardNode, place: tuple[float, float]) -> Any:
    """Write what a quantity is, its value and its adjoint, in a box; intermediates are shaded."""
    name = f"{node.name} = {node.instruction}" if node.instruction else node.name
    text = axes.text(
        *place, f"{name}\nvalue {node.value:.4g}\nadjoint {node.adjoint:.4g}", ha="center", va="center", fontsize=8,
        zorder=3, bbox={"boxstyle": "round", "facecolor": "0.93" if node.instruction else "white", "edgecolor": "0.3"},
    )  # fmt: skip
    return text.get_bbox_patch()


def _places(nodes: dict[str, BackwardNode]) -> dict[str, tuple[float, float]]:
    """Column and height of each quantity: to the left of its first user, at the mean height of its users if free."""
    column: dict[str, float] = {}
    for name in reversed(nodes):  # users come after what they use
        column[name] = min((column[use.user] - 1 for use in nodes[name].contributions), default=0)
    height: dict[str, float] = {}
    for x in sorted(set(column.values()), reverse=True):
        there = [name for name in nodes if column[name] == x]
        users = {name: [height[use.user] for use in nodes[name].contributions] for name in there}
        wanted = {name: sum(found) / len(found) if found else 0.0 for name, found in users.items()}
        there.sort(key=wanted.__getitem__, reverse=True)
        middle = sum(wanted.values()) / len(there)
        for k, name in enumerate(there):
            height[name] = middle + (len(there) - 1) / 2 - k
    left = min(column.values())
    return {name: (column[name] - left, height[name]) for name in nodes}
