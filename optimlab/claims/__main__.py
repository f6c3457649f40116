"""``python -m optimlab.claims``: show the claims of the notes, or run the experiments that decide them."""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import CHAPTERS, STATUSES, Claim, ClaimError, get, load
from ._library import find, run
from ._pages import misplaced, unknown_references


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 for a problem in the data, 2 for a wrong call."""
    parser = argparse.ArgumentParser(
        prog="python -m optimlab.claims",
        description="The claims of the notes: what became of each, and the experiment that decides it.",
        epilog="Exit status: 0; 1 if a check fails or the data has a problem; 2 for an unknown id or option.",
    )
    parser.add_argument("ids", nargs="*", metavar="id", help="the claims meant; all by default")
    parser.add_argument("--chapter", choices=CHAPTERS, help="only claims of this chapter")
    parser.add_argument("--status", choices=STATUSES, help="only claims with this status")
    parser.add_argument("--json", action="store_true", help="a list of objects, one per claim")
    parser.add_argument("--check", action="store_true", help="run the checks of these claims, each once")
    parser.add_argument("--code", action="store_true", help="with --check: print the code of each check")
    parser.add_argument(
        "--chapters",
        type=Path,
        default=Path("chapters"),
        metavar="PATH",
        help="with --check: notebooks that must have the headings named (default: ./chapters if it is there)",
    )
    parser.add_argument(
        "--references",
        type=Path,
        default=Path("references.bib"),
        metavar="PATH",
        help="with --check: the bibliography that must have the keys (default: ./references.bib if there)",
    )
    options = parser.parse_args(arguments)
    try:
        known = load(options.chapter)
    except ClaimError as error:
        print(error, file=sys.stderr)
        return 1
    for identity in options.ids:
        if identity not in known:
            try:
                chapter = get(identity).chapter
            except ClaimError as error:
                print(error, file=sys.stderr)
            else:
                print(f"{identity!r} is a claim of {chapter}, not of {options.chapter}", file=sys.stderr)
            return 2
    chosen = [known[identity] for identity in dict.fromkeys(options.ids)] or list(known.values())
    chosen = [claim for claim in chosen if options.status in (None, claim.status)]
    try:
        if options.check:
            return check(chosen, options.chapters, options.references, options.code)
        if options.json:
            entries = [{**asdict(claim), "checked_by": claim.checked_by} for claim in chosen]
            print(json.dumps(entries, ensure_ascii=False, indent=1))
        else:
            show(chosen)
    except ClaimError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def show(chosen: Sequence[Claim]) -> None:
    """Print the claims and the totals."""
    for claim in chosen:
        print(claim, end="\n\n")
    total = Counter(claim.status for claim in chosen)
    counts = ", ".join(f"{total[status]} {status}" for status in STATUSES)
    print(f"{len(chosen)} {'claim' if len(chosen) == 1 else 'claims'}: {counts}")


def check(chosen: Sequence[Claim], chapters: Path, references: Path, code: bool = False) -> int:
    """Run the checks of the claims, each once, and print what they found; return 1 if there is a problem."""
    problems = misplaced(chosen, chapters)
    if references.is_file():
        problems += unknown_references(chosen, references)
    names = list(dict.fromkeys(claim.checked_by for claim in chosen if claim.checked_by))
    held = 0
    for number, name in enumerate(names, start=1):
        print(f"{number}/{len(names)} {name}", file=sys.stderr)
        try:
            finding = run(name)
            if code:
                print(inspect.getsource(find(name)))
            print(f"{name}: {finding}")
            held += 1
        except AssertionError as error:
            by = ", ".join(claim.id for claim in chosen if claim.checked_by == name)
            problems.append(f"{error} (it decides {by})")
    for problem in problems:
        print(f"PROBLEM {problem}")
    print(f"{held} of {len(names)} checks hold, for {len(chosen)} claims; {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
