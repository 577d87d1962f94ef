#!/usr/bin/env python3
"""Prints the polynomials of elementwise_numbers.hpp, lowest power first, and their largest weighted errors. Needs
python3-mpmath; takes some seconds.

The polynomial p of degree n with the least greatest |w (f - p)| on an interval is found by Remez's exchange on a
grid of Chebyshev points, in 45 digits: solve for equal errors of alternating sign at n + 2 points, move the points to
the errors' extrema, repeat.
"""
from mpmath import (mp, mpf, matrix, lu_solve, cos, sin, pi, sign, exp, expm1, log, sqrt, erf, erfc, atanh, diff,
                    findroot, nstr)

mp.dps = 45
GRID = 700


def chebyshev(n, t):
    """T_0(t) .. T_n(t)"""
    values = [mpf(1), t]
    while len(values) <= n:
        values.append(2 * t * values[-1] - values[-2])
    return values[:n + 1]


def monomials(c, middle, half):
    """The coefficients in x of sum_j c_j T_j((x - middle) / half)."""
    last, here, out = [mpf(1)], [-middle / half, 1 / half], [mpf(0)] * len(c)
    for j, factor in enumerate(c):
        for i, value in enumerate(last):
            out[i] += factor * value
        following = [mpf(0)] * (len(here) + 1)
        for i, value in enumerate(here):
            following[i + 1] += 2 * value / half
            following[i] -= 2 * value * middle / half
        for i, value in enumerate(last):
            following[i] -= value
        last, here = here, following
    return out


def minimax(f, w, n, low, high):
    low, high = mpf(low), mpf(high)
    middle, half = (low + high) / 2, (high - low) / 2
    ts = [-cos(pi * mpf(i) / GRID) for i in range(GRID + 1)]
    basis = [chebyshev(n, t) for t in ts]
    values = [f(middle + half * t) for t in ts]
    weights = [w(middle + half * t) for t in ts]
    points = [round(GRID * k / mpf(n + 1)) for k in range(n + 2)]
    for _ in range(12):
        a, b = matrix(n + 2, n + 2), matrix(n + 2, 1)
        for i, k in enumerate(points):
            for j in range(n + 1):
                a[i, j] = basis[k][j]
            a[i, n + 1] = (-1) ** i / weights[k]
            b[i] = values[k]
        solution = lu_solve(a, b)
        c = [solution[j] for j in range(n + 1)]
        errors = [w_ * (v - sum(x * y for x, y in zip(c, row))) for w_, v, row in zip(weights, values, basis)]
        worst = max(abs(e) for e in errors)
        extrema, first = [], 0
        for i in range(1, GRID + 2):
            if i > GRID or sign(errors[i]) != sign(errors[first]):
                extrema.append(max(range(first, i), key=lambda k: abs(errors[k])))
                first = i
        while len(extrema) > n + 2:
            extrema.pop(0 if abs(errors[extrema[0]]) < abs(errors[extrema[-1]]) else -1)
        if len(extrema) < n + 2 or worst < abs(solution[n + 1]) * mpf("1.03"):
            break
        points = extrema
    return monomials(c, middle, half), worst


TINY = mpf(10) ** -12


def mills(z):
    return erfc(z / sqrt(2)) / 2 * exp(z * z / 2)


DENSITY = 1 / sqrt(2 * pi)
ROOT = findroot(lambda z: mills(z) - z * DENSITY, mpf("0.75"))


def slope_factor(z):
    if abs(z - ROOT) < TINY:
        return diff(lambda t: mills(t) - t * DENSITY, ROOT)
    return (mills(z) - z * DENSITY) / (z - ROOT)


def jobs(degrees, mills_center, slope_center, normal_end, erf_end):
    def mapped(center, f):
        """f(z) as a function of t = (z - center) / (z + center), relative to itself, and t's interval"""
        def g(t):
            return f(center * (1 + t) / (1 - t))
        return g, lambda t: 1 / g(t), -1, (mpf(normal_end) - center) / (mpf(normal_end) + center)

    half_log2, eighth = log(2) / 2 * mpf("1.002"), (pi / 4 * mpf("1.001")) ** 2
    m, mw, ml, mh = mapped(mpf(mills_center), lambda z: (z + mills_center) * mills(z))
    s, sw, sl, sh = mapped(mpf(slope_center), slope_factor)
    table = {
        "exp": (lambda r: (expm1(r) - r) / r ** 2 if abs(r) > TINY else mpf(1) / 2 + r / 6,
                lambda r: max(abs(r), mpf(10) ** -5), -half_log2, half_log2),
        "log1p": (lambda v: (atanh(sqrt(v)) / sqrt(v) - 1) / v if v > TINY else mpf(1) / 3 + v / 5,
                  lambda v: max(v, mpf(10) ** -4), 0, mpf(1) / 9 * mpf("1.0001")),
        "mills": (m, mw, ml, mh),
        "gelu_slope": (s, sw, sl, sh),
        "erf": (lambda x: (-log(erfc(x)) / x - 2 / sqrt(pi)) / x if x > TINY else 2 / pi,
                lambda x: erfc(max(x, mpf(10) ** -4)) * max(x, mpf(10) ** -4) ** 2 / erf(max(x, mpf(10) ** -4)),
                0, erf_end),
        "sin": (lambda u: (sin(sqrt(u)) / sqrt(u) - 1) / u if u > TINY else -mpf(1) / 6 + u / 120,
                lambda u: max(u, mpf(10) ** -4), 0, eighth),
        "cos": (lambda u: ((cos(sqrt(u)) - 1) / u + mpf(1) / 2) / u if u > TINY / 100 else mpf(1) / 24 - u / 720,
                lambda u: max(u * u, mpf(10) ** -6), 0, eighth),
    }
    return [(name, *table[name], degree) for name, degree in degrees.items()]


def main():
    double = dict(exp=9, log1p=9, mills=23, gelu_slope=20, erf=21, sin=5, cos=5)
    single = dict(exp=4, log1p=3, mills=10, gelu_slope=9, erf=7, sin=2, cos=2)
    for real, digits, work in (("double", 18, jobs(double, 3, 5, 38.7, 5.95)),
                               ("float", 10, jobs(single, 3, 4, 14.5, 3.95))):
        for name, f, w, low, high, degree in work:
            c, worst = minimax(f, w, degree, low, high)
            print(f"{real} {name}: {', '.join(nstr(x, digits) for x in c)}  (error {nstr(worst, 2)})")


if __name__ == "__main__":
    main()
