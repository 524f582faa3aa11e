"""The parts of the HTML page that are no Python: markup, styles, scripts."""
