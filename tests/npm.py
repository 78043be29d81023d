"""Packages of npm that the tests run by Node: installed once, under build/."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OLDEST_NODE = 20


def installed(package: str, version: str) -> Path:
    """Return the folder where a package is installed; skips, by name, where there is no Node to run it."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip(f"{package} needs node and npm, which are absent here")
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(node.removeprefix("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"{package} {version} needs node {OLDEST_NODE}, and {node.strip()} is here")
    folder = ROOT / "build" / f"{package}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # the workers of one run install it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules" / package / "package.json").exists():
            (folder / "package.json").write_text('{"private": true}')
            command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", f"{package}@{version}"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    return folder
