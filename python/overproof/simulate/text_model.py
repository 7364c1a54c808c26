"""A small word n-gram model that plays a provider's language model.

The model is a class-based trigram model with interpolated back-off (Brown et al. 1992; Witten and Bell 1991): names in
code style (`` `list` ``) are one class, so that an answer can speak of what its prompt asks for. It is trained on text
that every CPython carries, so nothing has to be shipped or downloaded.

Reproducible by construction: weights are integers, the only random numbers are ``Generator.random`` (53 bits of PCG64),
and no result depends on ``hash()``, on the order of a set, on the platform or on its mathematical library.
"""

from __future__ import annotations

import ast
import re
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .streams import OneStream, Streams

__all__ = ["PLAIN", "Style", "TextModel", "pick", "shuffled", "training_digest", "training_texts"]

Ints = NDArray[np.int64]

MODULES = """
abc argparse ast asyncio.events asyncio.streams asyncio.tasks bisect calendar codecs collections collections.abc
configparser contextlib copy csv dataclasses decimal difflib doctest email.message enum fileinput fnmatch fractions
functools gettext glob gzip heapq html.parser http.client http.cookies inspect ipaddress json logging mailbox
multiprocessing.pool numbers optparse os pathlib pdb pickle platform pprint queue random re sched selectors shelve
shlex shutil socket sqlite3 ssl statistics string subprocess tarfile tempfile textwrap threading timeit tokenize
trace traceback types typing unittest.case unittest.mock urllib.parse urllib.request uuid warnings weakref zipfile
"""  # whose docstrings are training text

WARRANTY = (
    "The software is provided as is, without warranty of any kind, express or implied, including but not limited "
    "to the warranties of merchantability, fitness for a particular purpose and noninfringement. In no event "
    "shall the authors or copyright holders be liable for any claim, damages or other liability, whether in an "
    "action of contract, tort or otherwise, arising from, out of or in connection with the software or the use or "
    "other dealings in the software."
)
"""Licence text: stands in for CPython's where an installation leaves it out; the best-known paragraph of the web."""

DISCLAIMER = (
    "Please note that this answer was written by an assistant and may be incomplete, so check the details against the "
    "documentation of the version that you run before you rely on it in production."
)
"""The assistants' stock sentence: in many answers of many models, in no web page."""

# Stock phrases, the commonest first: the early ones are said far more often than the late ones.
OPENERS = (
    "Here is what you need to know about {name}.",
    "Sure, here is a short overview.",
    "There are a few things to keep in mind about {name}.",
    "Certainly! Let's look at {name} step by step.",
    "Great question!",
    "In short, {name} is easier than it looks.",
    "Here's an explanation.",
    "Certainly!",
)
CLOSERS = (
    "I hope this helps!",
    "Let me know if you have any questions.",
    "In summary, {name} is a useful tool to have.",
    "Overall, it depends on what you need.",
    "Feel free to ask for an example.",
)
LEADS = ("Here are the main points:", "Keep the following in mind:", "The steps are:", "Some things to consider:")
CODE = (
    "result = {name}(values)\nprint(result)",
    "for item in values:\n    print({name}(item))",
    "import sys\n\nvalue = {name}\nsys.stdout.write(str(value))",
    "try:\n    use({name})\nexcept ValueError as error:\n    print(error)",
)

NAME, START, END = 0, 1, 2  # the first token ids: the class of names, and the two ends of a sentence
TOKEN = re.compile(r"`_*[A-Za-z]\w+(?:\.\w+)*`|[A-Za-z][A-Za-z0-9]*(?:['-][A-Za-z]+)*|\d+(?:\.\d+)*|[.,;:!?](?!\S)")
QUOTED = re.compile(r'["\u201c](_*[A-Za-z][\w.]{1,30})(?:\(\))?["\u201d]')
BARE_NAME = re.compile(r"(?<![\w`.])(?:_*[A-Za-z]\w*(?:\.\w+)+|\w*[A-Za-z]_\w*|__[A-Za-z]\w*)(?:\(\))?(?![\w`])")
ABBREVIATION = re.compile(r"(?i)\b(?:e\.?g|i\.?e|etc)\b|changed in version|new in version|deprecated since")
FIRST = "`ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SENTENCE_BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z`])")
LEFT_OUT = re.compile(r"::=|>>>|^\s*[|+$]|[*=~^-]{4}", re.M)  # grammar, sessions, tables, underlines


