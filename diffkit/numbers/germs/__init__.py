"""Germs: how a program behaves on one side of a point, as Puiseux series with exact coefficients."""

from diffkit.numbers.germs.composition import GermAlgebra, GermNumbers
from diffkit.numbers.germs.germ import FLAT, Germ, Missing, Restart, Unknown

__all__ = ["FLAT", "Germ", "GermAlgebra", "GermNumbers", "Missing", "Restart", "Unknown"]
