"""One self-contained HTML file: opens offline, needs no script, and shows the same bytes for the same result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from .._extras import need

__all__ = ["environment", "render"]

LISTED = 100
"""Matches in the list below the texts shown side by side."""


def render(
    result: Mapping[str, Any], *, excerpts: Sequence[Mapping[str, Any]], scores: Mapping[str, Sequence[float]]
) -> str:
    """Write the report of one comparison.

    Parameters
    ----------
    result : Mapping[str, Any]
        What `overproof.Comparison.to_dict` returns.
    excerpts : Sequence[Mapping[str, Any]]
        The strongest matches with both texts, best first: ``suspect_id, served_id, suspect_row, served_row,
        suspect_text, served_text, ngrams, containment_of_suspect, containment_of_served, longest_run, spans, account,
        time, model, prompt``. Each span holds ``suspect`` and ``served`` with ``start_char`` and ``end_char`` (code
        points of the text), and ``tokens``.
    scores : Mapping[str, Sequence[float]]
        Best containment of each text in one served text, in [0, 1], NaN where there is nothing to compare, for
        ``suspect`` and for each control by its name.

    Returns
    -------
    str
        HTML with every text escaped, invisible characters written out, no external address and no script.

    Raises
    ------
    MissingExtraError
        Without Jinja2.

    Notes
    -----
    Each text shows at most some 5,000 characters around its spans, so the size is bounded by the number of excerpts:
    about 12 kB each, and 40 kB for the rest.
    """
    need("jinja2", extra="report")
    template = environment().get_template("report.html.j2")
    page: str = template.render(**_view(result, excerpts, scores))
    return page


@lru_cache(maxsize=1)
def environment() -> Any:
    """Return the templates' environment: everything escaped, nothing invisible, an unknown name is an error."""
    import jinja2

    from . import case_words, plots, plots_accounts, plots_tests, show, spans, words

    made = jinja2.Environment(
        loader=jinja2.PackageLoader("overproof.report"),
        autoescape=True,
        finalize=lambda value: show.visible(value) if type(value) is str else value,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["edges"] = lambda side: (side["start_char"], side["end_char"])
    made.globals.update(plots=plots, show=show, words=words, marked=spans.marked)
    made.globals.update(says=case_words, test_plots=plots_tests, account_plots=plots_accounts)
    return made


def _view(
    result: Mapping[str, Any], excerpts: Sequence[Mapping[str, Any]], scores: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """Gather what the template needs; whatever a result may leave out becomes None here."""
    from . import plots, show

    summary = dict.fromkeys(
        (
            "suspect_texts",
            "suspect_texts_matched",
            "matched_share",
            "matched_interval",
            "suspect_tokens",
            "suspect_tokens_matched",
            "served_texts",
            "served_texts_matched",
            "df_rule",
            "recall_measured",
            "false_positives_measured",
            "rung",
        )
    ) | dict(result["summary"])
    controls = [dict(one) for one in result.get("controls", ())]
    corpora = show.parts(result)
    matches = list(result.get("matches", ()))
    return {
        "result": result,
        "summary": summary,
        "controls": controls,
        "served_name": show.names(result, "served"),
        "suspect_name": show.names(result, "suspect"),
        "has_background": any(one.get("role") == "background" for one in result.get("inputs", ())),
        "corpora": corpora,
        "widest": max((one["interval"][1] for one in corpora if one["interval"]), default=0.0),
        "raw": max((layer["suspect_texts"] for layer in result.get("waterfall", ())), default=0),
        "excerpts": [dict(one, number=i, spans=_by_suspect(one["spans"])) for i, one in enumerate(excerpts, start=1)],
        "scores": {name: values for name, values in scores.items() if len(values)},
        "series": {name: min(i, plots.SERIES - 1) for i, name in enumerate(scores)},
        "threshold": show.parameter(result, "containment", "min_containment"),
        "confidence": show.confidence(result),
        "listed": matches[:LISTED],
        "has_accounts": any(one.get("account") is not None for one in matches[:LISTED]),
        "rung": summary["rung"] or "L0",
        "fingerprint": result.get("fingerprint") or result.get("params", {}).get("fingerprint"),
    }


def _by_suspect(spans: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(spans, key=lambda span: (span["suspect"]["start_char"], span["served"]["start_char"]))
