"""The same job as by_hand.py in polars: lazy frames, the streaming engine, the same rules in the
same order.

Outputs are by_hand.py's, column for column. What every event goes through streams from file to
file; in memory are only people, the few days with several measurements, and what a sort or a
group-by of polars holds. It sets no memory limit, because polars has none; DuckDB is imported only
for the constants in simulated.py.

    python in_polars.py FOLDER text|parquet OUT
"""

from __future__ import annotations

import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from simulated import DCCT, DIABETES, EITHER, FIRST, IFCC, LAST, PRESSURE, START

FILLERS = "1800-01-01 1801-01-01 1860-01-01 1899-12-30 1899-12-31 1900-01-01"
UNITS = ("mmol/mol", "%", "mmHg")
OUTCOMES = ("hba1c", "systolic_bp")
DAY = ["person", "outcome", "date"]
ROW = ["source_file", "source_row"]
CELL = ["rule", "programme", "quarter"]
OUTCOME = pl.Enum(list(OUTCOMES))
UNIT = pl.Enum(list(UNITS))
DECIDED = pl.Enum(["text", "code", "range"])
START_DAY, FIRST_DAY, LAST_DAY = (date.fromisoformat(day) for day in (START, FIRST, LAST))
NEVER = pl.lit(date(2999, 12, 31))


