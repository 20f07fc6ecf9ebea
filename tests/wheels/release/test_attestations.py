"""Real attestations are verified without a network: the right identity and bytes pass, and nothing else."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.given import given_path
from tools.errors import ToolError, UnavailableError
from tools.release.attestations import attestation_of, sign, verify
from tools.sessions.attested_sample import SIGNED_BY


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A file that a workflow signed, with its attestation beside it."""
    given = given_path("LLAMAPACK_TEST_ATTESTED", "nox -s packaging")
    for path in (given, attestation_of(given)):
        shutil.copy(path, tmp_path)
    return tmp_path / given.name


def test_what_the_workflow_signed_is_accepted(signed: Path) -> None:
    verify([signed], SIGNED_BY, offline=True)


@pytest.mark.parametrize(
    "other",
    [
        replace(SIGNED_BY, repository="https://github.com/pypi/pypi-attestations"),
        replace(SIGNED_BY, workflow="other.yml"),
        replace(SIGNED_BY, ref="refs/heads/main"),
    ],
    ids=["repository", "workflow", "ref"],
)
def test_another_identity_is_refused(signed: Path, other: object) -> None:
    with pytest.raises(ToolError, match="is not what") as caught:
        verify([signed], str(other), offline=True)
    assert "do not match" in caught.value.why


def test_other_bytes_are_refused(signed: Path) -> None:
    with signed.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ToolError) as caught:
        verify([signed], SIGNED_BY, offline=True)
    assert "digest" in caught.value.why


def test_another_name_is_refused(signed: Path) -> None:
    """A vulnerable version must not pass for another one."""
    other = signed.with_name(signed.name.replace("0.0.19", "0.0.20"))
    signed.rename(other)
    attestation_of(signed).rename(attestation_of(other))
    with pytest.raises(ToolError) as caught:
        verify([other], SIGNED_BY, offline=True)
    assert "distribution name" in caught.value.why


@pytest.mark.parametrize("part", ["statement", "signature"])
def test_a_changed_attestation_is_refused(signed: Path, part: str) -> None:
    path = attestation_of(signed)
    held = json.loads(path.read_text(encoding="utf-8"))
    content = bytearray(base64.b64decode(held["envelope"][part]))
    content[len(content) // 2] ^= 1
    held["envelope"][part] = base64.b64encode(content).decode()
    path.write_text(json.dumps(held), encoding="utf-8")
    with pytest.raises(ToolError, match="is not what"):
        verify([signed], SIGNED_BY, offline=True)


def test_a_file_without_an_attestation_is_refused(signed: Path) -> None:
    attestation_of(signed).unlink()
    with pytest.raises(ToolError, match="has no attestation"):
        verify([signed], SIGNED_BY, offline=True)


def test_nobody_signs_outside_a_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    wheel = tmp_path / "llamapack-1.0-py3-none-any.whl"
    wheel.write_bytes(b"1")
    with pytest.raises(UnavailableError, match="vouches") as caught:
        sign([wheel])
    assert "release.yml" in caught.value.fix
    assert list(tmp_path.iterdir()) == [wheel]


def test_an_attestation_that_is_there_is_not_taken_for_a_new_one(signed: Path) -> None:
    before = attestation_of(signed).read_bytes()
    with pytest.raises(ToolError, match="There is an attestation already"):
        sign([signed])
    assert attestation_of(signed).read_bytes() == before