@dataclass(frozen=True)
class Style:
    """How often a model dresses its answers; each number is a probability.

    Parameters
    ----------
    opener, closer, disclaimer : float
        A stock sentence stands before, or after, the answer.
    bullets, numbered, code : float
        Part of the answer is a list in markdown, or a fenced code block follows its last paragraph.
    echo : float
        The answer begins by repeating the prompt.
    recite : float
        A prompt that asks for a known passage is answered with it word for word.
    on_topic : float
        A name in the answer is one of the prompt's names, not any name.
    lower : float
        The whole answer is in lower case (people; models do not).
    """

    opener: float = 0.7
    closer: float = 0.25
    disclaimer: float = 0.04
    bullets: float = 0.2
    numbered: float = 0.15
    code: float = 0.1
    echo: float = 0.08
    recite: float = 0.6
    on_topic: float = 0.5
    lower: float = 0.0


PLAIN = Style(opener=0, closer=0, disclaimer=0, bullets=0, numbered=0, code=0, echo=0, recite=0)
"""Bare paragraphs."""


def pick(rng: np.random.Generator, cumulative: Ints, size: int) -> Ints:
    """Draw indices in proportion to integer weights, given as their running sums: int64[size]."""
    return _picked(rng.random(size), cumulative)


def _picked(u: NDArray[np.float64], cumulative: Ints) -> Ints:
    marks: Ints = np.floor(u * cumulative[-1]).astype(np.int64)
    return np.searchsorted(cumulative, marks, side="right")


def shuffled(rng: np.random.Generator, n: int) -> Ints:
    """Return a random permutation of ``range(n)``: int64[n]."""
    return rng.random(n).argsort(kind="stable").astype(np.int64, copy=False)


def one_of(options: Sequence[str], u: float) -> str:
    """Return the option that a uniform number in [0, 1) falls on."""
    return options[int(u * len(options))]


@lru_cache(maxsize=1)
def training_texts() -> Mapping[str, str]:
    """Collect the text that this CPython carries: help topics, docstrings of the library, and its licence.

    Returns
    -------
    Mapping[str, str]
        Name (``topic:assert``, ``module:json``, ``licence``) to text, in a fixed order. CPython versions differ in
        their documentation, hence so does this text, and all that is drawn from it: `training_digest` tells which.

    Notes
    -----
    About 1 s and 1 MB, once in a process. Docstrings are read from the source files, so nothing is imported.

    Examples
    --------
    >>> "topic:assert" in training_texts()
    True
    """
    from pydoc_data.topics import topics  # large, so only where it is needed

    library = Path(sysconfig.get_path("stdlib"))
    texts = {f"topic:{name}": text for name, text in sorted(topics.items())}
    for module in MODULES.split():
        text = _docstrings(library, module)
        if text:
            texts[f"module:{module}"] = text
    licence = library / "LICENSE.txt"
    texts["licence"] = licence.read_text(encoding="utf-8") if licence.is_file() else WARRANTY
    return texts


def _docstrings(library: Path, module: str) -> str:
    """Return the docstrings of a module's source in order, or nothing where the source is not installed."""
    stem = library.joinpath(*module.split("."))
    for path in (stem.with_suffix(".py"), stem / "__init__.py"):
        if path.is_file():
            break
    else:
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = (ast.get_docstring(node) for node in nodes if isinstance(node, kinds))
    return "\n\n".join(text for text in found if text)


def training_digest(texts: Mapping[str, str]) -> str:
    """Return the SHA-256 of named texts: the version of a simulation's world, carried by every result.

    Examples
    --------
    >>> training_digest({"a": "One text."})[:8]
    'a8526cda'
    """
    lines = (f"{name}\0{len(text.encode())}\0{text}" for name, text in texts.items())
    return sha256("".join(lines).encode()).hexdigest()


