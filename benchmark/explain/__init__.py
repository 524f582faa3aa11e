"""Where trained classifiers look: heat maps, numbers of them, swapped backgrounds, features.

Map methods are plug-ins (`saliency.Saliency`, entry points ``imbench.maps``). `session` explains
the cells of a results folder and keeps arrays beside their records; scores are never touched.
`measures` and `numbers` are pure functions of arrays; reports and the page read what is kept.
"""
