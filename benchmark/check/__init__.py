"""The check of scores against a committed baseline: sides, verdicts, how it ends, forms for CI.

`regression` judges, `baseline` reads and writes the committed file, `update` makes
its content of results.
Commands use it only.
"""
