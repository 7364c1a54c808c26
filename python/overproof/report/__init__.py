"""What a person reads: one HTML file that opens offline, and a summary for the terminal.

Both are made from the JSON form of a comparison (`overproof.Comparison.to_dict`) or of a case (``case.json``), show the
same figures, and claim the rung of the ladder that the figures prove, never a higher one.
"""
