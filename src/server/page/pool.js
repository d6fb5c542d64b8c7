/*
 * The pool shown: holders, queue, and what happens next.
 *
 *   server's response ─► show ─► rows, keyed by token and by ticket
 *   each second       ─► tick ─► the times in these rows, and nothing else
 *
 * Times count from the arrival of the response, by performance.now: never by a clock that can be set.
 */
import { drawNow } from './history.js';
import { act } from './admin.js';
import {
  byId, clean, count, countdown, human, keyed, make, makeButton, moment, named, notice, ordinal, portion, say,
  serverNow, setHidden, slots, tell,
} from './words.js';

/** Maximum number of holders with a row; a pool may have a million slots. The server limits the queue. */
const MOST_HOLDERS = 200;

/** Rows built before the browser may draw. */
const PORTION = 25;

/** The pool shown, an object of page.js; null if none. */
let shown = null;

/** Seconds since the response arrived. */
const since = (pool) => (performance.now() - pool.at) / 1000;

/** How long a lease has been held, as far as is known. */
function heldFor(holder) {
  return holder.since === null ? null : Math.max(0, (serverNow() - Date.parse(holder.since)) / 1000);
}

const leftOf = (pool, holder) => (holder.expires_in === null ? null : Math.max(0, holder.expires_in - since(pool)));

/** Shows a pool, or (null) that none is chosen. */
export function show(pool) {
  shown = pool;
  setHidden(byId('nothing'), pool !== null);
  setHidden(byId('shown'), pool === null);
  document.title = pool ? `${clean(pool.name)} – Distributex` : 'Distributex';
  if (!pool) return;
  tell(byId('pool-name'), named(pool.name));
  byId('pool-name').title = clean(pool.name);
  showAway(pool);
  setHidden(byId('pool-body'), !pool.state);
  setHidden(byId('pause'), !pool.state || pool.state.paused !== null);
  setHidden(byId('resume'), !pool.state?.paused);
  if (!pool.state) return;
  showStanding(pool);
  showHolders(pool);
  showQueue(pool);
  tick();
}

/** Updates what changes with time. */
export function tick() {
  if (!shown?.state) return;
  showPaused(shown.state.paused);
  tell(byId('pool-next'), ...whatIsNext(shown));
  for (const row of byId('holders').children) tickHolder(row);
  for (const row of byId('queue').children) tickWaiter(row);
  drawNow();
}

/** Whether a lease is about to expire, so that the pool should be read again. */
export const endsSoon = (pool) => pool.state?.holders.some((holder) => (leftOf(pool, holder) ?? 9) < 1) ?? false;

/** The badges beside a pool's name. */
export function badges(element, pool) {
  const words = [];
  if (pool.away) words.push(['away', 'store unreachable']);
  if (pool.state?.removed) words.push(['removed', 'removed from the configuration']);
  if (pool.state?.paused) words.push(['paused', 'paused']);
  const said = words.join();
  if (element.said === said) return;
  element.said = said;
  element.replaceChildren(...words.map(([kind, text]) => make('span', `badge ${kind}`, text)));
}

function showAway(pool) {
  badges(byId('pool-badges'), pool);
  const sentence = pool.gone ?? pool.why ?? (pool.away ? 'The store of this pool is unreachable' : null);
  if (!sentence) return notice(byId('pool-away'));
  const stale = pool.state && !pool.gone ? '. Below is the last known state.' : '';
  notice(byId('pool-away'), named(sentence), stale);
}

function showPaused(paused) {
  if (!paused) return notice(byId('pool-paused'));
  const ago = human((serverNow() - Date.parse(paused.since)) / 1000);
  notice(
    byId('pool-paused'), 'Paused by ', named(paused.author), ` ${ago} ago (${moment(Date.parse(paused.since))}): `,
    named(paused.reason), '. No slot is granted; waiters stay queued, holders may renew and release.',
  );
}

