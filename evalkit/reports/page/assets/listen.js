/* The listening section: trials side by side, the blind test, and what ears have said. */
"use strict";

(() => {
  const { contents, element, drawn, number } = evalkit;
  const LETTERS = "ABCDEFGIJKLMOQRSTUVWXYZ"; // without H, N and P
  const LONGEST_OPTION = 90;
  const MAKE = "python -m evalkit report RUN --audio all";

  const has = (at) => at !== null && at !== undefined && contents.sounds[at].file !== null;
  const shortened = (text) => (text.length > LONGEST_OPTION ? `${text.slice(0, LONGEST_OPTION)}\u2026` : text);
  const key = (name) => element("kbd", {}, name);

  /* Rows by what they are: trial, voice, probe and seed as numbers. */
  const place = (...parts) => parts.join(" ");
  const rows = contents.rows;
  const found = new Map();
  const cells = new Map();
  for (let at = 0; at < evalkit.count; at += 1) {
    const cell = place(rows.voice[at], rows.probe[at], rows.seed[at]);
    found.set(place(rows.trial[at], cell), at);
    if (!cells.has(cell)) cells.set(cell, { voice: rows.voice[at], probe: rows.probe[at], seed: rows.seed[at] });
  }
  const order = [...cells.values()];
  const seeds = [...new Set(rows.seed)].sort((one, other) => one - other);
  const anySound = contents.sounds.some((sound) => sound.file !== null);

  function options(select, values, chosen) {
    select.replaceChildren(...values.map(([value, text]) => element("option", { value, selected: value === chosen }, shortened(evalkit.visible(text)))));
  }

  function field(id, label, control) {
    return element("div", { class: "field" }, element("label", { for: id }, label), control);
  }

  function tick(id, text, checked, changed) {
    const box = element("input", { type: "checkbox", id, checked });
    box.addEventListener("change", changed);
    return { box, line: element("label", { for: id, class: "choice" }, box, element("span", {}, text)) };
  }

  /* Trials beside each other, for one voice, probe and seed. */
  function compare(panel) {
    const usual = contents.trials.flatMap((trial, at) => (trial.best || trial.baseline ? [at] : []));
    const state = {
      trials: [...new Set([...usual, ...contents.trials.keys()])].slice(0, 2).sort((one, other) => one - other),
      cell: order.find((cell) => has(rows.sound[found.get(place(usual[0] || 0, cell.voice, cell.probe, cell.seed))])) || order[0],
    };
    const voice = element("select", { id: "listen-voice" });
    const probe = element("select", { id: "listen-probe" });
    const seed = element("select", { id: "listen-seed" });
    const shown = element("div", { class: "sounds" });
    const matched = tick("listen-matched", "As loud as each other", evalkit.stored("listen.matched") === true, () => {
      evalkit.store("listen.matched", matched.box.checked);
      loudness();
    });
    const words = tick("listen-words", "Show what was meant and heard", evalkit.stored("listen.words") === true, () => {
      evalkit.store("listen.words", words.box.checked);
      cards();
    });
    let players = new Map(); // by key
    let sounds = [];

    function trialBoxes() {
      return contents.trials.map((trial, at) => tick(`listen-trial-${at}`, trial.label, state.trials.includes(at), (event) => {
        const chosen = new Set(state.trials);
        if (event.target.checked) chosen.add(at);
        else chosen.delete(at);
        state.trials = [...chosen].sort((one, other) => one - other);
        cards();
      }).line);
    }

    function choose() {
      options(voice, contents.voices.map((one, at) => [at, one.name]), state.cell.voice);
      const asked = [...new Set(order.filter((cell) => cell.voice === state.cell.voice).map((cell) => cell.probe))];
      options(probe, asked.map((at) => [at, `${contents.probes[at].id}: ${contents.probes[at].text}`]), state.cell.probe);
      options(seed, seeds.map((one) => [one, String(one)]), state.cell.seed);
    }

    function moved(wanted) {
      const near = (cell) => (cell.voice === wanted.voice ? 4 : 0) + (cell.probe === wanted.probe ? 2 : 0) + (cell.seed === wanted.seed ? 1 : 0);
      state.cell = order.reduce((best, cell) => (near(cell) > near(best) ? cell : best), order[0]);
      choose();
      cards();
    }

    function next() {
      state.cell = order[(order.indexOf(state.cell) + 1) % order.length];
      choose();
      cards();
      const again = shown.querySelector("h4");
      if (again) again.focus();
    }

    function loudness() {
      if (matched.box.checked && sounds.some(has)) evalkit.matchLoudness(sounds);
      else evalkit.unmatchLoudness();
    }

    function card(letter, title, sound, ...more) {
      const player = evalkit.player(sound, title);
      players.set(letter, player);
      sounds.push(sound);
      return element("div", { class: "sound" }, element("span", { class: "letter" }, key(letter), " ", element("bdi", {}, title)), player, more);
    }

    function scores(row) {
      const names = [contents.primary, ...contents.guards].filter((name) => name in row.scores);
      return element("span", { class: "quiet small" }, names.map((name) => `${name.toUpperCase()} ${number(row.scores[name])}`).join(", "));
    }

    function heardIn(row) {
      if (!words.box.checked) return null;
      if (row.error) return element("p", { class: "error small" }, row.error);
      return element("p", { class: "small" }, element("span", { class: "quiet" }, "heard: "), element("bdi", {}, row.heard === null ? "nothing" : row.heard));
    }

    function trialCard(at, which) {
      const index = found.get(place(at, state.cell.voice, state.cell.probe, state.cell.seed));
      const title = contents.trials[at].label;
      if (index === undefined) return element("div", { class: "sound" }, element("span", { class: "letter" }, element("bdi", {}, title)), element("span", { class: "quiet" }, "not asked"));
      const row = evalkit.rowOf(index);
      return card(LETTERS[which] || title, title, row.sound, scores(row), heardIn(row));
    }

    function promptCards() {
      const indices = state.trials.map((at) => found.get(place(at, state.cell.voice, state.cell.probe, state.cell.seed))).filter((at) => at !== undefined);
      const prompts = [...new Set(indices.map((at) => rows.prompt[at]))].filter((at) => at !== null);
      if (!prompts.length) return [];
      const longest = prompts.reduce((one, other) => (contents.prompts[other].seconds > contents.prompts[one].seconds ? other : one));
      const prompt = contents.prompts[longest];
      const told = words.box.checked ? element("p", { class: "small" }, element("bdi", {}, prompt.text)) : null;
      return [card("P", prompts.length > 1 ? "Prompt (the longest)" : "Prompt", prompt.sound, told)];
    }

    function cards() {
      evalkit.silence();
      players = new Map();
      sounds = [];
      const text = contents.probes[state.cell.probe].text;
      const clip = contents.voices[state.cell.voice].held_out.find(has);
      const all = [
        ...promptCards(),
        ...(clip === undefined ? [] : [card("H", "Held-out clip", clip)]),
        ...state.trials.map(trialCard),
      ];
      const where = `${contents.voices[state.cell.voice].name}, ${contents.probes[state.cell.probe].id}${seeds.length > 1 ? `, seed ${state.cell.seed}` : ""}`;
      shown.replaceChildren(
        element("h4", { tabindex: -1 }, element("bdi", {}, where)),
        ...(words.box.checked ? [element("p", { class: "said" }, element("span", { class: "quiet small" }, "meant: "), element("bdi", {}, text))] : []),
        element("div", { class: "heard" }, all),
        ...(state.trials.length ? [] : [element("p", { class: "quiet" }, "Choose settings to hear.")]),
      );
      loudness();
    }

    for (const [select, name] of [[voice, "voice"], [probe, "probe"], [seed, "seed"]]) {
      select.addEventListener("change", () => moved({ ...state.cell, [name]: Number(select.value) }));
    }
    panel.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input[type=text]")) return;
      const pressed = event.key.toUpperCase();
      if (pressed === "N") next();
      else if (players.has(pressed)) players.get(pressed).toggle();
      else return;
      event.preventDefault();
    });
    choose();
    panel.replaceChildren(
      element("h3", {}, "Side by side"),
      element("fieldset", { class: "choices" }, element("legend", {}, "Settings"), trialBoxes()),
      element("div", { class: "filters" },
        field(voice.id, "Voice", voice), field(probe.id, "Probe", probe), seeds.length > 1 ? field(seed.id, "Seed", seed) : null,
        (() => {
          const button = element("button", { type: "button", "aria-keyshortcuts": "N" }, "Next ", key("N"));
          button.addEventListener("click", next);
          return button;
        })(),
      ),
      element("div", { class: "choices" }, matched.line, words.line),
      shown,
      element("p", { class: "keys quiet small" }, "Keys, while you are in this part: the letters play, ", key("P"), " prompt, ", key("H"), " held-out clip, ", key("N"), " next text"),
    );
    cards();
    return { shown: () => cards() };
  }

  /* What ears said, as `votes` has merged it. */
  const range = (one, digits) => (one.low === null ? "too few votes" : `${one.low.toFixed(digits)} to ${one.high.toFixed(digits)}`);
  const WIDTH = 160;
  const HEIGHT = 16;

  function drawnInterval(one, [least, most], chance) {
    const at = (value) => 4 + ((value - least) / (most - least)) * (WIDTH - 8);
    const middle = HEIGHT / 2;
    const line = (from, to, name) => drawn("line", { x1: from, x2: to, y1: middle, y2: middle, class: name });
    return drawn("svg", { width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "span", "aria-hidden": "true", focusable: "false" },
      line(4, WIDTH - 4, "scale-line"),
      chance === null ? null : drawn("line", { x1: at(chance), x2: at(chance), y1: 1, y2: HEIGHT - 1, class: "chance" }),
      one.low === null ? null : line(at(one.low), at(one.high), "whisker"),
      drawn("circle", { cx: at(one.value), cy: middle, r: 4, class: "point" }),
    );
  }

  function table(caption, headings, body) {
    const [first, ...others] = headings;
    return element("div", { class: "region", tabindex: 0, role: "region", "aria-label": caption },
      element("table", { class: "ears" },
        element("caption", {}, caption),
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, first), others.map((heading) => element("th", { scope: "col" }, heading)))),
        element("tbody", {}, body.map(([head, ...cells]) => element("tr", {}, element("th", { scope: "row" }, head), cells.map((cell) => element("td", {}, cell))))),
      ));
  }

  function ears(panel) {
    const told = contents.ears;
    if (!told) return;
    const name = new Map(contents.trials.map((trial) => [trial.id, element("bdi", {}, trial.label)]));
    const label = (id) => (name.has(id) ? name.get(id).cloneNode(true) : id);
    const { kept, left_out: out } = told.listeners;
    const parts = [
      element("h3", {}, "What ears said"),
      element("p", {}, `${kept} listener${kept === 1 ? "" : "s"}${out ? `; ${out} more left out, who failed the catch trials` : ""}.`),
    ];
    if (told.preferences.length) {
      parts.push(table("How often one setting was preferred to another", ["Setting", "over", "Share", "", "95 % interval", "Votes"],
        told.preferences.map((one) => [label(one.a), label(one.b), one.value.toFixed(2), drawnInterval(one, [0, 1], 0.5), range(one, 2), String(one.n)])));
    }
    if (told.opinions.length) {
      parts.push(table("Mean opinion, 1 (bad) to 5 (excellent)", ["Setting", "Opinion of", "Mean", "", "95 % interval", "Votes"],
        told.opinions.map((one) => [label(one.trial), one.kind, one.value.toFixed(2), drawnInterval(one, [1, 5], null), range(one, 2), String(one.n)])));
    }
    if (told.agreement.length) {
      parts.push(table("How far the metrics agree with ears", ["Metric", "with", "Agreement", "", "95 % interval", "Votes"],
        told.agreement.map((one) => [
          one.metric === null ? "other ears" : one.metric.toUpperCase(),
          one.kind === "preference" ? "preference (share, chance 0.5)" : `${one.kind} (Kendall's tau, chance 0)`,
          one.value.toFixed(2),
          drawnInterval(one, one.kind === "preference" ? [0, 1] : [-1, 1], one.kind === "preference" ? 0.5 : 0),
          range(one, 2),
          String(one.n),
        ])));
    }
    parts.push(element("ul", { class: "quiet small" }, told.notes.map((note) => element("li", {}, note))));
    panel.classList.add("panel");
    panel.replaceChildren(...parts);
  }

  const [beside, test, said] = ["compare", "test", "ears"].map((part) => document.getElementById(`listening-${part}`));
  if (!beside || !test || !said) return;
  if (!evalkit.count) {
    beside.replaceChildren(element("p", { class: "quiet" }, "This run has no utterances to hear."));
  } else {
    if (!anySound) {
      test.replaceChildren(element("p", { class: "warning" }, "This page has no sounds, so there is no blind test. Where they are still in the store, this makes it with all of them: ", element("code", {}, MAKE)));
    }
    beside.classList.add("panel");
    const comparing = compare(beside);
    if (anySound) {
      evalkit.blind(test, (isRunning) => {
        const isShown = !beside.hidden;
        beside.hidden = isRunning;
        said.hidden = isRunning;
        if (!isRunning && !isShown) comparing.shown();
      });
    }
  }
  ears(said);
})();
