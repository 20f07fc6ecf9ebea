"""What is on this machine: listed by names that mean it again, removed as far as nothing else uses it."""

from __future__ import annotations

from pathlib import Path

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir
from llamapack.errors import InputError, ModelChoiceError, ModelMemoryError, ModelNotFoundError
from llamapack.hub import describe, kept_models, remove_model, resolve, set_alias

from tests.support.hub.models import files_in, model
from tests.support.hub.ollama import put_ollama
from tests.support.hub.standing_in import COMMIT, Hub, broken_after, on_files, sha256

SMALL, LARGE, PROJECTOR = model("small"), model("large", more=1000), model("projector")
SPLIT = {f"b-Q4_K_M-0000{number}-of-00002.gguf": model(f"part {number}") for number in (1, 2)}
NEXT = "f" * 40


@pytest.fixture
def several(hub: Hub) -> Hub:
    """A hub with a repository of several models, of which all are here."""
    files = {"a-Q4_K_M.gguf": SMALL, "a-Q8_0.gguf": LARGE, "mmproj-F16.gguf": PROJECTOR, "config.json": b"{}"}
    hub.put("org/repo", files)
    hub.put("org/split", SPLIT)
    for name in ("hf:org/repo", "hf:org/repo:Q8_0", "hf:org/split"):
        resolve(name)
    return hub


def listed() -> dict[str, int]:
    return {each.reference: each.size for each in kept_models()}


def test_models_are_listed_by_names_that_mean_them(several: Hub, tmp_path: Path) -> None:
    put_ollama(tmp_path / "ollama", "registry.ollama.ai/library/tiny/latest", model=SMALL)
    several.blobs["x.gguf"] = SMALL
    address = f"{several.files_address}/x.gguf#sha256={sha256(SMALL)}"
    kept = resolve(address).path
    for name, meant in {"one": "hf:org/repo:q8_0", "two": address, "three": "ollama:tiny", "four": str(kept)}.items():
        set_alias(name, meant)
    several.asked.clear()
    found = {each.reference: (each.place, each.size, each.aliases) for each in kept_models()}
    assert found == {
        "hf:org/repo:Q4_K_M": ("hub", len(SMALL), ()),
        "hf:org/repo:Q8_0": ("hub", len(LARGE), ("one",)),
        "hf:org/split:Q4_K_M": ("hub", sum(map(len, SPLIT.values())), ()),
        str(kept): ("address", len(SMALL), ("four", "two")),
        "ollama:tiny:latest": ("ollama", len(SMALL), ("three",)),
    }
    for each in kept_models():
        assert resolve(each.reference, offline=True).parts == each.parts
    assert several.asked == []


def test_other_commits_are_listed_by_their_revision(several: Hub) -> None:
    several.put("org/repo", {"a-Q4_K_M.gguf": SMALL}, commit=NEXT)
    several.repositories["org/repo"].branches["old"] = COMMIT
    resolve("hf:org/repo", offline=False)
    assert [name for name in listed() if name.startswith("hf:org/repo")] == [
        "hf:org/repo:Q4_K_M",
        f"hf:org/repo:Q4_K_M@{COMMIT}",
        f"hf:org/repo:Q8_0@{COMMIT}",
    ]
    resolve("hf:org/repo:Q8_0@old")
    assert "hf:org/repo:Q8_0@old" in listed()


def test_a_file_that_no_tag_means_is_listed_by_its_name(hub: Hub) -> None:
    hub.put("org/repo", {"one-Q8_0.gguf": SMALL, "two-Q8_0.gguf": LARGE})
    resolve("hf:org/repo/two-Q8_0.gguf")
    assert list(listed()) == ["hf:org/repo/two-Q8_0.gguf"]


def test_what_is_not_whole_is_not_listed(several: Hub, cache: Path) -> None:
    second = cache / "models--org--split/snapshots" / COMMIT / "b-Q4_K_M-00002-of-00002.gguf"
    second.unlink()
    assert list(listed()) == ["hf:org/repo:Q4_K_M", "hf:org/repo:Q8_0"]