function showStanding({ state }) {
  slots(byId('pool-slots'), state.slots, state.held);
  say(byId('pool-held'), state.held > state.slots
    ? `${count(state.held)} leases, more than the ${count(state.slots)} slots: maxlocks was lowered`
    : `${count(state.held)} of ${count(state.slots)} ${state.slots === 1 ? 'slot' : 'slots'} held`);
  say(byId('holders-title'), state.held === 0 ? 'Holders' : `Holders (${count(state.held)})`);
  say(byId('queue-title'), state.queue.length === 0 ? 'Queue' : `Queue (${count(state.queue.length)})`);
}

/** What has to happen before a slot is granted, and to whom. */
function whatIsNext(pool) {
  const { state } = pool;
  const first = state.queue.waiters[0];
  if (state.paused) {
    return ['Once it is resumed, ', ...(first ? theFirst(first, 'gets a free slot') : ['it grants as before']), '.'];
  }
  const soon = first && !first.present ? ' if it reconnects in time' : '';
  if (state.held < state.slots) {
    if (!first) return [state.held === 0 ? 'Every slot is free: ' : 'A slot is free: ', 'the next request gets it.'];
    return ['A slot is free: ', ...theFirst(first, 'gets it'), `${soon}.`];
  }
  const then = first ? [...theFirst(first, 'gets the slot'), soon] : ['the next request gets the slot'];
  return [...whatEnds(pool), '; then ', ...then, '.'];
}

function theFirst(waiter, gets) {
  return [named(waiter.host), `, first in the queue for ${human(waiter.waited + since(shown))}, ${gets}`];
}

function whatEnds(pool) {
  const over = pool.state.held - pool.state.slots;
  if (over > 0) return [`${count(over + 1)} leases have to end first`];
  const ends = pool.state.holders.filter((holder) => holder.expires_in !== null);
  if (ends.length === 0) return ['No lease expires: one has to be released'];
  const next = ends.reduce((a, b) => (b.expires_in < a.expires_in ? b : a));
  const left = countdown(leftOf(pool, next));
  return [named(next.host), `’s lease ends in ${left} unless it is renewed or released before`];
}

/** The focused row is gone: continue from the pool's name rather than from the top of the page. */
const focusLost = () => byId('pool-name').focus({ preventScroll: true });

function showHolders(pool) {
  const { held, holders } = pool.state;
  const some = holders.slice(0, MOST_HOLDERS);
  const key = (holder) => `${pool.name}\u0000${holder.token}`;
  const again = () => { if (shown === pool) showHolders(pool); };
  keyed(byId('holders'), portion(byId('holders'), some, key, PORTION, again), key, buildHolder, fillHolder, focusLost);
  if (held === 0) notice(byId('holders-more'), 'Every slot is free.');
  else if (held > some.length) notice(byId('holders-more'), `and ${count(held - some.length)} more`);
  else notice(byId('holders-more'));
}

function buildHolder() {
  const row = make('li', 'holder');
  const parts = {
    host: make('strong', 'host'), command: make('span', 'command'), held: make('span'), token: make('span'),
    left: make('span', 'left'), life: make('span', 'life', make('span')), revoked: make('span', 'revoked'),
    revoke: makeButton('Revoke…', 'small', () => act('revoke', shown, row.holder)),
    force: makeButton('Force-release…', 'small danger', () => act('force-release', shown, row.holder)),
  };
  row.parts = parts;
  parts.life.setAttribute('aria-hidden', 'true');
  row.append(
    make('div', 'who', parts.host, parts.command, parts.revoked),
    make('div', 'facts', parts.held, parts.token),
    make('div', 'until', parts.left, parts.life), make('span', 'actions', parts.revoke, parts.force),
  );
  return row;
}

function fillHolder(row, holder) {
  const { parts } = row;
  learnLife(row, holder);
  row.holder = holder;
  row.dataset.token = holder.token;
  tell(parts.host, named(holder.host));
  tell(parts.command, ...(holder.command === null ? ['no note'] : [named(holder.command)]));
  parts.command.classList.toggle('none', holder.command === null);
  say(parts.token, `token ${holder.token}`);
  showRevoked(parts.revoked, holder.revoked);
  parts.revoke.setAttribute('aria-label', `Revoke the lease of ${clean(holder.host)}, token ${holder.token}…`);
  parts.force.setAttribute('aria-label', `Force-release ${clean(holder.host)}, token ${holder.token}…`);
  tickHolder(row);
}

