/*
 * The levers, and the key that allows them.
 *
 *   pull ─► dialog: what will happen, why? ─► POST /v1/admin/… ─┬ done    ─► a sentence on the page
 *                                                               └ refused ─► the server's sentence, in the dialog
 *
 * The key is kept in a variable: no storage, no address and no element has it once a dialog is closed.
 */
import { byId, count, human, make, moment, named, notice, ordinal, say, setHidden, tell, waiting } from './words.js';

const PATIENCE = 15000; // ms until a lever that nobody answers is given up
const LONGEST = 255; // bytes of a reason

let key = '';
let keyName = ''; // what the server calls it
let author = '';

/** The lever whose dialog is open: its kind, the pool as page.js knows it, and whom it is about. */
let open = null;

/** Called with the pool's name when a lever was pulled, or found nobody. */
let pulled = () => {};
export const whenPulled = (callback) => { pulled = callback; };

/**
 * Each lever: its title and its button, what will happen in plain words (paragraphs of parts), what of the
 * target the body names, and what to say when it is done. `what` answers null if the target is gone.
 */
const LEVERS = {
  revoke: {
    title: ({ pool, target }) => ['Ask ', named(target.host), ' to stop and release ', named(pool.name), '?'],
    button: 'Revoke',
    what: whatRevokeDoes,
    body: ({ target }) => ({ token: target.token }),
    done: ({ pool, target }, { notified, until }) => [
      named(target.host), notified
        ? ` is asked to stop (token ${target.token}). `
        : ` does not renew its lease (token ${target.token}), so it cannot be notified. `,
      ...(until === null
        ? ['Its lease has no end: the slot is free when it releases it.']
        : ['The slot of ', named(pool.name), ` is free by ${moment(Math.ceil(Date.parse(until) / 1000) * 1000)} at the latest.`]),
    ],
  },
  'force-release': {
    title: ({ pool, target }) => ['Force-release ', named(target.host), ' in ', named(pool.name), '?'],
    button: 'Force-release',
    what: whatForceReleaseDoes,
    body: ({ target }) => ({ token: target.token }),
    done: ({ pool, target }, { may_run_for: rest }) => [
      named(target.host), ' no longer holds ', named(pool.name), ` (token ${target.token}). `,
      rest === null
        ? 'Its lease had no end: see to it that its command is dead.'
        : `Its command may run for up to ${atMost(rest)} more.`,
    ],
  },
  pause: {
    title: ({ pool }) => ['Pause ', named(pool.name), '?'],
    button: 'Pause',
    what: ({ pool: { name, state } }) => [
      [named(name), ' gives no slot to anybody until it is resumed.'],
      [`${holding(state.held)}; ${standing(state.line.length)}. Who only tries is refused, and is told your reason.`],
    ],
    body: () => ({}),
    done: ({ pool }) => [named(pool.name), ' is paused: nobody gets a slot until it is resumed.'],
  },
  resume: {
    title: ({ pool }) => ['Resume ', named(pool.name), '?'],
    button: 'Resume',
    what: whatResumeDoes,
    body: () => ({}),
    done: ({ pool }) => [named(pool.name), ' is resumed: it gives out slots again.'],
  },
  front: {
    title: ({ pool, target }) => ['Move ', named(target.host), ' to the front of ', named(pool.name), '’s line?'],
    button: 'Move to the front',
    what: ({ pool, target }) => {
      const place = placeOf(pool, target);
      if (place === 0) return null;
      return [
        [...who(target, place), ' gets the next slot that is free. Everybody who stands before it now waits for one run longer.'],
        ['Nobody who holds a slot loses it.'],
      ];
    },
    body: ({ target }) => ({ ticket: target.ticket }),
    done: ({ pool, target }) => [named(target.host), ' is 1st in line for ', named(pool.name), '.'],
  },
  remove: {
    title: ({ pool, target }) => ['Remove ', named(target.host), ' from ', named(pool.name), '’s line?'],
    button: 'Remove',
    what: ({ pool, target }) => {
      const place = placeOf(pool, target);
      if (place === 0) return null;
      return [
        [...who(target, place), ' loses its place at once, and its request is told to stop asking.'],
        ['Nothing keeps it from asking again; it would then stand at the end of the line.'],
      ];
    },
    body: ({ target }) => ({ ticket: target.ticket }),
    done: ({ pool, target }) => [named(target.host), ' does not wait for ', named(pool.name), ' any longer.'],
  },
};

const atMost = (seconds) => human(Math.ceil(seconds));

function holding(held) {
  if (held === 0) return 'Nobody holds a slot';
  return `${held === 1 ? 'The holder' : `The ${count(held)} holders`} may renew and release as before`;
}

function standing(length) {
  if (length === 0) return 'who comes now waits';
  return `${waiting(length)} in line and ${length === 1 ? 'keeps its place' : 'keep their places'}`;
}

