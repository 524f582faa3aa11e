"""Markup, styles and scripts of the HTML page."""
