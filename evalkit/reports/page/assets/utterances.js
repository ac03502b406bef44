/* All utterances: filtered, sorted by any metric, fifty a page, each with its sound and its words.

   evalkit.wordsOf(row)   what belongs to an utterance beside its scores: prompt, intended text, error, recordings
*/
"use strict";

(() => {
  const { element, number, contents } = evalkit;
  const place = document.getElementById("utterances-table");
  const PAGE = 50;
  const rows = contents.rows;
  const metrics = Object.keys(rows.scores);
  const USUAL = new Set([contents.primary, ...contents.guards]);
  const STATE_NAMES = { scored: "scored", failed: "failed", not_run: "not run" };

  const probeOf = (at) => contents.probes[rows.probe[at]];
  const columns = [
    { key: "trial", label: "Trial", shown: true, value: (at) => rows.trial[at], cell: (row) => row.trial.label },
    { key: "voice", label: "Voice", shown: true, value: (at) => contents.voices[rows.voice[at]].name, cell: (row) => row.voice.name },
    { key: "probe", label: "Probe", shown: true, value: (at) => probeOf(at).id, cell: (row) => row.probe.id },
    { key: "seed", label: "Seed", shown: new Set(rows.seed).size > 1, class: "figure", value: (at) => rows.seed[at], cell: (row) => row.seed },
    ...metrics.map((metric) => ({
      key: metric, metric, label: evalkit.heading(metric), title: evalkit.about(metric), shown: USUAL.has(metric), class: "figure",
      first: evalkit.first(metric), value: (at) => rows.scores[metric][at], cell: (row) => number(row.scores[metric]),
    })),
  ];

  function named(row) {
    return `${row.voice.name}, ${row.probe.id}, ${row.trial.label}${new Set(rows.seed).size > 1 ? `, seed ${row.seed}` : ""}`;
  }

  function words(row) {
    if (row.error) return [row.said, element("span", { class: "error" }, `${STATE_NAMES[row.state]}: ${row.error}`)];
    if (row.heard === null) return [row.said, element("span", { class: "quiet small" }, "no transcript")];
    if (row.heard === "") return [row.said, element("span", { class: "heard quiet small" }, "nothing was heard")];
    if (row.heard === row.said) return [row.said, element("span", { class: "quiet small" }, "heard as written")];
    return [row.said, element("span", { class: "heard" }, element("span", { class: "quiet small" }, "heard: "), row.heard)];
  }

  function term(name, ...told) {
    return element("div", {}, element("dt", {}, name), element("dd", {}, told));
  }

  evalkit.named = named;
  evalkit.wordsOf = (row) => [
    row.intended ? term("Intended by the engine", row.intended) : null,
    row.error ? term("Error", row.error) : null,
    row.prompt ? term(`Prompt, ${row.prompt.seconds} s (${row.prompt.source})`, element("p", {}, row.prompt.text), evalkit.player(row.prompt.sound, `the prompt of ${named(row)}`)) : null,
    row.voice.held_out.length
      ? term("The speaker, not heard by the engine", row.voice.held_out.slice(0, 1).map((sound, at) => evalkit.player(sound, `held-out clip ${row.voice.clips[at]} of ${row.voice.name}`)))
      : null,
  ];

  function more(row, span) {
    const scores = metrics.filter((metric) => row.scores[metric] !== null).map((metric) => term(metric, number(row.scores[metric])));
    const told = element("dl", { class: "words" }, evalkit.wordsOf(row));
    return element("tr", { class: "more" }, element("td", { colspan: span }, told, element("dl", { class: "scores" }, scores)));
  }

  function line(at, shown) {
    const row = evalkit.rowOf(at);
    const name = named(row);
    const open = element("button", { type: "button", class: "open", "aria-expanded": "false", "aria-label": `More of ${name}` }, "more");
    const flags = row.flags.map((flag) => element("span", { class: "tag flag" }, `\u2691 ${flag}`));
    const found = element(
      "tr", { "data-row": at },
      element("td", { class: "listen" }, evalkit.player(row.sound, name)),
      element("td", { class: "text" }, words(row), flags, open),
      shown.map((column) => element("td", { class: column.class || null }, column.cell(row))),
    );
    open.addEventListener("click", () => {
      const opens = open.getAttribute("aria-expanded") === "false";
      open.setAttribute("aria-expanded", String(opens));
      open.textContent = opens ? "less" : "more";
      if (opens) found.after(more(row, shown.length + 2));
      else found.nextElementSibling.remove();
    });
    return found;
  }

  const filters = new Map();
  const FILTERS = [
    ["trial", "Trial", contents.trials.map((trial, at) => [at, trial.label]), (at, value) => rows.trial[at] === Number(value)],
    ["voice", "Voice", contents.voices.map((voice, at) => [at, voice.name]), (at, value) => rows.voice[at] === Number(value)],
    ["probe", "Probe", distinct(contents.probes.map((probe) => probe.id)), (at, value) => probeOf(at).id === value],
    ["stratum", "Kind of text", distinct(contents.probes.map((probe) => probe.stratum).filter((one) => one !== null)), (at, value) => probeOf(at).stratum === value],
    ["flag", "Flag", contents.flags.map((flag, at) => [at, flag]), (at, value) => (rows.flags[at] || []).includes(Number(value))],
    ["state", "State", stateChoices(), (at, value) => rows.state[at] === Number(value)],
    ["language", "Language", distinct(contents.probes.map((probe) => probe.language)), (at, value) => probeOf(at).language === value],
  ];

  function distinct(values) {
    return [...new Set(values)].map((value) => [value, value]);
  }

  function stateChoices() {
    const there = new Set(rows.state);
    return evalkit.states.map((state, at) => [at, STATE_NAMES[state]]).filter(([at]) => there.has(at));
  }

  let haystack = null;

  function hay(at) {
    if (haystack === null) {
      const shared = contents.probes.map((probe) => `${probe.id} ${probe.text} ${probe.stratum || ""}`.toLowerCase());
      const trials = contents.trials.map((trial) => `${trial.label} ${trial.id}`.toLowerCase());
      haystack = Array.from({ length: evalkit.count }, (_, row) => [
        shared[rows.probe[row]], trials[rows.trial[row]], contents.voices[rows.voice[row]].name.toLowerCase(),
        (rows.hypothesis[row] || "").toLowerCase(), (rows.intended[row] || "").toLowerCase(), (rows.error[row] || "").toLowerCase(),
      ].join("\n"));
    }
    return haystack[at];
  }

  let sorting = { key: null, descending: false };
  let page = 0;
  let chosen = [];
  const head = element("thead");
  const body = element("tbody");
  const status = element("p", { class: "status", role: "status" });
  const previous = element("button", { type: "button" }, "\u2190 Previous");
  const next = element("button", { type: "button" }, "Next \u2192");
  const leaf = element("span", { class: "leaf" });
  const search = element("input", { type: "search", id: "utterances-search", autocomplete: "off", spellcheck: "false" });
  const chooser = evalkit.chooser("utterances", columns, drawn);

  function select(name, label, choices) {
    const options = [element("option", { value: "" }, "all"), ...choices.map(([value, text]) => element("option", { value }, text))];
    const found = element("select", { id: `utterances-${name}` }, options);
    found.addEventListener("change", () => {
      filters.set(name, found.value);
      filtered();
    });
    return element("div", { class: "field" }, element("label", { for: `utterances-${name}` }, label), found);
  }

  function filtered() {
    const active = FILTERS.filter(([name]) => filters.get(name)).map(([name, , , holds]) => [holds, filters.get(name)]);
    const wanted = search.value.trim().toLowerCase();
    chosen = [];
    for (let at = 0; at < evalkit.count; at += 1) {
      if (active.every(([holds, value]) => holds(at, value)) && (!wanted || hay(at).includes(wanted))) chosen.push(at);
    }
    page = 0;
    sorted();
  }

  function sorted() {
    const by = columns.find((column) => column.key === sorting.key);
    if (by) chosen = evalkit.ordered(chosen, by.value, sorting.descending);
    drawn();
  }

  function sort(key) {
    sorting = evalkit.sortedBy(sorting, columns.find((column) => column.key === key));
    page = 0;
    sorted();
    head.querySelector(`[data-key="${CSS.escape(key)}"]`).focus();
  }

  function drawn() {
    evalkit.silence();
    const shown = columns.filter((column) => chooser.shows(column.key));
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE));
    page = Math.min(page, pages - 1);
    head.replaceChildren(evalkit.sortable([{ label: "Sound" }, { label: "Text and what was heard" }, ...shown], sorting, sort));
    body.replaceChildren(...chosen.slice(page * PAGE, (page + 1) * PAGE).map((at) => line(at, shown)));
    status.textContent = `${chosen.length.toLocaleString("en")} of ${evalkit.count.toLocaleString("en")} utterances`;
    leaf.textContent = `page ${page + 1} of ${pages}`;
    previous.disabled = page === 0;
    next.disabled = page === pages - 1;
  }

  function turned(by) {
    page += by;
    drawn();
    table.scrollIntoView({ block: "start" });
  }

  const table = element("table", { class: "utterances" }, head, body);
  previous.addEventListener("click", () => turned(-1));
  next.addEventListener("click", () => turned(1));
  search.addEventListener("input", filtered);

  if (place) {
    const fields = FILTERS.filter(([, , choices]) => choices.length > 1 || (choices.length === 1 && choices === FILTERS[4][2]));
    const form = element(
      "div", { class: "filters", role: "search", "aria-label": "Utterances" },
      fields.map(([name, label, choices]) => select(name, label, choices)),
      element("div", { class: "field wide" }, element("label", { for: "utterances-search" }, "Words, names, errors"), search),
    );
    place.append(form, element("div", { class: "tools" }, status, chooser.element), evalkit.region("Utterances", table),
      element("nav", { class: "pages", "aria-label": "Pages of utterances" }, previous, leaf, next));
    filtered();
  }
})();
