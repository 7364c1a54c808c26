"""The HTML report: whatever the data hold, it is one quiet file without scripts or addresses."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from handmade import make_excerpt, make_result, make_scores
from overproof.report.html import render

NASTY = (
    '</style></title><script>alert(1)</script><img src=x onerror=alert(1)> " onmouseover="alert(1) \' {{7*7}} '
    "{% raw %} javascript:alert(1) &lt; \u202etxt.exe\u202c \x00 \x1b[31m \u0301\u0301lone \ud800 ]]> <!-- "
)
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """What a browser would see: tags in balance, attributes, links, ids."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def poisoned(value: Any) -> Any:
    """Put nasty text into every string of a result, its keys of free choice included."""
    if isinstance(value, dict):
        return {key: poisoned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [poisoned(inner) for inner in value]
    return value + NASTY if isinstance(value, str) else value


def pages() -> dict[str, str]:
    nasty = poisoned(make_result(controls=2))
    nasty["inputs"][1]["skipped"] = {NASTY: 3}
    nasty["params"][NASTY] = NASTY
    nasty["summary"]["recall_measured"] = {NASTY: 0.5, "b": 1.0}
    sharp = poisoned(make_excerpt())
    sharp["spans"] = make_excerpt()["spans"]
    return {
        "plain": render(make_result(), excerpts=[make_excerpt()], scores=make_scores()),
        "nothing": render(make_result(matched=0, controls=0), excerpts=[], scores={"suspect": [0.0] * 9}),
        "empty": render(make_result(matched=0, controls=0), excerpts=[], scores={}),
        "three controls": render(
            make_result(controls=3), excerpts=[make_excerpt() for _ in range(20)], scores=make_scores(3)
        ),
        "huge": render(make_result(scale=10**9), excerpts=[make_excerpt()], scores=make_scores()),
        "nasty": render(nasty, excerpts=[sharp], scores={"suspect": [0.1], NASTY: [0.2]}),
    }


PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_and_nothing_is_fetched(name: str) -> None:
    page = Page(PAGES[name])
    kinds = {tag for tag, _ in page.tags}
    assert not kinds & {"script", "iframe", "object", "embed", "link", "base", "form", "img", "a:href", "foreignobject"}
    for tag, attributes in page.tags:
        for key, value in attributes.items():
            assert not key.startswith("on"), (tag, key)
            assert key not in ("src", "style", "srcset", "action", "xlink:href", "data", "background"), (tag, key)
            if key == "href":
                assert re.fullmatch(r"#[a-z0-9-]+", value or ""), value
    assert not re.search(r"https?:|//[a-z]|@import|url\(", PAGES[name].partition("</style>")[0])
    style = re.findall(r"<style>(.*?)</style>", PAGES[name], re.S)
    assert len(style) == 1
    assert "default-src 'none'" in PAGES[name]


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_links_arrive(name: str) -> None:
    page = Page(PAGES[name])
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        if "href" in attributes:
            assert (attributes["href"] or "")[1:] in ids
        if "aria-labelledby" in attributes:
            assert attributes["aria-labelledby"] in ids


@pytest.mark.parametrize("name", PAGES)
def test_no_character_hides_or_reorders_anything(name: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]", PAGES[name])
    PAGES[name].encode()


def test_nasty_text_is_shown_as_it_is() -> None:
    words = Page(PAGES["nasty"]).text
    assert "<script>alert(1)</script>" in words
    assert "U+202E txt.exe U+202C" in words
    assert "⟨U+202E⟩txt.exe⟨U+202C⟩" in words
    assert "{{7*7}} {% raw %}" in words


def test_figures_are_there() -> None:
    words = Page(PAGES["plain"]).text
    for figure in (
        "212 of 1,000",
        "21.2%",
        "18.6% to 23.9%",
        "people-0",
        "153,210 29,892 19.5% 190",
        "of 2,000 served texts",
        "71,004",
    ):
        assert figure in words
    for layer in ("raw", "prompt echo", "background", "boilerplate", "left", "318"):
        assert layer in words
    for claim in ("Rung L0", "The texts are similar.", "There is no p-value here", "is not “innocent”", "no verdict"):
        assert claim in words
    for rest in (
        "3 empty text",
        "40 of 40, 100%",
        "1 of 500",
        "9f3b0c1d2e4a5b6c",
        "nfkc_casefold",
        "fewer than 12 words",
    ):
        assert rest in words
    assert "prompts could not be subtracted" in words
    assert "Not tested: Accounts" in words


def test_nothing_found_is_loud_and_no_acquittal() -> None:
    words = Page(PAGES["nothing"]).text
    assert "No served text was found in any of the 1,000 suspect texts." in words
    assert words.count("“Nothing found” is not “innocent”") == 3
    assert "No control was given" in words


def test_spans_of_one_pair_share_number_and_colour() -> None:
    page = Page(PAGES["plain"])
    marks = [attributes for tag, attributes in page.tags if tag == "mark"]
    assert [(mark["id"], mark["class"]) for mark in marks] == [
        ("a1-1", "c0"),
        ("a1-2", "c1"),
        ("b1-1", "c0"),
        ("b1-2", "c1"),
    ]
    assert "15 tokens, 40–124 in the suspect, 0–84 in the served text" in re.sub(r"\s*([–,])", r"\1", page.text)


def test_same_result_same_bytes_and_the_result_is_left_alone() -> None:
    result, excerpts, scores = make_result(), [make_excerpt()], make_scores()
    before = json.dumps((result, excerpts, scores))
    first = render(result, excerpts=excerpts, scores=scores)
    assert render(result, excerpts=excerpts, scores=scores) == first == PAGES["plain"]
    assert json.dumps((result, excerpts, scores)) == before


def test_size_has_a_bound() -> None:
    long = make_excerpt(suspect_text="word " * 200_000, served_text="漢字 " * 200_000, prompt="p" * 100_000)
    page = render(make_result(scale=1000), excerpts=[long] * 20, scores={"suspect": [i / 1e6 for i in range(10**6)]})
    assert len(page.encode()) < 400_000


def test_page_does_not_depend_on_optional_fields() -> None:
    result = make_result()
    for one in result["inputs"]:
        for key in ("revision", "sha256", "path"):
            one.pop(key)
    for key in ("recall_measured", "false_positives_measured", "df_rule"):
        result["summary"].pop(key)
    words = Page(
        render(result, excerpts=[make_excerpt(account=None, time=None, model=None, prompt=None)], scores={})
    ).text
    assert words.count("not measured in this run") == 2
    assert "Text served in served, looked for in suspect" in words
