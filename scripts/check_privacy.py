#!/usr/bin/env python3
"""Compares Lockstep's accountants with Google's dp-accounting and with Opacus.

  pip install dp-accounting opacus
  scripts/check_privacy.py [--lockstep PATH] [--write]

Every epsilon of a grid of rates, noises, steps and deltas by `lockstep privacy`: `prv` beside dp-accounting's
privacy loss distributions and Opacus's PRV accountant, `rdp` beside dp-accounting's and Opacus's Renyi accountants, and
the noise that is found for an epsilon. Ends with 1 where one differs by more than 0.5 %. Where dp-accounting leaves out
orders whose series it does not get to converge, its Renyi epsilon is the higher one; such cases are compared with the
moments integrated numerically instead.

--write puts dp-accounting's numbers into Tests/PrivacyTests/Fixtures/accountants.json, which a test reads.
"""

import argparse
import json
import logging
import math
import pathlib
import subprocess
import sys
import warnings

import numpy

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURE = ROOT / "Tests/PrivacyTests/Fixtures/accountants.json"
LIMIT = 0.005

# rate, noise, steps, delta
GRID = [
    (rate, noise, steps, delta)
    for rate, noise, steps in [
        (0.004, 0.7, 2000),
        (0.004, 1.1, 5000),
        (0.004, 2.0, 5000),
        (0.01, 0.8, 1000),
        (0.01, 1.5, 10000),
        (0.02, 1.0, 1),
        (0.05, 1.0, 200),
        (0.05, 3.0, 2000),
        (0.2, 2.0, 100),
        (0.5, 5.0, 300),
        (1.0, 10.0, 20),
        (0.001, 0.6, 20000),
    ]
    for delta in (1e-5, 1e-7)
]


def account(lockstep, rate, steps, delta, accountant, **given):
    (name, value), = given.items()
    output = subprocess.check_output(
        [lockstep, "privacy", "account", "--rate", repr(rate), "--steps", str(steps), "--delta", repr(delta),
         "--accountant", accountant, f"--{name}", repr(value), "--json"])
    return json.loads(output)


def by_dp_accounting(kind, rate, noise, steps, delta):
    import dp_accounting
    from dp_accounting.pld import PLDAccountant
    from dp_accounting.rdp import RdpAccountant

    event = dp_accounting.GaussianDpEvent(noise)
    if rate < 1:
        event = dp_accounting.PoissonSampledDpEvent(rate, event)
    accountant = {"prv": PLDAccountant, "rdp": RdpAccountant}[kind]()
    accountant.compose(event, steps)
    return accountant.get_epsilon(delta)


def by_opacus(kind, rate, noise, steps, delta):
    from opacus.accountants import PRVAccountant, RDPAccountant

    accountant = {"prv": PRVAccountant, "rdp": RDPAccountant}[kind]()
    accountant.history = [(noise, rate, steps)]
    try:
        if kind == "rdp":
            from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS

            return accountant.get_epsilon(delta, alphas=list(DEFAULT_RDP_ORDERS))
        # Opacus tells an upper bound that is eps_error above its estimate.
        return accountant.get_epsilon(delta, eps_error=0.001, delta_error=delta / 1000)
    except Exception as error:  # Opacus gives up where its integrals do not converge.
        return f"none ({type(error).__name__})"


def by_integration(rate, noise, steps, delta):
    """Renyi accounting with moments integrated on a fine grid, over all orders."""
    from dp_accounting.rdp.rdp_privacy_accountant import DEFAULT_RDP_ORDERS

    best = math.inf
    for order in DEFAULT_RDP_ORDERS:
        # The integrand is Q's density times the ratio to the order: all of it between -20 sigma and order + 20 sigma.
        x = numpy.linspace(-20 * noise, order + 20 * noise, 400_001)
        ratio = numpy.logaddexp(math.log1p(-rate) if rate < 1 else -numpy.inf,
                                math.log(rate) + (2 * x - 1) / (2 * noise**2))
        log = order * ratio - x**2 / (2 * noise**2) - math.log(noise * math.sqrt(2 * math.pi))
        top = log.max()
        moment = top + math.log(numpy.exp(log - top).sum() * (x[1] - x[0]))
        best = min(best, steps * moment / (order - 1) + math.log1p(-1 / order)
                   - math.log(delta * order) / (order - 1))
    return max(0.0, best)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lockstep", default=str(ROOT / ".build/release/lockstep"))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    cases, worst, failed = [], {}, False

    def compare(label, found, expected):
        nonlocal failed
        if isinstance(expected, str):
            return f"{label} {expected}"
        difference = found / expected - 1
        worst[label] = max(worst.get(label, 0), abs(difference))
        failed = failed or abs(difference) > LIMIT
        return f"{label} {expected:.5f} ({100 * difference:+.3f} %)"

    for rate, noise, steps, delta in GRID:
        line = []
        expected = {}
        for kind in ("prv", "rdp"):
            found = account(arguments.lockstep, rate, steps, delta, kind, noise=noise)["epsilon"]
            expected[kind] = by_dp_accounting(kind, rate, noise, steps, delta)
            line.append(f"{kind} {found:.5f}:")
            if kind == "rdp":
                integrated = by_integration(rate, noise, steps, delta)
                line.append(compare("integrated", found, integrated))
                if expected[kind] > integrated * (1 + LIMIT):
                    line.append(f"dp-accounting rdp {expected[kind]:.5f} without the best orders")
                    expected[kind] = integrated
            line.append(compare(f"dp-accounting {kind}", found, expected[kind]))
            line.append(compare(f"Opacus {kind}", found, by_opacus(kind, rate, noise, steps, delta)))
        print(f"rate {rate} noise {noise} steps {steps} delta {delta}: " + "  ".join(line), flush=True)
        cases.append({"rate": rate, "noise": noise, "steps": steps, "delta": delta, **expected})

    for epsilon in (1.0, 3.0, 8.0):
        rate, steps, delta = 256 / 60000, 2340, 1e-5
        noise = account(arguments.lockstep, rate, steps, delta, "prv", epsilon=epsilon)["noise"]
        print(f"noise for epsilon {epsilon}: {noise}; "
              + compare("epsilon of the noise found", by_dp_accounting("prv", rate, noise, steps, delta), epsilon))

    print("largest differences: " + ", ".join(f"{label} {100 * value:.3f} %" for label, value in worst.items()))
    if arguments.write:
        FIXTURE.write_text(json.dumps({"cases": cases}, indent=1) + "\n")
        print(f"{FIXTURE.relative_to(ROOT)} has {len(cases)} cases")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
