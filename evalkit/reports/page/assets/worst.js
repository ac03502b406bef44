/* The worst utterances, by the metric or flag that is chosen: what was heard instead, how it sounds and looks. */
"use strict";

(() => {
  const { element, number, contents } = evalkit;
  const place = document.getElementById("worst-list");
  const MARKS = {
    missing: ["del", "missing", "", ""],
    added: ["ins", "added", "+", ""],
    bled: ["ins", "bled from the prompt", "\u27e6", "\u27e7"],
  };
  const hidden = (text) => element("span", { class: "unseen" }, text);

  function marked(kind, word) {
    const [tag, told, before, after] = MARKS[kind];
    return element(tag, { class: kind }, hidden(` ${told}: `), before, word, after);
  }

  function change([kind, said, heard]) {
    if (kind === "equal") return [said, " "];
    if (kind === "missing") return [marked("missing", said), " "];
    if (kind === "added") return [marked("added", heard), " "];
    if (kind === "bled") return [said ? [marked("missing", said), " "] : null, marked("bled", heard), " "];
    return [
      element("span", { class: "replaced" }, hidden(" replaced: "), element("del", {}, said), hidden(" by "),
        element("span", { "aria-hidden": "true" }, "\u2192"), element("ins", {}, heard)),
      " ",
    ];
  }

  function legend() {
    return element(
      "p", { class: "legend" },
      element("del", { class: "missing" }, "missing"), " struck through; ",
      element("ins", { class: "added" }, "+added"), " underlined with a plus; ",
      element("span", { class: "replaced" }, element("del", {}, "said"), "\u2192", element("ins", {}, "heard")), " replaced; ",
      element("ins", { class: "bled" }, "\u27e6bled\u27e7"), " in brackets: a word of the prompt that the text does not have.",
    );
  }

  function value(row, why) {
    return why in row.scores ? `${evalkit.heading(why)} ${number(row.scores[why])}` : row.state === "scored" ? `\u2691 ${why}` : "\u2715 failed";
  }

  function difference(entry, row) {
    if (!entry.diff.length) return null;
    const edits = entry.diff.filter(([kind]) => kind !== "equal").length;
    return element(
      "div", { class: "said" },
      element("p", { class: "diff" }, entry.diff.map(change)),
      edits ? null : element("p", { class: "quiet small" }, "Every word was heard."),
      row.heard === row.said ? null : element("p", { class: "quiet small" }, "As written: ", row.said),
    );
  }

  function picture(entry, row) {
    if (!entry.picture) return null;
    const alternative = `Waveform, and below it the spectrogram up to 8 kHz, of ${evalkit.named(row)}`;
    return element("img", { class: "picture", src: entry.picture, alt: alternative, width: 640, height: 192, loading: "lazy" });
  }

  function card(entry) {
    const row = evalkit.rowOf(entry.row);
    return element(
      "article", { class: "card" },
      element("h3", {}, `${row.voice.name}, ${row.probe.id}`, element("span", { class: "value" }, value(row, entry.why))),
      element("p", { class: "quiet" }, row.trial.label, `, seed ${row.seed}`, row.flags.length ? `; flags: ${row.flags.join(", ")}` : null),
      evalkit.player(row.sound, evalkit.named(row)),
      difference(entry, row) || element("p", {}, row.said),
      picture(entry, row),
      element("dl", { class: "words" }, evalkit.wordsOf(row)),
    );
  }

  function choices() {
    const counts = new Map();
    for (const entry of contents.worst) counts.set(entry.why, (counts.get(entry.why) || 0) + 1);
    return [...counts].map(([why, count]) => {
      const kind = why === "failed" ? "failed" : contents.flags.includes(why) ? `flag: ${why}` : evalkit.heading(why);
      return element("option", { value: why }, `${kind} (${count})`);
    });
  }

  if (place && !contents.worst.length) {
    place.append(element("p", {}, "Nothing stands out: no utterance failed or is flagged, and none does worse than the others."));
  } else if (place) {
    const select = element("select", { id: "worst-why" }, choices());
    const list = element("div", { class: "cards" });
    const draw = () => {
      evalkit.silence();
      list.replaceChildren(...contents.worst.filter((entry) => entry.why === select.value).map(card));
    };
    select.addEventListener("change", draw);
    draw();
    place.append(
      element("div", { class: "tools" }, element("div", { class: "field" }, element("label", { for: "worst-why" }, "Worst by"), select)),
      legend(), list,
    );
  }
})();
