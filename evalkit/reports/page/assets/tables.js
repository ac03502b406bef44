/* Tables that are sorted by their headings, and the choice of which columns they show.

   evalkit.sortable(columns, sorting, sort)   a row of headings; `sort(key)` is called when one is pressed
   evalkit.ordered(rows, value, descending)   indices or objects in order of a value, what has none at the end
   evalkit.chooser(name, columns, changed)    the columns that are shown, kept under a name from run to run
*/
"use strict";

(() => {
  const { element } = evalkit;
  const SIGNS = { none: "\u2195", ascending: "\u2191", descending: "\u2193" };

  evalkit.sortable = (columns, sorting, sort) => {
    const cells = columns.map((column) => {
      if (column.value === undefined) return element("th", { scope: "col" }, column.label);
      const state = sorting.key !== column.key ? "none" : sorting.descending ? "descending" : "ascending";
      const button = element(
        "button",
        { type: "button", class: "sort", title: column.title || null, "data-key": column.key },
        column.label,
        element("span", { class: "sign", "aria-hidden": "true" }, ` ${SIGNS[state]}`),
      );
      button.addEventListener("click", () => sort(column.key));
      return element("th", { scope: "col", "aria-sort": state, class: column.class || null }, button);
    });
    return element("tr", {}, cells);
  };

  /* What pressing a heading makes of the sorting: first its better direction, then the other one. */
  evalkit.sortedBy = (sorting, column) => {
    const first = column.first === "descending";
    return { key: column.key, descending: sorting.key === column.key ? !sorting.descending : first };
  };

  function compared(one, other) {
    if (Array.isArray(one)) {
      for (let at = 0; at < one.length; at += 1) {
        const found = compared(one[at], other[at]);
        if (found) return found;
      }
      return 0;
    }
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), "en", { numeric: true });
  }

  evalkit.ordered = (rows, value, descending) => {
    const sign = descending ? -1 : 1;
    const valued = rows.map((row) => ({ row, key: value(row) }));
    const known = valued.filter(({ key }) => key !== null && key !== undefined);
    const unknown = valued.filter(({ key }) => key === null || key === undefined);
    known.sort((one, other) => sign * compared(one.key, other.key));
    return [...known, ...unknown].map(({ row }) => row);
  };

  evalkit.chooser = (name, columns, changed) => {
    const kept = evalkit.stored(`columns.${name}`) || {};
    const shown = new Map(columns.map((column) => [column.key, column.shown]));
    for (const [key, value] of Object.entries(kept)) if (shown.has(key)) shown.set(key, value === true);
    const boxes = columns.map((column) => {
      const box = element("input", { type: "checkbox", checked: shown.get(column.key), "data-key": column.key });
      box.addEventListener("change", () => {
        shown.set(column.key, box.checked);
        kept[column.key] = box.checked;
        evalkit.store(`columns.${name}`, kept);
        changed();
      });
      return element("label", {}, box, column.label);
    });
    const fields = element("fieldset", {}, element("legend", {}, "Columns that are shown"), boxes);
    const details = element("details", { class: "chooser" }, element("summary", {}, "Columns"), fields);
    return { element: details, shows: (key) => shown.get(key) === true };
  };

  /* A table in a region that scrolls by itself, so that the page never does. */
  evalkit.region = (label, table) => element("div", { class: "region", role: "region", "aria-label": label, tabindex: "0" }, table);

  /* The name of a metric for a heading, and what it is. */
  evalkit.heading = (metric) => metric.replace(/_/g, " ").replace(/^(sim|wer|cer|rtf|f0|p|dnsmos|plcmos|utmos)\b/, (word) => word.toUpperCase());

  evalkit.about = (metric) => {
    const known = evalkit.contents.metrics[metric];
    if (!known) return metric;
    const direction = { true: "higher is better", false: "lower is better" }[known.higher_is_better];
    return [metric, known.unit, direction, known.judge && `by ${known.judge}`].filter(Boolean).join(", ");
  };

  evalkit.first = (metric) => ((evalkit.contents.metrics[metric] || {}).higher_is_better === true ? "descending" : "ascending");
})();
