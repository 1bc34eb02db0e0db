"""Fuzzing of the doors through which untrusted bytes come in: ``python -m benchmarks.fuzzing DOOR``.

``invariant.py`` says what must hold of any bytes; ``doors.py`` reads them as a user's program would. The files of ``tests/corpus``
are held to the same by ``tests/test_fuzzing_corpus.py``. ``mutators.py`` changes files below their containers and checksums, where
a change of single bytes would be refused at once; ``seeds.py`` makes the first files.
"""
