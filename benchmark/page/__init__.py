"""One HTML page of all records, and plots for a paper; needs no network and no server.

`page` is the entry point, `paper_plots` and `diagram` draw plots, `templates` holds markup, styles
and scripts. Commands use `page`, `paper_plots` and `diagram` only.
"""
