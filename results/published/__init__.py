"""The table of arXiv 2008.05524 as printed, and marks on its doubtful cells (see docs/protocol.md)."""
