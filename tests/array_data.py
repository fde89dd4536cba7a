"""Inputs that the tests of functions of arrays share."""

import numpy as np

RANDOM = np.random.default_rng(7)
V = np.array([0.31, -1.27, 0.84, 1.91, -0.45])
W = np.array([1.2, 0.35, -0.71, 0.52, 2.03])
NAN = np.array([1.0, np.nan, 2.0, -1.0, np.nan])
P = np.array([0.31, 1.27, 0.84, 1.91, 0.45])
M = np.array([[0.6, -1.1, 0.35], [1.4, 0.25, -0.8]])
N = np.array([[0.5, 1.2], [-0.3, 0.9], [0.7, -1.6]])
S = np.array([[2.0, 0.3, -0.4], [0.5, 1.7, 0.2], [-0.1, 0.6, 2.4]])
B = RANDOM.normal(size=(2, 3, 2))
LARGE = RANDOM.normal(size=(6, 6)) + 5 * np.eye(6)
