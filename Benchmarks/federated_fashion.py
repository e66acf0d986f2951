#!/usr/bin/env python3
"""Trains a perceptron 784-256-10 on Fashion-MNIST with Flower, by FedAvg among clients that take local SGD steps;
prints the accuracy on the test images for each seed, and the seconds of a round.

Every client's samples are in files, in data/federated/PARTITION: images-0.idx and labels-0.idx are those of client 0.
Whoever trains with `data.train: data/federated/dirichlet/images-{client}.idx` has exactly the same clients.

  pip install 'flwr[simulation]' torch
  launch/fetch-fashion-mnist.sh
  Benchmarks/federated_fashion.py [--partition dirichlet] [--clients 10] [--rounds 20] [--local-steps 100] [--seeds 5]
  Benchmarks/federated_fashion.py --only-write       writes the files, and needs numpy alone
"""

import argparse
import functools
import logging
import os
import pathlib
import statistics
import sys
import time

import numpy

# Read when Flower and Ray are imported, which happens where they are needed.
os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT / "data/fashion-mnist"
FEDERATED = ROOT / "data/federated"
# The partition is the same for all seeds: they decide the first parameters and the order of samples.
PARTITION_SEED = 2019
BATCH = 32
LEARNING_RATE = 0.1


def read_idx(path):
    data = path.read_bytes()
    shape = numpy.frombuffer(data, dtype=">i4", count=data[3], offset=4)
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=4 + 4 * data[3]).reshape(shape)


def write_idx(path, values):
    head = bytes([0, 0, 8, values.ndim]) + numpy.array(values.shape, dtype=">i4").tobytes()
    path.write_bytes(head + numpy.ascontiguousarray(values).tobytes())


def dirichlet(labels, clients, alpha, least, draws):
    """Each class in proportions of its own; then who has fewer than `least` gets some of the one that has the most."""
    dealt = [[] for _ in range(clients)]
    for label in numpy.unique(labels):
        samples = draws.permutation(numpy.flatnonzero(labels == label))
        shares = draws.dirichlet(numpy.full(clients, alpha))
        cuts = (numpy.cumsum(shares)[:-1] * len(samples)).astype(int)
        for client, piece in enumerate(numpy.split(samples, cuts)):
            dealt[client].extend(piece.tolist())
    for client in dealt:
        while len(client) < least:
            richest = max(dealt, key=len)
            client.append(richest.pop(draws.integers(len(richest))))
    return dealt


def write_partition(directory, arguments):
    images, labels = read_idx(DATA / "train-images-idx3-ubyte"), read_idx(DATA / "train-labels-idx1-ubyte")
    draws = numpy.random.default_rng(PARTITION_SEED)
    if arguments.partition == "even":
        dealt = numpy.array_split(draws.permutation(len(labels)), arguments.clients)
    else:
        dealt = dirichlet(labels, arguments.clients, arguments.alpha, 10, draws)
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob("*.idx"):
        stale.unlink()
    for client, samples in enumerate(dealt):
        samples = numpy.sort(numpy.asarray(samples, dtype=int))
        write_idx(directory / f"images-{client}.idx", images[samples])
        write_idx(directory / f"labels-{client}.idx", labels[samples])
        counts = numpy.bincount(labels[samples], minlength=10)
        print(f"client {client}: {len(samples)} samples, of the classes {' '.join(map(str, counts))}", flush=True)


@functools.cache
def samples(images, labels):
    """Pixels from 0 to 1 and classes, as tensors."""
    import torch

    pixels = read_idx(pathlib.Path(images)).reshape(-1, 784).astype(numpy.float32) / 255
    return torch.from_numpy(pixels), torch.from_numpy(read_idx(pathlib.Path(labels)).astype(numpy.int64))


def perceptron():
    import torch

    return torch.nn.Sequential(torch.nn.Linear(784, 256), torch.nn.ReLU(), torch.nn.Linear(256, 10))


