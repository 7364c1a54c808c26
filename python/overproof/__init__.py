"""overproof measures how much of what a model's API served is in a suspect corpus."""

from overproof import _console as _console  # first: what follows takes a while, and may be interrupted
from overproof import evidence as evidence
from overproof import reference as reference
from overproof import simulate as simulate
from overproof._core import __version__ as __version__
from overproof._core import get_num_threads as get_num_threads
from overproof._core import set_num_threads as set_num_threads
from overproof.build import build_info as build_info
from overproof.case import Case as Case
from overproof.compare import compare as compare
from overproof.comparison import Comparison as Comparison
from overproof.corpus import Corpus as Corpus
from overproof.corpus import Source as Source
from overproof.corpus import TextColumn as TextColumn
from overproof.errors import (
    FormatError as FormatError,
)
from overproof.errors import (
    IncompatibleError as IncompatibleError,
)
from overproof.errors import (
    InputError as InputError,
)
from overproof.errors import (
    InternalError as InternalError,
)
from overproof.errors import (
    MissingExtraError as MissingExtraError,
)
from overproof.errors import (
    OverproofError as OverproofError,
)
from overproof.index import NgramTable as NgramTable
from overproof.io import read_corpus as read_corpus
from overproof.join import Pairs as Pairs
from overproof.join import candidate_pairs as candidate_pairs
from overproof.join import similarity_join as similarity_join
from overproof.join import similarity_topk as similarity_topk
from overproof.score import LSHParams as LSHParams
from overproof.score import NgramMatch as NgramMatch
from overproof.score import Spans as Spans
from overproof.score import cdist as cdist
from overproof.score import common_spans as common_spans
from overproof.score import containment as containment
from overproof.score import dice as dice
from overproof.score import hamming as hamming
from overproof.score import jaccard as jaccard
from overproof.score import lsh_params as lsh_params
from overproof.score import ngram_match as ngram_match
from overproof.score import overlap_coefficient as overlap_coefficient
from overproof.score import score_interval as score_interval
from overproof.shingle import ShingleParams as ShingleParams
from overproof.shingle import Shingler as Shingler
from overproof.shingle import ShingleSets as ShingleSets
from overproof.sketch import FracMinHash as FracMinHash
from overproof.sketch import MinHash as MinHash
from overproof.sketch import SetSketch as SetSketch
from overproof.sketch import SimHash as SimHash
from overproof.sketch import SketchArray as SketchArray
from overproof.sketch import SketchParams as SketchParams
from overproof.text import Tokens as Tokens
from overproof.text import normalize as normalize
from overproof.text import tokenize as tokenize
