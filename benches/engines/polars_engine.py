"""Polars: exact overlap as columns, on one thread (POLARS_MAX_THREADS=1)."""

import numpy as np
import numpy.typing as npt
import polars as pl

from benches.engines import WINDOW, Engine

Given = tuple[list[str], list[str]]


def shifted() -> list[pl.Expr]:
    """The word in question and those after it."""
    return [pl.col("gram").shift(-i) for i in range(WINDOW)]


def grams(texts: list[str], *, hashed: bool) -> pl.LazyFrame:
    """Distinct n-grams of each text: as strings, or as 64-bit sums of hashes of words, as overproof has them."""
    frame = pl.LazyFrame({"text": texts}).with_row_index("row")
    words = frame.select("row", pl.col("text").str.split(" ").alias("gram")).explode("gram")
    if hashed:
        words = words.with_columns(pl.col("gram").hash())
        gram = pl.sum_horizontal(word * (3**i << 40 | 7**i) for i, word in enumerate(shifted()))
    else:
        gram = pl.concat_str(shifted(), separator=" ")
    inside = pl.col("row") == pl.col("row").shift(1 - WINDOW)
    return (
        words.select("row", gram.alias("gram"), inside.alias("inside")).filter("inside").select("row", "gram").unique()
    )


def coverage(given: Given, *, hashed: bool) -> npt.NDArray[np.float64]:
    """Semi-join of the suspect's n-grams with the reference's, counted by text."""
    suspect, reference = (grams(texts, hashed=hashed) for texts in given)
    hits = suspect.join(reference, on="gram", how="semi").group_by("row").len("hits")
    sizes = suspect.group_by("row").len("size").join(hits, on="row", how="left").sort("row")
    return sizes.select(pl.col("hits").fill_null(0) / pl.col("size")).collect().to_series().to_numpy()


ENGINES = [
    Engine(
        "overlap",
        "Polars, strings",
        "polars",
        "words by one space; n-grams as strings",
        lambda given: coverage(given, hashed=False),
        lambda found: found,
    ),
    Engine(
        "overlap",
        "Polars, hashes",
        "polars",
        "words by one space; n-grams as sums of 64-bit hashes of words, the quickest of five forms tried",
        lambda given: coverage(given, hashed=True),
        lambda found: found,
    ),
]
