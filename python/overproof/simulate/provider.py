"""The made provider: an answer is a function of prompt, sampler and key, so it can be asked again any time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from .._files import atomic_path
from ..errors import InputError
from .case import PROMPTS, PROVIDER, Sampler, trained_models
from .streams import Keys, Streams, keys_of
from .text_model import WARRANTY, Style, TextModel, one_of

__all__ = ["NEXT", "answer", "answer_batch"]

NEXT = replace(PROVIDER, model="provider-1-2025-02-01", style=Style(opener=0.5, closer=0.4, bullets=0.3))
"""The provider's next snapshot: the same model in another style."""
BLOCK = 16_384
QUOTE = re.compile(r"Quote what the documentation of Python says where it speaks of (`[^`]+`) and (`[^`]+`)\.")
CLAUSE = "Quote the warranty clause of a permissive licence, for a project that uses"


def make_prompts(rng: np.random.Generator, count: int) -> list[str]:
    """Make distinct prompts: 4 % bring a paragraph to rewrite, 1.5 % ask for a passage known word for word."""
    model = trained_models()[0]
    names = model.names[:400]
    made: dict[str, None] = {}
    while len(made) < count:
        for kind, first, second, form in rng.random((count, 4)).tolist():
            a, b = one_of(names, first), one_of(names, second)
            if kind < 0.04:
                prompt = f"Rewrite the following paragraph for a beginner.\n\n{one_of(model.passages, form)}"
            elif kind < 0.052:
                prompt = f"Quote what the documentation of Python says where it speaks of {a} and {b}."
            elif kind < 0.055:
                prompt = f"{CLAUSE} {a} and {b}."
            else:
                prompt = one_of(PROMPTS, form).format(a=a, b=b)
            made.setdefault(prompt)
    return list(made)[:count]


def recited(model: TextModel, prompts: Sequence[str]) -> dict[str, str]:
    """The passage that each prompt asks for, for those that ask for one."""
    found = {}
    for prompt in prompts:
        if "Quote " not in prompt:
            continue
        if asked := QUOTE.search(prompt):
            digest = blake2b("\0".join(asked.groups()).encode(), digest_size=8).digest()
            found[prompt] = model.passages[int.from_bytes(digest, "little") % len(model.passages)]
        elif CLAUSE in prompt:
            found[prompt] = WARRANTY
    return found


def answer(prompts: Sequence[str], samplers: Sequence[Sampler], keys: Keys) -> list[str]:
    """Answer each prompt by its sampler and its key.

    At temperature 0 the likeliest words are drawn and the key is that of the prompt: asked again, it answers the same.
    """
    model = trained_models()[0]
    out = [""] * len(prompts)
    of: dict[Sampler, list[int]] = {}
    for row, sampler in enumerate(samplers):
        of.setdefault(sampler, []).append(row)
    for sampler, rows in of.items():
        fixed = sampler.temperature == 0
        for at in range(0, len(rows), BLOCK):
            block = rows[at : at + BLOCK]
            asked = [prompts[row] for row in block]
            drawn = model.generate_many(
                Streams(_keys_of_texts(asked) if fixed else keys[block]),
                asked,
                max_words=sampler.max_words,
                temperature=1.0 if fixed else sampler.temperature,
                top_k=1 if fixed else sampler.top_k,
                style=sampler.style,
                recited=recited(model, asked),
            )
            for row, text in zip(block, drawn, strict=True):
                out[row] = text
    return out


def _keys_of_texts(texts: Sequence[str]) -> Keys:
    digests = (blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts)
    return np.array([int.from_bytes(digest, "little") for digest in digests], np.uint64)


