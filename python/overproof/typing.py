"""The types that the public functions take."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt


class ArrowArray(Protocol):
    """Anything that gives an Arrow array through the PyCapsule interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...


class ArrowStream(Protocol):
    """Anything that gives a stream of Arrow arrays through the PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


#: A batch of texts; row i is text i.
TextsLike: TypeAlias = (
    Sequence[str]
    | Sequence[str | None]
    | tuple[bytes, npt.ArrayLike]
    | npt.NDArray[np.object_]
    | ArrowArray
    | ArrowStream
    | Any
)
