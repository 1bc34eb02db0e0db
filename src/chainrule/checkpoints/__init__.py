"""Checkpoints: a training that was killed at any moment goes on from its last one, and ends with the same bits.

How data flows::

    RunPosition -- between two blocks --> Snapshot    snapshot:            copies of all that the training has computed so far
      Checkpoints.visit                               checkpoints:         when one is due, and the thread that writes it
        write_checkpoint(settings, snapshot)          checkpoint_file:     a safetensors file with a checksum
          RunFolder                                   run_folder:          the last two files, the lock, history.jsonl
    resume:  RunFolder --> newest intact file --> compare_settings (run_settings) --> Snapshot --> RunPosition

``run_checkpoints`` does this for a ``Run``, ``estimators.fit_checkpoints`` for an estimator's fit.
"""
