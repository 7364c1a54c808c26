"""Plots and tables of docs/benchmarks.md and README.md out of records: ``python -m benches.pages [MACHINE]``.

Takes the newest record of each task of a machine, the present one unless named; draws docs/plots/<task>.svg; replaces
each table of the two, which stands between two comments, and names its record there. Blocks "kept"
and "speed" are made of the record that they name, whichever machine's that is.
"""

from __future__ import annotations

import json
import math
import re
import statistics
import sys
from pathlib import Path
from typing import Any

from benches import machine, stages, tasks
from benches.run import RECORD, table

ROOT = RECORD.parents[1]
PAGES = (ROOT / "docs" / "benchmarks.md", ROOT / "README.md")
PLOTS = ROOT / "docs" / "plots"
QUOTED = {"lsh": ("english, 0.7", "english, 0.8"), "hamming": ("made",)}
"""Cases whose tables are quoted where it is not the English one."""
Records = dict[str, dict[str, Any]]
KEPT = ("kept", "speed")
BLOCK = re.compile(r"<!-- (\w+)(?:: ([\w./ -]*))? -->\n(.*?)<!-- end -->", re.DOTALL)
"""Name, records, tables."""


def main() -> None:
    """Read, draw, write."""
    slug = sys.argv[1] if len(sys.argv) > 1 else machine.describe()["slug"]
    paths = newest(slug)
    records = {task: json.loads(path.read_text()) for task, path in paths.items()}
    PLOTS.mkdir(exist_ok=True)
    for task, record in records.items():
        draw(task, record)
    for page in PAGES:
        page.write_text(BLOCK.sub(lambda block: filled(block, records, paths), page.read_text()))


def newest(slug: str) -> dict[str, Path]:
    """The newest record of each task."""
    found = {name: sorted((RECORD / slug).glob(f"*-{name}.json")) for name in (*tasks.NAMES, "stages")}
    return {name: paths[-1] for name, paths in found.items() if paths}


def filled(block: re.Match[str], records: Records, paths: dict[str, Path]) -> str:
    """A block with its table made anew; as it was where there is no record."""
    name = block[1]
    if name in KEPT:
        return f"<!-- {name}: {block[2]} -->\n{text(name, named(block[2]))}\n<!-- end -->"
    needed = CLAIMED if name == "claims" else (name,)
    if not all(task in records for task in needed):
        return block[0]
    names = " ".join(str(paths[task].relative_to(ROOT)) for task in needed)
    return f"<!-- {name}: {names} -->\n{text(name, records)}\n<!-- end -->"


def named(paths: str) -> Records:
    """The records that a block names, by task: what stands behind the date and an addition such as ``am-1-``."""

    def task(path: str) -> str:
        return path.rpartition("-")[2].removesuffix(".json")

    return {task(path): json.loads((ROOT / path).read_text()) for path in paths.split()}


def text(name: str, records: Records) -> str:
    """The tables of one block."""
    if name == "claims":
        return claims(records)
    if name == "speed":
        return speed(records["minhash"])
    if name in ("stages", "kept"):
        return stages.table(records["stages"]).partition("\n\n")[2].strip()
    return "\n\n".join(body(table(tasks.task(name), case)) for case in quoted(name, records[name]))


def body(made: str) -> str:
    """Only the lines of the table, and of what failed."""
    return "\n".join(line for line in made.splitlines() if line.startswith("|") or " failed: " in line)


def quoted(name: str, record: dict[str, Any]) -> list[dict[str, Any]]:
    """The cases that the page shows."""
    wanted = QUOTED.get(name, ("english",))
    return [case for case in record["cases"] if case["case"] in wanted] or record["cases"][:1]


def engine(record: dict[str, Any], task: str, name: str) -> dict[str, Any]:
    """One engine of the case that the page shows first."""
    found: dict[str, Any] = next(e for e in quoted(task, record)[0]["engines"] if e["engine"] == name)
    return found


# What is claimed, task, our engine, the other one, its stage, and at least how many times.
CLAIMS = (
    ("datasketch's default, from text", "minhash", "overproof affine32-op1", "datasketch bulk, sha1", "all", 100),
    ("its signature stage alone", "minhash", "overproof affine32-op1", "datasketch bulk, sha1", "alone", 50),
    ("gaoya, from text", "minhash", "overproof affine32-op1", "gaoya", "all", 20),
    ("rensa's full sketch, signature stage alone", "minhash", "overproof affine32-op1", "rensa R", "alone", 2),
    ("Polars, n-grams as strings", "overlap", "overproof", "Polars, strings", "all", 10),
    ("Polars, n-grams as hashes", "overlap", "overproof", "Polars, hashes", "all", None),
)
CLAIMED = ("minhash", "overlap")


