"""Cells and their records: the store on disk, the environment, frames, exports.

Plain data: nothing here trains or prints.
Only `store.Store` writes records; `frame` and `export` read them.
"""
