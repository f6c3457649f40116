"""Grade notebooks that may hold anything: what `tools/grade.py` runs.

Every submission is graded by two processes:

    judge      trusted. Runs the test cells of the source notebook, as they stand there.
    student    not trusted. Runs the answers of the submission, and nothing else.

Between them goes plain data over a socket (`wire`): numbers, texts, lists, dicts, arrays, and calls of
functions. So what an answer does to its own process changes no test. `sandbox` takes away from the student's
process what it doesn't need: time, memory, files, the network.
"""
