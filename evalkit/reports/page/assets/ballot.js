/* A blind test without its face: which sounds are asked about, in which order, and the votes, kept in this browser.

   evalkit.ballot.candidates(trials)          what can be asked about those trials: {pairs, single}, sounds at hand
   evalkit.ballot.asked(choices)              how many questions that would be
   evalkit.ballot.begin(choices)              a new session: {listener, trials, count, kinds, matched}; null if nothing can be asked
   evalkit.ballot.sessions()                  all of this run in this browser, the newest last
   evalkit.ballot.answered(session, votes)    keeps the votes of the question that the session is at
   evalkit.ballot.undone(session)             takes the last question's votes back
   evalkit.ballot.exported(session)           the file: its name and its text
   evalkit.ballot.forget(session)

   A session: {session, listener, seed, started, finished, matched, exported, questions, votes}; `votes` has a list a
   question. A question: {kind: "preference" | "opinion", what, voice, sounds, reference}; `sounds` say what they are
   as evalkit/ballot.py has it, `reference` is the address of a recording of the voice.
*/
"use strict";

(() => {
  const { contents, rowOf } = evalkit;
  const VERSION = 1;
  const KEY = `votes.${contents.run.id}`;
  const CATCH_EVERY = 8; // questions
  const MOST_PER_SESSION = 400; // questions
  const LONGEST_NAME = 60;
  const MOST_WEIGHED = 4000; // of all that could be asked, drawn at random: more would be slow to balance

  const number = new Map(contents.sounds.map((sound, at) => [sound.sha256, at]));
  const has = (at) => at !== null && at !== undefined && contents.sounds[at].file !== null;

  /* Numbers in [0, 1) that a seed determines: mulberry32. */
  function randomOf(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  function shuffled(items, random) {
    const found = [...items];
    for (let at = found.length - 1; at > 0; at -= 1) {
      const other = Math.floor(random() * (at + 1));
      [found[at], found[other]] = [found[other], found[at]];
    }
    return found;
  }

  /* As many of the items as wanted, so that each value of each factor is taken about as often as the others are. */
  function balanced(items, count, factors, random) {
    const left = shuffled(items, random).slice(0, MOST_WEIGHED);
    const taken = factors.map(() => new Map());
    const chosen = [];
    while (chosen.length < count && left.length) {
      let best = 0;
      let least = Infinity;
      for (let at = 0; at < left.length && least > 0; at += 1) {
        const used = factors.reduce((sum, factor, which) => sum + (taken[which].get(factor(left[at])) || 0), 0);
        if (used < least) [best, least] = [at, used];
      }
      const [item] = left.splice(best, 1);
      factors.forEach((factor, which) => taken[which].set(factor(item), (taken[which].get(factor(item)) || 0) + 1));
      chosen.push(item);
    }
    return chosen;
  }

  const utterance = (row) => ({
    trial: row.trial.id,
    voice: row.voice.name,
    probe: row.probe.id,
    seed: row.seed,
    address: contents.sounds[row.sound].sha256,
  });

  const recording = (voice, sound) => ({
    trial: null,
    voice: voice.name,
    probe: null,
    seed: null,
    address: contents.sounds[sound].sha256,
  });

  /* Each voice's recordings that can be played: held-out clips, then prompts, the longest first. */
  function recordings() {
    const found = new Map(contents.voices.map((voice) => [voice.name, voice.held_out.filter(has)]));
    const prompts = new Map(contents.voices.map((voice) => [voice.name, new Set()]));
    for (let at = 0; at < evalkit.count; at += 1) {
      const prompt = contents.prompts[contents.rows.prompt[at]];
      if (prompt && has(prompt.sound)) prompts.get(contents.voices[contents.rows.voice[at]].name).add(prompt.sound);
    }
    for (const [voice, sounds] of prompts) {
      const own = [...sounds].sort((one, other) => contents.sounds[other].seconds - contents.sounds[one].seconds);
      found.set(voice, [...found.get(voice), ...own.filter((sound) => !found.get(voice).includes(sound))]);
    }
    return found;
  }

  function candidates(trials) {
    const known = recordings();
    const cells = new Map();
    const single = [];
    for (let at = 0; at < evalkit.count; at += 1) {
      if (!has(contents.rows.sound[at])) continue;
      const row = rowOf(at);
      if (!trials.includes(row.trial.id) || !known.get(row.voice.name).length) continue;
      const cell = JSON.stringify([row.voice.name, row.probe.id, row.seed]);
      if (!cells.has(cell)) cells.set(cell, []);
      cells.get(cell).push(row);
      single.push({ voice: row.voice.name, sounds: [utterance(row)] });
    }
    const pairs = [];
    for (const rows of cells.values()) {
      for (let one = 0; one < rows.length; one += 1) {
        for (let other = one + 1; other < rows.length; other += 1) {
          const sounds = [utterance(rows[one]), utterance(rows[other])];
          if (sounds[0].address !== sounds[1].address) pairs.push({ voice: rows[one].voice.name, sounds });
        }
      }
    }
    return { pairs, single };
  }

  const voiceOf = (item) => item.voice;
  const probeOf = (item) => item.sounds[0].probe;
  const trialsOf = (item) => item.sounds.map((sound) => sound.trial).join("\u0000");
  const cellOf = (item) => JSON.stringify([item.voice, item.sounds[0].probe]);
  const FACTORS = [trialsOf, voiceOf, probeOf, cellOf];

  /* A recording of another speaker; of a preference beside one of the voice's own, another than the reference. */
  function other(kind, voice, known, random) {
    const strangers = contents.voices.filter((one) => one.name !== voice && known.get(one.name).length);
    if (!strangers.length) return null;
    const stranger = strangers[Math.floor(random() * strangers.length)];
    const theirs = recording(stranger, known.get(stranger.name)[0]);
    const own = known.get(voice);
    const ours = recording({ name: voice }, own.length > 1 ? own[1] : own[0]);
    return { kind, what: "catch_other", voice, sounds: kind === "preference" ? [ours, theirs] : [theirs] };
  }

  function catches(kind, items, count, known, random) {
    const chosen = balanced(items, count, [voiceOf, probeOf], random);
    const first = random() < 0.5 ? 0 : 1;
    return chosen.map((item, at) => {
      const sound = item.sounds[Math.floor(random() * item.sounds.length)];
      const same = { kind, what: "catch_same", voice: item.voice, sounds: [sound, sound] };
      const stranger = other(kind, item.voice, known, random);
      if (kind === "opinion") return stranger;
      return (at + first) % 2 && stranger ? stranger : same;
    }).filter((question) => question !== null);
  }

  const strangersFor = (known) => contents.voices.filter((voice) => known.get(voice.name).length).length > 1;

  /* How many catch trials are among so many questions: of opinions only where there is another speaker. */
  function checksIn(kind, count, known) {
    if (!count || (kind === "opinion" && !strangersFor(known))) return 0;
    return Math.max(1, Math.round(count / CATCH_EVERY));
  }

  /* How many questions there are, at most as many as are wanted: catch trials come on top of what can be asked. */
  function howMany(kind, items, wanted, known) {
    let count = Math.min(items.length, wanted);
    while (count < wanted && count + 1 - checksIn(kind, count + 1, known) <= items.length) count += 1;
    return count;
  }

  function questionsOf(kind, items, count, known, random) {
    const wanted = howMany(kind, items, count, known);
    const checks = catches(kind, items, checksIn(kind, wanted, known), known, random);
    const real = balanced(items, wanted - checks.length, FACTORS, random);
    const asked = real.map((item) => ({ kind, what: "real", voice: item.voice, sounds: item.sounds }));
    return shuffled([...asked, ...checks], random).map((question) => ({
      ...question,
      sounds: shuffled(question.sounds, random),
      reference: contents.sounds[known.get(question.voice)[0]].sha256,
    }));
  }

  function hex(bytes) {
    return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  const now = () => new Date().toISOString();

  function named(listener) {
    const name = listener.replace(/[\p{Surrogate}\p{Control}]/gu, " ").replace(/\s+/gu, " ").trim();
    return Array.from(name).slice(0, LONGEST_NAME).join("") || `listener-${hex(3)}`;
  }

  /* What is asked of each kind, and how often. */
  function tasks(choices) {
    const { pairs, single } = candidates(choices.trials);
    const items = { preference: pairs, opinion: single };
    const kinds = choices.kinds.filter((kind) => items[kind].length);
    const count = Math.ceil(Math.min(choices.count, MOST_PER_SESSION) / kinds.length);
    return kinds.map((kind) => ({ kind, items: items[kind], count }));
  }

  function asked(choices) {
    const known = recordings();
    return tasks(choices).reduce((sum, { kind, items, count }) => sum + howMany(kind, items, count, known), 0);
  }

  function begin(choices) {
    const seed = parseInt(hex(4), 16);
    const random = randomOf(seed);
    const known = recordings();
    const questions = tasks(choices).flatMap(({ kind, items, count }) => questionsOf(kind, items, count, known, random));
    if (!questions.length) return null;
    const session = {
      session: hex(16),
      listener: named(choices.listener),
      plan: contents.run.plan,
      seed,
      started: now(),
      finished: null,
      matched: choices.matched,
      exported: 0,
      questions,
      votes: [],
    };
    kept([...sessions(), session]);
    return session;
  }

  let memory = []; // for a browser that keeps nothing

  function everything() {
    const found = evalkit.stored(KEY);
    return Array.isArray(found) ? found : memory;
  }

  /* What this browser has kept, as far as it is of this run as it is now. */
  function sessions() {
    return everything().filter(isOurs);
  }

  function isOurs(one) {
    if (!one || one.plan !== contents.run.plan || !Array.isArray(one.votes) || !Array.isArray(one.questions)) return false;
    return typeof one.listener === "string" && typeof one.session === "string" && one.questions.every(
      (question) => question && Array.isArray(question.sounds) && question.sounds.every((sound) => sound !== null),
    );
  }

  function kept(all) {
    memory = [...everything().filter((one) => !isOurs(one)), ...all];
    evalkit.store(KEY, memory);
  }

  function changed(session, changes) {
    const next = { ...session, ...changes };
    kept(sessions().map((one) => (one.session === next.session ? next : one)));
    return next;
  }

  function answered(session, votes) {
    const all = [...session.votes, votes];
    return changed(session, { votes: all, finished: all.length === session.questions.length ? now() : null });
  }

  function undone(session) {
    const votes = session.votes.slice(0, -1);
    return changed(session, { votes, finished: null, exported: Math.min(session.exported, votes.length) });
  }

  function exported(session) {
    const ballot = {
      schema_version: VERSION,
      run_id: contents.run.id,
      plan: session.plan,
      session: session.session,
      listener: session.listener,
      seed: session.seed,
      started: session.started,
      finished: session.finished,
      loudness_matched: session.matched,
      votes: session.votes.flat(),
    };
    const name = session.listener.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 30);
    return { name: `votes-${name || "listener"}-${session.session.slice(0, 8)}.json`, text: `${JSON.stringify(ballot, null, 1)}\n` };
  }

  evalkit.ballot = {
    candidates,
    asked,
    begin,
    sessions,
    answered,
    undone,
    exported,
    changed,
    forget: (session) => kept(sessions().filter((one) => one.session !== session.session)),
    soundOf: (address) => (number.has(address) ? number.get(address) : null),
    canPlay: (question) => [question.reference, ...question.sounds.map((sound) => sound.address)].every(
      (address) => number.has(address) && has(number.get(address)),
    ),
    LONGEST_NAME,
    MOST_PER_SESSION,
  };
})();
