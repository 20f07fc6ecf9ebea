"""Many files: damaged ones are refused or read and never end the process, and memory does not grow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.paths import ROOT

SEED = 1
COUNT = 1000


def test_no_damaged_file_ends_the_process(media_folder: Path) -> None:
    command = [sys.executable, "-m", "tests.support.media.read_cases", media_folder, str(SEED), "0", str(COUNT)]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, cwd=ROOT)
    *cases, last = done.stdout.splitlines() or [""]
    assert done.returncode == 0, f"case {last}:\n{done.stderr[-2000:]}"
    outcomes = json.loads(last)
    assert len(cases) == sum(outcomes.values()) == COUNT
    for name in ("BMP", "FLAC", "GIF", "JPEG", "MP3", "PNG", "WAV", "progressive JPEG"):
        assert outcomes[f"{name}: refused"], outcomes
        assert outcomes[f"{name}: read"], outcomes


def test_500_images_take_no_memory_that_stays(media_folder: Path) -> None:
    command = [sys.executable, "-m", "tests.support.media.many_images", str(media_folder), "500"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(done.stdout) < 2 << 20  # an image of 360 KB, 500 times, is 180 MB


@pytest.mark.parametrize("kind", ["llava", "gemma3", "ultravox"])
def test_no_projector_with_a_damaged_header_ends_the_process(media_folder: Path, kind: str) -> None:
    command = [sys.executable, "-m", "tests.support.media.projector_cases", str(media_folder), kind, "150"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    *cases, last = done.stdout.splitlines() or [""]
    assert done.returncode == 0, f"case {last}:\n{done.stderr[-2000:]}"
    assert len(cases) == 150
    assert 0 < int(last) < 50
