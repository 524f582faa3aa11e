"""Which files of tests take long: they begin first, so that they do not end last."""

__all__ = ["LONG"]

LONG = (
    *("test_types.py", "test_benchmarks.py", "test_faults.py", "test_chaos.py"),
    *("test_tutorials.py", "test_backend_dask.py", "test_backend_slurm.py", "test_joint_run.py"),
    *("test_end_to_end.py", "test_command_run.py", "test_plugins.py", "test_command_check.py"),
    *("test_packaging.py", "test_backend.py", "test_pair.py", "test_worker.py", "test_runner.py"),
    *("test_shared_folder.py", "test_foreign.py", "test_run_from_python.py", "test_method.py"),
    *("test_backbones.py", "test_broken_output.py", "test_command_status.py"),
)
"""Files that take longest, slow tests included, the longest first; no other has 15 s."""
