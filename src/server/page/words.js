/*
 * Text, times and elements shared by all parts of the page.
 *
 *   a stranger's text ─► clean ─► textContent        (never markup: no innerHTML anywhere)
 *   seconds           ─► human, countdown
 *   rows of a list    ─► keyed: the same row for the same thing, built once, filled often
 */
/** As distributexctl does: control characters, and what turns the direction of writing or cannot be seen. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const clean = (text) => String(text).replace(UNSEEN, '\ufffd');

const NUMBERS = new Intl.NumberFormat('en-GB');
export const count = (number) => NUMBERS.format(number);

/** 1st, 2nd, 3rd, 4th. */
export function ordinal(number) {
  const teen = number % 100 >= 11 && number % 100 <= 13;
  return count(number) + (teen ? 'th' : ['th', 'st', 'nd', 'rd'][number % 10] ?? 'th');
}

/** `1 waits`, `2 wait`. */
export const waiting = (number) => (number === 1 ? '1 waits' : `${count(number)} wait`);

/** A time in the one or two units that say enough. */
export function human(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const two = (first, rest, unit) => (rest === 0 ? first : `${first} ${rest} ${unit}`);
  if (s < 120) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 172800) return two(`${Math.floor(s / 3600)} h`, Math.floor(s / 60) % 60, 'min');
  return two(`${Math.floor(s / 86400)} days`, Math.floor(s / 3600) % 24, 'h');
}

/** The same for a time that is watched while it passes: the smaller unit moves. */
export function countdown(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  const padded = (number) => String(number).padStart(2, '0');
  return s < 120 || s >= 3600 ? human(s) : `${Math.floor(s / 60)} min ${padded(s % 60)} s`;
}

/** The server's clock minus performance.now(), in ms; null until an answer had a date. */
let ahead = null;

/**
 * Takes note of the Date of an answer. It is cut to whole seconds, so the largest of many is nearest to the
 * truth; one that is far below means that a clock was set, or that this machine slept.
 */
export function hearDate(header) {
  const heard = Date.parse(header ?? '') - performance.now();
  if (Number.isNaN(heard)) return;
  if (ahead === null || heard > ahead || ahead - heard > 2500) ahead = heard;
}

/** The time of the server, in ms since the epoch. The browser's own clock may be wrong, and does not matter. */
export const serverNow = () => performance.now() + (ahead ?? performance.timeOrigin);

/** A moment (ms) as the server's log has it; with its date if that is not near now. */
export function moment(ms) {
  if (Number.isNaN(ms)) return 'unknown';
  const text = new Date(ms).toISOString();
  const near = Math.abs(serverNow() - ms) < 20 * 3600e3;
  return `${near ? '' : `${text.slice(0, 10)} `}${text.slice(11, 19)} UTC`;
}

export const byId = (id) => document.getElementById(id);

/** An element with a class, if any, and children: elements or texts. */
export function make(tag, className = '', ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

export function makeButton(text, className, onClick) {
  const button = make('button', className, text);
  button.type = 'button';
  button.addEventListener('click', onClick);
  return button;
}

/** Writes a text; costs nothing if it stands there already. */
export function say(element, text) {
  if (element.said === text) return;
  element.said = text;
  element.textContent = text;
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** A stranger's text within a sentence of `tell`. */
export const named = (text) => ({ text: clean(text) });

/** Writes a sentence of texts and strangers' texts; these cannot change the direction of the others. */
export function tell(element, ...parts) {
  const whole = parts.map((part) => part.text ?? part).join('\u0000');
  if (element.said === whole) return;
  element.said = whole;
  element.replaceChildren(...parts.map((part) => (part.text === undefined ? part : make('bdi', '', part.text))));
}

/** A `tell` that vanishes with its text. */
export function notice(element, ...parts) {
  const empty = parts.length === 0;
  setHidden(element, empty);
  tell(element, ...parts);
}

/**
 * Makes the children of `parent` show `items` in their order. A row is kept for as long as its key is among
 * them, and moves only if it has to: focus, selection and tooltips survive. `lost` is called if the row that
 * had the focus is gone.
 */
export function keyed(parent, items, keyOf, build, fill, lost = () => {}) {
  const rows = (parent.kept ??= new Map());
  const keys = new Set(items.map(keyOf));
  for (const [key, row] of rows) {
    if (keys.has(key)) continue;
    const focused = row.contains(document.activeElement);
    row.remove();
    rows.delete(key);
    if (focused) lost();
  }
  let next = parent.firstElementChild;
  items.forEach((item, index) => {
    const key = keyOf(item);
    const row = rows.get(key) ?? build(item);
    rows.set(key, row);
    fill(row, item, index);
    if (row === next) next = next.nextElementSibling;
    else parent.insertBefore(row, next);
  });
}

/**
 * The first of `items`, as far as `keyed` need not build more than `most` rows for them; if some are left, `again`
 * is called in the next frame. So a click is answered before a hundred rows are built.
 */
export function portion(parent, items, keyOf, most, again) {
  let left = most;
  const cut = items.findIndex((item) => !parent.kept?.has(keyOf(item)) && left-- === 0);
  if (cut < 0) return items;
  requestAnimationFrame(again);
  return items.slice(0, cut);
}

/** Slots as little boxes, or as one bar where they would be too many; `element` keeps its parts. */
export function slots(element, all, held) {
  const said = `${all} ${held}`;
  if (element.said === said) return;
  element.said = said;
  if (!element.firstElementChild) element.append(make('span'));
  const bar = all > 10;
  element.classList.toggle('bar', bar);
  element.style.setProperty('--slots', String(bar ? 10 : all));
  element.style.setProperty('--held', String(bar ? (10 * Math.min(held, all)) / all : Math.min(held, all)));
}
