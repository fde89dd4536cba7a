"""Calculus as tutorials teach it, shown step by step and checked: limits, tangents, derivations, descent."""
