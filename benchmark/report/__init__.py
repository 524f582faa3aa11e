"""Tables and sentences from records: means, comparisons, ranks, tests of the paper's claims.

Pure functions of records; `report` is the entry point, `text` and `latex` are two of the forms.
The page and the check build on its tables.
"""
