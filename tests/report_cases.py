"""Commands that report on everything there is, the cases they read, and what a page must be."""

from html.parser import HTMLParser

CASES = [
    {"id": "square", "expr": "x^2", "vars": ["x"], "at": {"x": "3"}, "gradient": ["6"], "tags": ["new"], "more": 1},
    {"id": "kink", "expr": "abs(x)*y", "at": {"x": 0, "y": "1"}, "gradient": ["not_differentiable", None]},
    {"expr": "E*sin(s)", "vars": ["E", "s"], "at": [2, "0.5"], "source": "a book"},
    {"id": "cancels", "expr": "(exp(x)-1)/x", "at": {"x": "1e-10"}, "gradient": ["0.500000000033333333335"]},
    {"id": "zero", "expr": "x*y", "at": {"x": "0", "y": "2"}, "gradient": ["2", "0"]},
]
KINDS = {
    "result": ["grad", "abs(x)*y^2", "--at", "0,1"],
    "batch": ["hessian", "x*log(y)", "--at", "x=0:1:2,y=-1:1:3", "--backend", "finite"],
    "sparse": ["hessian", "x^2*y + abs(z)", "--at", "1,2,0", "--sparse"],
    "formula": ["derivative", "log(x)/x"],
    "comparison": ["compare", "x^2*y", "--at", "1,2"],
    "odd comparison": ["compare", "abs(x)*y", "--at", "0,1"],
    "many points": ["compare", "1/x", "--at", "x=-1:1:5"],
    "accuracy": ["report", "cases.jsonl"],
    "check": ["check", "x^2*y", "--claim", "2*x*y", "--claim", "x^2"],
    "wrong check": ["check", "x^2*y", "--claim", "2*x*y", "--claim", "x", "--at", "1,2"],
    "kink check": ["check", "relu(x)", "--claim", "heaviside(x)", "--at", "0"],
    "undecided check": ["check", "sqrt(x)", "--claim", "1/x", "--at", "0"],
    "descent": ["descend", "(w-3)^2 + 2*(b+1)^2", "--from", "w=0,b=0", "--rate", "0.1", "--steps", "30"],
    "diverging descent": ["descend", "exp(x^2)", "--from", "2", "--rate", "1"],
    "matrix": ["matrix", "A @ x", "--wrt", "x"],
    "identity": ["matrix", "--check", "d/dx x.T @ A @ x = (A + A.T) @ x"],
    "false identity": ["matrix", "--check", "d/dx x.T @ A @ x = 2*A @ x"],
    "arrays": ["grad", "x.T @ A @ x", "--let", "A=[[1,2],[3,4]]", "--at", "x=[1,2]"],
    "quotients": ["limit", "3*x^2 - 4*x", "--at", "1"],
    "quotients at a kink": ["limit", "abs(x)", "--at", "0", "--steps", "0.1,0.01"],
    "quotients at a hole": ["limit", "sin(x)/x", "--at", "0"],
    "tangent": ["tangent", "x^2*y", "--at", "1,2"],
    "no tangent": ["tangent", "sqrt(x)", "--at", "0"],
    "derivation": ["explain", "x^2*sin(x)", "--at", "1"],
    "back-propagation": ["explain", "max(x, y)*exp(-y)", "--backward", "--at", "1,2"],
    "stationary": ["stationary", "x^4-3*x^3+2", "--box", "-1:3"],
    "stationary regions": ["stationary", "x^2*y+abs(x-1/2)", "--box", "x=-1:1,y=-1:1", "--most", "400"],
    "functions": ["functions"],
    "function": ["functions", "tanh"],
    "function of arrays": ["functions", "norm"],
}


class Page(HTMLParser):
    """Checks that tags are closed in order, ids are unique, and nothing is fetched."""

    VOID = ("meta", "br", "link", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.refers, self.seen = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self._look(tag, attributes)

    def handle_startendtag(self, tag, attributes):
        self._look(tag, attributes)

    def _look(self, tag, attributes):
        assert tag not in ("script", "link", "img", "iframe", "object")
        for name, value in attributes:
            assert name not in ("src", "data", "action", "srcset")
            if name.endswith("href"):
                assert value.startswith("#")
                self.refers.append(value[1:])
            if name in ("aria-labelledby",):
                self.refers.append(value)
            if name == "id":
                assert value not in self.ids
                self.ids.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_page(text):
    page = Page(text)
    assert page.open == []
    assert set(page.refers) <= set(page.ids)
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "prefers-color-scheme: dark" in text
    assert page.seen.count("table") == page.seen.count("thead") == text.count('role="region"')
    return page
