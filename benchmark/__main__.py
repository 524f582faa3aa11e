"""``python -m imbench`` is ``bench``."""

from imbench.commands.cli import main

main()
