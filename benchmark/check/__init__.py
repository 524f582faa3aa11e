"""The check of scores against a committed baseline: sides, verdicts, how it ends, forms for CI.

`regression` judges, `baseline` reads and writes the committed file.
Commands use it only.
"""
