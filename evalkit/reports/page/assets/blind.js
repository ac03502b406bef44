/* The blind test as people see it: choices, one question after the other, the votes as a file.

   evalkit.blind(place, running)   puts it into an element; `running(true)` is called when a test begins, `running(false)`
                                   when it is left: names that stand elsewhere may then be hidden and shown
*/
"use strict";

(() => {
  const { ballot, contents, element } = evalkit;
  const HEARD_SECONDS = 3; // of a sound, or nearly all of a shorter one, before it can be judged
  const HEARD_SHARE = 0.9;
  const MOST_TRIALS = 8;
  const SECONDS_A_QUESTION = 20;
  const PREFERENCES = [["a", "A is closer"], ["none", "No difference"], ["b", "B is closer"]];
  const SIMILARITY = [
    [5, "The same person, without doubt"],
    [4, "Probably the same person"],
    [3, "I cannot tell"],
    [2, "Probably another person"],
    [1, "Another person, without doubt"],
  ];
  const NATURALNESS = [[5, "Excellent"], [4, "Good"], [3, "Fair"], [2, "Poor"], [1, "Bad"]];

  const plural = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

  function button(text, press, attributes = {}) {
    const made = element("button", { type: "button", ...attributes }, text);
    made.addEventListener("click", press);
    return made;
  }

  function key(name) {
    return element("kbd", {}, name);
  }

  function checkbox(id, text, checked, value = null) {
    const box = element("input", { type: "checkbox", id, checked, value });
    return { box, line: element("label", { for: id, class: "choice" }, box, element("span", {}, text)) };
  }

  /* How much of a sound was heard, wherever in it; and how often it was started. */
  function listened(player, changed) {
    const state = { plays: 0, done: false };
    const play = player.play;
    let audio = null;

    function look() {
      let seconds = 0;
      for (let at = 0; at < audio.played.length; at += 1) seconds += audio.played.end(at) - audio.played.start(at);
      const wanted = Math.min(HEARD_SECONDS, HEARD_SHARE * (Number.isFinite(audio.duration) ? audio.duration : Infinity));
      if (!state.done && (seconds >= wanted || audio.ended)) {
        state.done = true;
        changed();
      }
    }

    player.play = () => {
      const begun = play();
      if (player.audio && audio === null) {
        audio = player.audio;
        for (const event of ["timeupdate", "pause", "ended"]) audio.addEventListener(event, look);
      }
      state.plays += 1;
      return begun;
    };
    return state;
  }

  /* A scale: a group of radio buttons with digits as their keys. */
  function scale(name, legend, answers, changed) {
    const inputs = answers.map(([value, text], at) => {
      const input = element("input", { type: "radio", name, id: `${name}-${at}`, value });
      input.addEventListener("change", changed);
      const digit = typeof value === "number" ? value : at + 1;
      return { input, value, digit, line: element("label", { for: input.id, class: "answer" }, input, key(digit), element("span", {}, text)) };
    });
    return {
      group: element("fieldset", { class: answers.length > 3 ? "scale" : "scale wide" }, element("legend", {}, legend), inputs.map(({ line }) => line)),
      get answer() {
        const found = inputs.find(({ input }) => input.checked);
        return found ? found.value : null;
      },
      enable() {
        for (const { input } of inputs) input.disabled = false;
      },
      disable() {
        for (const { input } of inputs) input.disabled = true;
      },
      choose(digit) {
        const found = inputs.find((one) => one.digit === digit && !one.input.disabled);
        if (!found) return false;
        found.input.checked = true;
        found.input.focus();
        changed();
        return true;
      },
    };
  }

  function scalesOf(question, changed) {
    if (question.kind === "preference") {
      return { preference: scale("preference", "Which one is closer to the voice?", PREFERENCES, changed) };
    }
    return {
      similarity: scale("similarity", "Is it the voice of the same person?", SIMILARITY, changed),
      naturalness: scale("naturalness", "How natural does the speech sound?", NATURALNESS, changed),
    };
  }

  function votesOf(question, scales, states, seconds) {
    const sounds = question.sounds.map((sound, at) => ({ ...sound, plays: states[at].plays }));
    return Object.entries(scales).map(([kind, { answer }]) => ({
      kind, what: question.what, voice: question.voice, sounds, answer, seconds,
    }));
  }

  function download(session) {
    const { name, text } = ballot.exported(session);
    const link = element("a", { download: name });
    link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    return ballot.changed(session, { exported: session.votes.length });
  }

  evalkit.blind = (place, running) => {
    let keys = () => false;
    const panel = element("div", { class: "panel blind" });
    panel.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input[type=text], select")) return;
      if (keys(event.key)) event.preventDefault();
    });
    place.replaceChildren(panel);

    function show(title, ...children) {
      evalkit.silence();
      const heading = element("h3", { tabindex: -1 }, title);
      keys = () => false;
      panel.replaceChildren(heading, ...children.flat(Infinity).filter((child) => child !== null));
      return heading;
    }

    /* The choices before a test, and what earlier sessions have left. */
    function setup(isFirst) {
      running(false);
      evalkit.unmatchLoudness();
      const heading = show("Blind test", earlier(), form());
      if (!isFirst) heading.focus();
    }

    function earlier() {
      const all = ballot.sessions();
      if (!all.length) return null;
      return element("ul", { class: "sessions" }, all.map((session) => {
        const asked = session.questions.length;
        const votes = session.votes.length;
        const waiting = votes - session.exported;
        const state = `${votes} of ${plural(asked, "question")} answered${waiting > 0 ? `, ${waiting} not exported yet` : ""}`;
        return element("li", {},
          element("span", {}, element("strong", {}, element("bdi", {}, session.listener)), ` \u2013 ${state}`),
          element("span", { class: "buttons" },
            votes < asked ? button("Go on", () => question(session), { class: "primary" }) : null,
            votes ? button("Export votes", () => { download(session); setup(false); }) : null,
            forgetting(session, waiting),
          ),
        );
      }));
    }

    function forgetting(session, waiting) {
      const made = button("Forget", () => {
        if (waiting > 0 && made.dataset.asked !== "yes") {
          made.dataset.asked = "yes";
          made.textContent = `Forget ${plural(waiting, "answer")} that nobody has?`;
          return;
        }
        ballot.forget(session);
        setup(false);
      });
      return made;
    }

    function form() {
      const name = element("input", { type: "text", id: "blind-name", maxlength: ballot.LONGEST_NAME, autocomplete: "off" });
      const usual = contents.trials.filter((trial) => trial.best || trial.baseline).map((trial) => trial.id);
      const first = [...new Set([...usual, ...contents.trials.map((trial) => trial.id)])].slice(0, 2);
      const trials = contents.trials.map((trial, at) => checkbox(`blind-trial-${at}`, trial.label, first.includes(trial.id)));
      const kinds = [["preference", "Preference: which of two is closer to the voice?"], ["opinion", "Opinion: how similar, how natural is one?"]]
        .map(([kind, text]) => ({ kind, ...checkbox(`blind-${kind}`, text, kind === "preference") }));
      const count = element("input", { type: "number", id: "blind-count", min: 4, max: ballot.MOST_PER_SESSION, value: 24 });
      const matched = checkbox("blind-matched", "All as loud as each other", true);
      const told = element("p", { class: "status", role: "status" });
      const start = button("Begin", begin, { class: "primary" });

      function choices() {
        return {
          listener: name.value,
          trials: contents.trials.filter((_, at) => trials[at].box.checked).map((trial) => trial.id),
          kinds: kinds.filter(({ box }) => box.checked).map(({ kind }) => kind),
          count: Math.max(4, Math.min(ballot.MOST_PER_SESSION, Math.round(Number(count.value)) || 4)),
          matched: matched.box.checked,
        };
      }

      function fault({ trials: chosen, kinds: asked }) {
        if (!asked.length) return "Choose preference, opinion, or both.";
        if (!chosen.length) return "Choose the settings that are to be judged.";
        if (chosen.length > MOST_TRIALS) return `Choose ${MOST_TRIALS} settings or fewer: each pair of them needs many votes.`;
        const found = ballot.candidates(chosen);
        if (!found.single.length) return "This page has no sounds of these settings.";
        if (asked.includes("preference") && !found.pairs.length) {
          return "A preference needs two settings with sounds of one voice and text that are not the same.";
        }
        return null;
      }

      function looked() {
        const wanted = choices();
        const wrong = fault(wanted);
        start.disabled = wrong !== null;
        const asked = wrong ? 0 : ballot.asked(wanted);
        told.textContent = wrong || `${plural(asked, "question")}, about ${plural(Math.max(1, Math.round((asked * SECONDS_A_QUESTION) / 60)), "minute")}.`;
      }

      function begin() {
        const session = ballot.begin(choices());
        if (session) question(session);
        else told.textContent = "Nothing can be asked about these sounds.";
      }

      const made = element("form", { class: "setup" },
        element("p", { class: "quiet" }, "You hear a voice and what was made of it, without names, in random order; some questions check that you listen. Use headphones. Votes stay in this browser until you export them."),
        element("div", { class: "field" }, element("label", { for: name.id }, "Your name (the same one every time)"), name),
        element("div", { class: "field" }, element("label", { for: count.id }, "Questions"), count),
        element("fieldset", { class: "choices" }, element("legend", {}, "What is asked"), kinds.map(({ line }) => line)),
        element("fieldset", { class: "choices" }, element("legend", {}, "Settings that are judged"), trials.map(({ line }) => line)),
        element("fieldset", { class: "choices" }, element("legend", {}, "Loudness"), matched.line),
        element("div", { class: "buttons" }, start, told),
      );
      made.addEventListener("input", looked);
      made.addEventListener("submit", (event) => {
        event.preventDefault();
        if (!start.disabled) begin();
      });
      looked();
      return made;
    }

    /* The question that a session is at. */
    function question(session) {
      running(true);
      const at = session.votes.length;
      const asked = session.questions[at];
      if (at >= session.questions.length) return finished(session);
      if (!ballot.canPlay(asked)) return broken(session);
      const sounds = asked.sounds.map((sound) => ballot.soundOf(sound.address));
      const voice = ballot.soundOf(asked.reference);
      if (session.matched) evalkit.matchLoudness([voice, ...sounds]);
      else evalkit.unmatchLoudness();

      const since = performance.now();
      const letters = asked.kind === "preference" ? ["A", "B"] : ["A"];
      const reference = evalkit.player(voice, "the voice");
      const players = sounds.map((sound, which) => evalkit.player(sound, letters[which]));
      const scales = scalesOf(asked, looked);
      const told = element("p", { class: "status", role: "status" });
      const next = button(["Next ", key("N")], go, { class: "primary", disabled: true });
      const undo = button(["Undo last ", key("U")], back, { disabled: at === 0 });
      const states = players.map((player) => listened(player, looked));

      function looked() {
        const left = letters.filter((_, which) => !states[which].done);
        for (const one of Object.values(scales)) left.length ? one.disable() : one.enable();
        next.disabled = left.length > 0 || Object.values(scales).some(({ answer }) => answer === null);
        told.textContent = left.length ? `Listen to ${left.join(" and ")} before you answer.` : next.disabled ? "Answer, then Next." : "";
      }

      function go() {
        if (next.disabled) return;
        const seconds = Math.round((performance.now() - since) / 10) / 100;
        question(ballot.answered(session, votesOf(asked, scales, states, seconds)));
      }

      function back() {
        if (at) question(ballot.undone(session));
      }

      const heading = show(
        `Question ${at + 1} of ${session.questions.length}`,
        element("progress", { max: session.questions.length, value: at, "aria-label": "Questions answered" }),
        element("div", { class: "heard" },
          element("div", { class: "sound is-voice" }, element("span", { class: "letter" }, key("V"), " The voice"), reference),
          players.map((player, which) => element("div", { class: "sound" }, element("span", { class: "letter" }, key(letters[which])), player)),
        ),
        element("div", { class: "scales" }, Object.values(scales).map(({ group }) => group)),
        told,
        element("div", { class: "buttons" }, next, undo, button("Stop for now", () => setup(false))),
        element("p", { class: "keys quiet small" }, "Keys: ", key("V"), " the voice, ", letters.map((letter) => [key(letter), " "]),
          "play; digits answer", asked.kind === "opinion" ? " (first the person, then how natural)" : "", "; ", key("N"), " next; ", key("U"), " takes the last vote back"),
      );
      keys = (pressed) => {
        const name = pressed.toUpperCase();
        if (name === "V") reference.toggle();
        else if (letters.includes(name)) players[letters.indexOf(name)].toggle();
        else if (name === "N") go();
        else if (name === "U") back();
        else if (/^[1-5]$/.test(name)) return digit(Number(name));
        else return false;
        return true;
      };

      function digit(pressed) {
        const all = Object.values(scales);
        const own = all.find(({ group }) => group.contains(document.activeElement) && all.length > 1 && all.every(({ answer }) => answer !== null));
        const open = own || all.find(({ answer }) => answer === null) || all[all.length - 1];
        return open.choose(pressed);
      }

      looked();
      heading.focus();
      return undefined;
    }

    function broken(session) {
      show("This session cannot go on", element("p", {}, "Its sounds are no longer on this page, which was made anew. What was voted can be exported."),
        element("div", { class: "buttons" }, button("Back", () => setup(false), { class: "primary" }))).focus();
    }

    function finished(session) {
      running(false);
      const command = "python -m evalkit votes RUN VOTES.json";
      const told = element("p", { class: "status", role: "status" }, `${plural(session.votes.length - session.exported, "answer")} waiting to be exported.`);
      const save = button("Export votes", () => {
        download(session);
        told.textContent = `Exported: ${ballot.exported(session).name}`;
      }, { class: "primary" });
      const heading = show("Thank you",
        element("p", {}, `You answered all ${plural(session.questions.length, "question")}. Nothing has left this browser: export your votes, and give the file to whoever asked you.`),
        element("div", { class: "buttons" }, save, button("Undo last", () => question(ballot.undone(session))), button("Back", () => setup(false))),
        told,
        element("p", { class: "quiet small" }, "Which sound was which is not told here, so that you can be asked again; all votes together are told by ", element("code", {}, command), "."),
      );
      heading.focus();
    }

    setup(true);
  };
})();
