/*
 * Admin actions, and the key that authorizes them.
 *
 *   act ─► dialog: consequences, reason ─► POST /v1/admin/… ─┬ done    ─► a sentence on the page
 *                                                            └ refused ─► the server's sentence, in the dialog
 *
 * The key is kept in a variable: no storage, no address and no element contains it once a dialog is closed.
 */
import { byId, count, human, make, moment, named, notice, ordinal, say, setHidden, tell, waiting } from './words.js';

const TIMEOUT = 15000; // ms until an action without a response is given up
const MAX_REASON_BYTES = 255;

let key = '';
let keyName = ''; // its name on the server
let author = '';

/** The action whose dialog is open: its verb, the pool (an object of page.js), and its target. */
let open = null;

/** Called with the pool's name when an action was done, or refused. */
let done = () => {};
export const whenDone = (callback) => { done = callback; };

/**
 * Each action: title, button, consequences (paragraphs of parts), the fields of the body, and the sentence when it
 * is done. `what` returns null if the target is gone.
 */
const ACTIONS = {
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
        ? 'Its lease had no end: make sure that its command is dead.'
        : `Its command may run for up to ${atMost(rest)} more.`,
    ],
  },
  pause: {
    title: ({ pool }) => ['Pause ', named(pool.name), '?'],
    button: 'Pause',
    what: ({ pool: { name, state } }) => [
      ['No slot of ', named(name), ' is granted until it is resumed.'],
      [`${holding(state.held)}; ${queued(state.queue.length)}. Requests that do not wait are refused, with your reason.`],
    ],
    body: () => ({}),
    done: ({ pool }) => [named(pool.name), ' is paused: no slot is granted until it is resumed.'],
  },
  resume: {
    title: ({ pool }) => ['Resume ', named(pool.name), '?'],
    button: 'Resume',
    what: whatResumeDoes,
    body: () => ({}),
    done: ({ pool }) => [named(pool.name), ' is resumed: slots are granted again.'],
  },
  promote: {
    title: ({ pool, target }) => ['Move ', named(target.host), ' to the front of the queue of ', named(pool.name), '?'],
    button: 'Promote',
    what: ({ pool, target }) => {
      const position = positionOf(pool, target);
      if (position === 0) return null;
      return [
        [...who(target, position), ' gets the next free slot. Every waiter before it waits one run longer.'],
        ['Holders keep their slots.'],
      ];
    },
    body: ({ target }) => ({ ticket: target.ticket }),
    done: ({ pool, target }) => [named(target.host), ' is 1st in the queue of ', named(pool.name), '.'],
  },
  evict: {
    title: ({ pool, target }) => ['Remove ', named(target.host), ' from the queue of ', named(pool.name), '?'],
    button: 'Evict',
    what: ({ pool, target }) => {
      const position = positionOf(pool, target);
      if (position === 0) return null;
      return [
        [...who(target, position), ' loses its position, and its request is refused.'],
        ['It may request a slot again, and then joins the end of the queue.'],
      ];
    },
    body: ({ target }) => ({ ticket: target.ticket }),
    done: ({ pool, target }) => [named(target.host), ' no longer waits for ', named(pool.name), '.'],
  },
};

const atMost = (seconds) => human(Math.ceil(seconds));

function holding(held) {
  if (held === 0) return 'No slot is held';
  return `${held === 1 ? 'The holder' : `The ${count(held)} holders`} may renew and release as before`;
}

function queued(length) {
  if (length === 0) return 'new requests wait';
  return `${waiting(length)} and ${length === 1 ? 'keeps its position' : 'keep their positions'}`;
}

const who = ({ host, ticket }, position) => [named(host), ` (ticket ${ticket}, now ${ordinal(position)})`];

/** The position of a waiter; 0 for one beyond the known part of the queue. */
const positionOf = (pool, target) => pool.state.queue.waiters.findIndex((waiter) => waiter.ticket === target.ticket) + 1;

function whatForceReleaseDoes({ pool, target }) {
  const holder = pool.state.holders.find(({ token }) => token === target.token);
  if (!holder) return null;
  return [
    [named(holder.host), ` loses its slot (token ${target.token}). `, ...whoIsNext(pool.state)],
    whatRunsOn(holder.expires_in, (performance.now() - pool.at) / 1000),
  ];
}

