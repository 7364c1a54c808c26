"""Models, what is declared of their lineage, and a suspect against every vendor among the teachers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from overproof.errors import InputError
from overproof.evidence.answers import AnswerSimilarity
from overproof.evidence.calibration import calibrate
from overproof.evidence.controls import LEAST_CONTROLS
from overproof.evidence.provenance import Provenance, against, log_contrast, provenance_lr
from overproof.evidence.result import plain

Float64 = npt.NDArray[np.float64]
ROLES = ("teacher", "reference", "suspect")


@dataclass(frozen=True, kw_only=True)
class Model:
    """What is declared of a model.

    Attributes
    ----------
    name : str
    role : {"teacher", "reference", "suspect"}
        A reference is a model of known lineage: a clean control for every vendor that it has nothing from.
    vendor : str
        Whose model, or whose weights it is built on. Needed for teachers.
    family : str
        Models that are not independent (sizes, versions, the same training text) share one; by default its own name.
    taught_by : tuple of str
        Vendors whose outputs it was trained on; of a reference all of them are known.
    """

    name: str
    role: str
    vendor: str = ""
    family: str = ""
    taught_by: tuple[str, ...] = ()

    def clean_for(self, vendor: str) -> bool:
        """Whether it has nothing from this vendor."""
        return self.role == "reference" and vendor != self.vendor and vendor not in self.taught_by

    @property
    def kin(self) -> str:
        """Its family, or else its name."""
        return self.family or self.name


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownPairs:
    """References against vendors: z and p of each pair of known relation, from `known_pairs`.

    All arrays have one value a pair. ``pvalue`` is one-sided, ``n`` the number of controls, ``related`` the truth.
    """

    names: tuple[str, ...]
    vendors: tuple[str, ...]
    families: tuple[str, ...]
    z: Float64
    pvalue: Float64
    n: npt.NDArray[np.int64]
    related: npt.NDArray[np.bool_]

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON takes them."""
        return {name: plain(value) for name, value in vars(self).items()}


def known_pairs(
    found: AnswerSimilarity, models: Iterable[Model], *, least_controls: int = LEAST_CONTROLS
) -> KnownPairs:
    """The z of every reference against every vendor that it is known to have learnt from, or not.

    Parameters
    ----------
    found : AnswerSimilarity
        Of all teachers and references.
    models : iterable of Model
        Their lineage. A reference on a vendor's own weights is in no pair with it.
    least_controls : int
        Vendors with fewer clean references are left out.

    Returns
    -------
    KnownPairs
        Each z against the other clean references, its own family left out.

    Raises
    ------
    InputError
        As `vendor_provenance`.
    """
    known = _Known(found, models)
    rows = []
    for vendor in known.vendors:
        if sum(one.clean_for(vendor) for one in known.references) < least_controls:
            continue
        for one in known.references:
            if one.vendor == vendor and vendor not in one.taught_by:
                continue
            controls = known.controls(one, vendor)
            z, p = against(known.contrast(one.name, vendor), known.contrasts(controls, vendor))
            if math.isfinite(z):
                rows.append((one.name, vendor, one.kin, z, p, len(controls), vendor in one.taught_by))
    columns = list(zip(*rows, strict=True)) or [()] * 7
    return KnownPairs(
        names=columns[0],
        vendors=columns[1],
        families=columns[2],
        z=np.array(columns[3], np.float64),
        pvalue=np.array(columns[4], np.float64),
        n=np.array(columns[5], np.int64),
        related=np.array(columns[6], np.bool_),
    )


def vendor_provenance(
    found: AnswerSimilarity, models: Iterable[Model], *, suspect: str, confidence: float = 0.95
) -> list[Provenance]:
    """A suspect model against every vendor among the teachers.

    Parameters
    ----------
    found : AnswerSimilarity
        Of the suspect, all teachers and all references, from `answer_similarity`.
    models : iterable of Model
        What is declared of them.
    suspect : str
        The name of one model, whatever its role; the other suspects take no part.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of Provenance
        One a vendor, by name. The ratio is there where references of two families or more are related to some vendor
        with enough controls, and of two are not, the suspect's family left out.

    Raises
    ------
    InputError
        A role is unknown, a teacher has no vendor, a name is there twice or has no answers, or all teachers are of one
        vendor.
    MissingExtraError
        SciPy is missing.

    Notes
    -----
    Clean controls of a vendor are the references that are neither taught by it nor on its weights. The vendors are
    several hypotheses: the threshold on z stands for them all, p-values want `holm`.
    """
    known = _Known(found, models)
    one = known.models.get(suspect)
    if one is None:
        raise InputError(f"{suspect!r} is not among the models: they are {', '.join(known.models)}")
    pairs = known_pairs(found, known.models.values())
    apart = np.array([family != one.kin for family in pairs.families], bool)
    kinds = [{f for f, r, a in zip(pairs.families, pairs.related, apart, strict=True) if a and r == k} for k in (0, 1)]
    learnt = None
    if min(map(len, kinds)) >= 2:
        learnt = calibrate(pairs.z[apart], pairs.related[apart], np.array(pairs.families)[apart])
    at = found.columns([suspect])[0]
    taught = found.columns([t.name for t in known.teachers if t.name != suspect])
    out = []
    for vendor in known.vendors:
        controls = known.controls(one, vendor)
        out.append(
            provenance_lr(
                known.contrast(suspect, vendor),
                known.contrasts(controls, vendor),
                prompts=int(found.prompts[at, taught].min()),
                ngrams=float(found.ngrams[at]),
                references=learnt,
                vendor=vendor,
                suspect=suspect,
                names=controls,
                confidence=confidence,
            )
        )
    return out


class _Known:
    """Models by name, and the log-contrast of each to each vendor."""

    def __init__(self, found: AnswerSimilarity, models: Iterable[Model]) -> None:
        self.models: dict[str, Model] = {}
        for one in models:
            if one.role not in ROLES:
                raise InputError(f"{one.name}: role {one.role!r} is unknown; give one of {', '.join(ROLES)}")
            if one.role == "teacher" and not one.vendor:
                raise InputError(f"{one.name}: a teacher needs a vendor")
            if one.name in self.models:
                raise InputError(f"{one.name} is there twice: give each model once")
            self.models[one.name] = one
        self.teachers = [one for one in self.models.values() if one.role == "teacher"]
        self.references = [one for one in self.models.values() if one.role == "reference"]
        self.vendors = sorted({one.vendor for one in self.teachers})
        names = list(self.models)
        rows, columns = found.columns(names), found.columns([one.name for one in self.teachers])
        contrast = log_contrast(found.similarity[np.ix_(rows, columns)], [one.vendor for one in self.teachers])
        self._contrast: dict[str, dict[str, float]] = {
            vendor: dict(zip(names, values.tolist(), strict=True)) for vendor, values in contrast.items()
        }

    def contrast(self, name: str, vendor: str) -> float:
        return float(self._contrast[vendor][name])

    def contrasts(self, names: Sequence[str], vendor: str) -> Float64:
        return np.array([self._contrast[vendor][name] for name in names], np.float64)

    def controls(self, suspect: Model, vendor: str) -> list[str]:
        """Clean references with a contrast, the suspect and its family left out."""
        return [
            one.name
            for one in self.references
            if one.clean_for(vendor)
            and one.kin != suspect.kin
            and one.name != suspect.name
            and math.isfinite(self.contrast(one.name, vendor))
        ]
