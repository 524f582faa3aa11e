"""``python -m imbench`` is ``bench``."""

from imbench.cli import main

main()
