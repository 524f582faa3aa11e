"""Cells and what they leave behind: records, the store on disk, the environment, frames, exports.

Plain data: nothing here trains or prints.
`store.Store` is the only one that writes records; `frame` and `export` read them.
"""