/** The holder learns of a revoke when it renews; its slot is not granted while its command may still run. */
function whatRevokeDoes({ pool, target }) {
  const holder = pool.state.holders.find(({ token }) => token === target.token);
  if (!holder) return null;
  const again = holder.revoked ? [' It was asked before; this can only shorten its time.'] : [];
  return [
    [named(holder.host), ` is asked to stop at its next renewal (token ${target.token}).`, ...again],
    [
      'The slot is granted only after the release, or the end of the lease. A holder that never renews is not notified and ',
      'keeps its slot. Force-release only a holder that is certainly dead.',
    ],
  ];
}

/** The danger: the old holder does not know yet. */
function whatRunsOn(expiresIn, passed) {
  if (expiresIn === null) {
    return [
      make('strong', '', 'Its command is not stopped'),
      ', and its lease has no end: make sure that the command is dead, or two may run at once.',
    ];
  }
  const left = atMost(Math.max(0, expiresIn - passed));
  return [
    make('strong', '', `Its command is not stopped and may still run for up to ${left}`),
    ': until then two may run at once. The wrapper stops it at its next renewal; another client may not notice at all.',
  ];
}

function whoIsNext({ paused, held, slots, queue }) {
  if (held > slots) return [`More leases are held than the ${count(slots)} slots: none is granted for this one.`];
  if (paused) return ['The pool is paused: the slot is granted after it is resumed.'];
  const first = queue.waiters[0];
  if (!first) return ['The queue is empty: the next request gets the slot.'];
  return ['The next waiter gets the slot at once: ', named(first.host), first.present ? '.' : ', if it reconnects in time.'];
}

function whatResumeDoes({ pool: { name, state } }) {
  if (!state.paused) return null;
  const go = Math.min(state.queue.length, Math.max(0, state.slots - state.held));
  const who = go === 1 ? 'the first waiter gets a slot at once' : `the first ${count(go)} waiters get a slot at once`;
  return [
    ['Slots of ', named(name), ' are granted again: ', go === 0 ? 'the next one that is free' : who, '.'],
    ['It was paused by ', named(state.paused.author), ': ', named(state.paused.reason), '.'],
  ];
}

// ── the dialog ──────────────────────────────────────────────────────────────

/** Opens the dialog of an action on this pool; `target` is the holder or waiter, if it has one. */
export function act(kind, pool, target) {
  open = { kind, pool, target, busy: false };
  tell(byId('action-title'), ...ACTIONS[kind].title(open));
  say(byId('action-confirm'), ACTIONS[kind].button);
  byId('action-confirm').classList.toggle('danger', kind === 'force-release' || kind === 'evict');
  byId('action-reason').value = '';
  notice(byId('action-refused'));
  askForKey(key === '');
  tickAction();
  byId('action').showModal();
  byId('action-reason').focus();
}

/** Updates the consequences while the dialog is open: the time left, and the next waiter. */
export function tickAction() {
  if (!open) return;
  const what = open.pool.state && ACTIONS[open.kind].what(open);
  const paragraphs = what ?? [['Nothing to do: ', ...gone(open)]];
  const said = JSON.stringify(paragraphs.flat().map((part) => part.textContent ?? part.text ?? part));
  byId('action-confirm').disabled = open.busy || !what;
  if (byId('action-what').said === said) return;
  byId('action-what').said = said;
  byId('action-what').replaceChildren(...paragraphs.map(paragraph));
}

function gone({ kind, target }) {
  if (kind === 'resume') return ['the pool is not paused.'];
  return target ? [named(target.host), ' is gone.'] : ['the pool is unknown.'];
}

function paragraph(parts) {
  const isName = (part) => part.text !== undefined && !(part instanceof Node);
  return make('p', '', ...parts.map((part) => (isName(part) ? make('bdi', '', part.text) : part)));
}

function askForKey(ask) {
  setHidden(byId('action-key-part'), !ask);
  notice(byId('action-key-held'), ...(ask ? [] : [`You act as ${keyName}.`]));
}

function refuse(sentence) {
  notice(byId('action-refused'), named(sentence));
  byId('action-refused').scrollIntoView({ block: 'nearest' });
}

