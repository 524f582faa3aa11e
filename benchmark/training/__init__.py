"""Training one classifier: the base class of parts, networks, the one loop, recipes, the estimator.

`method.Method` is the way in from outside; a `part.Part` changes what the loop does.
Plug-ins use `Part`, `Method` and the checks, all from `imbench`.
"""