def main(folder: Path, kind: str, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    events, people, files = (_parse if kind == "text" else _typed)(folder, out)
    known = _known(folder, people)
    first = _clean(events, known, files, out)
    _panel(known, first, out)


def _text(path: Path) -> pl.LazyFrame:
    return pl.scan_csv(path, separator="\t", quote_char=None, infer_schema=False)


def _day(column: str) -> pl.Expr:
    return pl.col(column).str.to_date("%d/%m/%Y", strict=False)


def _quarter(day: pl.Expr) -> pl.Expr:
    return day.dt.year().cast(pl.Int64) * 4 + day.dt.quarter().cast(pl.Int64) - 1


def _parse(folder: Path, out: Path) -> tuple[pl.LazyFrame, pl.LazyFrame, list[str]]:
    """Text to typed Parquet, once, with rows numbered and failures counted."""
    units = _text(folder / "text" / "NumUnit.txt").collect()
    paths = sorted((folder / "text").glob("*observation*"))
    for place, path in enumerate(paths):
        _text(path).with_row_index("source_row", offset=2).select(
            patient_id="patid",
            practice_id="pracid",
            date=_day("obsdate"),
            date_text="obsdate",
            code="medcodeid",
            value_text="value",
            value=pl.col("value").cast(pl.Float64, strict=False),
            unit_text=pl.col("numunitid").replace_strict(
                units["numunitid"], units["Description"], default=None
            ),
            source_file=pl.lit(path.name),
            source_row=pl.col("source_row").cast(pl.Int64),
        ).sink_parquet(out / f"events_{place}.parquet", compression="zstd", engine="streaming")
    parts = [out / f"events_{place}.parquet" for place in range(len(paths))]
    events = pl.scan_parquet(parts)
    failed = events.select(
        date=(pl.col("date").is_null() & pl.col("date_text").is_not_null()).sum(),
        value=(pl.col("value").is_null() & pl.col("value_text").is_not_null()).sum(),
    ).collect(engine="streaming")
    print("cells that could not be read:", failed.row(0, named=True))
    practices = _text(folder / "text" / "bench_extract_practice_001.txt").select("pracid", "lcd")
    people = (
        _text(folder / "text" / "bench_extract_patient_001.txt")
        .join(practices, on="pracid")
        .select(
            patient_id="patid",
            practice_id="pracid",
            birth_year=pl.col("yob").cast(pl.Int32),
            start=_day("regstartdate"),
            stop=_day("regenddate"),
            death=_day("cprd_ddate"),
            collected=_day("lcd"),
        )
    )
    return events, people, [path.name for path in paths]


def _typed(folder: Path, out: Path) -> tuple[pl.LazyFrame, pl.LazyFrame, list[str]]:
    place = folder / "parquet"
    paths = sorted(place.glob("events_*.parquet"))
    events = pl.concat(
        pl.scan_parquet(path, row_index_name="source_row", row_index_offset=2).select(
            "patient_id",
            "practice_id",
            "date",
            date_text="date",  # only whether there is one is asked
            code="code",
            value_text="value",
            value=pl.col("value").cast(pl.Float64, strict=False),
            unit_text="unit",
            source_file=pl.lit(str(path)),
            source_row=pl.col("source_row").cast(pl.Int64),
        )
        for path in paths
    )
    people = (
        pl.scan_parquet(place / "patients.parquet")
        .join(pl.scan_parquet(place / "registrations.parquet"), on="patient_id")
        .select(
            "patient_id",
            "practice_id",
            pl.col("birth_year").cast(pl.Int32),
            "start",
            stop="end",
            death="death_date",
            collected="collected_to",
        )
    )
    return events, people, [str(path) for path in paths]


def _known(folder: Path, people: pl.LazyFrame) -> pl.DataFrame:
    practices = pl.scan_csv(folder / "practices.csv", infer_schema=False).select(
        "practice_id", programme=pl.col("programme_start").str.to_date("%Y-%m-%d").is_not_null()
    )
    return (
        people.join(practices, on="practice_id")
        .sort("patient_id")
        .with_row_index("person")
        .with_columns(born=pl.date(pl.col("birth_year"), 1, 1))
        .collect(engine="streaming")
    )


def _judged(events: pl.LazyFrame, known: pl.DataFrame, files: list[str]) -> pl.LazyFrame:
    codes = pl.LazyFrame(
        [
            (IFCC, "hba1c", "mmol/mol"),
            (DCCT, "hba1c", "%"),
            (EITHER, "hba1c", None),
            (PRESSURE, "systolic_bp", "mmHg"),
            (DIABETES, None, None),
        ],
        schema={"code": pl.String, "outcome": OUTCOME, "implied": UNIT},
        orient="row",
    ).with_columns(listed=True)
    people = known.lazy().select(
        "patient_id", "person", "programme", "born", "start", "stop", "death", "collected"
    )
    day, value, text, outcome = (
        pl.col(name) for name in ("date", "value", "value_text", "outcome")
    )
    told, implied, unit, amount = (pl.col(name) for name in ("told", "implied", "unit", "amount"))
    hba1c = outcome == "hba1c"
    inside = day.is_between(FIRST_DAY, LAST_DAY)
    by_range = pl.when(value < 20).then(pl.lit("%", UNIT)).otherwise(pl.lit("mmol/mol", UNIT))
    rules = [
        (1, pl.col("listed").is_null()),
        (2, pl.col("person").is_null()),
        (3, day.is_null() & pl.col("date_text").is_null()),
        (4, day.is_null()),
        (
            5,
            day.is_in([date.fromisoformat(filler) for filler in FILLERS.split()])
            | (day.dt.year() >= 2999),
        ),
        (6, day < pl.col("born")),
        (7, day > pl.col("death")),
        (8, day > pl.col("stop")),
        (9, day > pl.col("collected")),
        (None, outcome.is_null()),
        (10, ~inside),
        (11, day < pl.col("start")),
        (12, text.is_null()),
        (13, value.is_null() & text.str.contains(r"^\s*(<|>|<=|>=)\s*\d+(\.\d+)?\s*$")),
        (14, value.is_null()),
        (15, pl.col("unit_text").is_not_null() & told.is_null()),
        (16, hba1c & ((unit == "%") != (value < 20))),
        (17, hba1c & ~amount.is_between(20, 195)),
        (17, ~hba1c & ~amount.is_between(60, 260)),
    ]
    first = pl.coalesce(  # the first rule that a row fails; 0 is "kept"
        [pl.when(fails).then(pl.lit(number or 0, pl.Int8)) for number, fails in rules]
    )
    kept = pl.col("rule").is_null()
    return (
        events.join(codes, on="code", how="left")
        .join(people, on="patient_id", how="left")
        .with_columns(told=pl.col("unit_text").cast(UNIT, strict=False))
        .with_columns(
            unit=pl.when(hba1c)
            .then(pl.coalesce(told, implied, by_range))
            .otherwise(pl.coalesce(told, implied))
        )
        .with_columns(amount=pl.when(unit == "%").then((value - 2.152) / 0.09148).otherwise(value))
        .with_columns(rule=first.replace(0, None))
        .select(
            pl.col("source_file").cast(pl.Enum(files)),
            "source_row",
            "person",
            "programme",
            "rule",
            quarter=pl.when(inside).then(_quarter(day)),
            date=pl.when(kept).then(day),
            outcome=pl.when(kept).then(outcome),
            amount=pl.when(kept).then(amount),
            unit=pl.when(kept).then(unit),
            decided=pl.when(kept).then(
                pl.when(told.is_not_null())
                .then(pl.lit("text", DECIDED))
                .when(implied.is_not_null())
                .then(pl.lit("code", DECIDED))
                .otherwise(pl.lit("range", DECIDED))
            ),
        )
    )


def _several(rows: pl.DataFrame) -> pl.DataFrame:
    """Days with more than one measurement: repeats, twins in the other unit, disagreement, then the
    first row."""
    ours = pl.when(pl.col("outcome") == "hba1c").then(pl.lit("mmol/mol")).otherwise(pl.lit("mmHg"))
    rows = rows.sort(ROW).with_columns(
        ours=pl.col("unit").cast(pl.String).eq_missing(ours),
        again=~pl.struct(*DAY, "unit", "amount").is_first_distinct(),
    )
    once = rows.filter(~pl.col("again"))
    twins = (
        once.filter(~pl.col("ours"))
        .join(once.filter("ours").select(*DAY, other="amount"), on=DAY)
        .filter((pl.col("amount") - pl.col("other")).abs() <= 1)
        .select(*ROW, twin=True)
        .unique()
    )
    rows = rows.join(twins, on=ROW, how="left", maintain_order="left").with_columns(
        pl.col("twin").fill_null(False)
    )
    counted = (
        rows.filter(~pl.col("again") & ~pl.col("twin"))
        .group_by(DAY)
        .agg(
            mean=pl.col("amount").sort().mean(),
            spread=pl.col("amount").max() - pl.col("amount").min(),
        )
    )
    later = ~pl.struct(*DAY, pl.col("again") | pl.col("twin")).is_first_distinct()
    return (
        rows.join(counted, on=DAY, how="left", maintain_order="left")
        .with_columns(
            rule=pl.when("again")
            .then(18)
            .when("twin")
            .then(19)
            .when(pl.col("spread") > 22)
            .then(20)
            .when(later)
            .then(21)
            .cast(pl.Int8)
        )
        .select(*ROW, *DAY, "decided", "programme", "quarter", "mean", "rule")
    )


def _clean(events: pl.LazyFrame, known: pl.DataFrame, files: list[str], out: Path) -> pl.DataFrame:
    """Write the ledger, the rows set aside and the measurements; return each person's first
    diagnosis."""
    scratch = out / "judged.parquet"
    _judged(events, known, files).sink_parquet(scratch, compression="lz4", engine="streaming")
    judged = pl.scan_parquet(scratch)
    kept = judged.filter(pl.col("rule").is_null())
    measured = kept.filter(pl.col("outcome").is_not_null())
    days = (
        measured.group_by(DAY)
        .agg(
            mean=pl.col("amount").first(),
            decided=pl.col("decided").first(),
            n_same_day=pl.len().cast(pl.Int64),
            programme=pl.col("programme").first(),
            quarter=pl.col("quarter").first(),
        )
        .collect(engine="streaming")
    )
    single = days.filter(pl.col("n_same_day") == 1)
    many = days.filter(pl.col("n_same_day") > 1).select(*DAY, "n_same_day")
    del days
    rows = measured.join(many.lazy(), on=DAY, how="semi").collect(engine="streaming")
    several = _several(rows)

    judged_counts = (
        judged.filter(pl.col("rule").is_not_null() | pl.col("outcome").is_null())
        .group_by(CELL)
        .agg(n=pl.len())
        .collect(engine="streaming")
    )
    several_counts = several.group_by(CELL).agg(n=pl.len())
    single_counts = (
        single.group_by("programme", "quarter")
        .agg(n=pl.len())
        .select(rule=pl.lit(None, pl.Int8), programme="programme", quarter="quarter", n="n")
    )
    ledger = (
        pl.concat([judged_counts, several_counts, single_counts])
        .group_by(CELL)
        .agg(pl.col("n").sum())
    )
    ledger.sort(CELL, nulls_last=True).write_csv(out / "ledger.csv")

    pl.concat(
        [
            judged.filter(pl.col("rule").is_not_null()).select(*ROW, "rule"),
            several.lazy().filter(pl.col("rule").is_not_null()).select(*ROW, "rule"),
        ]
    ).sort(ROW).with_columns(pl.col("source_file").cast(pl.String)).sink_parquet(
        out / "set_aside.parquet", compression="zstd", engine="streaming"
    )

    columns = [*DAY, "mean", "decided", "n_same_day"]
    found = several.filter(pl.col("rule").is_null()).join(many, on=DAY).select(columns)
    pl.concat([single.lazy().select(columns), found.lazy()]).sort(DAY).join(
        known.lazy().select("person", "patient_id", "practice_id"),
        on="person",
        maintain_order="left",
    ).select(
        "patient_id",
        "practice_id",
        "date",
        outcome=pl.col("outcome").cast(pl.String),
        value="mean",
        unit_decided_by=pl.col("decided").cast(pl.String),
        n_same_day="n_same_day",
    ).sink_parquet(out / "measurements.parquet", compression="zstd", engine="streaming")
    first = (
        kept.filter(pl.col("outcome").is_null())
        .group_by("person")
        .agg(first=pl.col("date").min())
        .collect(engine="streaming")
    )
    scratch.unlink()
    return first


def _panel(known: pl.DataFrame, first: pl.DataFrame, out: Path) -> None:
    start = pl.lit(START_DAY)
    stop, death = pl.col("stop").fill_null(NEVER), pl.col("death").fill_null(NEVER)
    age = START_DAY.year - pl.col("birth_year") - 1
    treated = START_DAY.year * 4 + (START_DAY.month - 1) // 3
    cohort = (
        known.join(first, on="person")
        .filter(
            (pl.col("first") < start)
            & (pl.col("start") <= START_DAY - timedelta(days=365))
            & (stop >= start)
            & (pl.col("collected") >= start)
            & (death > start)
            & age.is_between(40, 74)
        )
        .select(
            "patient_id",
            censored=pl.min_horizontal(stop, death, "collected", pl.lit(LAST_DAY)),
            first_treated=pl.when("programme").then(pl.lit(treated, pl.Int64)),
        )
    )
    values = [
        column
        for outcome in OUTCOMES
        for column in (
            pl.col("value").filter(pl.col("outcome") == outcome).sort().mean().alias(outcome),
            (pl.col("outcome") == outcome).sum().cast(pl.Int64).alias(f"n_{outcome}"),
        )
    ]
    (
        pl.scan_parquet(out / "measurements.parquet")
        .join(cohort.lazy(), on="patient_id")
        .filter(pl.col("date") <= pl.col("censored"))
        .group_by("patient_id", "practice_id", "first_treated", period=_quarter(pl.col("date")))
        .agg(values)
        .select(
            "patient_id",
            "practice_id",
            "period",
            "first_treated",
            *(name for o in OUTCOMES for name in (o, f"n_{o}")),
        )
        .sort("patient_id", "period")
        .sink_parquet(out / "panel.parquet", compression="zstd", engine="streaming")
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
