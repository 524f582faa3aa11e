"""Data sets, one a file: where the images lie and which of them are the minority."""

if __name__ != "imbench.datasets":
    raise ImportError(
        f"this folder is imbench.datasets; it was imported as {__name__!r} because the root of the "
        "repository is on sys.path: run from another folder or set PYTHONSAFEPATH=1"
    )
