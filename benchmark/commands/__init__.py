"""The command `bench`: one module a command, and what they share.

Click only at import: each module imports what it needs when its command runs.
Nothing imports from here but `python -m imbench` and the entry point.
"""
