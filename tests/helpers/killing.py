"""Processes that are killed at each of their changes of the disk, one after the other."""

from __future__ import annotations

__all__ = ["KILLING"]

KILLING = '''
import os, signal, sys, traceback

CHANGES = ("open", "fsync", "replace", "rename", "link", "unlink", "rmdir", "mkdir")


def killed_at(number, act):
    """Do something in a process that is killed at its n-th change; return whether it was."""
    child = os.fork()
    if not child:
        left = [number]

        def wrapped(call):
            def change(*given, **options):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*given, **options)

            return change

        for name in CHANGES:
            setattr(os, name, wrapped(getattr(os, name)))
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert status == 0
    return False
'''
"""Source of a function for a script that has one thread; a process of its own is begun by fork."""
