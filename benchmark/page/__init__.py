"""One HTML page of all records, and plots for a paper; needs no network and no server.

`page` is the entry point, `figures` and `diagram` draw plots, `templates` holds markup, styles
and scripts. Commands use `page`, `figures` and `diagram` only.
"""