def answer_batch(
    ask: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    seed: int = 0,
    snapshots: Sequence[Sampler] = (PROVIDER, NEXT),
    drift: Mapping[str, Sampler] | None = None,
) -> int:
    """Answer a file of requests as the provider's batch endpoint would: what to try before a real one is asked.

    Parameters
    ----------
    ask : path
        JSON lines in the batch form of the OpenAI API and of ``vllm run-batch``: ``custom_id`` and ``body`` with
        ``model``, ``messages``, ``max_tokens`` (also ``max_completion_tokens``), ``temperature``, and ``n`` and
        ``seed`` where given.
    out : path
        Where the responses go, in the same form, a line for each request, ``n`` choices each.
    seed : int
        Another seed draws other answers to the same file.
    snapshots : sequence of Sampler
        Models that the provider knows, by name.
    drift : Mapping[str, Sampler], optional
        Samplers that answer in place of the models named, while the response still carries the name: a provider whose
        snapshot or sampler changed behind a name.

    Returns
    -------
    int
        Requests answered. One for a model that is not known gets an error in its line, as the real ones do.

    Raises
    ------
    InputError
        A line is not such a request; the message names it.

    Notes
    -----
    An answer depends on the seeds, on ``custom_id``, and on the last message of the user: the made model has no other
    memory. 0.15 ms a choice on one core.

    Examples
    --------
    >>> import json, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> body = {"model": PROVIDER.model, "messages": [{"role": "user", "content": "Explain `zip`."}], "max_tokens": 30}
    >>> _ = (folder / "ask.jsonl").write_text(json.dumps({"custom_id": "req-1", "body": body}) + "\\n")
    >>> answer_batch(folder / "ask.jsonl", folder / "drawn.jsonl")
    1
    >>> line = json.loads((folder / "drawn.jsonl").read_text())
    >>> line["custom_id"], line["response"]["body"]["choices"][0]["finish_reason"]
    ('req-1', 'length')
    """
    known = {sampler.model: sampler for sampler in snapshots}
    lines = Path(ask).read_bytes().split(b"\n")
    requests = [_request(line, f"{ask}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]
    prompts: list[str] = []
    samplers: list[Sampler] = []
    ids: list[str] = []
    for name, body, prompt in requests:
        sampler = known.get(body["model"])
        if sampler is None:
            continue
        sampler = (drift or {}).get(body["model"]) or replace(
            sampler,
            temperature=float(_given(body, "temperature", sampler.temperature)),
            max_words=int(_given(body, "max_tokens", _given(body, "max_completion_tokens", sampler.max_words))),
        )
        for choice in range(int(_given(body, "n", 1))):
            prompts.append(prompt)
            samplers.append(sampler)
            ids.append(json.dumps([seed, name, body.get("seed"), choice], sort_keys=True))
    texts = iter(zip(answer(prompts, samplers, _keys_of_texts(ids)), samplers, strict=True))
    with atomic_path(Path(out)) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for number, (name, body, _) in enumerate(requests):
            made: dict[str, Any] = {"id": f"batch_req_{number:08d}", "custom_id": name, "response": None, "error": None}
            if body["model"] in known:
                choices = [next(texts) for _ in range(int(_given(body, "n", 1)))]
                made["response"] = {
                    "status_code": 200,
                    "request_id": f"drawn-{number:08d}",
                    "body": {
                        "id": f"chatcmpl-{number:08d}",
                        "object": "chat.completion",
                        "model": body["model"],
                        "choices": [
                            {
                                "index": index,
                                "message": {"role": "assistant", "content": text},
                                "finish_reason": finish_reason(text, sampler),
                            }
                            for index, (text, sampler) in enumerate(choices)
                        ],
                    },
                }
            else:
                made["error"] = {"code": "model_not_found", "message": f"no model {body['model']!r} here"}
            file.write(json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n")
    return sum(body["model"] in known for _, body, _ in requests)


def finish_reason(text: str, sampler: Sampler) -> str:
    """``length`` where the limit ended the text, else ``stop``."""
    return "length" if len(text.split()) >= sampler.max_words else "stop"


def seeded(seed: int, purpose: str) -> np.random.Generator:
    """A generator for one part of a made world; parts do not shift each other."""
    number = keys_of(seed, purpose, np.zeros(1, np.int64))[0]
    return np.random.Generator(np.random.PCG64(int(number)))


def _given(body: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    value = body.get(name)
    return otherwise if value is None else value


def _request(line: bytes, where: str) -> tuple[str, dict[str, Any], str]:
    try:
        row = json.loads(line)
        body = row["body"]
        prompt = next(m["content"] for m in reversed(body["messages"]) if m["role"] == "user")
        if not isinstance(prompt, str) or not isinstance(body["model"], str):
            raise TypeError
        return str(row["custom_id"]), body, prompt
    except (ValueError, KeyError, TypeError, StopIteration):
        raise InputError(
            f"{where}: not a batch request; give custom_id and body with model and messages, one of them by the user"
        ) from None
