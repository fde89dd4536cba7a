"""What five tutorials on calculus for machine learning state, statement by statement, with the verdict on each.

docs/guides/tutorial_formulas.md has its tables from here, and tests/test_tutorials.py asks diffkit about every row.
"""

from tutorials import t0, t1, t2, t3, t4

TITLES = {
    "T0": "Calculus in machine learning: why it works",
    "T1": "What is a gradient in machine learning",
    "T2": "Applications of differentiation in machine learning",
    "T3": "Dive into deep learning 2.4, calculus",
    "T4": "The role of calculus in deep learning",
}
STATEMENTS = {
    "T0": t0.STATEMENTS,
    "T1": t1.STATEMENTS,
    "T2": t2.STATEMENTS,
    "T3": t3.STATEMENTS,
    "T4": t4.STATEMENTS,
}
