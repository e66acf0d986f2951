#!/usr/bin/env python3
"""Trains the model of configs/private/fashion.yaml with Opacus: the same network, batches, clip, budget and number of
steps; prints the accuracy on the test images, epsilon and the seconds of an epoch.

  pip install opacus
  Benchmarks/private_fashion.py [--epochs 30] [--threads 2] [--seed 1337]
"""

import argparse
import logging
import pathlib
import time
import warnings

import numpy
import torch
from opacus import PrivacyEngine

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

DATA = pathlib.Path(__file__).resolve().parent.parent / "data/fashion-mnist"


def images(name):
    pixels = numpy.fromfile(DATA / f"{name}-images-idx3-ubyte", dtype=numpy.uint8, offset=16)
    labels = numpy.fromfile(DATA / f"{name}-labels-idx1-ubyte", dtype=numpy.uint8, offset=8)
    return torch.utils.data.TensorDataset(
        torch.from_numpy(pixels.reshape(-1, 784).astype(numpy.float32) / 255),
        torch.from_numpy(labels.astype(numpy.int64)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1337)
    parser.add_argument("--mode", choices=["hooks", "ew", "functorch", "ghost"], default="hooks",
                        help="how Opacus finds the gradients' norms")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)

    train, test = images("train"), images("t10k")
    model = torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=2.0, momentum=0.9)
    loader = torch.utils.data.DataLoader(train, batch_size=arguments.batch, shuffle=True)
    loss = torch.nn.CrossEntropyLoss()
    engine = PrivacyEngine(accountant="prv")
    made = engine.make_private_with_epsilon(
        module=model, optimizer=optimizer, data_loader=loader, criterion=loss, target_epsilon=3.0,
        target_delta=1e-5, epochs=arguments.epochs, max_grad_norm=0.1, grad_sample_mode=arguments.mode)
    if arguments.mode == "ghost":
        model, optimizer, loss, loader = made
    else:
        model, optimizer, loader = made

    seconds = []
    for epoch in range(arguments.epochs):
        model.train()
        began = time.perf_counter()
        for inputs, targets in loader:
            optimizer.zero_grad()
            value = loss(model(inputs), targets)
            value.backward()
            optimizer.step()
        seconds.append(time.perf_counter() - began)
        model.eval()
        with torch.no_grad():
            right = (model(test.tensors[0]).argmax(1) == test.tensors[1]).float().mean().item()
        print(f"epoch {epoch + 1}: accuracy {100 * right:.2f} %, {seconds[-1]:.2f} s", flush=True)
    print(f"epsilon {engine.get_epsilon(1e-5):.4f}, noise {optimizer.noise_multiplier:.4f}, "
          f"accuracy {100 * right:.2f} %, {sorted(seconds)[len(seconds) // 2]:.2f} s an epoch")


if __name__ == "__main__":
    main()
