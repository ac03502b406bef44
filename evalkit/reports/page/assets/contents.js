/* The page's data, as `contents.py` wrote it, under the names by which the other scripts know it.

   This is loaded first and makes the one global object; every other script adds to it.

   evalkit.contents   the run, its metrics, trials, voices, probes, prompts, flags, rows (columns), sounds, worst
   evalkit.count      how many rows there are
   evalkit.rowOf(i)   one row with all that its numbers stand for
*/
"use strict";

const evalkit = {};

(() => {
  const STATES = ["scored", "failed", "not_run"];
  const SOUNDS = ["left_out", "written", "gone"];
  const NAME_LENGTH = 16;

  const contents = JSON.parse(document.getElementById("contents").textContent);
  const rows = contents.rows;
  const count = contents.count;

  /* Names come from reports: one like `constructor` must not be taken for what every object has. */
  const bare = (named) => Object.assign(Object.create(null), named);
  for (const part of ["metrics", "bands"]) contents[part] = bare(contents[part]);
  for (const trial of contents.trials) {
    for (const part of ["settings", "flags", "summary"]) trial[part] = bare(trial[part]);
  }
  rows.scores = bare(rows.scores);

  /* A column is one value where all rows have the same. */
  function unfolded(column) {
    return Array.isArray(column) ? column : new Array(count).fill(column);
  }

  for (const name of Object.keys(rows)) {
    if (name !== "scores") rows[name] = unfolded(rows[name]);
  }
  for (const [metric, column] of Object.entries(rows.scores)) {
    rows.scores[metric] = typeof column === "string" ? rows.scores[column] : unfolded(column); // the name of an equal one
  }

  /* Texts stand once, and are numbered from 1 on: 0 is none, null the text as it is written. */
  for (const name of ["hypothesis", "intended", "error"]) {
    rows[name] = rows[name].map((number) => (number ? contents.texts[number - 1] : number));
  }

  function digests(encoded) {
    const bytes = atob(encoded);
    const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
    const found = [];
    for (let start = 0; start < bytes.length; start += 32) {
      let digest = "";
      for (let at = start; at < start + 32; at += 1) digest += hex[bytes.charCodeAt(at)];
      found.push(digest);
    }
    return found;
  }

  const columns = contents.sounds;
  contents.sounds = digests(columns.sha256).map((sha256, at) => ({
    file: SOUNDS[columns.state[at]] === "written" ? `page/audio/${sha256.slice(0, NAME_LENGTH)}.flac` : null,
    state: SOUNDS[columns.state[at]],
    seconds: columns.seconds[at],
    decibels: columns.decibels[at],
    sha256,
  }));

  /* What a row shows stands with its first entry. */
  const shown = new Map();
  for (const entry of contents.worst) {
    if ("diff" in entry) shown.set(entry.row, entry);
    else Object.assign(entry, { diff: shown.get(entry.row).diff, picture: shown.get(entry.row).picture });
  }

  function heard(at, probe) {
    const hypothesis = rows.hypothesis[at];
    if (hypothesis === 0) return null;
    return hypothesis === null ? probe.text : hypothesis;
  }

  /* A row with its trial, voice, probe and prompt as objects; `scores` has null where a metric is missing. */
  function rowOf(at) {
    const probe = contents.probes[rows.probe[at]];
    const scores = Object.create(null);
    for (const metric of Object.keys(rows.scores)) scores[metric] = rows.scores[metric][at];
    return {
      index: at,
      trial: contents.trials[rows.trial[at]],
      voice: contents.voices[rows.voice[at]],
      probe,
      seed: rows.seed[at],
      state: STATES[rows.state[at]],
      prompt: rows.prompt[at] === null ? null : contents.prompts[rows.prompt[at]],
      said: probe.text,
      heard: heard(at, probe),
      intended: rows.intended[at] || null,
      flags: (rows.flags[at] || []).map((flag) => contents.flags[flag]),
      error: rows.error[at] || null,
      sound: rows.sound[at],
      seconds: rows.seconds[at],
      scores,
    };
  }

  evalkit.contents = contents;
  evalkit.count = count;
  evalkit.states = STATES;
  evalkit.rowOf = rowOf;
})();