def make_client(directory, seed, local_steps):
    from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    import torch

    app = ClientApp()
    here = str(pathlib.Path(__file__).resolve().parent)

    @app.train()
    def train(message, context):
        # Clients live in processes of Ray: what they keep has to be a module's there.
        if here not in sys.path:
            sys.path.insert(0, here)
        from federated_fashion import BATCH, LEARNING_RATE, perceptron, samples

        torch.set_num_threads(1)
        client = int(context.node_config["partition-id"])
        current_round = int(message.content["config"]["server-round"])
        inputs, targets = samples(f"{directory}/images-{client}.idx", f"{directory}/labels-{client}.idx")
        model = perceptron()
        model.load_state_dict(message.content["arrays"].to_torch_state_dict())
        optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
        loss = torch.nn.CrossEntropyLoss()
        draws = torch.Generator().manual_seed(seed * 1_000_003 + current_round * 1_009 + client)
        order = torch.empty(0, dtype=torch.int64)
        for _ in range(local_steps):
            while len(order) < BATCH:
                order = torch.cat([order, torch.randperm(len(targets), generator=draws)])
            batch, order = order[:BATCH], order[BATCH:]
            optimizer.zero_grad()
            loss(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
        content = RecordDict({
            "arrays": ArrayRecord(model.state_dict()), "metrics": MetricRecord({"num-examples": len(targets)})})
        return Message(content=content, reply_to=message)

    return app


def make_server(seed, arguments, results):
    from flwr.app import ArrayRecord, MetricRecord
    from flwr.serverapp import ServerApp
    from flwr.serverapp.strategy import FedAvg
    import torch

    app = ServerApp()

    @app.main()
    def main(grid, context):
        torch.manual_seed(seed)
        inputs, targets = samples(str(DATA / "t10k-images-idx3-ubyte"), str(DATA / "t10k-labels-idx1-ubyte"))
        model = perceptron()

        def evaluate(server_round, arrays):
            results["ends"].append(time.perf_counter())
            model.load_state_dict(arrays.to_torch_state_dict())
            with torch.no_grad():
                right = (model(inputs).argmax(1) == targets).float().mean().item()
            results["accuracies"].append(100 * right)
            results["begins"].append(time.perf_counter())
            return MetricRecord({"accuracy": right})

        # A client that fails is left out in silence.
        def count(replies, weighting):
            if len(replies) < arguments.clients:
                raise RuntimeError(f"{len(replies)} of {arguments.clients} clients have answered")
            return MetricRecord({"clients": len(replies)})

        strategy = FedAvg(
            fraction_train=1, fraction_evaluate=0, min_train_nodes=arguments.clients,
            min_available_nodes=arguments.clients, train_metrics_aggr_fn=count)
        strategy.start(
            grid=grid, initial_arrays=ArrayRecord(model.state_dict()), num_rounds=arguments.rounds,
            evaluate_fn=evaluate)

    return app


def train(seed, directory, arguments):
    """The accuracies after 0, 1, … rounds, and the seconds of each round without the evaluation."""
    from flwr.simulation import run_simulation

    results = {"accuracies": [], "begins": [], "ends": []}
    run_simulation(
        server_app=make_server(seed, arguments, results),
        client_app=make_client(str(directory), seed, arguments.local_steps), num_supernodes=arguments.clients,
        backend_config={
            "init_args": {"num_cpus": arguments.processes, "log_to_driver": False},
            "client_resources": {"num_cpus": 1, "num_gpus": 0}})
    seconds = [end - begin for begin, end in zip(results["begins"], results["ends"][1:])]
    return results["accuracies"], seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--partition", choices=["dirichlet", "even"], default="dirichlet")
    parser.add_argument("--alpha", type=float, default=0.5)
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--local-steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2, help="clients that train at the same time")
    parser.add_argument("--only-write", action="store_true", help="write the clients' files and train nothing")
    arguments = parser.parse_args()

    directory = FEDERATED / arguments.partition
    write_partition(directory, arguments)
    if arguments.only_write:
        return
    logging.disable(logging.WARNING)
    finals, medians = [], []
    for seed in range(arguments.seeds):
        accuracies, seconds = train(seed, directory, arguments)
        if len(accuracies) != arguments.rounds + 1:
            raise SystemExit(f"seed {seed}: {len(accuracies) - 1} rounds of {arguments.rounds} were trained")
        finals.append(accuracies[-1])
        # Without the first round, in which processes are started and read their data.
        medians.append(statistics.median(seconds[1:] or seconds))
        print(f"seed {seed}: accuracy {finals[-1]:.2f} %, by rounds "
              f"{' '.join(f'{value:.1f}' for value in accuracies)}; {medians[-1]:.3f} s a round, the first "
              f"{seconds[0]:.2f} s", flush=True)
    spread = statistics.stdev(finals) if len(finals) > 1 else 0
    print(f"Flower, {arguments.partition}, {arguments.clients} clients, {arguments.rounds} rounds of "
          f"{arguments.local_steps} steps: accuracy {statistics.mean(finals):.2f} % ± {spread:.2f}, "
          f"{statistics.median(medians):.3f} s a round; load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
