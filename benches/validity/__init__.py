"""What the rule of `overproof.compare` finds and what it accuses in vain, on real texts of known origin.

The texts are not part of the repository: set OVERPROOF_SHARED_DATA to their folder. One command: ``make validity``.
"""
