"""Which files of tests take long: they begin first, so that they do not end last."""

__all__ = ["LONG"]

LONG = (
    *("test_types.py", "test_faults.py", "test_chaos.py", "test_backend_dask.py"),
    *("test_backend_slurm.py", "test_joint_run.py", "test_benchmarks.py", "test_command_run.py"),
    *("test_plugins.py", "test_command_check.py", "test_command_generators.py", "test_aug.py"),
    *("test_packaging.py", "test_backend.py", "test_runner.py", "test_pair.py", "test_worker.py"),
    *("test_command_status.py", "test_collection.py", "test_alt.py", "test_method.py"),
)
"""Files of which each takes half a minute or more, the longest first."""
