"""Ask which packages of an environment have known vulnerabilities: `audit.py ENVIRONMENT`.

Ends with 1 if one of them has a release that mends it. Registries without a vulnerability service
answer that they do not know a package; that is said, and is no fault of the code.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def main(environment: str) -> int:
    """Print what is known of each package; return the exit code."""
    places = sorted(Path(environment).glob("lib/python3*/site-packages"))
    if not places:
        print(f"no Python environment in {environment}: run tox -e py first")
        return 2
    command = [sys.executable, "-m", "pip_audit", "--format=json", "--progress-spinner=off"]
    for place in places:
        command += ["--path", str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        print(f"not audited, the vulnerability service does not answer: {reason}")
        return 0
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    print(f"{len(packages) - len(unknown)} of {len(packages)} packages audited")
    if unknown:
        print(f"not known to the vulnerability service: {', '.join(unknown[:3])}, ...")
    mended = 0
    for one in packages:
        for fault in one.get("vulns", []):
            fixed = ", ".join(fault["fix_versions"]) or "no release"
            mended += bool(fault["fix_versions"])
            print(f"{one['name']} {one['version']}: {fault['id']}, mended by {fixed}")
    return 1 if mended else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or [".tox/py"]))
