"""Reuse compiled shaders between builds and checkouts: ccache does not support glslc."""

from __future__ import annotations

import hashlib
import shlex
import shutil
from pathlib import Path

from tools.paths import cache_dir
from tools.util import stamps
from tools.util.atomic_files import write_text

SCRIPT = """\
#!/bin/sh
# glslc with a cache (tools/compilers/shader_cache.py). What a shader becomes depends on the compiler and the files in
# {sources}, for which the name of the cache's folder stands, and on the words below but for the paths.
set -u
LC_ALL=C
real={real} sources={sources} cache={cache}

out= listed= source= words= next=
for word do
    case $next in
        -o) out=$word next= ;;
        -MF) listed=$word next= ;;
        *) case $word in
            -o | -MF) next=$word ;;
            "$sources"/*.comp) source=$word words="$words ${{word##*/}}" ;;
            *) words="$words $word" ;;
        esac ;;
    esac
done
if [ -z "$source" ] || [ -z "$out" ] || [ "$out" = - ]; then
    exec "$real" "$@"
fi

key=$(printf %s "$words" | sha256sum)
kept=$cache/${{key%% *}}
if [ -f "$kept" ] && cp "$kept" "$out"; then
    [ -z "$listed" ] || {{ printf %s: "$out"; sed {restored} "$kept.d"; }} > "$listed"
    exit
fi

# A warning is for whoever builds, each time: only what compiles without one is kept.
half=$kept.$$
if said=$("$real" "$@" 2>&1 >&3); then
    status=0
    if [ -z "$said" ] && mkdir -p "$cache" && cp "$out" "$half"; then
        [ -z "$listed" ] || tail -c +$((${{#out}} + 2)) "$listed" | sed {anywhere} > "$half.d"
        [ -z "$listed" ] || mv "$half.d" "$kept.d"
        mv "$half" "$kept"
    fi
else
    status=$?
fi 3>&1
[ -z "$said" ] || printf '%s\\n' "$said" >&2
exit $status
"""


def cached_glslc(glslc: Path, version: str, sources: Path, place: Path) -> Path:
    """Write a program to `place`, and return it: it replaces `glslc` for the shaders in `sources`, with a cache.

    `version` identifies the compiler. If the programs that the cache needs are missing, `glslc` itself is returned.
    """
    if not (shutil.which("sh") and shutil.which("sha256sum") and sources.is_dir()):
        return glslc
    tree = stamps.tree_digest(sources, (path for path in sources.rglob("*") if path.is_file()))
    digest = hashlib.sha256(f"{version}\0{tree}".encode()).hexdigest()[:16]
    words = {"real": str(glslc), "sources": str(sources), "cache": str(cache_dir() / "shaders" / digest)}
    # The list of files that a shader includes is stored without the folder, which differs between checkouts.
    words["anywhere"] = f"s|{_escaped(str(sources), '][.*^$')}/|@/|g"
    words["restored"] = f"s|@/|{_escaped(str(sources), '&')}/|g"
    text = SCRIPT.format(**{name: shlex.quote(word) for name, word in words.items()})
    if not (place.is_file() and place.read_text(encoding="utf-8") == text):
        write_text(place, text, executable=True)
    return place


def _escaped(text: str, special: str) -> str:
    """Return `text` with each character of `special` escaped for sed."""
    return "".join(f"\\{letter}" if letter in rf"\|{special}" else letter for letter in text)
