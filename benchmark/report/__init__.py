"""Tables and sentences made of records: means, comparisons, ranks, the claims of the paper.

Pure functions of records; `report` joins them, `text` and `latex` are two of the forms.
The page and the check build on its tables.
"""
