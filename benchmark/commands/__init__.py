"""The command `bench`: one module a command, and what they share.

Importing a module imports click only; the rest is imported when its command runs.
Only `python -m imbench` and the entry point import from here.
"""
