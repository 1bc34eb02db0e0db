"""One training in a process of its own, as the driver that is killed: ``... CASE ROWS_FOLDER CHECKPOINT_FOLDER ADDRESS``.

It goes on from its checkpoint where there is one. Without an address ('') it begins a cluster of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.cluster_faults.trainings import train

if __name__ == "__main__":
    case, rows, checkpoint, address = sys.argv[1:]
    result = train(
        case,
        Path(rows),
        on_epoch=lambda record: print("epoch", record.epoch, flush=True),
        address=address or None,
        checkpoint=checkpoint,
        checkpoint_every="0.2 s",
        resume=True,
    )
    print(result.digest, flush=True)
