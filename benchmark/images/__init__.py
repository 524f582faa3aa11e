"""Data sets and their images: base class, classes, splits, decoding, cache, training subsets.

A data set derives from `dataset.Dataset`; `cache.prepare` returns its decoded images.
Plug-ins use `Dataset`, `Listing`, `Options` and `Obtainable`, all from `imbench`.
"""
