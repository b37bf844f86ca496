"""Draws the panels of the dashboards from a running Prometheus, where there is no Grafana to open them in:
`.venv/bin/python scripts/panels.py URL MINUTES FOLDER`.

Titles, places and queries are those of deploy/grafana/dashboards; everything else is matplotlib's.
"""

import datetime as dt
import json
import sys
import time
from pathlib import Path

import httpx
import matplotlib

matplotlib.use("Agg")
from matplotlib import dates
from matplotlib import pyplot as plt

DASHBOARDS = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards"
COLUMNS, ROW_IN, WIDTH_IN = 24, 0.3, 16
TOP_IN, FOOT_IN, GAP_IN = 0.6, 0.3, 0.32
PERCENT = "percentunit"
SHORT = 34


def query(client: httpx.Client, expr: str, minutes: float, instant: bool) -> list[dict]:
    for name, value in (("$job", ".+"), ("$__rate_interval", "1m"), ("$__range", f"{minutes:.0f}m")):
        expr = expr.replace(name, value)
    now = time.time()
    if instant:
        answer = client.get("/api/v1/query", params={"query": expr, "time": now})
    else:
        span = {"start": now - 60 * minutes, "end": now, "step": max(1, minutes / 5)}
        answer = client.get("/api/v1/query_range", params={"query": expr, **span})
    answer.raise_for_status()
    return answer.json()["data"]["result"]


def legend(target: dict, labels: dict[str, str]) -> str:
    text = target.get("legendFormat") or "value"
    for name, value in labels.items():
        text = text.replace("{{" + name + "}}", value)
    return text if len(text) <= SHORT else text[: SHORT - 1] + "…"


def draw(axes: plt.Axes, panel: dict, client: httpx.Client, minutes: float) -> None:
    scale = 100 if panel["fieldConfig"]["defaults"].get("unit") == PERCENT else 1
    unit = (
        "%"
        if scale == 100
        else {"s": "s", "bytes": "bytes", "reqps": "1/s", "ops": "1/s"}.get(
            panel["fieldConfig"]["defaults"].get("unit", ""), ""
        )
    )
    found = [
        (legend(target, series["metric"]), series)
        for target in panel["targets"]
        for series in query(client, target["expr"], minutes, panel["type"] != "timeseries")
    ]
    axes.set_title(f"{panel['title']}{f' [{unit}]' if unit else ''}", fontsize=8, loc="left")
    axes.tick_params(labelsize=6)
    if panel["type"] == "stat":
        axes.axis("off")
        values = [
            name if panel["options"]["textMode"] == "name" else f"{scale * float(series['value'][1]):.4g}"
            for name, series in found
        ]
        axes.text(0.02, 0.45, ", ".join(values), fontsize=11, va="center", transform=axes.transAxes)
    elif panel["type"] == "bargauge":
        if panel["targets"][0].get("format") == "heatmap":  # cumulative, as Grafana takes them apart
            found.sort(key=lambda pair: float(pair[1]["metric"]["le"]))
        bars = [(name, scale * float(series["value"][1])) for name, series in found]
        if panel["targets"][0].get("format") == "heatmap":
            before = [0.0, *(value for _, value in bars)]
            bars = [(name, value - low) for (name, value), low in zip(bars, before, strict=False)]
        else:
            bars.sort()
        axes.barh([name for name, _ in bars], [value for _, value in bars], height=0.7)
        axes.tick_params(axis="y", labelsize=4.5 if len(bars) > 12 else 6)
        axes.invert_yaxis()
    else:
        for name, series in sorted(found, key=lambda pair: pair[0]):
            points = [(at, scale * float(value)) for at, value in series["values"] if value != "NaN"]
            times = [dt.datetime.fromtimestamp(at, dt.UTC) for at, _ in points]
            axes.plot(times, [value for _, value in points], linewidth=1, label=name)
        axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
        axes.xaxis.set_major_locator(dates.AutoDateLocator(maxticks=5))
        axes.margins(y=0.1)
        axes.set_ylim(bottom=0)
        if 0 < len(found) <= 12:
            axes.legend(fontsize=5, loc="center left", bbox_to_anchor=(0, 0.5), framealpha=0.5)


def main() -> None:
    url, minutes, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    for file in sorted(DASHBOARDS.glob("*.json")):
        board = json.loads(file.read_text(encoding="utf-8"))
        rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
        high = ROW_IN * rows + TOP_IN + FOOT_IN
        figure = plt.figure(figsize=(WIDTH_IN, high))
        with httpx.Client(base_url=url, timeout=60) as client:
            for panel in board["panels"]:
                place = panel["gridPos"]
                left = 0.04 + 0.95 * place["x"] / COLUMNS
                width = 0.95 * place["w"] / COLUMNS
                top = high - TOP_IN - ROW_IN * place["y"]
                low = top - ROW_IN * place["h"]
                if panel["type"] == "row":
                    figure.text(0.01, low / high, panel["title"], fontsize=10, weight="bold")
                    continue
                margin = 0.09 if panel["type"] == "bargauge" else 0.02
                box = (
                    left + margin,
                    (low + GAP_IN) / high,
                    width - margin - 0.01,
                    (top - low - 2 * GAP_IN) / high,
                )
                draw(figure.add_axes(box), panel, client, minutes)
        figure.suptitle(
            f"{board['title']}: its queries answered by Prometheus, drawn by matplotlib (not by Grafana)",
            fontsize=11,
        )
        figure.savefig(folder / f"dashboard-{file.stem}.png", dpi=80)


if __name__ == "__main__":
    main()
