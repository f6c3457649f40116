"""The claims of the notes: data, and checks that run.

    >>> from optimlab import claims
    >>> claims.get("ewa-late-negligible")              # one claim, its status and the reason
    >>> claims.get("ewa-late-negligible").function()   # run the experiment that decides it
    >>> claims.load("ewa")                    # all claims of a chapter, by id

``python -m optimlab.claims`` prints them, ``--json`` as data, and ``--check`` runs the experiments.

The status
----------
true            It holds as it stands.
misleading      It holds in part, or under a condition that is not said.
contradictory   The notes say the opposite elsewhere, or their own numbers do.
false           It does not hold.
empirical       It is about what happens in practice: measured here, on what the check says.

The data files
--------------
``<chapter>.yaml`` is a list of claims, in the order of the notes. ``[ ]`` marks what may be left out.

id              The name for `get`.
note, lines     The set of notes, N1 to N4; first and last line in it.
chapter         The name of the file.
claim           What the notes say, in words of our own: one sentence, with its period.
status          One of the five above.
[why]           One to three sentences for a learner. Needed unless the claim is true.
[check]         The function of ``<chapter>.py`` that asserts the finding. Related claims share one.
[undecided]     Why no run of a few seconds decides it, and what is known. A claim that is not true has
                either a check or this.
[same_as]       The id of an earlier claim that says the same; instead of why, check and undecided.
[reference]     A key of ``references.bib``, or a list of keys.
place           The page that treats it, and if known the heading: ``03-averages#the-cold-start``, with
                the heading's address in the page.

    - id: mb-31-or-32-updates
      note: N1
      lines: [337, 351]
      chapter: minibatch
      claim: 1000 samples in batches of 32 make 31 updates per epoch.
      status: contradictory
      why: 31.25 rounds up; the last batch holds 8 samples.
      check: updates_per_epoch
      place: 02-minibatch

The checks
----------
A check is a function without arguments in ``<chapter>.py``. Its docstring is one sentence that states the
finding. It runs the experiment, asserts the finding, and returns one sentence with what it measured.
A name that starts with ``_`` is a helper. A check that no claim names is refused, and so is one without
an ``assert``. The modules are imported when a check is asked for; reading the claims imports none.
"""

from __future__ import annotations

from ._files import CHAPTERS, PLACES, STATUSES, Claim, ClaimError
from ._library import checks, findings, get, load

__all__ = [
    "CHAPTERS",
    "PLACES",
    "STATUSES",
    "Claim",
    "ClaimError",
    "checks",
    "findings",
    "get",
    "load",
]
