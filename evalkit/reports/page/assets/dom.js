/* Elements made from data: what comes from reports becomes text, and never anything else.

   evalkit.element(tag, attributes, ...children)   an HTML element; children are elements, texts, numbers, lists, null
   evalkit.drawn(tag, attributes, ...children)     the same in SVG
   evalkit.visible(text)                           the text with signs that nobody sees, or that turn it round, spelt
   evalkit.number(value)                           a score as it is shown
   evalkit.store(key, value), evalkit.stored(key)  a choice that stays in this browser
*/
"use strict";

(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

  function visible(text) {
    return String(text).replace(UNSEEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }

  function added(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (/^on/i.test(name) || name === "style") throw new Error(`${name} is no attribute of data`);
      if (value === null || value === undefined || value === false) continue;
      element.setAttribute(name, value === true ? "" : visible(value));
    }
    for (const child of children.flat(Infinity)) {
      if (child === null || child === undefined) continue;
      element.append(child instanceof Node ? child : document.createTextNode(visible(child)));
    }
    return element;
  }

  evalkit.visible = visible;
  evalkit.element = (tag, attributes, ...children) => added(document.createElement(tag), attributes, children);
  evalkit.drawn = (tag, attributes, ...children) => added(document.createElementNS(SVG, tag), attributes, children);

  const UNITS = [[1e9, "G"], [1e6, "M"], [1e4, "k"]];

  evalkit.number = (value) => {
    if (value === null || value === undefined) return "\u2013";
    const unit = UNITS.find(([least]) => Math.abs(value) >= least);
    if (unit) return `${(value / (unit[1] === "k" ? 1e3 : unit[0])).toFixed(1)}${unit[1]}`;
    return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3);
  };

  evalkit.stored = (key) => {
    try {
      return JSON.parse(localStorage.getItem(`evalkit.${key}`));
    } catch {
      return null; // a browser that keeps nothing, or something that is not ours
    }
  };

  evalkit.store = (key, value) => {
    try {
      localStorage.setItem(`evalkit.${key}`, JSON.stringify(value));
    } catch {
      /* a browser that keeps nothing: the choice lasts as long as the page */
    }
  };
})();