const who = ({ host, ticket }, place) => [named(host), ` (ticket ${ticket}, now ${ordinal(place)})`];

/** The place of a waiter; beyond the part of the line that is known nobody can be pulled. */
const placeOf = (pool, target) => pool.state.line.first.findIndex((waiter) => waiter.ticket === target.ticket) + 1;

function whatForceReleaseDoes({ pool, target }) {
  const holder = pool.state.holders.find(({ token }) => token === target.token);
  if (!holder) return null;
  return [
    [named(holder.host), ` loses its slot (token ${target.token}). `, ...whoIsNext(pool.state)],
    whatRunsOn(holder.expires_in, (performance.now() - pool.at) / 1000),
  ];
}

/** The holder learns of a revoke when it renews; nobody gets its slot while its command may still run. */
function whatRevokeDoes({ pool, target }) {
  const holder = pool.state.holders.find(({ token }) => token === target.token);
  if (!holder) return null;
  const again = holder.revoked ? [' It was asked before; this can only shorten its time.'] : [];
  return [
    [named(holder.host), ` is told to stop when it renews its lease (token ${target.token}).`, ...again],
    [
      'Nobody gets the slot before it is released, or the lease has ended. A holder that never renews is not told, and ',
      'keeps its slot. Force-release is for a holder that is dead for sure.',
    ],
  ];
}

/** The danger of it: who lost the slot does not know that yet. */
function whatRunsOn(expiresIn, passed) {
  if (expiresIn === null) {
    return [
      make('strong', '', 'Its command is not stopped'),
      ', and its lease has no end: see to it that the command is dead, or two may run at once.',
    ];
  }
  const left = atMost(Math.max(0, expiresIn - passed));
  return [
    make('strong', '', `Its command is not stopped and may still run for up to ${left}`),
    ': until then two may run at once. The wrapper stops it when it learns of this; another client may not notice at all.',
  ];
}

function whoIsNext({ paused, held, slots, line }) {
  if (held > slots) return [`More leases are held than the ${count(slots)} slots: nobody gets one for this.`];
  if (paused) return ['The pool is paused: nobody gets the slot until it is resumed.'];
  const first = line.first[0];
  if (!first) return ['Nobody waits: the slot goes to whoever asks next.'];
  return ['The slot goes to the next at once: ', named(first.host), first.present ? '.' : ', if it asks again soon.'];
}

function whatResumeDoes({ pool: { name, state } }) {
  if (!state.paused) return null;
  const go = Math.min(state.line.length, Math.max(0, state.slots - state.held));
  const who = go === 1 ? 'the first in line gets a slot at once' : `the first ${count(go)} in line get a slot at once`;
  return [
    [named(name), ' gives out slots again: ', go === 0 ? 'whoever is next gets the next free one' : who, '.'],
    ['It was paused by ', named(state.paused.author), ': ', named(state.paused.reason), '.'],
  ];
}

// ── the dialog ──────────────────────────────────────────────────────────────

/** Opens the dialog of a lever of this pool; `target` is the holder or waiter, if it is about one. */
export function pull(kind, pool, target) {
  open = { kind, pool, target, busy: false };
  tell(byId('lever-title'), ...LEVERS[kind].title(open));
  say(byId('lever-pull'), LEVERS[kind].button);
  byId('lever-pull').classList.toggle('danger', kind === 'force-release' || kind === 'remove');
  byId('lever-reason').value = '';
  notice(byId('lever-refused'));
  askForKey(key === '');
  tickLever();
  byId('lever').showModal();
  byId('lever-reason').focus();
}

/** What will happen changes while one thinks about it: the time that is left, and who is next. */
export function tickLever() {
  if (!open) return;
  const what = open.pool.state && LEVERS[open.kind].what(open);
  const paragraphs = what ?? [['There is nothing to do any more: ', ...gone(open)]];
  const said = JSON.stringify(paragraphs.flat().map((part) => part.textContent ?? part.text ?? part));
  byId('lever-pull').disabled = open.busy || !what;
  if (byId('lever-what').said === said) return;
  byId('lever-what').said = said;
  byId('lever-what').replaceChildren(...paragraphs.map(paragraph));
}

function gone({ kind, target }) {
  if (kind === 'resume') return ['the pool is not paused.'];
  return target ? [named(target.host), ' is not there now.'] : ['nothing is known of the pool now.'];
}

function paragraph(parts) {
  const isName = (part) => part.text !== undefined && !(part instanceof Node);
  return make('p', '', ...parts.map((part) => (isName(part) ? make('bdi', '', part.text) : part)));
}

function askForKey(ask) {
  setHidden(byId('lever-key-part'), !ask);
  notice(byId('lever-key-held'), ...(ask ? [] : ['The key that this page holds goes with it.']));
}

function refuse(sentence) {
  notice(byId('lever-refused'), named(sentence));
  byId('lever-refused').scrollIntoView({ block: 'nearest' });
}

