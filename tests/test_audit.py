""".ci/audit.py: what it makes of pip-audit's answers, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / ".ci" / "audit.py"
BAD = {"name": "old", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["1.1"]}]}
HOPELESS = {"name": "sad", "version": "2.0", "vulns": [{"id": "CVE-2", "fix_versions": []}]}
FINE = {"name": "fine", "version": "3.0", "vulns": []}
UNKNOWN = {"name": "ours", "skip_reason": "not found"}


@pytest.fixture
def audit(tmp_path):
    """Return a runner of the script with a pip-audit that answers as we say."""
    (tmp_path / "py" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)

    def run(answer: str, environment: str = "py") -> subprocess.CompletedProcess[str]:
        (tmp_path / "pip_audit.py").write_text(f"print({answer!r})")
        return subprocess.run(
            [sys.executable, str(SCRIPT), str(tmp_path / environment)],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    return run


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        (
            [FINE, UNKNOWN],
            0,
            "1 of 2 packages audited\nnot known to the vuln",
        ),
        ([HOPELESS], 0, "sad 2.0: CVE-2, mended by no release"),
        ([FINE, HOPELESS, BAD], 1, "old 1.0: CVE-1, mended by 1.1"),
    ],
)
def test_only_what_a_release_mends_is_an_error(audit, packages, code, says):
    done = audit(json.dumps({"dependencies": packages}))
    assert done.returncode == code, done.stderr
    assert says in done.stdout


def test_a_service_that_does_not_answer_is_said_and_no_error(audit):
    done = audit("no connection")
    assert done.returncode == 0
    assert done.stdout.startswith("not audited, the vulnerability service does not answer")


def test_without_an_environment_nothing_is_called_audited(audit):
    done = audit("{}", "nowhere")
    assert done.returncode == 2
    assert "run tox -e py first" in done.stdout
