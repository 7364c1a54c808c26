"""From scores to claims: tests whose null hypothesis is true by construction, each with its assumption.

Every function works on plain arrays. Those that need a distribution need SciPy (``pip install 'overproof[stats]'``).
"""

from overproof.evidence.accounts import AccountTests as AccountTests
from overproof.evidence.accounts import account_attribution as account_attribution
from overproof.evidence.accounts import greedy_cover as greedy_cover
from overproof.evidence.answers import AnswerSimilarity as AnswerSimilarity
from overproof.evidence.answers import answer_similarity as answer_similarity
from overproof.evidence.calibration import Calibration as Calibration
from overproof.evidence.calibration import calibrate as calibrate
from overproof.evidence.calibration import cllr as cllr
from overproof.evidence.calibration import leave_family_out as leave_family_out
from overproof.evidence.calibration import tippett as tippett
from overproof.evidence.controls import ControlRank as ControlRank
from overproof.evidence.controls import rank_among_controls as rank_among_controls
from overproof.evidence.drafts import draft_waterfall as draft_waterfall
from overproof.evidence.drafts import score_drafts as score_drafts
from overproof.evidence.features import draft_features as draft_features
from overproof.evidence.features import self_tests as self_tests
from overproof.evidence.line_up import LineUp as LineUp
from overproof.evidence.line_up import Sensitivity as Sensitivity
from overproof.evidence.line_up import TimePlacebo as TimePlacebo
from overproof.evidence.line_up import line_up as line_up
from overproof.evidence.line_up import sensitivity as sensitivity
from overproof.evidence.line_up import time_placebo as time_placebo
from overproof.evidence.lineage import KnownPairs as KnownPairs
from overproof.evidence.lineage import Model as Model
from overproof.evidence.lineage import known_pairs as known_pairs
from overproof.evidence.lineage import vendor_provenance as vendor_provenance
from overproof.evidence.many import Adjusted as Adjusted
from overproof.evidence.many import fdr as fdr
from overproof.evidence.many import holm as holm
from overproof.evidence.merkle import MerkleTree as MerkleTree
from overproof.evidence.merkle import record_hash as record_hash
from overproof.evidence.merkle import verify_inclusion as verify_inclusion
from overproof.evidence.provenance import Provenance as Provenance
from overproof.evidence.provenance import log_contrast as log_contrast
from overproof.evidence.provenance import provenance_lr as provenance_lr
from overproof.evidence.rates import LeakRate as LeakRate
from overproof.evidence.rates import RateRatio as RateRatio
from overproof.evidence.rates import leak_rate as leak_rate
from overproof.evidence.rates import rate_ratio as rate_ratio
from overproof.evidence.result import Result as Result
from overproof.evidence.selection import keyed_ranks as keyed_ranks
from overproof.evidence.selection import one_per_unit as one_per_unit
from overproof.evidence.selection import sample_by_key as sample_by_key
from overproof.evidence.self_test import SelfTest as SelfTest
from overproof.evidence.self_test import draft_similarity as draft_similarity
from overproof.evidence.self_test import self_test as self_test
from overproof.evidence.sequential import EProcess as EProcess
from overproof.evidence.sequential import e_process as e_process
