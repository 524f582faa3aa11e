"""Scores and statistics: metrics, intervals, exact paired tests, bootstrap, curves.

Pure functions of arrays; imports nothing of ours but `imbench.errors`.
Metrics are plug-ins; the rest is used by every room that judges scores.
"""
