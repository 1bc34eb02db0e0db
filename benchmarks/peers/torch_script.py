"""One epoch of the notes' network as a PyTorch script, from MNIST's files to the accuracy: ``torch_script.py FOLDER [THREADS]``."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import torch
from torch import Tensor, nn


def read(path: Path, header: int) -> Tensor:
    """Read one of MNIST's files."""
    return torch.frombuffer(bytearray(gzip.decompress(path.read_bytes())), dtype=torch.uint8, offset=header)


def pair(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Read images (n, 784) in 0..1, and labels."""
    images, labels = read(folder / f"{part}-images-idx3-ubyte.gz", 16), read(folder / f"{part}-labels-idx1-ubyte.gz", 8)
    return images.view(-1, 784).float() / 255, labels.long()


def main(folder: Path) -> None:
    """Train, and print the accuracy on the test images."""
    torch.manual_seed(0)
    x, labels = pair(folder, "train")
    x, labels = x[:50_000], labels[:50_000]
    y = nn.functional.one_hot(labels, 10).float()
    model = nn.Sequential(nn.Linear(784, 30), nn.Sigmoid(), nn.Linear(30, 10), nn.Sigmoid())
    for layer in (model[0], model[2]):
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=3.0, fused=True)
    for rows in torch.randperm(len(x)).split(10):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows], reduction="sum") / (2 * len(rows))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        x, labels = pair(folder, "t10k")
        print(f"{(model(x).argmax(1) == labels).float().mean():.2%}")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        torch.set_num_threads(int(sys.argv[2]))
    main(Path(sys.argv[1]))
