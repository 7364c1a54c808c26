"""Every public object that holds a result or parameters pickles, and comes back the same (joblib, Spark, Ray)."""

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import overproof as op
import pytest

TEXTS = ["the quick brown fox jumps over the lazy dog", "To be, or not to be", "", "東京 Straße"]
COPIED = [" ".join(f"{word}{i}" for i in range(40)) for word in ("alpha", "beta")]

MADE: dict[str, Callable[[], Any]] = {
    "ShingleParams": lambda: op.Shingler(n=[2, 3], normalization="nfc+accents", seed=7).params,
    "Shingler": lambda: op.Shingler(n=3, analyzer="char"),
    "ShingleSets": lambda: op.Shingler(n=2).transform(TEXTS, counts=True),
    "Tokens": lambda: op.tokenize(TEXTS),
    "SketchParams": lambda: op.MinHash(16, scheme="oph").params,
    "MinHash": lambda: op.MinHash(16, shingler=op.Shingler(n=3), seed=5),
    "SimHash": lambda: op.SimHash(128),
    "FracMinHash": lambda: op.FracMinHash(2),
    "SketchArray": lambda: op.MinHash(16).sketch(TEXTS),
    "Spans": lambda: op.common_spans(TEXTS, TEXTS[:2] * 2, min_tokens=3),
    "LSHParams": lambda: op.lsh_params(0.5, 128),
    "NgramTable": lambda: op.NgramTable(TEXTS, shingler=op.Shingler(n=2)),
    "Pairs": lambda: op.similarity_join(TEXTS, TEXTS, threshold=0.5),
    "Comparison": lambda: op.compare(COPIED, [*COPIED, "Nothing of the kind."], control=TEXTS),
    "Case": lambda: op.Case(
        {"rungs": [{"suspect": "s", "rung": "L0"}]}, {"events": {"suspect": ["s"], "scores": [[1.0]]}}
    ),
    "NgramMatch": lambda: op.ngram_match(TEXTS, TEXTS),
    "SetSketch": lambda: op.FracMinHash(1).sketch(TEXTS),
    "TextColumn": lambda: op.TextColumn([*TEXTS, None], missing="keep"),
    "Source": lambda: op.Source("a.jsonl", 3, skipped={"empty": 2}),
    "Corpus": lambda: op.Corpus(TEXTS, ids=["a", "b", "c", None], rows=[1, 2, 5, 9]),
}


def fact(value: Any) -> Any:
    """What two equal values have in common."""
    if isinstance(value, op.Shingler):
        return value.params
    if isinstance(value, op.Corpus | op.Pairs | op.Spans):
        return facts(value)
    if isinstance(value, dict):
        return {key: fact(part) for key, part in value.items()}
    if isinstance(value, tuple):
        return tuple(map(fact, value))
    return (value.dtype, value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def facts(made: Any) -> dict[str, Any]:
    """All public attributes that are not methods, and the rows where there are some."""
    found = {"rows": [repr(np.asarray(row).tolist()) for row in made]} if hasattr(made, "__getitem__") else {}
    values = ((name, getattr(made, name)) for name in dir(made) if not name.startswith("_"))
    return found | {
        name: fact(value) for name, value in values if isinstance(value, op.Shingler) or not callable(value)
    }


def test_no_public_class_is_left_out() -> None:
    classes = {name for name, value in vars(op).items() if inspect.isclass(value) and not issubclass(value, Exception)}
    assert classes == set(MADE), "add a sample of each new public class to MADE"


@pytest.mark.parametrize("name", MADE)
def test_pickle(name: str) -> None:
    made = MADE[name]()
    want = facts(made)
    assert type(made) is getattr(op, name)
    assert want, "an object without public attributes says nothing of whether it came back"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        back = pickle.loads(pickle.dumps(made, protocol))
        assert type(back) is type(made)
        assert facts(back) == want
    assert facts(copy.deepcopy(made)) == want


@pytest.mark.parametrize(
    "kind", [value for value in vars(op).values() if isinstance(value, type) and issubclass(value, Exception)]
)
def test_errors_pickle(kind: type[Exception]) -> None:
    back = pickle.loads(pickle.dumps(kind("row 3: where and what to do")))
    assert type(back) is kind
    assert str(back) == "row 3: where and what to do"


@pytest.mark.parametrize("name", ["ShingleSets", "Tokens"])
def test_a_pickle_that_does_not_fit_together_is_refused(name: str) -> None:
    build, state = MADE[name]().__reduce__()
    assert facts(build(*state)) == facts(MADE[name]())
    for place, part in enumerate(state):
        if isinstance(part, np.ndarray | bytes):
            with pytest.raises((op.FormatError, op.InputError)):
                build(*state[:place], part[:-1], *state[place + 1 :])
