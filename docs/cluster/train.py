"""Train on the rows of Parquet files, on the Ray cluster that this runs in: ``python train.py '/rows/*.parquet' --target y``."""

from __future__ import annotations

import argparse

import chainrule as cr


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Train a network on rows of files, on a Ray cluster.")
    parser.add_argument("files", help="a pattern that every machine sees, such as '/rows/*.parquet'")
    parser.add_argument("--target", required=True, help="the column to learn: 0 or 1")
    parser.add_argument("--workers", type=int, default=2, help="the cores that train; a power of two is best")
    parser.add_argument("--sync-every", type=int, default=64, help="mini-batches from one synchronisation to the next")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--address", default="auto", help="of the cluster; auto finds the one that this machine belongs to")
    parser.add_argument("--checkpoint", help="a folder; a job that is started again goes on from it")
    parser.add_argument("--out", default="model.safetensors", help="the file of the trained network")
    return parser.parse_args()


def main() -> None:
    """Train and save."""
    chosen = arguments()
    source = cr.rows(chosen.files, target=chosen.target)
    network = cr.Network([source.n_in, 64, 1], activation="relu", cost="cross_entropy", seed=0)
    history = cr.train(
        network,
        source,
        epochs=chosen.epochs,
        batch_size=256,
        learning_rate=0.1,
        on="ray",
        address=chosen.address,
        workers=chosen.workers,
        sync_every=chosen.sync_every,
        checkpoint=chosen.checkpoint,
        resume=chosen.checkpoint is not None,
    )
    for record in history:
        print(f"epoch {record.epoch}: cost {record.cost:.4f}, {record.examples_per_second:,.0f} rows/s")
    network.save(chosen.out)


if __name__ == "__main__":
    main()
