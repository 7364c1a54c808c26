"""The public face: the names are fixed, each is documented, nothing else leaks out."""

import inspect
from types import ModuleType

import overproof as op

NAMES = {
    *("Corpus", "Source", "TextColumn", "read_corpus"),
    *("Shingler", "ShingleParams", "ShingleSets", "Tokens", "normalize", "tokenize"),
    *("MinHash", "SimHash", "FracMinHash", "SketchArray", "SetSketch", "SketchParams"),
    *("LSHParams", "Spans", "cdist", "common_spans", "containment", "dice", "hamming", "jaccard", "lsh_params"),
    *("NgramMatch", "ngram_match", "overlap_coefficient", "score_interval"),
    *("NgramTable",),
    *("Pairs", "candidate_pairs", "similarity_join", "similarity_topk"),
    *("Case", "Comparison", "compare"),
    *("evidence", "reference", "simulate"),
    *("OverproofError", "InputError", "IncompatibleError", "FormatError", "InternalError", "MissingExtraError"),
    *("build_info", "get_num_threads", "set_num_threads"),
}


def test_the_names_are_these() -> None:
    public = {
        name for name, value in vars(op).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    modules = {name for name in NAMES if isinstance(getattr(op, name), ModuleType)}
    assert public == NAMES - modules, "a new public name goes into NAMES"


def test_every_name_and_every_method_is_documented() -> None:
    bare = []
    for name in NAMES:
        value = getattr(op, name)
        members = {f"{name}.{key}": member for key, member in inspect.getmembers(value, callable) if key[0] != "_"}
        for key, member in {name: value, **(members if inspect.isclass(value) else {})}.items():
            if not inspect.getdoc(member):
                bare.append(key)
    assert not bare


def test_errors_have_the_bases_that_callers_catch() -> None:
    for kind in (op.InputError, op.IncompatibleError, op.FormatError):
        assert issubclass(kind, op.OverproofError)
        assert issubclass(kind, ValueError)
    assert issubclass(op.MissingExtraError, ImportError)
    assert issubclass(op.InternalError, op.OverproofError)
    assert not issubclass(op.InternalError, ValueError)
