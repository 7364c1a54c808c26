"""The exceptions of overproof. Each message says where (file, line, field, row) and what to do."""


class OverproofError(Exception):
    """Base of every error that overproof raises on purpose."""


class InputError(OverproofError, ValueError):
    """An argument or a datum is not usable."""


class IncompatibleError(OverproofError, ValueError):
    """Two objects were made with different parameters: their fingerprints differ."""


class FormatError(OverproofError, ValueError):
    """A file does not hold what its format says."""


class InternalError(OverproofError):
    """A bug of overproof; the message names the place."""


class MissingExtraError(OverproofError, ImportError):
    """An optional package is needed; the message is the line that installs it."""
