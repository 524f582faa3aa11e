"""The table of arXiv 2008.05524 as printed, and marks on doubtful cells (docs/protocol.md)."""
