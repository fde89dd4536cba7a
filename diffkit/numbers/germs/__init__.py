"""Germs: how a program behaves on one side of a point, as Puiseux series with exact coefficients."""

from diffkit.numbers.germs.composition import GermAlgebra, GermNumbers
from diffkit.numbers.germs.germ import FLAT_ORDER, Germ, Missing, Restart, UnknownGerm

__all__ = ["FLAT_ORDER", "Germ", "GermAlgebra", "GermNumbers", "Missing", "Restart", "UnknownGerm"]
