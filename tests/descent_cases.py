"""The linear regression of a published tutorial, on X = 1…5 and y = 1.5…5.5, that tests of descent share."""

import numpy as np

X5 = np.column_stack([np.ones(5), np.arange(1.0, 6.0)])
Y5 = np.arange(1.5, 6.0)


def mean_square(theta, X, y):
    return np.mean((X @ theta - y) ** 2)


def mean_square_gradient(theta, X, y):
    return 2 / len(y) * X.T @ (X @ theta - y)