async function go(event) {
  event.preventDefault(); // the dialog stays open until the response
  const action = open;
  const reason = byId('action-reason');
  reason.setCustomValidity(whyBad(reason.value));
  if (!reason.reportValidity() || action.busy) return;
  setBusy(action, true);
  const bad = await takeKey(byId('action-key').value, () => open === action);
  const answer = bad === null && open === action ? await post(action, reason.value.trim()) : null;
  setBusy(action, false);
  if (!answer) {
    if (open === action) refuse(bad);
    return;
  }
  if (answer.ok) {
    if (open === action) byId('action').close();
    announce(...ACTIONS[action.kind].done(action, answer.body));
  } else if (open === action) {
    refuse(answer.sentence);
    if (answer.status === 401) {
      forgetKey();
      askForKey(true);
    }
  } else announce(named(answer.sentence)); // the dialog was closed meanwhile
  done(action.pool.name);
}

function whyBad(reason) {
  if (reason.trim() === '') return 'A reason is required: it is logged, and shown to waiting clients.';
  const bytes = new TextEncoder().encode(reason.trim()).length;
  return bytes > MAX_REASON_BYTES ? `At most ${MAX_REASON_BYTES} bytes; this reason has ${bytes}.` : '';
}

function setBusy(action, busy) {
  action.busy = busy;
  byId('action-form').setAttribute('aria-busy', String(busy));
  tickAction();
}

function post({ kind, pool, target }, reason) {
  const body = JSON.stringify({ ...ACTIONS[kind].body({ target }), reason, ...(author && { author }) });
  const headers = { 'Content-Type': 'application/json' };
  return ask(`pools/${encodeURIComponent(pool.name)}/${kind}`, key, { method: 'POST', headers, body },
    'No response: it may or may not have been done. Check the pool before you try again.');
}

/** Sends a request that needs a right. `silence` is the sentence without a response. */
async function ask(path, withKey, options, silence) {
  const headers = { ...options.headers, Accept: 'application/json' };
  if (withKey) headers.Authorization = `Bearer ${withKey}`;
  try {
    const signal = AbortSignal.timeout(TIMEOUT);
    const answer = await fetch(`v1/admin/${path}`, { ...options, headers, signal });
    const told = await answer.json().catch(() => ({}));
    const sentence = told.message ?? `The server responded with status ${answer.status}.`;
    return { ok: answer.ok, status: answer.status, body: told, sentence };
  } catch {
    return { ok: false, status: 0, sentence: silence };
  }
}

/** Shows the outcome on the page until it is closed. */
function announce(...parts) {
  delete byId('said').dataset.empty;
  byId('said-text').said = null; // the same sentence is announced again
  tell(byId('said-text'), ...parts);
}

byId('said-close').addEventListener('click', () => {
  tell(byId('said-text'));
  byId('said').dataset.empty = '';
});
byId('action-form').addEventListener('submit', go);
byId('action-reason').addEventListener('input', () => byId('action-reason').setCustomValidity(''));
byId('action-cancel').addEventListener('click', () => byId('action').close());
byId('action').addEventListener('close', () => {
  open = null;
  byId('action-key').value = '';
  if (!document.activeElement || document.activeElement === document.body) byId('pool-name').focus(); // its row is gone
});

// ── the key ─────────────────────────────────────────────────────────────────

/** Keeps a key that was typed, if the server knows it. Returns an error sentence, or null. */
async function takeKey(typed, isWanted) {
  const wanted = typed.trim();
  if (wanted === '') return null;
  if (/[^\x21-\x7e]/.test(wanted)) return 'A key has only printable ASCII characters, and no space.';
  const answer = await ask('whoami', wanted, {}, 'No response: the key could not be checked. Try again.');
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
  say(byId('key-button'), key ? `Signed in as ${keyName}…` : 'Sign in…');
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
  if (!byId('key').open) return; // it was closed meanwhile
  if (bad !== null) return notice(byId('key-refused'), named(bad));
  author = byId('key-author').value.trim();
  byId('key').close();
});
byId('key-forget').addEventListener('click', () => {
  forgetKey();
  author = '';
  byId('key').close();
  announce('Signed out.');
});
byId('key-cancel').addEventListener('click', () => byId('key').close());
byId('key').addEventListener('close', () => { byId('key-text').value = ''; });
