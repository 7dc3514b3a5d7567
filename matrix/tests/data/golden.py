"""Figures of SciPy, statsmodels and arch for matrix/tests/golden.rs, printed as JSON.

python3 -m venv venv
venv/bin/pip install arch==8.0.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 statsmodels==0.15.0
venv/bin/python matrix/tests/data/golden.py > matrix/tests/data/golden.json
"""

import itertools
import json

import numpy
import pandas
import scipy
import statsmodels
from arch import __version__ as arch_version
from arch.bootstrap import CircularBlockBootstrap
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.tsa.stattools import acf

random = numpy.random.default_rng(20260101)


def rounded(values, digits):
    return [round(float(value), digits) for value in values]


def signflip(values, deltas, alphas):
    """p by delta, and by alpha the ends of the interval: where p stops being above alpha, by bisection."""
    values = numpy.array(values)

    def p(delta):
        sample = (values - delta,)
        return float(
            stats.permutation_test(
                sample, numpy.mean, permutation_type="samples", n_resamples=numpy.inf
            ).pvalue
        )

    def end(alpha, outside):
        inside = values.mean()
        for _ in range(60):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if p(middle) > alpha else (inside, middle)
        return float(inside)

    return {
        "p": [[delta, p(delta)] for delta in deltas],
        "intervals": [[alpha, end(alpha, -1), end(alpha, 1)] for alpha in alphas],
    }


def centres(values):
    pairs = itertools.combinations_with_replacement(values, 2)
    return {
        "values": values,
        "mean": float(numpy.mean(values)),
        "median": float(numpy.median(values)),
        "trimmed_mean": float(stats.trim_mean(values, 0.2)),
        "hodges_lehmann": float(numpy.median([(a + b) / 2 for a, b in pairs])),
    }


def lines(x, y):
    robust = stats.theilslopes(y, x, 0.95)
    least = stats.linregress(x, y)
    return {
        "x": x,
        "y": y,
        "theil_sen": [robust.slope, robust.low_slope, robust.high_slope],
        "least_squares": [least.slope, least.intercept],
    }


def blocks():
    series = [0.0]
    for noise in random.normal(size=199):
        series.append(0.6 * series[-1] + noise)
    series = rounded(series, 6)
    length = 12
    bootstrap = CircularBlockBootstrap(length, numpy.array(series), seed=7)
    drawn = []
    for _ in range(3):
        places = bootstrap.update_indices()
        resampled = numpy.array(series)[places]
        drawn.append(
            {
                "starts": [int(place) for place in places[::length]],
                "mean": float(resampled.mean()),
                "median": float(numpy.median(resampled)),
            }
        )
    interval = bootstrap.conf_int(numpy.mean, 20_000, method="percentile", size=0.95)
    return {
        "series": series,
        "length": length,
        "drawn": drawn,
        "mean_interval": [float(end) for end in interval.ravel()],
        "autocorrelation": [
            float(value)
            for value in acf(
                series, nlags=5
            )
        ],
    }


def effects(sizes, launches):
    """Main effects by launch, and shares as omega squared from a sequential table of sums of squares."""
    designs = list(itertools.product(*map(range, sizes)))
    table = pandas.DataFrame(
        [
            (launch, *design, round(0.3 * launch + design[0] * 0.2 + design[1] * design[0] * 0.1 + random.normal() * 0.1, 6))
            for launch in range(launches)
            for design in designs
        ],
        columns=["launch", "a", "b", "c", "y"],
    )
    by_launch = []
    for _, rows in table.groupby("launch"):
        found = ols("y ~ C(a, Sum) + C(b, Sum) + C(c, Sum)", rows).fit().params
        axes = []
        for axis, size in zip("abc", sizes):
            values = [float(found[f"C({axis}, Sum)[S.{value}]"]) for value in range(size - 1)]
            axes.append([*values, -sum(values)])
        by_launch.append(axes)
    sums = anova_lm(ols("y ~ C(launch) + C(a) * C(b) * C(c)", table).fit())
    noise = sums.loc["Residual", "mean_sq"]
    whole = sums["sum_sq"].sum() + noise

    def share(names):
        part = sums.loc[names]
        return max(0.0, float((part["sum_sq"].sum() - part["df"].sum() * noise) / whole))

    together = [name for name in sums.index if ":" in name]
    return {
        "sizes": sizes,
        "designs": designs,
        "responses": [list(rows["y"]) for _, rows in table.groupby("launch")],
        "by_launch": by_launch,
        "axes": [share([f"C({axis})"]) for axis in "abc"],
        "interactions": share(together),
        "launches": share(["C(launch)"]),
    }


ten = [0.012, -0.034, 0.007, 0.051, -0.019, 0.003, 0.028, -0.008, 0.44, 0.016]
eleven = rounded(random.standard_t(2, size=11) * 0.01, 6)
eight = [0.0121, -0.0034, 0.0172, 0.0309, 0.0015, 0.0264, 0.0088, 0.0197]
thirteen = rounded(random.normal(0.01, 0.02, size=13), 5)
tied = [1.0, -2.0, 3.0, 4.0, -1.0, 2.0, 5.0, 1.0, -3.0, 2.0]
hours = rounded(numpy.arange(40) / 60, 6)
pages = [float(4096 * round(value)) for value in numpy.arange(40) * 0.3 + random.normal(size=40) * 2]
spread = rounded(numpy.sort(random.exponential(size=25)), 4)
wild = rounded(3 - 2 * numpy.array(spread) + random.standard_cauchy(size=25) * 0.1, 4)

figures = {
    "versions": {
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
        "arch": arch_version,
    },
    "centres": [centres(ten), centres(eleven)],
    "signflip": [
        {"values": eight, **signflip(eight, [0.0, 0.005, 0.01, 0.02, 0.03], [0.015, 0.05])},
        {"values": thirteen, **signflip(thirteen, [0.0, 0.01, 0.03], [0.02])},
        {"values": tied, **signflip(tied, [0.0, 1.0], [])},
    ],
    "lines": [lines(hours, pages), lines(spread, wild)],
    "blocks": blocks(),
    "effects": effects([3, 2, 2], 4),
}
print(json.dumps(figures, indent=1))
