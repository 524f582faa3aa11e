"""One HTML page of all records, and plots for a paper; needs no network and no server.

`page` is the way in, `figures` and `diagram` draw plots, `templates` holds markup and scripts.
Commands use these three only.
"""
