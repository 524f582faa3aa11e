"""Parts of methods, one a file: what a remedy changes in the training of a classifier."""

if __name__ != "imbench.methods":
    raise ImportError(
        f"this folder is imbench.methods; it was imported as {__name__!r} because the root of the "
        "repository is on sys.path: run from another folder or set PYTHONSAFEPATH=1"
    )
