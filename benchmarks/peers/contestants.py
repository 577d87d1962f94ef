"""Who is measured on what, and what is wanted of the outcome."""

from dataclasses import dataclass, field

# What makes PyTorch fastest: memory that the C library keeps and takes in huge pages, and the widest instructions
# (by default it takes AVX2 where there is AVX-512).
TUNED = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "67108864",
         "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "ATEN_CPU_CAPABILITY": "avx512"}


@dataclass
class Contender:
    name: str
    program: str           # ntape, libtorch, torch
    methods: list          # the fastest of these, each tried once, is measured
    group: str = ""        # what it counts as in a target
    tuned: bool = True     # with TUNED
    threads: int = 0       # 0: all


@dataclass
class Target:
    text: str
    groups: tuple
    at_least: float        # times ntape's time that the fastest of the groups should take


@dataclass
class Case:
    name: str
    widths: list
    examples: int
    form: str
    contenders: list
    targets: list = field(default_factory=list)


def ntape_kernels():
    return [Contender("ntape, recorded once", "ntape", ["recorded"], "ntape", tuned=False),
            Contender("ntape, `empirical_ntk` each time", "ntape", ["one-shot"], tuned=False),
            Contender("ntape, the same after `keep_freed_memory`", "ntape", ["kept"], tuned=False)]


def kernels_by_hand(*tiles):
    return [Contender("PyTorch by hand, as installed", "torch", ["layerwise"], "hand", tuned=False),
            Contender("PyTorch by hand", "torch", ["layerwise"], "hand"),
            Contender("PyTorch by hand, memory reused", "torch", ["layerwise-reuse"], "hand"),
            *(Contender(f"PyTorch by hand, Grams by {t} rows", "torch", [f"layerwise-tiled:{t}"], "hand")
              for t in tiles),
            Contender("libtorch by hand", "libtorch", ["layerwise"], "hand"),
            Contender("libtorch by hand, Grams in tiles", "libtorch", ["layerwise-tiled"], "hand")]


def jacobians(*methods):
    return Contender("functorch, Jacobian contraction", "torch", ["jacobian:" + m for m in methods], "jacobian")


def steps(threads=0, suffix=""):
    return [Contender("ntape" + suffix, "ntape", ["step"], "" if suffix else "ntape", False, threads),
            Contender("PyTorch, autograd" + suffix, "torch", ["step-autograd"], threads=threads),
            Contender("PyTorch by hand" + suffix, "torch", ["step-manual"], "torch by hand", threads=threads),
            Contender("libtorch, autograd" + suffix, "libtorch", ["step-autograd"], "libtorch", threads=threads),
            Contender("libtorch by hand" + suffix, "libtorch", ["step-manual"], "libtorch by hand", threads=threads)]


def cases():
    return [
        Case("kernel, 784-1024x3-1, N = 256", [784, 1024, 1024, 1024, 1], 256, "trace",
             [*ntape_kernels(), *kernels_by_hand(64, 128), jacobians("mv:by-layer", "linear:64", "mv:64", "linear:0")],
             [Target("the fastest kernel by hand", ("hand",), 1.1),
              Target("Jacobian contraction", ("jacobian",), 100)]),
        Case("kernel, 784-128x3-1, N = 256", [784, 128, 128, 128, 1], 256, "trace",
             [*ntape_kernels(), *kernels_by_hand(128), jacobians("linear:0", "mv:0")],
             [Target("the fastest kernel by hand", ("hand",), 1.5)]),
        Case("training step, 784-1024x3-1, N = 256", [784, 1024, 1024, 1024, 1], 256, "trace", steps(),
             [Target("libtorch's faster step", ("libtorch", "libtorch by hand"), 1),
              Target("the fastest of all", ("libtorch", "libtorch by hand", "torch by hand"), 1)]),
        Case("training step, 2-50x3-1, N = 4", [2, 50, 50, 50, 1], 4, "trace",
             [*steps(), *steps(1, ", one thread")],
             [Target("libtorch's step with autograd", ("libtorch",), 20),
              Target("libtorch's step by hand", ("libtorch by hand",), 20)]),
        Case("full kernel, 784-256x3-10, N = 128", [784, 256, 256, 256, 10], 128, "full",
             [*ntape_kernels(), *kernels_by_hand(128, 256), jacobians("linear:64", "sum:64")],
             [Target("the fastest kernel by hand", ("hand",), 1)]),
        Case("trace kernel, 784-256x3-10, N = 128", [784, 256, 256, 256, 10], 128, "trace",
             [*ntape_kernels(), *kernels_by_hand(64)], [Target("the fastest kernel by hand", ("hand",), 1)]),
        Case("kernel, 784-128x3-1, N = 64", [784, 128, 128, 128, 1], 64, "trace",
             [*ntape_kernels(), Contender("functorch, NTK-vector products", "torch", ["ntk-vp"], "ntk-vp")]),
    ]


def short_cases():
    """Everybody once, on problems that take no time: shows that all run and agree."""
    small = [20, 16, 16, 16, 3]
    vector_products = Contender("functorch, NTK-vector products", "torch", ["ntk-vp"])
    return [
        Case(f"{form} kernel, 20-16x3-3, N = 12", small, 12, form,
             [*ntape_kernels(), *kernels_by_hand(12), jacobians("linear:0", "mv:4", "sum:by-layer"), vector_products])
        for form in ("full", "trace")
    ] + [Case("training step, 20-16x3-3, N = 12", small, 12, "trace", steps())]
