"""``python -m optimlab.walkthroughs``: show the worked examples, judged, or check their data."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from . import Judged, Walkthrough, WalkthroughError, load
from ._chapters import shown
from ._error import nearest
from ._files import VERDICTS
from ._tables import text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 for a problem in the data, 2 for a wrong call."""
    parser = argparse.ArgumentParser(
        prog="python -m optimlab.walkthroughs",
        description="The worked examples of the notes: every printed value computed and judged.",
        epilog="Exit status: 0; 1 if the data has a problem; 2 for an unknown id, file or option.",
    )
    parser.add_argument("ids", nargs="*", metavar="id", help="the examples meant; all by default")
    parser.add_argument("--verdict", choices=VERDICTS, help="only values with this verdict")
    parser.add_argument("--json", action="store_true", help="a list of objects, one per printed value")
    parser.add_argument(
        "--check", action="store_true", help="compare what the data states with what is computed"
    )
    parser.add_argument(
        "--file", type=Path, metavar="PATH", help="a data file of your own instead of the package's"
    )
    parser.add_argument(
        "--chapters",
        type=Path,
        metavar="PATH",
        help="with --check: notebooks whose examples must exist (default: ./chapters where there is one)",
    )
    options = parser.parse_args(arguments)

    if options.file and not options.file.is_file():
        print(f"{options.file}: there is no such file", file=sys.stderr)
        return 2
    try:
        known = load(options.file)
    except WalkthroughError as error:
        print(error, file=sys.stderr)
        return 1
    for identity in options.ids:
        if identity not in known:
            print(f"there is no example {identity!r}; {nearest(identity, known)}", file=sys.stderr)
            return 2
    chosen = [known[identity] for identity in dict.fromkeys(options.ids)] or list(known.values())
    try:
        if options.check:
            return check(chosen, options.chapters)
        if options.json:
            print(as_json(chosen, options.verdict))
        else:
            show(chosen, options.verdict)
    except WalkthroughError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
    return 0


def show(chosen: Sequence[Walkthrough], verdict: str | None) -> None:
    """Print a table per example and the totals."""
    for example in chosen:
        if verdict is None or example.counts[verdict]:
            print(text(example, verdict), end="\n\n\n")
    total: Counter[str] = Counter()
    for example in chosen:
        total.update(example.counts)
    counts = ", ".join(f"{total[name]} {name}" for name in VERDICTS)
    print(f"{len(chosen)} {'example' if len(chosen) == 1 else 'examples'}, {total.total()} values: {counts}")


def as_json(chosen: Sequence[Walkthrough], verdict: str | None = None) -> str:
    """Write the judged values as a JSON list; what is not a finite number becomes null."""

    def entry(value: Judged) -> dict:
        fields = asdict(value)
        del fields["cell"]
        return {**fields, "computed": value.computed if math.isfinite(value.computed) else None}

    values = [entry(v) for example in chosen for v in example.values if verdict in (None, v.verdict)]
    return json.dumps(values, ensure_ascii=False, allow_nan=False, indent=1)


def check(chosen: Sequence[Walkthrough], chapters: Path | None) -> int:
    """Print one line per problem; return 1 if there is any."""
    problems = [problem for example in chosen for problem in example.problems]
    folder = chapters or Path("chapters")
    if chapters or folder.is_dir():
        shipped = load()
        for file, identity in shown(folder):
            if identity not in shipped:
                hint = nearest(identity, shipped)
                problems.append(f"{file}: shows the example {identity!r}, which does not exist; {hint}")
    for problem in problems:
        print(problem)
    if not problems:
        count = sum(len(example.values) for example in chosen)
        print(f"{count} values in {len(chosen)} examples: every stated verdict and reason holds")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