async function go(event) {
  event.preventDefault(); // the dialog stays until there is an answer
  const lever = open;
  const reason = byId('lever-reason');
  reason.setCustomValidity(whyBad(reason.value));
  if (!reason.reportValidity() || lever.busy) return;
  setBusy(lever, true);
  const bad = await takeKey(byId('lever-key').value, () => open === lever);
  const answer = bad === null && open === lever ? await post(lever, reason.value.trim()) : null;
  setBusy(lever, false);
  if (!answer) {
    if (open === lever) refuse(bad);
    return;
  }
  if (answer.ok) {
    if (open === lever) byId('lever').close();
    announce(...LEVERS[lever.kind].done(lever, answer.body));
  } else if (open === lever) {
    refuse(answer.sentence);
    if (answer.status === 401) {
      forgetKey();
      askForKey(true);
    }
  } else announce(named(answer.sentence)); // the dialog was left meanwhile
  pulled(lever.pool.name);
}

function whyBad(reason) {
  if (reason.trim() === '') return 'Say why: it is logged, and told to those who wait.';
  const bytes = new TextEncoder().encode(reason.trim()).length;
  return bytes > LONGEST ? `A reason has at most ${LONGEST} bytes; this one has ${bytes}.` : '';
}

function setBusy(lever, busy) {
  lever.busy = busy;
  byId('lever-form').setAttribute('aria-busy', String(busy));
  tickLever();
}

function post({ kind, pool, target }, reason) {
  const body = JSON.stringify({ ...LEVERS[kind].body({ target }), reason, ...(author && { author }) });
  const headers = { 'Content-Type': 'application/json' };
  return ask(`pools/${encodeURIComponent(pool.name)}/${kind}`, key, { method: 'POST', headers, body },
    'No answer came: it may have been done or not. Look at the pool before you try again.');
}

/** Asks for something that takes a right. `silence` is the sentence if no answer comes. */
async function ask(path, withKey, options, silence) {
  const headers = { ...options.headers, Accept: 'application/json' };
  if (withKey) headers.Authorization = `Bearer ${withKey}`;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(`v1/admin/${path}`, { ...options, headers, signal });
    const told = await answer.json().catch(() => ({}));
    const sentence = told.message ?? `The server answered ${answer.status} and no sentence.`;
    return { ok: answer.ok, status: answer.status, body: told, sentence };
  } catch {
    return { ok: false, status: 0, sentence: silence };
  }
}

/** Says on the page what came of a lever; it stays until it is put away. */
function announce(...parts) {
  delete byId('said').dataset.empty;
  byId('said-text').said = null; // the same sentence twice is news twice
  tell(byId('said-text'), ...parts);
}

byId('said-close').addEventListener('click', () => {
  tell(byId('said-text'));
  byId('said').dataset.empty = '';
});
byId('lever-form').addEventListener('submit', go);
byId('lever-reason').addEventListener('input', () => byId('lever-reason').setCustomValidity(''));
byId('lever-cancel').addEventListener('click', () => byId('lever').close());
byId('lever').addEventListener('close', () => {
  open = null;
  byId('lever-key').value = '';
  if (!document.activeElement || document.activeElement === document.body) byId('pool-name').focus(); // its row is gone
});

// ── the key ─────────────────────────────────────────────────────────────────

/** Keeps a key that was typed, if the server knows it and it is still wanted then. Returns why not, or null. */
async function takeKey(typed, isWanted) {
  const wanted = typed.trim();
  if (wanted === '') return null;
  if (/[^\x21-\x7e]/.test(wanted)) return 'A key has only letters, digits and signs of ASCII, and no space.';
  const answer = await ask('whoami', wanted, {}, 'No answer came: whether this is a key is not known. Try again.');
  if (!answer.ok) return answer.sentence;
  if (isWanted()) {
    key = wanted;
    keyName = answer.body.author;
    showKey();
  }
  return null;
}

function forgetKey() {
  key = '';
  keyName = '';
  showKey();
}

function showKey() {
  byId('key-button').dataset.held = key ? 'yes' : 'no';
  say(byId('key-button'), key ? `Key of ${keyName}…` : 'Operator’s key…');
  setHidden(byId('key-forget'), !key);
}

byId('key-button').addEventListener('click', () => {
  byId('key-author').value = author;
  notice(byId('key-refused'));
  byId('key').showModal();
  byId('key-text').focus();
});
byId('key-form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const bad = await takeKey(byId('key-text').value, () => byId('key').open);
  if (!byId('key').open) return; // it was left meanwhile
  if (bad !== null) return notice(byId('key-refused'), named(bad));
  author = byId('key-author').value.trim();
  byId('key').close();
});
byId('key-forget').addEventListener('click', () => {
  forgetKey();
  author = '';
  byId('key').close();
  announce('The key is forgotten.');
});
byId('key-cancel').addEventListener('click', () => byId('key').close());
byId('key').addEventListener('close', () => { byId('key-text').value = ''; });
