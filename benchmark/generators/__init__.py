"""How good the generators are that cells left behind: judges, distances, and a table of them.

`report` is the way in; it imports torch, the rooms beside it do not.
Only the command `bench generators` uses it.
"""