/** Operator who revoked the lease, and when its slot is free at the latest. */
function showRevoked(element, revoked) {
  if (!revoked) return notice(element);
  const free = revoked.until === null ? 'free when released' : `free by ${moment(Date.parse(revoked.until) + 999)}`;
  notice(element, 'Revoked by ', named(revoked.author), ': ', named(revoked.reason), `; ${free}`);
}

/**
 * Length of the whole lease, for the bar: the server sends only the time left. A lease that was not renewed
 * has lived as long as it is held; a renewal shows as more time left than before.
 */
function learnLife(row, holder) {
  const left = holder.expires_in;
  if (left === null) row.life = null;
  else if (row.left === undefined || row.life === null) row.life = left + (heldFor(holder) ?? 0);
  else if (left > row.left + 1) {
    row.life = row.renewed ? Math.max(row.life, left) : left;
    row.renewed = true;
  }
  row.left = left;
}

function tickHolder(row) {
  const { holder, parts } = row;
  const held = heldFor(holder);
  const left = leftOf(shown, holder);
  row.left = left;
  const start = moment(Date.parse(holder.since));
  say(parts.held, held === null ? `since ${start}` : `for ${human(held)}, since ${start}`);
  say(parts.left, left === null ? 'never expires' : left <= 0 ? 'expires now' : `expires in ${countdown(left)}`);
  setHidden(parts.life, left === null);
  if (left === null) return;
  const share = Math.min(1, left / Math.max(row.life, 0.001));
  parts.life.firstElementChild.style.transform = `scaleX(${share.toFixed(3)})`;
  parts.life.classList.toggle('short', share < 0.15);
}

function showQueue(pool) {
  const { length, waiters } = pool.state.queue;
  const key = (waiter) => `${pool.name}\u0000${waiter.ticket}`;
  const again = () => { if (shown === pool) showQueue(pool); };
  keyed(byId('queue'), portion(byId('queue'), waiters, key, PORTION, again), key, buildWaiter, fillWaiter, focusLost);
  if (length === 0) notice(byId('queue-more'), 'The queue is empty.');
  else if (length > waiters.length) notice(byId('queue-more'), `and ${count(length - waiters.length)} more`);
  else notice(byId('queue-more'));
}

function buildWaiter() {
  const row = make('li', 'waiter');
  const parts = {
    position: make('span', 'position'), host: make('strong', 'host'), ticket: make('span', 'ticket'),
    waited: make('span', 'waited'), present: make('span', 'present'),
    promote: makeButton('Promote…', 'small', () => act('promote', shown, row.waiter)),
    evict: makeButton('Evict…', 'small danger', () => act('evict', shown, row.waiter)),
  };
  row.parts = parts;
  row.append(
    parts.position, parts.host, make('span', 'facts', parts.ticket, parts.waited, parts.present),
    make('span', 'actions', parts.promote, parts.evict),
  );
  return row;
}

function fillWaiter(row, waiter, index) {
  const { parts } = row;
  if (row.waiter?.ticket !== waiter.ticket) {
    const host = clean(waiter.host);
    row.dataset.ticket = waiter.ticket;
    tell(parts.host, named(waiter.host));
    say(parts.ticket, `ticket ${waiter.ticket}`);
    parts.promote.setAttribute('aria-label', `Move ${host}, ticket ${waiter.ticket}, to the front…`);
    parts.evict.setAttribute('aria-label', `Remove ${host}, ticket ${waiter.ticket}, from the queue…`);
  }
  row.waiter = waiter;
  say(parts.position, ordinal(index + 1));
  say(parts.present, waiter.present ? 'connected' : 'reconnecting');
  parts.present.classList.toggle('none', !waiter.present);
  const first = index === 0;
  parts.promote.classList.toggle('ghost', first);
  parts.promote.disabled = first;
  tickWaiter(row);
}

const tickWaiter = ({ waiter, parts }) => say(parts.waited, `waiting ${human(waiter.waited + since(shown))}`);

byId('pause').addEventListener('click', () => act('pause', shown));
byId('resume').addEventListener('click', () => act('resume', shown));
