"""Optional packages: imported where they are used, with the line that installs them where they are missing."""

from importlib import import_module
from typing import Any

from overproof.errors import MissingExtraError


def need(module: str, *, extra: str) -> Any:
    """Import `module`, or say which extra of overproof brings it.

    Raises
    ------
    MissingExtraError
        `module` is not installed; the message holds the exact pip line.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(f"{package} is not installed; run: pip install 'overproof[{extra}]'") from error
