"""Inputs that 0.1.0 got wrong, fell over or refused, by kind, each with a check against its right value.

Right values are exact or from mpmath at 50 digits. Each stands for its kind: the generated tests go over the kind.
"""
