"""The derivation, alive: each equation of the notes beside its function, its kernel line and its test (``equations``)."""
