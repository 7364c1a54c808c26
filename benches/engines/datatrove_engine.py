"""datatrove's signature step. Its default English tokenizer is spaCy, several times slower; here white space."""

from collections.abc import Iterable, Iterator
from tempfile import gettempdir

import numpy as np
import numpy.typing as npt
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
from datatrove.utils.hashing import HashConfig
from datatrove.utils.word_tokenizers import WordTokenizer

from benches.engines import Engine, K, N, equal_share


class WhiteSpace(WordTokenizer):
    """Words by white space: `simplify_text` has made spaces of punctuation before."""

    def word_tokenize(self, text: str) -> list[str]:
        """Its words."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """Asked for by the base class, not by the step."""
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Asked for by the base class, not by the step."""
        return [(0, len(text))]


CONFIG = MinhashConfig(n_grams=N, num_buckets=1, hashes_per_bucket=K, hash_config=HashConfig(precision=32))
STEP = MinhashDedupSignature(gettempdir(), CONFIG, language=WhiteSpace())


def shingles(texts: Iterable[str]) -> Iterator[npt.NDArray[np.uint64]]:
    """Hashed n-grams: the step's own, which change numbers and names of days and months into placeholders."""
    return map(STEP.get_shingles, texts)


ENGINES = [
    Engine(
        "minhash",
        "datatrove",
        "datatrove",
        "own simplification of text, words by white space; xxh32; nothing is written to disk",
        lambda rows: [STEP.get_signature(row)[0] for row in rows if len(row)],
        equal_share,
        shingles,
    )
]
