"""What fits of a repository on the hub: measured by headers, before anything else is downloaded."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from llamapack.errors import InputError, ModelNotFoundError
from llamapack.fitting import fit, fit_repository
from llamapack.hub import resolve

from tests.support.children import command, python
from tests.support.gguf.files import encode, tiny_model
from tests.support.gguf.halves import halves
from tests.support.hub.models import files_in, model
from tests.support.hub.standing_in import Hub

OPTIONS: dict[str, Any] = {"cache_types": ["f16"], "threads": 1, "parallel": 1}
TOO_MUCH = 1 << 49
WITH_SHORT_FILES = """
import resource, sys
from llamapack.cli.command import main
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
sys.argv = ["llamapack", *sys.argv[1:]]
main()
"""


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for files that are to be removed."""
    (folder := tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_by_its_header_a_model_takes_what_it_takes_when_it_is_here(hub: Hub, cache: Path, scratch: Path) -> None:
    far = fit("hf:org/repo:Q8_0", **OPTIONS)
    assert files_in(cache) == []
    assert list(scratch.iterdir()) == []
    resolve("hf:org/repo:Q8_0")
    near = fit("hf:org/repo:Q8_0", **OPTIONS)
    assert (far.plans, far.size, far.model) == (near.plans, near.size, near.model)
    assert far.plans[0].needs[0].needed > 0


def test_a_split_model_is_measured_with_all_of_its_parts(hub: Hub, tmp_path: Path) -> None:
    (whole := tmp_path / "whole.gguf").write_bytes(encode(tiny_model()).data)
    first, second = halves(tiny_model())
    hub.put("org/split", {"a-Q8_0-00001-of-00002.gguf": first, "a-Q8_0-00002-of-00002.gguf": second})
    far = fit("hf:org/split", **OPTIONS)
    assert far.plans == fit(whole, **OPTIONS).plans
    assert far.size == len(first) + len(second)


def test_the_largest_that_fits_with_all_of_its_context(hub: Hub, cache: Path) -> None:
    found = fit_repository("hf:org/repo", **OPTIONS)
    assert [each.model for each in found.fits] == ["hf:org/repo/a-Q8_0.gguf"]
    assert found.best is found.fits[0]
    assert found.smaller == ("hf:org/repo/a-Q4_K_M.gguf",)
    assert files_in(cache) == []


def test_if_none_fits_all_are_measured(hub: Hub) -> None:
    found = fit_repository("hf:org/repo", reserve=TOO_MUCH, **OPTIONS)
    assert (len(found.fits), found.best, found.smaller) == (2, None, ())
    assert all(each.reason.startswith("It does not fit") for each in found.fits)


def test_what_is_larger_than_the_machine_is_not_measured(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    small = len(model("small"))
    monkeypatch.setattr("llamapack.hub.machine.total_memory", lambda: small)
    monkeypatch.setattr("llamapack.hub.machine.device_memory", lambda: 0)
    found = fit_repository("hf:org/repo", **OPTIONS)
    assert [(each.model, each.size) for each in found.too_large] == [("hf:org/repo/a-Q8_0.gguf", small + 10)]
    assert [each.model for each in found.fits] == ["hf:org/repo/a-Q4_K_M.gguf"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the length of files")
def test_a_model_that_no_file_may_be_as_long_as_is_an_error(hub: Hub) -> None:
    answer = python(WITH_SHORT_FILES, "fit", "hf:org/repo:Q8_0")
    assert (answer.status, answer.out) == (3, ""), answer.err
    assert answer.err.startswith("llamapack: a-Q8_0.gguf cannot be measured.\nIt has 18,")


def test_the_command_compares_the_models_of_a_repository(hub: Hub) -> None:
    answer = command("fit", "hf:org/repo", "-c", "64", "--cache-type", "f16")
    assert answer.out.splitlines()[-2:] == ["1 smaller model fits, too.", "Take hf:org/repo/a-Q8_0.gguf."]
    assert answer.status == 0
    none = command("fit", "hf:org/repo", "--json", "--reserve", str(TOO_MUCH >> 20), "--cache-type", "f16")
    assert none.status == 1
    assert json.loads(none.out)["best"] is None


def test_a_single_model_is_no_repository_and_nothing_is_asked_offline(hub: Hub) -> None:
    with pytest.raises(InputError, match="not a repository"):
        fit_repository("hf:org/repo:Q8_0")
    with pytest.raises(InputError, match="not a repository"):
        fit_repository("hf:org/repo", offline=True)
    with pytest.raises(ModelNotFoundError, match="not in the cache"):
        fit("hf:org/repo", offline=True)
    assert hub.asked == []
