"""Audits: questions that are asked again and again, with a verdict. packs/ has those that come along, a folder each pack."""

# From the least to the gravest.
SEVERITIES = ("info", "low", "medium", "high", "critical")