def test_nothing_is_listed_where_nothing_is(cache: Path) -> None:
    assert kept_models() == []
    (cache / "models--x").mkdir(parents=True)
    (cache / "models--org--repo/snapshots/junk").mkdir(parents=True)
    (cache / "datasets--org--repo").mkdir(parents=True)
    assert kept_models() == []


def test_a_model_is_removed_and_others_stay(several: Hub, cache: Path) -> None:
    removed = remove_model("hf:org/repo:Q8_0")
    assert (removed.references, removed.freed) == (("hf:org/repo:Q8_0",), len(LARGE))
    assert list(listed()) == ["hf:org/repo:Q4_K_M", "hf:org/split:Q4_K_M"]
    assert resolve("hf:org/repo", offline=True).projector is not None
    assert scan_cache_dir(cache).warnings == []


def test_with_the_last_model_goes_what_belonged_to_it(several: Hub, cache: Path) -> None:
    remove_model("hf:org/repo:Q8_0")
    removed = remove_model("hf:org/repo:Q4_K_M")
    assert removed.freed == len(SMALL) + len(PROJECTOR)
    remove_model("hf:org/split")
    assert files_in(cache) == []
    assert [path.name for path in cache.iterdir()] == [".locks"]


def test_contents_that_another_commit_has_stay(several: Hub, cache: Path) -> None:
    several.put("org/repo", {"a-Q4_K_M.gguf": SMALL, "mmproj-F16.gguf": PROJECTOR}, commit=NEXT)
    resolve("hf:org/repo", offline=False)
    removed = remove_model(f"hf:org/repo:Q4_K_M@{COMMIT}")
    assert removed.freed == 0
    assert resolve("hf:org/repo", offline=True).path.read_bytes() == SMALL
    assert remove_model(f"hf:org/repo:Q8_0@{COMMIT}").freed == len(LARGE)
    assert (cache / "models--org--repo/snapshots").is_dir()
    assert remove_model("hf:org/repo:Q4_K_M").freed == len(SMALL) + len(PROJECTOR)
    assert not (cache / "models--org--repo").exists()


def test_files_of_other_programs_stay(several: Hub, cache: Path) -> None:
    hf_hub_download("org/repo", "config.json", cache_dir=cache, endpoint=several.address, token=False)
    remove_model("hf:org/repo", everything=True)
    assert files_in(cache / "models--org--repo") == [
        f"blobs/{sha256(b'{}')}",
        "refs/main",
        f"snapshots/{COMMIT}/config.json",
        f"trees/{COMMIT}.json",
    ]


def test_everything_of_a_repository_is_removed(several: Hub, cache: Path) -> None:
    with pytest.raises(ModelChoiceError) as caught:
        remove_model("hf:org/repo")
    assert caught.value.choices == ("hf:org/repo:Q4_K_M", "hf:org/repo:Q8_0")
    removed = remove_model("hf:org/repo", everything=True)
    assert set(removed.references) == {"hf:org/repo:Q4_K_M", "hf:org/repo:Q8_0"}
    assert removed.freed == len(SMALL) + len(LARGE) + len(PROJECTOR)
    assert not (cache / "models--org--repo").exists()
    with pytest.raises(InputError, match="means one model"):
        remove_model("hf:org/split:Q4_K_M", everything=True)


