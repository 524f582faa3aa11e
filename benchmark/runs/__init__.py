"""From options to records: grid files, the plan, jobs, workers, backends, progress.

`runner` starts jobs, `worker` does one; both meet everyone else on disk only.
Commands and `imbench` itself use it; no report does.
"""
