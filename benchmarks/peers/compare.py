#!/usr/bin/python3
"""ntape against what one would use instead, on the same inputs and weights, in one run: see README.md."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import contestants

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS_A_SAMPLE = 0.1  # work is repeated until a sample takes about that long
SLOW = 0.3              # seconds from which on work is sampled SLOW_RUNS times only
SLOW_RUNS = 7
DISTURBED = 0.15        # of the machine that other programs may take during a sample; else it is taken again,
AGAIN = 5               # so often at most
PAUSE = 0.03            # seconds before a sample, in which the threads of the program before it fall asleep
# |K - K'| at most, over the largest |K'|: an entry is a sum of products of sums over up to 1024 terms, each rounded
# to u = 6e-8 or 1e-16, so that about sqrt(1024) u, 2e-6 or 4e-15, is expected and twice the sum of them allowed.
# The largest difference, not the Frobenius norm of all, so that one wrong tile or entry is not averaged away.
AGREE = {"f32": 1e-5, "f64": 1e-12}


def processor_seconds(process=None):
    """Of a process so far; of all of them, without it."""
    tick = os.sysconf("SC_CLK_TCK")
    if process is not None:
        with open(f"/proc/{process}/stat") as file:
            return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / tick
    with open("/proc/stat") as file:
        user, nice, system, _, _, *interrupts = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(interrupts)) / tick


class Program:
    """A contender at work in its own process: ready and warm between its turns."""

    def __init__(self, contender, method, problem, form, args):
        threads = contender.threads or args.threads
        if contender.program == "torch":
            command = ["/usr/bin/python3", os.path.join(HERE, "torch_contender.py"), problem, method, form, str(threads)]
        else:
            command = [os.path.join(args.programs, contender.program + "-contender"), problem, method, form]
            if contender.program == "libtorch":
                command.append(str(threads))
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        if contender.tuned:
            environment.update(contestants.TUNED)
        self.contender, self.method = contender, method
        self.process = subprocess.Popen(command, env=environment, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        try:
            self.facts = json.loads(self.process.stdout.readline())
        except ValueError:
            raise RuntimeError(f"{contender.name} ({method}) does not start")
        # ntape, which comes first, asks for other kernels where OpenBLAS does not know the processor: all get them.
        if self.facts.get("openblas_coretype", "unset") != "unset":
            os.environ.setdefault("OPENBLAS_CORETYPE", self.facts["openblas_coretype"])
        self.ask("time 1")  # touches memory for the first time
        self.once = self.ask("time 1")
        self.times = max(1, int(np.ceil(SECONDS_A_SAMPLE / self.once)))
        self.samples = []
        self.disturbed = 0  # samples

    def ask(self, question):
        try:
            print(question, file=self.process.stdin, flush=True)
            return float(self.process.stdout.readline())
        except (OSError, ValueError):
            self.process.kill()
            raise RuntimeError(f"{self.contender.name} ({self.method}) ended at '{question}'")

    def sample(self):
        """One more sample: of the tries, the one that others disturbed least."""
        tries = []
        while len(tries) < AGAIN and not any(share < DISTURBED for share, _ in tries):
            time.sleep(PAUSE)
            if self.once < SLOW:
                self.ask("time 1")  # the program before has filled the caches
            own, everybody, began = processor_seconds(self.process.pid), processor_seconds(), time.perf_counter()
            seconds = self.ask(f"time {self.times}") / self.times
            others = processor_seconds() - everybody - (processor_seconds(self.process.pid) - own)
            tries.append((others / (time.perf_counter() - began) / os.cpu_count(), seconds))
        share, seconds = min(tries)
        self.disturbed += share >= DISTURBED
        self.samples.append(seconds)

    def result(self, precision, scratch):
        file = os.path.join(scratch, "result.npy")
        self.ask(f"save {file} {precision}")
        return np.load(file).astype(np.float64)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def start(contender, problem, case, args):
    """The fastest of the contender's methods; the others are stopped."""
    best = None
    for method in contender.methods:
        print(f"{case.name}: {contender.name} ({method})", file=sys.stderr, flush=True)
        try:
            program = Program(contender, method, problem, case.form, args)
        except RuntimeError as failure:
            print(failure, file=sys.stderr)
            continue
        slower = program
        if best is None or program.once < best.once:
            best, slower = program, best
        if slower is not None:
            slower.close()
    return best


def spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def measure(case, args):
    """A dictionary for each contender but those that do not start, which start() names."""
    with tempfile.TemporaryDirectory() as scratch:
        draw = [os.path.join(args.programs, "ntape-contender"), "draw", scratch, case.examples, *case.widths]
        subprocess.run([str(word) for word in draw], check=True)
        programs = [p for p in (start(c, scratch, case, args) for c in case.contenders) if p]
        ours = next(p for p in programs if p.contender.group == "ntape")
        for turn in range(args.runs):
            for k in range(len(programs)):
                program = programs[(k + turn) % len(programs)]
                if program.once < SLOW or turn < SLOW_RUNS:
                    program.sample()
        for p in programs:
            p.memory = p.ask("memory")
        wanted = {precision: ours.result(precision, scratch) for precision in AGREE}
        rows = []
        for p in programs:
            row = {"contender": p.contender.name, "group": p.contender.group, "method": p.method, "facts": p.facts,
                   "seconds": spread(p.samples), "samples": p.samples, "disturbed": p.disturbed,
                   "peak_mib": p.memory,
                   "over_ntape": spread([a / b for a, b in zip(p.samples, ours.samples)]), "difference": {}}
            for precision in AGREE:
                if p is not ours:
                    gap = np.abs(p.result(precision, scratch) - wanted[precision]).max()
                    row["difference"][precision] = gap / np.abs(wanted[precision]).max()
            p.close()
            rows.append(row)
        return rows


