/* The table of trials: what each is, how it did in each metric with its interval, what went wrong in it. */
"use strict";

(() => {
  const { element, drawn, number, contents } = evalkit;
  const place = document.getElementById("trials-table");
  const USUAL = new Set([contents.primary, ...contents.guards, "rtf"]);
  const BAR = { width: 120, height: 14 };

  const settings = [...new Set(contents.trials.flatMap((trial) => Object.keys(trial.settings)))];
  const decisive = [contents.primary, ...contents.guards].filter((metric) => metric in contents.metrics);
  const measured = [...new Set([...decisive, ...Object.keys(contents.metrics)])].filter((metric) => metric !== "failed");
  const wasNotRun = contents.trials.some((trial) => trial.not_run);

  const first = {
    key: "trial", label: "Trial", shown: true,
    value: (trial) => settings.map((name) => (name in trial.settings ? trial.settings[name] : "")),
  };
  const columns = [
    ...measured.map((metric) => ({
      key: metric, metric, label: evalkit.heading(metric), title: evalkit.about(metric), shown: USUAL.has(metric),
      first: evalkit.first(metric), value: (trial) => (trial.summary[metric] || [null])[0],
    })),
    { key: "n", label: "n", title: "utterances", shown: true, class: "figure", value: (trial) => trial.n },
    { key: "failed", label: "Failed", shown: true, class: "figure", value: (trial) => trial.failed },
    ...(wasNotRun ? [{ key: "not run", label: "Not run", shown: true, class: "figure", value: (trial) => trial.not_run }] : []),
    { key: "flagged", label: "Flagged", shown: true, class: "figure", value: (trial) => trial.flagged },
    ...settings.map((name) => ({ key: `setting ${name}`, label: name, shown: false, value: (trial) => trial.settings[name] ?? null })),
  ];

  /* From the least to the greatest that a metric's bars must show. */
  function scaleOf(metric) {
    const ends = contents.trials.flatMap((trial) => trial.summary[metric] || []).filter((value) => value !== null);
    const least = (contents.metrics[metric].bounds || [null])[0];
    const low = Math.min(...ends, least > 0 ? least : 0);
    const high = Math.max(...ends, ...(contents.bands[metric] || []), low);
    const span = high - low || 1;
    return (value) => ((value - low) / span) * (BAR.width - 2) + 1;
  }

  function bar(metric, summary, at) {
    const [value, low, high] = summary;
    const middle = BAR.height / 2;
    const band = contents.bands[metric];
    const zero = at(Math.max(0, (contents.metrics[metric].bounds || [0])[0] || 0));
    return drawn(
      "svg",
      { class: "bar-of", viewBox: `0 0 ${BAR.width} ${BAR.height}`, width: BAR.width, height: BAR.height, "aria-hidden": "true" },
      band ? drawn("rect", { class: "band", x: at(band[0]), y: 0, width: Math.max(1, at(band[1]) - at(band[0])), height: BAR.height }) : null,
      drawn("rect", { class: "amount", x: Math.min(zero, at(value)), y: 4, width: Math.abs(at(value) - zero), height: BAR.height - 8 }),
      low === null || high === null ? null : [
        drawn("line", { class: "whisker", x1: at(low), x2: at(high), y1: middle, y2: middle }),
        drawn("line", { class: "whisker", x1: at(low), x2: at(low), y1: middle - 4, y2: middle + 4 }),
        drawn("line", { class: "whisker", x1: at(high), x2: at(high), y1: middle - 4, y2: middle + 4 }),
      ],
    );
  }

  function metricCell(trial, metric, at) {
    const summary = trial.summary[metric];
    if (!summary || summary[0] === null) return element("td", { class: "metric" }, "\u2013");
    const [value, low, high] = summary;
    const interval = low === null || high === null ? null : element("span", { class: "interval" }, ` [${number(low)}, ${number(high)}]`);
    return element("td", { class: "metric" }, element("span", { class: "value" }, number(value)), interval, bar(metric, summary, at));
  }

  function marks(trial) {
    const found = [
      trial.best ? ["best", "\u2605 best"] : null,
      trial.contested ? ["contested", "\u26a0 contested: another encoder does not see it"] : null,
      trial.baseline ? ["baseline", "\u25c6 baseline"] : null,
      trial.barred ? ["barred", `\u2715 not called best: ${trial.barred}`] : null,
    ];
    return found.filter(Boolean).map(([kind, text]) => element("span", { class: `tag ${kind}` }, text));
  }

  function flagged(trial) {
    const told = Object.entries(trial.flags).map(([flag, count]) => `${flag} ${count}`).join(", ");
    return [String(trial.flagged), told ? element("span", { class: "quiet small" }, ` ${told}`) : null];
  }

  function cell(trial, column, scales) {
    if (column.metric) return metricCell(trial, column.metric, scales.get(column.metric));
    if (column.key === "flagged") return element("td", { class: "figure" }, flagged(trial));
    const value = column.value(trial);
    return element("td", { class: column.class || null }, value === null ? "\u2013" : String(value));
  }

  let sorting = { key: null, descending: false };
  const body = element("tbody");
  const head = element("thead");
  const told = element("p", { class: "quiet small" });
  const chooser = evalkit.chooser("trials", columns, draw);

  function sort(key) {
    sorting = evalkit.sortedBy(sorting, [first, ...columns].find((column) => column.key === key));
    draw();
    head.querySelector(`[data-key="${CSS.escape(key)}"]`).focus();
  }

  function draw() {
    const shown = [first, ...columns.filter((column) => chooser.shows(column.key))];
    const scales = new Map(shown.filter((column) => column.metric).map((column) => [column.metric, scaleOf(column.metric)]));
    const by = [first, ...columns].find((column) => column.key === sorting.key);
    const trials = by ? evalkit.ordered(contents.trials, by.value, sorting.descending) : contents.trials;
    head.replaceChildren(evalkit.sortable(shown, sorting, sort));
    body.replaceChildren(...trials.map((trial) => element(
      "tr", { class: trial.best ? "is-best" : null },
      element("th", { scope: "row" }, element("span", { class: "label" }, trial.label), marks(trial)),
      shown.slice(1).map((column) => cell(trial, column, scales)),
    )));
    const banded = [...scales.keys()].filter((metric) => contents.bands[metric]);
    const bands = banded.map((metric) => {
      const [floor, ceiling] = contents.bands[metric];
      return `${evalkit.heading(metric)}: shaded from the floor ${number(floor)} (other speakers) to the ceiling ${number(ceiling)} (the voices' own recordings).`;
    });
    told.replaceChildren(`Bars are means, whiskers and brackets their 95 % intervals. ${bands.join(" ")}`);
  }

  if (place) {
    draw();
    place.append(element("div", { class: "tools" }, chooser.element), evalkit.region("Trials", element("table", { class: "trials" }, head, body)), told);
  }
})();
