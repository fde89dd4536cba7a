"""The glossary is one table: reports link to it by word, and its page is written from it."""

import re
from html.parser import HTMLParser

import pytest
from report_cases import KINDS, check_page

from diffkit.reports.document import Equation, Note
from diffkit.reports.glossary import GLOSSARY, TERMS, UsedTerms, names_of_variables

pytestmark = pytest.mark.usefixtures("cases")
WITHOUT = {"formula", "function", "function of arrays"}
"""kinds that say nothing but formulas"""


class Words(HTMLParser):
    """The links to words, with what they stand in, and the list of words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.listed, self.meanings = [], [], [], []
        self.feed(check_page(text) and text)

    def handle_starttag(self, tag, attributes):
        known = dict(attributes)
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)
        if known.get("class") == "word":
            self.links.append((known["href"], known["title"], tuple(self.open)))
        if tag == "dt":
            self.listed.append(f"#{known['id']}")

    def handle_endtag(self, tag):
        self.open.remove(tag)

    def handle_data(self, data):
        if self.open[-1:] == ["dd"]:
            self.meanings.append(data)


def used(text, names=()):
    return [(part, term.word) for part, term in UsedTerms(names).first_uses(text) if term is not None]


def test_each_form_has_one_entry_and_each_entry_one_line():
    entries = [term for terms in GLOSSARY.values() for term in terms]
    forms = [form.lower() for term in entries for form in term.forms or (term.word,)]
    assert len(forms) == len(set(forms)) == len(TERMS)
    assert len({term.anchor for term in entries}) == len(entries)
    for term in entries:
        assert re.fullmatch(r"[^\n]{10,200}\.", term.meaning), term
        for form in term.forms or (term.word,):
            for text in (form, f"the {form}s of it", f"({form}),", f"{form.capitalize()}: 1"):
                assert [word for _, word in used(text)] == [term.word], text


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_leads_from_the_first_use_of_each_word_to_its_meaning(run, kind):
    page = Words(run(*KINDS[kind], "--format", "html")[1])
    targets = [href for href, _, _ in page.links]
    assert targets == page.listed
    assert len(set(targets)) == len(targets)
    for (_, title, inside), meaning in zip(page.links, page.meanings, strict=True):
        assert meaning.startswith(title)
        assert not {"code", "td", "svg", "a"} & set(inside[:-1]), inside
    assert bool(targets) == (kind not in WITHOUT)


@pytest.mark.parametrize("kind", KINDS)
def test_markdown_ends_with_the_words_it_used(run, kind):
    text, _, words = run(*KINDS[kind], "--format", "markdown")[1].partition("\n## Words\n")
    listed = re.findall(r"^- (.+?): ", words, re.MULTILINE)
    known = {term.word: term for terms in GLOSSARY.values() for term in terms}
    assert bool(listed) == (kind not in WITHOUT)
    for word in listed:
        assert any(form.lower() in text.lower() for form in known[word].forms or (word,))


@pytest.mark.parametrize("text", [
    "at ball = 3", "sin(ball)", "2*ball", "2 * ball", "kink(x)", "--claim", "model.pole", "pole.x", "gradient[0]",
    "∂ulp", "kink′", "jump·x", "ball + 1", "x = pole", "snowball", "ballad", "ball-shaped", "hvp_1", "1/reference",
    "|ball|", "ball*2", "ball**2", "−ball", "x −ball", "ball − 1", "∂claim/∂x", "f(x, y)·pole", "ball^2",
])  # fmt: skip
def test_formulas_and_longer_words_are_left_alone(text):
    assert used(text) == []


def test_a_word_is_explained_once_and_variables_are_none(run):
    assert used("kinks, a kink and a jump") == [("kinks", "kink"), ("jump", "jump")]
    assert used("a kink, a jump", {"kink"}) == [("jump", "jump")]
    assert names_of_variables([Equation("f(ball)", "kink*2"), Note(""), Equation("g(pole)", "jump")]) == {
        "ball",
        "kink",
        "2",
    }
    page = run("grad", "abs(ball)*kink", "--at", "ball=0,kink=1", "--format", "html")[1]
    assert not {"#word-ball", "#word-kink"} & set(Words(page).listed)


def test_what_stands_around_a_word_stays_escaped():
    from diffkit.reports.html import _marked

    assert _marked('<kink> & "ball"', found := UsedTerms()).count("<") == 4
    assert [term.word for term in found.found] == ["kink", "ball"]
    assert "&lt;<a " in _marked("<kink>", UsedTerms())