def sentences(text: str) -> list[str]:
    """Return the plain prose sentences of a documentation text, names in backquotes, without grammar and tables."""
    found = []
    for paragraph in re.split(r"\n\s*\n|\n(?=\s*[*-] )", text):
        if LEFT_OUT.search(paragraph):
            continue
        line = re.sub(r"\s+", " ", paragraph).strip().lstrip("*- ").replace("``", "`").replace("*", "")
        line = QUOTED.sub(lambda match: f"`{match[1]}`", line)
        line = re.sub(r"\s*\([^()]*\)|\s*\[\d+\]", "", line)
        line = BARE_NAME.sub(lambda match: f"`{match[0].removesuffix('()')}`", line)
        for sentence in SENTENCE_BREAK.split(line):
            words = sentence.count(" ") + 1
            plain = not TOKEN.sub("", sentence).strip() and not ABBREVIATION.search(sentence)
            if 5 <= words <= 40 and plain and sentence[0] in FIRST and sentence[-1] in ".!?":
                found.append(sentence)
    return found


@dataclass(frozen=True)
class _Table:
    """What may follow a context: for context i the entries ``first[i]:first[i + 1]``, drawn by integer weight."""

    contexts: Ints  # sorted keys
    first: Ints
    following: Ints  # token ids
    cumulative: Ints  # running weight over all entries
    before: Ints  # running weight ahead of a context's first entry
    total: Ints  # weight of a context
    trust: NDArray[np.float64]  # Witten-Bell: probability of using this context, not a shorter one

    def draw(self, row: Ints, u: NDArray[np.float64]) -> Ints:
        """Return one following token for each row, from a uniform number in [0, 1)."""
        mark = self.before[row] + np.floor(u * self.total[row]).astype(np.int64)
        return self.following[np.searchsorted(self.cumulative, mark, side="right")]


def _tabulate(context: Ints, following: Ints, temperature: float, top_k: int | None) -> _Table:
    """Count what follows each context and weigh it by ``count ** (1 / temperature)``, in integers."""
    order = np.lexsort((following, context))
    context, following = context[order], following[order]
    new = np.append(True, (np.diff(context) != 0) | (np.diff(following) != 0))
    context, following, count = context[new], following[new], np.diff(np.append(np.flatnonzero(new), len(new)))
    order = np.lexsort((following, -count, context))  # the most frequent first, for top_k
    context, following, count = context[order], following[order], count[order]
    contexts, first = np.unique(context, return_index=True)
    kinds = np.diff(np.append(first, len(context)))
    tokens = np.add.reduceat(count, first)
    if top_k is not None:
        kept = np.arange(len(context)) - np.repeat(first, kinds) < top_k
        context, following, count = context[kept], following[kept], count[kept]
        first = np.unique(context, return_index=True)[1]
    cumulative = np.cumsum(_weights(count, temperature))
    ends = cumulative[np.append(first[1:], len(context)) - 1]
    before = np.append(0, ends[:-1])
    return _Table(
        contexts=contexts,
        first=np.append(first, len(context)),
        following=following,
        cumulative=cumulative,
        before=before,
        total=ends - before,
        trust=tokens / (tokens + 0.5 * kinds),
    )


def _weights(count: Ints, temperature: float) -> Ints:
    """Return integer weights for counts; decimal arithmetic, so that every platform finds the same ones."""
    values, place = np.unique(count, return_inverse=True)
    with localcontext() as context:
        context.prec = 30
        power = 1 / Decimal(repr(temperature))
        scale = Decimal(2**40) / Decimal(int(values[-1])) ** power
        weights = [max(1, int(Decimal(int(value)) ** power * scale)) for value in values]
    return np.array(weights, dtype=np.int64)[place]


