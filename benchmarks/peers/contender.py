"""What the PyTorch contenders share: the problem that ntape drew, and the line protocol of README.md."""

import ctypes
import glob
import json
import math
import os
import sys
import time

import numpy as np
import torch

BETA = 0.1
SAVED_STEPS, SAVED_RATE = 5, 1.0


class Problem:
    """Weights and data in one precision: layer l maps widths n_l to n_{l+1}; w[l] is n_{l+1} x n_l."""

    def __init__(self, directory, dtype):
        def read(name):
            return torch.from_numpy(np.load(os.path.join(directory, name + ".npy"))).to(dtype)

        self.depth = len(glob.glob(os.path.join(directory, "W*.npy")))
        self.w = [read(f"W{layer}") for layer in range(self.depth)]
        self.b = [read(f"b{layer}") for layer in range(self.depth)]
        self.x, self.y = read("x"), read("y")
        self.scale = [1 / math.sqrt(w.shape[1]) for w in self.w]

    @property
    def outputs(self):
        return self.w[-1].shape[0]


def peak_mib():
    """Of this program alone: getrusage's ru_maxrss begins with the parent's."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def serve(seconds, save):
    """seconds(times) does the work that often; save(dtype) returns its result as an array."""
    print(json.dumps(facts()), flush=True)
    for line in sys.stdin:
        command, *words = line.split()
        if command == "time":
            print(f"{seconds(int(words[0])):.9g}", flush=True)
        elif command == "memory":
            print(f"{peak_mib():.1f}", flush=True)
        elif command == "save":
            np.save(words[0], save(torch.float64 if words[1] == "f64" else torch.float32))
            print(0, flush=True)
        else:
            sys.exit(f"unknown command '{command}'")


def repeat(work):
    def seconds(times):
        start = time.perf_counter()
        for _ in range(times):
            work()
        return time.perf_counter() - start

    return seconds


def facts():
    """PyTorch's version and instructions, and the BLAS that it really uses."""
    with open("/proc/self/maps") as maps:
        libraries = {os.path.realpath(line.split()[5]) for line in maps if "blas" in line}
    blas = sorted(os.path.basename(os.path.dirname(f)) + "/" + os.path.basename(f) for f in libraries)
    kernel = "unknown"
    for library in libraries:
        try:
            corename = ctypes.CDLL(library).openblas_get_corename
        except (OSError, AttributeError):
            continue
        corename.restype = ctypes.c_char_p
        kernel = corename().decode()
    return {"version": "torch " + torch.__version__,
            "instructions": torch.__config__.show().partition("CPU capability usage: ")[2].split("\n")[0],
            "blas": ", ".join(blas), "blas_kernel": kernel}
