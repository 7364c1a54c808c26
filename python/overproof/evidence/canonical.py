"""JSON with one spelling (RFC 8785), so that equal content has equal bytes and one digest."""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from typing import Any

from overproof.errors import InputError

EXACT = 2**53
"""Integers beyond this have no double of their own, which RFC 8785 needs."""


def canonical(value: Any) -> bytes:
    """The one spelling of a JSON value.

    Parameters
    ----------
    value : dict, list, tuple, str, int, float, bool or None
        Keys are str.

    Returns
    -------
    bytes
        UTF-8: keys in the order of their UTF-16 code units, no white space, numbers as ECMAScript writes them.

    Raises
    ------
    InputError
        A value that JSON has no spelling for: NaN, an integer beyond 2^53, a lone surrogate, another type.

    References
    ----------
    RFC 8785 (JSON Canonicalization Scheme); ECMA-262, Number::toString.

    Examples
    --------
    >>> canonical({"b": [1e21, 0.000001, 10.0], "a": None})
    b'{"a":null,"b":[1e+21,0.000001,10]}'
    """
    try:
        return _spell(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"a text holds a lone surrogate, which JSON cannot carry: {error}") from None


def digest(value: Any) -> str:
    """SHA-256 of the canonical form, in hex digits.

    Examples
    --------
    >>> digest({})
    '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'
    """
    return hashlib.sha256(canonical(value)).hexdigest()


def _spell(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > EXACT:
            raise InputError(f"{value} is beyond 2^53: write it as text")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_spell, value)) + "]"
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise InputError("an object's keys must be str")
        keys = sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))
        return "{" + ",".join(f"{_spell(key)}:{_spell(value[key])}" for key in keys) + "}"
    raise InputError(f"a value of type {type(value).__name__} has no spelling in JSON")


def _number(value: float) -> str:
    """Shortest digits that read back as the same double, laid out as ECMAScript does."""
    if not math.isfinite(value):
        raise InputError(f"{value} has no spelling in JSON")
    if value == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    point = len(text) + exponent
    if len(text) <= point <= 21:
        out = text + "0" * (point - len(text))
    elif 0 < point <= 21:
        out = f"{text[:point]}.{text[point:]}"
    elif -6 < point <= 0:
        out = f"0.{'0' * -point}{text}"
    else:
        rest = f".{text[1:]}" if len(text) > 1 else ""
        out = f"{text[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return ("-" if sign else "") + out
