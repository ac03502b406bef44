/* Players: one element a sound, one sound at a time.

   evalkit.player(sound, label)   an element that plays the sound of that index in `contents.sounds`; `label` says to
                                  a screen reader which one. It has three methods: play(), pause(), toggle().
   evalkit.matchLoudness(sounds)  from now on these sounds (null: all) play as loud as the quietest of them
   evalkit.unmatchLoudness()      each as loud as it is
   evalkit.silence()              stops what is playing
*/
"use strict";

(() => {
  const { element } = evalkit;
  const WHY = {
    left_out: "sound left out of this page",
    gone: "sound no longer in the store",
    none: "no sound",
  };
  const gains = new Map(); // sound index -> volume
  const living = new Map(); // audio element -> sound index
  let playing = null;

  function time(seconds) {
    if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "\u2013";
    return seconds < 60
      ? `${seconds.toFixed(1)} s`
      : `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  }

  function volume(sound) {
    return gains.has(sound) ? gains.get(sound) : 1;
  }

  evalkit.matchLoudness = (sounds = null) => {
    const all = evalkit.contents.sounds;
    const chosen = (sounds || all.map((_, at) => at)).filter((at) => at !== null && all[at].decibels !== null);
    const quietest = Math.min(...chosen.map((at) => all[at].decibels));
    gains.clear();
    for (const at of chosen) gains.set(at, 10 ** ((quietest - all[at].decibels) / 20));
    for (const [audio, sound] of living) audio.volume = volume(sound);
  };

  evalkit.unmatchLoudness = () => {
    gains.clear();
    for (const audio of living.keys()) audio.volume = 1;
  };

  evalkit.silence = () => {
    if (playing) playing.pause();
  };

  function silent(state, label) {
    const why = WHY[state];
    const player = element("span", { class: "player silent" }, why);
    player.setAttribute("aria-label", `${label}: ${why}`);
    return Object.assign(player, { play() {}, pause() {}, toggle() {} });
  }

  function audioOf(sound) {
    const audio = new Audio();
    audio.preload = "none";
    audio.src = evalkit.contents.sounds[sound].file;
    audio.volume = volume(sound);
    living.set(audio, sound);
    return audio;
  }

  evalkit.player = (sound, label) => {
    const known = sound === null || sound === undefined ? null : evalkit.contents.sounds[sound];
    if (!known || known.file === null) return silent(known ? known.state : "none", label);
    const button = element("button", { type: "button", class: "play", "aria-label": `Play ${label}` }, "\u25b6");
    const place = element("input", {
      type: "range", min: 0, max: 1000, value: 0, step: 1, "aria-label": `Place in ${label}`,
    });
    const clock = element("span", { class: "clock" }, time(known.seconds));
    const player = element("span", { class: "player", role: "group", "aria-label": label }, button, place, clock);
    let audio = null;

    function shown() {
      const whole = Number.isFinite(audio.duration) ? audio.duration : known.seconds;
      place.value = whole ? Math.round((audio.currentTime / whole) * 1000) : 0;
      clock.textContent = audio.paused && !audio.currentTime ? time(whole) : `${audio.currentTime.toFixed(1)} / ${time(whole)}`;
      place.setAttribute("aria-valuetext", `${audio.currentTime.toFixed(1)} of ${time(whole)}`);
      button.textContent = audio.paused ? "\u25b6" : "\u275a\u275a";
      button.setAttribute("aria-label", `${audio.paused ? "Play" : "Pause"} ${label}`);
      player.classList.toggle("playing", !audio.paused);
    }

    function made() {
      if (audio) return audio;
      audio = audioOf(sound);
      for (const event of ["play", "pause", "timeupdate", "ended", "loadedmetadata"]) audio.addEventListener(event, shown);
      audio.addEventListener("error", () => {
        clock.textContent = "cannot be played";
      });
      player.audio = audio;
      return audio;
    }

    player.play = () => {
      if (playing && playing !== player) playing.pause();
      playing = player;
      return made().play().catch(() => {}); // stopped before it began, or no such file: the player says so
    };
    player.pause = () => {
      if (audio) audio.pause();
    };
    player.toggle = () => (made().paused ? player.play() : player.pause());
    button.addEventListener("click", player.toggle);
    place.addEventListener("input", () => {
      const whole = Number.isFinite(made().duration) ? audio.duration : known.seconds;
      audio.currentTime = (place.value / 1000) * (whole || 0);
    });
    return player;
  };
})();