def agrees(row):
    return all(gap < AGREE[precision] for precision, gap in row["difference"].items())


def outcome(case, rows):
    """What became of the case's targets."""
    out = []
    for target in case.targets:
        against = [row for row in rows if row["group"] in target.groups]
        if against:
            best = min(against, key=lambda row: row["seconds"]["median"])
            out.append({"case": case.name, "target": target.text, "at_least": target.at_least,
                        "contender": best["contender"], "over_ntape": best["over_ntape"],
                        "met": best["over_ntape"]["median"] >= target.at_least})
    return out


def digits(value):
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def with_spread(s, factor=1):
    return f"{digits(factor * s['median'])} ({digits(factor * s['least'])} to {digits(factor * s['most'])})"


def table(case, rows):
    small = rows[0]["seconds"]["median"] < 1e-4
    unit, factor = ("us", 1e6) if small else ("ms", 1e3)
    lines = [f"**{case.name}**", "",
             f"| contender | {unit}, median (least to most) | times ntape's | peak MiB | differs, f32 | f64 |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        name = row["contender"] + (f" (`{row['method']}`)" if row["group"] == "jacobian" else "")
        gaps = [f"{row['difference'][p]:.0e}" if row["difference"] else "" for p in AGREE]
        name += f", {row['disturbed']} of {len(row['samples'])} samples disturbed" if row["disturbed"] else ""
        lines.append(f"| {name} | {with_spread(row['seconds'], factor)} | {with_spread(row['over_ntape'])} "
                     f"| {row['peak_mib']:.0f} | {gaps[0]} | {gaps[1]} |")
    return "\n".join(lines) + "\n"


def targets_table(outcomes):
    if not outcomes:
        return ""
    lines = ["| case | ntape against | times ntape's, median (least to most) | target | |", "|---|---|---|---|---|"]
    for o in outcomes:
        lines.append(f"| {o['case']} | {o['target']} ({o['contender']}) | {with_spread(o['over_ntape'])} "
                     f"| >= {o['at_least']:g} | {'met' if o['met'] else 'missed'} |")
    return "\n".join(lines) + "\n"


def headline(machine, peers):
    torch = next((f for f in peers if "blas" in f), {})
    return (f"{machine['processor']}, {machine['cores']} cores, {machine['threads']} threads; OpenBLAS kernels "
            f"{machine['blas_kernel']} (OPENBLAS_CORETYPE {machine['openblas_coretype']}); ntape {machine['version']}, "
            f"commit {machine['commit']}; {torch.get('version', 'no PyTorch')} with {torch.get('blas', 'unknown BLAS')}, "
            f"kernels {torch.get('blas_kernel', 'unknown')}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, help="where ntape-contender and libtorch-contender are")
    parser.add_argument("--short", action="store_true", help="tiny problems: shows that all run and agree")
    parser.add_argument("--only", default="", metavar="TEXT", help="cases with that in their name")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--markdown", help="a file for the tables")
    parser.add_argument("--json", help="a file for everything measured")
    args = parser.parse_args()
    files = {name: open(name, "w") for name in (args.markdown, args.json) if name}

    cases = contestants.short_cases() if args.short else contestants.cases()
    cases = [case for case in cases if args.only in case.name]
    if not cases:
        parser.error(f"no case has '{args.only}' in its name")
    text, record, outcomes, agreed = "", [], [], True
    machine = None
    for case in cases:
        rows = measure(case, args)
        if machine is None:
            machine = rows[0]["facts"]
            text = headline(machine, [row["facts"] for row in rows]) + "\n"
            print(text, flush=True)
        part = table(case, rows)
        print(part, flush=True)
        text += part + "\n"
        for row in rows:
            if not agrees(row):
                agreed = False
                print(f"{case.name}: {row['contender']} differs from ntape: {row['difference']}", file=sys.stderr)
        if len(rows) < len(case.contenders):
            agreed = False
            print(f"{case.name}: {len(case.contenders) - len(rows)} contenders did not start", file=sys.stderr)
        outcomes += outcome(case, rows)
        record.append({"case": case.name, "widths": case.widths, "examples": case.examples, "form": case.form,
                       "contenders": rows})
    print(targets_table(outcomes))
    text += targets_table(outcomes)
    if args.markdown:
        files[args.markdown].write(text)
    if args.json:
        json.dump({"machine": machine, "tuned": contestants.TUNED, "agree": AGREE, "cases": record,
                   "targets": outcomes}, files[args.json], indent=2)
    for file in files.values():
        file.close()
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
