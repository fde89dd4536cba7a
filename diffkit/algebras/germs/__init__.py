"""Germs: how a program behaves on one side of a point, as Puiseux series with exact coefficients."""

from diffkit.algebras.germs.functions import GermAlgebra
from diffkit.algebras.germs.model import FLAT, Germ, Missing, Restart, Unknown
from diffkit.algebras.germs.numbers import GermNumbers

__all__ = ["FLAT", "Germ", "GermAlgebra", "GermNumbers", "Missing", "Restart", "Unknown"]