def claims(records: Records) -> str:
    """Ours from text against each: ratio within each round, then median, least and most; memory beside it."""
    lines = [
        "| overproof from text is faster than | aim | times | range over rounds | memory added, MB: ours, its |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for what, task, ours, other, stage, least in CLAIMS:
        a, b = engine(records[task], task, ours), engine(records[task], task, other)
        twice = 2 if stage == "alone" else 1  # stages are timed on half of the input
        each = [twice * y / x for x, y in zip(a["all"]["cpu_s"], b[stage]["cpu_s"], strict=True)]
        memory = f"{a['memory']['added'] / 1e6:.0f}, {b['memory']['added'] / 1e6:.0f}"
        aim = "" if least is None else f"{least} x"
        lines.append(
            f"| {what} | {aim} | {statistics.median(each):.1f} | {min(each):.1f} to {max(each):.1f} | {memory} |"
        )
    return "\n".join(lines)


# Engines of the README's table, the last of them the yardstick of the others, and what is said of them there.
SPEED = (
    ("overproof oph", "overproof `oph`"),
    ("overproof affine32-op1", "overproof `affine32-op1` (default)"),
    ("gaoya", "gaoya {version} (with a one-band index: it shows no signature)"),
    ("rensa R", "rensa {version}, full sketch"),
    ("datasketch bulk, xxh32", "datasketch {version}, bulk, xxh32"),
    ("datasketch bulk, sha1", "datasketch {version}, bulk, its default SHA-1"),
)


def speed(record: dict[str, Any]) -> str:
    """The README's table: from text to signatures, and the times of the yardstick, round by round."""
    lines = [
        "| engine | texts/s | MB/s | against datasketch's default | RMSE / theory |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    least = engine(record, "minhash", SPEED[-1][0])["all"]["cpu_s"]
    for name, said in SPEED:
        e = engine(record, "minhash", name)
        times = statistics.median(theirs / ours for ours, theirs in zip(e["all"]["cpu_s"], least, strict=True))
        rate = f"{e['mb_per_s']:,.0f}" if e["mb_per_s"] >= 100 else f"{e['mb_per_s']:.1f}"
        lines.append(
            f"| {said.format(**e)} | {e['per_s']:,.0f} | {rate} | {times:,.{0 if times >= 100 else 1}f} x "
            f"| {e['quality']['rmse_over_theory']:.2f} |"
        )
    alone = engine(record, "minhash", "rensa R")["alone_per_s"]
    said = f"rensa's signature stage alone, on ready tokens, does {alone:,.0f} texts/s."
    return "\n".join([*lines, "", f"The others shingle in Python, as their users do; {said}"])


def draw(task: str, record: dict[str, Any]) -> None:
    """One plot, as text that the browser's own fonts set."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": task, "font.size": 9, "font.family": "sans-serif"}
    )
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.6), layout="constrained")
    if task == "stages":
        dots(axes, record)
    elif task in ("hamming", "overlap"):
        bars(axes, task, record)
    else:
        scatter(axes, task, record)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(PLOTS / f"{task}.svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def color(e: dict[str, Any]) -> str:
    """Ours, others, and those whose answer is to another question or wrong."""
    if not (e["same"] and e["quality"]["right"]):
        return "#909090"
    return "#c4401c" if e["package"] == "overproof" else "#33638d"


def scatter(axes: Any, task: str, record: dict[str, Any]) -> None:
    """Speed from text against error, both on log scales; against recall for joins. Names stand in a column, apart."""
    case = quoted(task, record)[-1]
    done = sorted((e for e in case["engines"] if "failed" not in e), key=lambda e: e["per_s"])
    x = [e["quality"]["recall" if task == "lsh" else "rmse"] for e in done]
    y = [e["per_s"] for e in done]
    axes.scatter(x, y, c=[color(e) for e in done], s=34, zorder=3)
    axes.set_yscale("log")
    axes.set_ylim(min(y) / 1.6, max(y) * 1.6)
    if task == "lsh":
        axes.set_xlabel("recall of pairs (precision beside the name)")
    else:
        logarithmic(axes, min(x) / 1.5, max(x) * 1.5)
        axes.axvline(done[0]["quality"]["theory"], color="#888888", linewidth=0.8, linestyle=":")
        axes.set_xlabel(f"RMSE over {done[0]['quality']['pairs']:,} pairs, log scale; dotted: theory")
    axes.set_ylabel(f"{record['unit']} a second, one core, log scale")
    axes.set_title(f"{record['what']} ({case['case']})", fontsize=9, loc="left")
    axes.grid(which="major", color="#e6e6e6", linewidth=0.6, zorder=0)
    low, high = map(math.log, axes.get_ylim())
    height = spread([(math.log(value) - low) / (high - low) for value in y])
    for e, px, py, at in zip(done, x, y, height, strict=True):
        axes.annotate(
            e["engine"] + (f" ({e['quality']['precision']:.2f})" if task == "lsh" else ""),
            (px, py),
            xytext=(1.06, at),
            textcoords="axes fraction",
            color=color(e),
            va="center",
            arrowprops={"arrowstyle": "-", "color": "#cccccc", "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
        )


def logarithmic(axes: Any, low: float, high: float) -> None:
    """A log scale with few plain numbers."""
    from matplotlib.ticker import FixedLocator, NullLocator

    wide = high / low
    digits = (1,) if wide > 300 else (1, 2, 5) if wide > 10 else (1, 2, 3, 4, 5, 6, 8)
    marks = [m * 10.0**e for e in range(-4, 10) for m in digits if low <= m * 10.0**e <= high]
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}" if value < 1e6 else f"{value / 1e6:,g} M")


def spread(at: list[float], gap: float = 0.058) -> list[float]:
    """Ascending heights on an axis from 0 to 1, moved apart to `gap` and no further than need be."""
    for _ in range(300):
        for i in range(len(at) - 1):
            short = gap - (at[i + 1] - at[i])
            if short > 0:
                at[i] -= short / 2
                at[i + 1] += short / 2
    return at


def bars(axes: Any, task: str, record: dict[str, Any]) -> None:
    """Speed where every answer is exact. Dots: a bar has no beginning on a log scale."""
    case = quoted(task, record)[0]
    done = sorted((e for e in case["engines"] if "failed" not in e), key=lambda e: e["per_s"])
    speeds = [e["per_s"] for e in done]
    logarithmic(axes, min(speeds) / 2, max(speeds) * 4)
    axes.scatter(speeds, range(len(done)), c=[color(e) for e in done], s=44, zorder=3)
    axes.set_yticks(range(len(done)), [e["engine"] for e in done])
    axes.set_ylim(-0.6, len(done) - 0.4)
    axes.grid(color="#e6e6e6", linewidth=0.6, zorder=0)
    for at, speed in enumerate(speeds):
        axes.annotate(f"{speed:,.0f}", (speed, at), xytext=(8, 0), textcoords="offset points", va="center")
    axes.set_xlabel(f"{record['unit']} a second, one core, log scale; all answers exact")
    axes.set_title(f"{record['what']} ({case['case']})", fontsize=9, loc="left")


def dots(axes: Any, record: dict[str, Any]) -> None:
    """How far each path is above its mark, at each level."""
    clock = record["yardsticks"]["multiply_ghz"] / stages.MARKED_GHZ
    shades = dict(zip(record["levels"], ("#c4401c", "#e0955f", "#33638d", "#8fb3d1"), strict=False))
    names = []
    for row in reversed(record["rows"]):
        cells = {level: (cell, stages.scaled(row["unit"], cell, clock)) for level, cell in row["levels"].items()}
        reached = {
            level: cell["value"] / mark if row["unit"].startswith("G") else mark / cell["value"]
            for level, (cell, mark) in cells.items()
            if mark is not None
        }
        if reached:
            names.append(row["row"])
            for level, value in reached.items():
                axes.plot(value, len(names) - 1, "o", color=shades[level], markersize=6, zorder=3)
    axes.set_yticks(range(len(names)), names)
    axes.axvline(1, color="#888888", linewidth=0.8)
    logarithmic(axes, *axes.get_xlim())
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    axes.set_xlabel("speed over the mark at this machine's clock, log scale")
    for level, shade in shades.items():
        axes.plot([], [], "o", color=shade, label=level)
    axes.legend(loc="upper center", ncols=len(shades), bbox_to_anchor=(0.4, 1.12), frameon=False)


if __name__ == "__main__":
    main()
