"""Evaluate the generators that finished cells stored: classifiers, distances, one table.

`report` is the entry point; it imports torch, which its callers do not.
Only the command `bench generators` uses it.
"""
