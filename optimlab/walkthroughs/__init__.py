"""The worked examples of the notes: data, computed and judged.

    >>> from optimlab import walkthroughs
    >>> walkthroughs.get("ewa-temperature-beta-0.9")            # a table, as text or HTML
    >>> walkthroughs.get("ewa-temperature-beta-0.9").values     # one `Judged` per printed value

``python -m optimlab.walkthroughs`` prints the tables, ``--json`` the values, and ``--check`` says
where a data file contradicts the computation. The right values are in no file: they are computed
from what the notes give, in float64, by the package's own rules.

The verdict
-----------
A figure is judged at the precision at which it is printed.

agrees      The right value, rounded (either way at a tie) or cut off, is printed like this. Float
            arithmetic may cost 1e-9 of the value.
near        At most one unit of the last printed digit off. Or: what the same operation gives from
            the rounded figures printed before it (`from_printed`), if none of those is wrong and the
            result is at most 2 % off. A program computes in full precision, so for `code-output`
            only the first half holds.
wrong       Neither. The file says why.
unchecked   The notes do not give enough to compute it. The file says what is missing.

The data files
--------------
A file is a YAML list of examples. ``[ ]`` marks what may be left out.

id, title, note     The name for `get`, a heading, and the set of notes: N1 to N4.
lines               First and last line in the notes.
kind                ``hand-worked``; ``code-output`` for output printed beside a program;
                    ``consistency`` where printed figures are compared with each other.
chapter             The chapter that shows it.
[convention]        What the example assumes where there are several conventions.
givens              Name to number, list of numbers, or an expression over the givens before it.
                    A list counts from 1, as in the notes: ``theta[1]``.
[runs]              Name to ``{rule, inputs, start, hyper, [first], [steps]}``: a rule of the package
                    and an expression for each of its arguments. A start that the rule has already
                    (such as ``v=0``) may be left out. ``first: 2`` says that the first step made
                    is step 2 of the notes. An input may use ``t`` and where the run stands:
                    ``g: 2 * (w[t-1] * x[t] - y[t]) * x[t]``, with ``steps``. One number, with ``steps``,
                    is the same at every step. A hyper-parameter that uses ``t`` is a schedule.
[program]           The function of ``programs.py`` that is run, with the givens as its arguments.
                    A code-output needs one; others may have one, such as for a schedule.
                    Expressions read its results by name; lists count from 1.
[compute]           Name of a value to the expression that gives it, for all rows.
[not_checkable]     Texts: what the notes print and nothing can be said about.
rows                A list of ``{row, [at], [run], [compute], values}``: the row's name; numbers of
                    its own, such as ``at: {t: 3}``; which of several runs plain names mean; and
                    `compute` for this row, which goes before the example's.

A value is a mapping with

name, printed, line     The printed figure is a string, exactly as printed: its digits matter. It may
                        have a sign, ``×``, thousands commas, a power (``4e-9``), ``/32``, a unit.
                        The computed value is in the printed unit: for ``10%`` it is 10.
[compute]               The expression, if it is this value's alone.
[verdict]               ``near``, ``wrong`` or ``unchecked``; stated so that it can be contradicted.
[why]                   The reason, in prose. ``{v[3]; 4}`` in it stands for the number, to 4 digits.
[slip]                  For an error made here: an expression that reproduces the printed figure.
[inherits]              For an error made elsewhere: ``{[example], row, name, [nth]}`` of the figure
                        it comes from, with one of
[from_printed]          an expression over printed figures that reproduces this one. From the right
                        figures the same expression has to give the right value;
                        or `slip` where the same slip is made again, or `why` for a second one.
[missing]               For `unchecked`: what the notes do not give.

A value is `wrong` for a reason: `why`, or `inherits`. Everything that claims to reproduce a figure
is computed and compared with it.

Expressions
-----------
See `optimlab.walkthroughs._expressions`. A traced quantity counts from 0, its start (from
``first - 1`` where a run says so): ``v[0]`` is what the run starts from and ``v[t]`` what step t
gives. Both ends belong to a slice. ``p["v"]`` is the printed figure ``v`` of the same row,
``p["day 2", "v"]`` of another row, ``p["other-example", "day 2", "v"]`` of another example; a number
at the end picks one of several of that name. A given hides a run's input of its name.

    - id: three-days
      title: Three days of temperature
      note: N1
      lines: [10, 12]
      kind: hand-worked
      chapter: ewa
      givens: {theta: [18, 23, 19], beta: 0.9, v0: 0}
      runs:
        average: {rule: ewa, inputs: {theta: theta}, start: {v: v0}, hyper: {beta: beta}}
      compute: {v: 'v[t]', error: 'v[t] - theta[t]'}
      rows:
      - row: day 2
        at: {t: 2}
        values:
        - {name: v, printed: '3.92', line: 11}
        - name: error
          printed: '-18.08'
          line: 11
          verdict: wrong
          why: One degree is lost in the subtraction.
          slip: p["v"] - theta[t] + 1
"""

from __future__ import annotations

from ._error import WalkthroughError
from ._judge import Cell, Judged, TracedRun, Walkthrough
from ._library import get, load

__all__ = ["Cell", "Judged", "TracedRun", "Walkthrough", "WalkthroughError", "get", "load"]