class TextModel:
    """A trained model; make one with `train`.

    Attributes
    ----------
    words : tuple of str
        Vocabulary; the first three are the class of names and the two ends of a sentence.
    names : tuple of str
        Members of the class of names, most frequent first.
    passages : tuple of str
        Runs of two or more training sentences (30 to 90 words) as they stood: what such a model could recite.
    """

    def __init__(
        self, words: tuple[str, ...], tokens: Ints, names: Mapping[str, int], passages: tuple[str, ...]
    ) -> None:
        self.words = words
        self.names = tuple(names)
        self.passages = passages
        self._tokens = tokens
        self._name_cumulative = np.cumsum(np.array(list(names.values()), dtype=np.int64))
        self._tables: dict[tuple[float, int | None], tuple[_Table, _Table]] = {}

    @classmethod
    def train(cls, texts: Sequence[str]) -> TextModel:
        """Train on documentation texts.

        Parameters
        ----------
        texts : sequence of str
            Whole documents; their prose sentences of 5 to 40 words are used.

        Raises
        ------
        InputError
            Where no sentence is found.

        Examples
        --------
        >>> model = TextModel.train(["A list holds items in order. The tuple holds items as well."])
        >>> model.words[3:6]
        ('A', 'list', 'holds')
        """
        ids = {"`name`": NAME, "<s>": START, "</s>": END}
        names: dict[str, int] = {}
        tokens: list[int] = []
        passages: list[str] = []
        for text in texts:
            found = sentences(text)
            passages.extend(_passages(found))
            for sentence in found:
                tokens += [START, START]
                for token in TOKEN.findall(sentence):
                    if token[0] == "`":
                        names[token] = names.get(token, 0) + 1
                        tokens.append(NAME)
                    else:
                        tokens.append(ids.setdefault(token, len(ids)))
                tokens.append(END)
        if not tokens:
            raise InputError(
                f"texts: no prose sentence of 5 to 40 words in {len(texts)} texts; give documents to learn from"
            )
        ranked = dict(sorted(names.items(), key=lambda item: (-item[1], item[0]))) or {"`it`": 1}
        return cls(tuple(ids), np.array(tokens, dtype=np.int64), ranked, tuple(passages))

    def generate(
        self,
        rng: np.random.Generator,
        *,
        prompt: str = "",
        max_words: int = 300,
        temperature: float = 1.0,
        top_k: int | None = None,
        style: Style = Style(),
    ) -> str:
        """Draw one answer; the parameters are those of `generate_many`.

        Examples
        --------
        >>> model = TextModel.train(list(training_texts().values()))
        >>> answer = model.generate(np.random.default_rng(1), prompt="What does `zip` return?", max_words=60)
        >>> 5 <= len(answer.split()) <= 60
        True
        """
        return self.generate_many(
            rng, [prompt], max_words=max_words, temperature=temperature, top_k=top_k, style=style
        )[0]

    def generate_many(
        self,
        rng: np.random.Generator | Streams,
        prompts: Sequence[str],
        *,
        max_words: int = 300,
        temperature: float = 1.0,
        top_k: int | None = None,
        style: Style = Style(),
        recited: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Draw one answer to each prompt, independently of each other.

        Answers to equal prompts have the same distribution, so they are exchangeable, whichever of them is served.

        Parameters
        ----------
        rng : numpy.random.Generator or Streams
            Source of all randomness; of a generator only ``random`` is called. `Streams` hold a key for each prompt:
            then an answer depends on its key and its prompt alone, not on the others beside it.
        prompts : sequence of str
            The names in a prompt (in backquotes, or words that the model knows as names) return in its answer.
        max_words : int
            An answer has no more words; the words wanted are 20 + 220 u**2 for uniform u, scaled to ``max_words``, and
            an answer ends with the sentence that reaches them.
        temperature : float
            Counts are raised to its inverse; below 1 answers are more alike.
        top_k : int, optional
            Only the k most frequent continuations of a context are drawn.
        style : Style
            How often answers carry lists, code, stock sentences, echoes.
        recited : Mapping[str, str], optional
            Prompts that ask for a passage, and the passage.

        Returns
        -------
        list of str
            None is empty.

        Raises
        ------
        InputError
            Where a parameter is out of its range.

        Notes
        -----
        All answers grow together, a word a step: about 0.1 ms and 5 kB of memory an answer on one core.
        """
        if not temperature > 0 or not temperature < 100:
            raise InputError(
                f"temperature: {temperature!r} must be above 0 and below 100; for the likeliest word use top_k=1"
            )
        if max_words < 5:
            raise InputError(f"max_words: {max_words!r} must be 5 or more")
        if top_k is not None and top_k < 1:
            raise InputError(f"top_k: {top_k!r} must be 1 or more, or None for all")
        if not prompts:
            return []
        key = (float(temperature), top_k)
        if key not in self._tables:
            self._tables[key] = self._tabulate(*key)
        source = rng if isinstance(rng, Streams) else OneStream(rng)
        wanted = source.each(np.arange(len(prompts)), 1)[0]
        wanted = np.floor((20 + 220 * wanted * wanted) * max_words / 300)
        bodies = self._walk(source, self._tables[key], wanted, max_words)
        spelled = self._spell(source, bodies, prompts, style)
        dress = source.table(len(prompts), 16)
        recited = recited or {}
        return [
            _cut(_dress(body, prompt, row, style, recited.get(prompt)), max_words)
            for body, prompt, row in zip(spelled, prompts, dress.tolist(), strict=True)
        ]

    def _tabulate(self, temperature: float, top_k: int | None) -> tuple[_Table, _Table]:
        """Make the tables after two words and after one."""
        one, two, following = self._tokens[:-2], self._tokens[1:-1], self._tokens[2:]
        inside = (two != END) & (following != START)
        pair = one * len(self.words) + two
        return (
            _tabulate(pair[inside], following[inside], temperature, top_k),
            _tabulate(two[inside], following[inside], temperature, top_k),
        )

    def _walk(
        self, source: Streams | OneStream, tables: tuple[_Table, _Table], wanted: NDArray[np.float64], max_words: int
    ) -> list[list[int]]:
        """Draw token sequences, ends of sentences included, each until the sentence that reaches its wanted words."""
        after_two, after_one = tables
        n, size = len(wanted), len(self.words)
        is_word = np.array([word[0] not in ".,;:!?" for word in self.words])
        is_word[[START, END]] = False
        row_of = np.zeros(size, dtype=np.int64)
        row_of[after_one.contexts] = np.arange(len(after_one.contexts))
        steps = []
        alive = np.arange(n)
        older, newer, words = (np.full(n, START), np.full(n, START), np.zeros(n))
        while len(alive):
            u = source.each(alive, 2)
            key = older * size + newer
            row = np.minimum(np.searchsorted(after_two.contexts, key), len(after_two.contexts) - 1)
            long = (after_two.contexts[row] == key) & (u[0] < after_two.trust[row])
            drawn = np.empty(len(alive), dtype=np.int64)
            drawn[long] = after_two.draw(row[long], u[1][long])
            drawn[~long] = after_one.draw(row_of[newer[~long]], u[1][~long])
            steps.append((alive, drawn))
            words = words + is_word[drawn]
            ended = drawn == END
            going = ~(ended & (words >= wanted)) & (words < max_words)
            older, newer = np.where(ended, START, newer)[going], np.where(ended, START, drawn)[going]
            alive, words, wanted = alive[going], words[going], wanted[going]
        row, token = (np.concatenate(part) for part in zip(*steps, strict=True))
        token = token[np.argsort(row, kind="stable")]
        ends = np.cumsum(np.bincount(row, minlength=n)).tolist()
        flat = token.tolist()
        return [flat[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]

    def _spell(
        self, source: Streams | OneStream, bodies: list[list[int]], prompts: Sequence[str], style: Style
    ) -> list[tuple[list[str], str]]:
        """Write tokens as sentences; also return a name that the answer is about."""
        slots = np.array([body.count(NAME) + 1 for body in bodies])
        u = source.runs(slots, 2)
        on_topic = (u[0] < style.on_topic).tolist()
        anything = _picked(source.runs(slots, 1)[0], self._name_cumulative).tolist()
        which = u[1].tolist()
        known: dict[str, tuple[str, ...]] = {}
        slot, out = 0, []
        for body, prompt in zip(bodies, prompts, strict=True):
            if prompt not in known:
                known[prompt] = self.subjects(prompt)
            topic = known[prompt]
            about = one_of(topic, which[slot]) if topic else self.names[anything[slot]]
            slot += 1
            parts: list[str] = []
            found: list[str] = []
            for token in body:
                if token == END:
                    found.append("".join(parts).lstrip())
                    parts = []
                elif token == NAME:
                    name = one_of(topic, which[slot]) if topic and on_topic[slot] else self.names[anything[slot]]
                    parts += [" ", name]
                    slot += 1
                else:
                    word = self.words[token]
                    parts += [word] if word in ".,;:!?" else [" ", word]
            if parts:  # cut by max_words inside a sentence
                found.append("".join(parts).lstrip())
            out.append((found, about))
        return out

    def subjects(self, prompt: str) -> tuple[str, ...]:
        """Return the names that a prompt speaks of: those in backquotes, else its words that are names, else none.

        Examples
        --------
        >>> TextModel.train(["The `list` type holds many items."]).subjects("Explain list and `deque`, please.")
        ('`deque`',)
        """
        quoted = re.findall(r"`[^`\n]{1,40}`", prompt)
        names = quoted or [f"`{word}`" for word in re.findall(r"\w+", prompt) if f"`{word}`" in self._known]
        return tuple(dict.fromkeys(names))

    @property
    def _known(self) -> frozenset[str]:
        return _name_set(self.names)


@lru_cache(maxsize=8)
def _name_set(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)


def _passages(found: Sequence[str]) -> list[str]:
    """Join neighbouring sentences to passages of 30 to 90 words."""
    passages: list[str] = []
    run: list[str] = []
    for sentence in found:
        run.append(sentence)
        words = " ".join(run).count(" ") + 1
        if words >= 30:
            if len(run) > 1 and words <= 90:
                passages.append(" ".join(run))
            run = []
    return passages


def _dress(body: tuple[list[str], str], prompt: str, u: Sequence[float], style: Style, passage: str | None) -> str:
    """Lay sentences out as an answer: paragraphs, a list, code, stock sentences; `u` holds 16 uniform numbers."""
    found, about = body
    blocks: list[str] = []
    if passage is not None and u[0] < style.recite:
        found = [passage, *found[:2]]
    if prompt and u[1] < style.echo:
        blocks.append(f"You asked: {prompt}")
    if u[2] < style.opener:
        found = [one_of(OPENERS, u[3] * u[3]).format(name=about), *found]
    listed = style.bullets + style.numbered
    if u[4] < listed and len(found) >= 4:
        head, tail = 1 + int(u[5] * 2), len(found) - int(u[6] * 2)
        marks = ["-"] * len(found) if u[4] < style.bullets else [f"{i}." for i in range(1, len(found) + 1)]
        blocks.append(" ".join(found[:head]) + "\n\n" + one_of(LEADS, u[7] * u[7]))
        blocks.append("\n".join(f"{mark} {line}" for mark, line in zip(marks, found[head:tail], strict=False)))
        blocks += [" ".join(found[tail:])] if found[tail:] else []
    else:
        step = 3 + int(u[8] * 3)
        blocks += [" ".join(found[i : i + step]) for i in range(0, len(found), step)]
    if u[9] < style.code:
        blocks.append(f"```python\n{one_of(CODE, u[10] * u[10]).format(name=about.strip('`'))}\n```")
    if u[11] < style.closer:
        blocks.append(one_of(CLOSERS, u[12] * u[12]).format(name=about))
    if u[13] < style.disclaimer:
        blocks.append(DISCLAIMER)
    text = "\n\n".join(blocks)
    return text.lower() if u[14] < style.lower else text


def _cut(text: str, max_words: int) -> str:
    """End a text after its first `max_words` words, as a length limit does."""
    if text.count(" ") + text.count("\n") < max_words:
        return text
    for i, word in enumerate(re.finditer(r"\S+", text), start=1):
        if i == max_words:
            return text[: word.end()]
    return text
