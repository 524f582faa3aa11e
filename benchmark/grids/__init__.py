"""Grids that ship with the package, as TOML: quick, cpu, paper."""
