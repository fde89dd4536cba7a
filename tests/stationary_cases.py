"""What the tests of stationary points share."""

from collections import Counter

HIMMELBLAU = "(x^2+y-11)^2+(x+y^2-7)^2"


CAMEL = "(4-2.1*x^2+x^4/3)*x^2+x*y+(-4+4*y^2)*y^2"


ROSENBROCK = "100*(y-x^2)^2+(1-x)^2"


def kinds(found):
    return Counter(p.kind for p in found.points)