def test_what_is_left_of_a_download_is_removed_with_everything(hub: Hub, cache: Path) -> None:
    hub.put("org/repo", {"a-Q8_0.gguf": model("a", more=100_000)})

    def stop(name: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt(f"{name} of {total} bytes")

    with pytest.raises(KeyboardInterrupt):
        resolve("hf:org/repo", progress=stop)
    assert [name for name in files_in(cache) if name.endswith(".incomplete")] != []
    with pytest.raises(ModelNotFoundError):
        remove_model("hf:org/repo")
    assert remove_model("hf:org/repo", everything=True).freed > 0
    assert files_in(cache) == []


def test_files_that_are_not_links_are_removed(several: Hub, cache: Path) -> None:
    pointer = cache / "models--org--repo/snapshots" / COMMIT / "a-Q8_0.gguf"
    pointer.resolve().replace(pointer)  # as on Windows without links
    assert remove_model("hf:org/repo:Q8_0").freed == len(LARGE)
    assert not pointer.exists()


def test_a_download_of_an_address_is_removed(hub: Hub, tmp_path: Path) -> None:
    hub.blobs["x.gguf"] = SMALL
    address = f"{hub.files_address}/x.gguf#sha256={sha256(SMALL)}"
    assert remove_model(str(resolve(address).path)).freed == len(SMALL)
    resolve(address)
    assert remove_model(address).freed == len(SMALL)
    assert files_in(tmp_path / "llamapack/downloads") == []
    with pytest.raises(ModelNotFoundError):
        remove_model(address)


def test_what_is_not_ours_is_not_removed(several: Hub, tmp_path: Path) -> None:
    put_ollama(tmp_path / "ollama", "registry.ollama.ai/library/tiny/latest", model=SMALL)
    (tmp_path / "own.gguf").write_bytes(SMALL)
    before = files_in(tmp_path / "ollama")
    set_alias("name", "hf:org/repo")
    for reference, fix in (
        ("ollama:tiny", "Run: ollama rm tiny:latest"),
        (str(tmp_path / "own.gguf"), "Delete it yourself."),
        ("name", "Remove the name, or give what it stands for."),
    ):
        with pytest.raises(InputError) as caught:
            remove_model(reference)
        assert caught.value.fix == fix
    assert files_in(tmp_path / "ollama") == before
    assert (tmp_path / "own.gguf").exists()
    with pytest.raises(ModelNotFoundError, match=r"these are here: hf:org/repo:Q4_K_M, hf:org/repo:Q8_0\."):
        remove_model("hf:org/repo:Q2_K")
    with pytest.raises(ModelNotFoundError, match="is not on this machine"):
        remove_model("hf:org/none")


def test_a_model_is_described_by_its_header(several: Hub) -> None:
    here = describe("hf:org/repo:Q8_0")
    assert here.files is not None
    assert (here.size, here.name, here.architecture, here.context) == (len(LARGE), "large", "llama", 64)
    assert (here.chat_template, here.license) == (False, None)
    several.put("org/other", {"c-Q8_0.gguf": model("c", more=3_000_000)})
    several.asked.clear()
    there = describe("hf:org/other")
    assert (there.files, there.name, there.parameters) == (None, "c", here.parameters)
    assert len(several.downloads()) == 1  # for the header
    with pytest.raises(ModelNotFoundError):
        describe("hf:org/other", offline=True)


def test_a_model_larger_than_all_memory_is_refused_before_it_is_downloaded(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.put("org/repo", {"a-Q8_0.gguf": SMALL, "b-Q8_0.gguf": LARGE, "mmproj-F16.gguf": PROJECTOR})
    for place in ("machine", "choosing"):
        monkeypatch.setattr(f"llamapack.hub.{place}.total_memory", lambda: len(SMALL) + 10)
    monkeypatch.setattr("llamapack.hub.machine.device_memory", lambda: len(PROJECTOR))
    with pytest.raises(ModelMemoryError) as caught:
        resolve("hf:org/repo/b-Q8_0.gguf")
    assert str(caught.value).splitlines()[:2] == [
        "hf:org/repo/b-Q8_0.gguf does not fit this machine: it has 37.7 kB.",
        "Machine and GPUs have 36.7 kB of memory together.",
    ]
    assert hub.downloads() == []
    with pytest.raises(ModelChoiceError, match=r"b-Q8_0\.gguf \(19\.3 kB, more than this machine's memory\)"):
        resolve("hf:org/repo")
    resolve("hf:org/repo/a-Q8_0.gguf")
    resolve("hf:org/repo/b-Q8_0.gguf", anyway=True)
    assert resolve("hf:org/repo/b-Q8_0.gguf", offline=True).path.read_bytes() == LARGE


def test_a_download_that_breaks_leaves_what_is_removed_with_everything(hub: Hub, cache: Path) -> None:
    hub.put("org/repo", {"a-Q8_0.gguf": SMALL, "b.txt": b"x"})
    hub.faults.append(on_files(broken_after(0)))
    with pytest.raises(Exception, match="cannot be downloaded"):
        resolve("hf:org/repo")
    with pytest.raises(ModelNotFoundError):
        remove_model("hf:org/repo", everything=True)
    assert [name for name in files_in(cache) if "/blobs/" in name] == []
