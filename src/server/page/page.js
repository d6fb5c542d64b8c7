/*
 * The operator's page: watches the server, and keeps the overview of all pools.
 *
 *   GET /v1/events ── «this pool changed» ──┬─ the pool that is shown ─► its state, 4 times a second at most
 *                                           └─ others ─► theirs every 2 s: one by one, or all if many changed
 *   a pool's state ─► pools ─► rows of the overview (here), the pool that is shown (pool.js, history.js)
 *
 * An event is only a hint: what is shown is always a whole answer of the server. Thousands of events a second
 * cost one look, because a look that is due or under way stands for all of them.
 */
import { showHeld, showHistory } from './page/history.js';
import { tickAction, whenDone } from './page/admin.js';
import { badges, endsSoon, show, tick } from './page/pool.js';
import {
  byId, clean, count, hearDate, human, keyed, make, moment, named, notice, portion, say, serverNow, setHidden, slots,
  tell, waiting,
} from './page/words.js';

const SHOWN_GAP = 250; // ms between two looks at the pool that is shown
const OTHERS_GAP = 2000; // … at all others, and at the history
const SINGLY = 12; // so many changed pools are asked one by one, more all together
const AT_ONCE = 3; // requests of that kind at once: browsers have six connections to a server, events take one
const UNSEEN_FOR = 10000; // ms until a page that nobody sees gives its event stream back
const STALE_SHOWN = 5; // s: renewals and absences make no event
const STALE_ALL = 60; // s: heals whatever else was missed
const PATIENCE = 10000; // ms until a request that nobody answers is given up
const NEW_ROWS = 100; // rows built before the browser may draw

const CHANGES = ['queued', 'left', 'granted', 'released', 'expired', 'vanished', 'undelivered', 'force_released', 'renewal_refused',
  'paused', 'resumed', 'promoted', 'evicted', 'store_down', 'store_up', 'reconfigured', 'revoked'];
const ENDS = new Set(['released', 'expired', 'vanished', 'force_released']);

const NARROW = window.matchMedia('(max-width: 56rem)');

/** name → {name, state, at, asked, away, why, gone}; a Map keeps the server's order. */
let pools = new Map();
let chosen = null; // the name of the pool that is shown
let stray = null; // that pool while the server does not list it
let mode = 'resting'; // connecting, live, reconnecting, polling, resting
let heardAt = null; // when the server answered last, by its own clock
let allAt = -Infinity; // when all pools were told last, by performance.now
const dirty = new Set(); // names of pools that changed since they were looked at
const troubles = new Map(); // what is wrong → the sentence about it

// ── asking the server ───────────────────────────────────────────────────────

/** A GET: {ok, status, body, sentence, asked, at}; null if there was no answer. */
async function ask(path) {
  const asked = performance.now();
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await fetch(path, { headers: { Accept: 'application/json' }, cache: 'no-store', signal });
    const at = performance.now();
    hearDate(answer.headers.get('Date'));
    const body = await answer.json().catch(() => null);
    heardAt = serverNow();
    trouble('network', null);
    const sentence = body?.message ?? `The server answered ${answer.status} and no sentence.`;
    return { ok: answer.ok && body !== null, status: answer.status, body, sentence, asked, at };
  } catch {
    const then = heardAt === null ? '' : ` What is shown was so at ${moment(heardAt)}.`;
    const now = 'The page asks again every 2 seconds, and goes on by itself.';
    trouble('network', `The server does not answer.${then} ${now}`);
    return null;
  }
}

function trouble(kind, sentence) {
  if (sentence === null) troubles.delete(kind);
  else if (kind !== 'network' || !troubles.has(kind)) troubles.set(kind, sentence);
  const [first] = troubles.values();
  notice(byId('trouble'), ...(first ? [named(first)] : []));
}

/**
 * A task that runs when it is asked for: never twice at once, and with a pause after it that is longer if the
 * server or the page was slow at it. Asking with `true` skips the pause.
 */
function paced(task, gap) {
  let wanted = false;
  let running = false;
  let hurry = false;
  let timer = 0;
  let free = -Infinity; // when it may run again
  const run = async () => {
    timer = 0;
    wanted = false;
    hurry = false;
    running = true;
    const began = performance.now();
    try {
      await task();
    } finally {
      running = false;
      free = hurry ? -Infinity : began + Math.max(gap, 5 * (performance.now() - began));
      if (wanted) plan();
    }
  };
  const plan = (now = false) => {
    wanted = true;
    if (now) {
      hurry = true;
      free = -Infinity;
      clearTimeout(timer);
      timer = 0;
    }
    if (!running && !timer) timer = setTimeout(run, Math.max(0, free - performance.now()));
  };
  return plan;
}

const lookAtShown = paced(async () => { if (chosen !== null) await lookAt(chosen); }, SHOWN_GAP);

/** All pages of the pools, as one answer: that of the last page. */
async function askAll(path) {
  const pools = [];
  for (let next = '';;) {
    const answer = await ask(path + next);
    if (!answer?.ok) return answer;
    pools.push(...answer.body.pools);
    if (!answer.body.next) return { ...answer, body: { ...answer.body, pools } };
    next = `?after=${encodeURIComponent(answer.body.next)}`;
  }
}

const lookAtAll = paced(async () => {
  dirty.clear();
  const answer = await askAll('v1/pools');
  if (!answer) return;
  trouble('all', answer.ok ? null : `The pools cannot be listed now: ${answer.sentence}`);
  if (!answer.ok) return;
  allAt = answer.at;
  const before = pools;
  pools = new Map(answer.body.pools.map(({ name }) => [name, before.get(name) ?? fresh(name)]));
  for (const state of answer.body.pools) takeState(pools.get(state.name), state, answer);
  if (before.has(chosen) && !pools.has(chosen)) {
    stray = { ...before.get(chosen), gone: 'This pool is not there any more.', news: true };
  }
  choose();
  drawSoon();
}, OTHERS_GAP);

const lookAtOthers = paced(async () => {
  dirty.delete(chosen);
  if (dirty.size > SINGLY) return lookAtAll();
  const names = [...dirty];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) await lookAt(name);
  }));
}, OTHERS_GAP);

const lookAtHistory = paced(async () => {
  const name = chosen;
  if (name === null) return;
  const answer = await ask(`v1/pools/${encodeURIComponent(name)}/history`);
  if (!answer || name !== chosen) return;
  const holders = shownPool().state?.holders ?? [];
  if (answer.ok) showHistory(name, answer.body.runs, holders, null);
  else showHistory(name, [], holders, answer.body?.kind === 'not_found' ? 'The server keeps no history (history_runs: 0).' : answer.sentence);
}, OTHERS_GAP);

async function lookAt(name) {
  dirty.delete(name);
  const answer = await ask(`v1/pools/${encodeURIComponent(name)}`);
  if (!answer) return;
  const pool = name === chosen ? shownPool() : pools.get(name);
  if (!pool) return; // it went while we asked
  if (answer.ok) takeState(pool, answer.body, answer);
  else takeRefusal(pool, answer);
  drawSoon();
}

const shownPool = () => pools.get(chosen) ?? stray;

/** A pool of which nothing is known yet. `news`: something is not drawn yet. */
const fresh = (name) => ({
  name, state: null, at: 0, asked: -Infinity, away: false, toldAway: false, why: null, gone: null, news: true,
});

/** Takes an answer in, unless a later question was answered before. */
function takeState(pool, state, { asked, at }) {
  if (asked < pool.asked) return;
  const before = pool.state;
  Object.assign(pool, { state: { paused: null, ...state }, asked, at, why: null, gone: null, news: true, text: null });
  pool.away = state.store_down ?? pool.toldAway;
  if (pool.name === chosen && before && endedSince(before, state)) lookAtHistory();
}

function takeRefusal(pool, answer) {
  if (answer.asked < pool.asked) return;
  pool.asked = answer.asked;
  pool.news = true;
  if (answer.status === 404) pool.gone = answer.sentence;
  else pool.why = answer.sentence;
  pool.away = answer.status === 503;
  if (answer.status === 404 && pools.has(pool.name)) lookAtAll();
}

/** Whether a lease ended between two answers: where there are no events, this tells that history was made. */
function endedSince(before, after) {
  const tokens = new Set(after.holders.map((holder) => holder.token));
  return before.holders.some((holder) => !tokens.has(holder.token));
}

// ── events ──────────────────────────────────────────────────────────────────

let source = null;
let comeBack = 0; // the timer of the next try

function connect() {
  source?.close();
  source = new EventSource('v1/events');
  source.addEventListener('open', () => {
    setMode('live');
    lookAtEverything(); // whatever happened meanwhile
  });
  source.addEventListener('error', lostEvents);
  source.addEventListener('missed', lookAtEverything);
  for (const kind of CHANGES) source.addEventListener(kind, heard);
}

function heard({ type, data }) {
  const name = JSON.parse(data).pool;
  const pool = pools.get(name);
  if (pool && (type === 'store_down' || type === 'store_up')) {
    pool.toldAway = type === 'store_down';
    pool.away = pool.toldAway;
    pool.news = true;
    drawSoon();
  }
  if (!pool || type === 'reconfigured') lookAtAll();
  if (name === chosen) {
    lookAtShown();
    if (ENDS.has(type)) lookAtHistory();
    return;
  }
  dirty.add(name);
  lookAtOthers();
}

/** The browser comes back by itself, except after an answer that it does not like: then we look which. */
async function lostEvents() {
  if (source.readyState !== EventSource.CLOSED) return setMode('reconnecting');
  const stop = new AbortController();
  const answer = await fetch('v1/events', { cache: 'no-store', signal: stop.signal }).catch(() => null);
  const body = answer && !answer.ok ? await answer.json().catch(() => null) : null;
  stop.abort();
  if (mode === 'resting') return;
  if (answer && !answer.ok && answer.status !== 503) {
    const told = clean(body?.message ?? answer.status);
    const why = answer.status === 404 ? 'The server sends no events' : `No events (${told})`;
    setMode('polling', `${why}: the page is refreshed every 2 seconds instead.`);
    comeBack = setTimeout(connect, 60000);
  } else {
    setMode('reconnecting');
    comeBack = setTimeout(connect, 2000);
  }
}

const MODES = {
  connecting: 'connecting…', live: 'live', reconnecting: 'reconnecting…', polling: 'every 2 s', resting: 'resting',
};

function setMode(next, sentence = '') {
  mode = next;
  byId('live').dataset.state = next;
  byId('live').title = sentence;
  say(byId('live'), MODES[next]);
  if (next === 'polling') notice(byId('polling'), sentence);
  else notice(byId('polling'));
}

function lookAtEverything() {
  for (const pool of pools.values()) pool.toldAway = false;
  lookAtAll(true);
  lookAtShown(true);
  lookAtHistory(true);
}

/**
 * A page that nobody sees needs no events. It must not keep them either: a browser has six connections to a
 * server, for all its tabs and for the pages it remembers behind the back button.
 */
function rest() {
  source?.close();
  clearTimeout(comeBack);
  setMode('resting');
}

function wake() {
  clearTimeout(restTimer);
  if (mode !== 'resting' || document.hidden) return;
  setMode('connecting');
  connect();
}

let restTimer = 0;
document.addEventListener('visibilitychange', () => {
  wake();
  if (document.hidden) restTimer = setTimeout(rest, UNSEEN_FOR);
});
window.addEventListener('pagehide', rest);
window.addEventListener('pageshow', wake);

// ── what passes with time ───────────────────────────────────────────────────

/** The one timer: moves all times on, and looks where nothing told of a change. */
function beat() {
  if (document.hidden) return;
  for (const row of byId('pools').children) tickRow(row);
  tick();
  tickAction();
  const pool = shownPool();
  const age = pool ? (performance.now() - pool.asked) / 1000 : 0;
  if (mode !== 'live' || troubles.size > 0 || performance.now() - allAt > STALE_ALL * 1000) lookAtAll();
  if (pool && (age > STALE_SHOWN || (age > 1 && endsSoon(pool)))) lookAtShown();
}

// ── the overview ────────────────────────────────────────────────────────────

let frame = 0;
const drawSoon = () => { frame ||= requestAnimationFrame(draw); };

function draw() {
  frame = 0;
  drawShown();
  drawSum();
  drawList();
}

function drawShown() {
  const pool = shownPool();
  if (pool === drawn && !pool?.news) return;
  drawn = pool;
  show(pool);
  if (pool?.state) showHeld(pool.state.holders);
  tickAction();
}
let drawn; // the pool that was drawn last

const waits = (pool) => pool.state?.queue.length > 0;
const WHICH = {
  all: () => true,
  waiting: waits,
  paused: (pool) => Boolean(pool.state?.paused),
  away: (pool) => pool.away,
};

/** For how long the first in line has waited by now. */
const oldestWait = (pool) => (waits(pool) ? pool.state.queue.waiters[0].waited + (performance.now() - pool.at) / 1000 : 0);

function drawSum() {
  let held = 0;
  let line = 0;
  const counts = { all: 0, waiting: 0, paused: 0, away: 0 };
  for (const pool of pools.values()) {
    held += pool.state?.held ?? 0;
    line += pool.state?.queue.length ?? 0;
    for (const which in counts) counts[which] += WHICH[which](pool) ? 1 : 0;
  }
  const all = `${count(pools.size)} ${pools.size === 1 ? 'pool' : 'pools'}`;
  if (allAt > 0) say(byId('sum'), `${all} · ${count(held)} held · ${waiting(line)}`);
  for (const which in counts) say(document.querySelector(`[data-count="${which}"]`), count(counts[which]));
}

function drawList() {
  const list = byId('pools');
  const key = (pool) => pool.name;
  const some = portion(list, inOrder([...pools.values()], list), key, NEW_ROWS, drawSoon);
  keyed(list, some, key, buildRow, fillRow, () => byId('filter').focus());
  filter();
}

/** By the longest wait only while nobody is about to choose a row: it must not move away under a finger. */
function inOrder(all, list) {
  if (byId('order').value !== 'wait') return all;
  if (list.matches(':hover, :focus-within') && list.kept) {
    const place = new Map([...list.kept.keys()].map((name) => [name, 0]));
    [...list.children].forEach((row, index) => place.set(row.dataset.pool, index));
    return all.sort((a, b) => (place.get(a.name) ?? Infinity) - (place.get(b.name) ?? Infinity));
  }
  return all.sort((a, b) => oldestWait(b) - oldestWait(a));
}

function buildRow(pool) {
  const parts = {
    link: make('a'), name: make('span', 'name'), badges: make('span', 'badges'), slots: make('span', 'slots'),
    held: make('span', 'held'), waits: make('span', 'waits'), why: make('span', 'why'),
  };
  tell(parts.name, named(pool.name));
  parts.name.title = clean(pool.name);
  parts.link.href = `#pool=${encodeURIComponent(pool.name)}`;
  parts.link.tabIndex = -1;
  parts.slots.setAttribute('aria-hidden', 'true');
  const facts = make('span', 'facts', parts.slots, parts.held, parts.waits);
  parts.link.append(make('span', 'first', parts.name, parts.badges), facts, parts.why);
  const row = make('li', '', parts.link);
  row.dataset.pool = pool.name;
  row.parts = parts;
  return row;
}

function fillRow(row, pool) {
  if (row.pool === pool && !pool.news) return;
  row.pool = pool;
  pool.news = false;
  const { parts } = row;
  badges(parts.badges, pool);
  const { state } = pool;
  if (!state) return;
  slots(parts.slots, state.slots, state.held);
  say(parts.held, `${count(state.held)} of ${count(state.slots)} held`);
  setHidden(parts.why, !state.paused);
  if (state.paused) tell(parts.why, 'by ', named(state.paused.author), ': ', named(state.paused.reason));
  parts.waits.classList.toggle('some', waits(pool));
  tickRow(row);
}

function tickRow({ pool, parts }) {
  if (!waits(pool)) return say(parts.waits, '');
  const { length } = pool.state.queue;
  say(parts.waits, `${waiting(length)}${length === 1 ? ' for' : ', longest'} ${human(oldestWait(pool))}`);
}

// ── finding and choosing ────────────────────────────────────────────────────

function filter() {
  const wanted = byId('filter').value.trim().toLowerCase();
  const which = WHICH[document.querySelector('[name=which]:checked').value];
  let found = 0;
  for (const row of byId('pools').children) {
    const fits = which(row.pool) && (wanted === '' || textOf(row.pool).includes(wanted));
    setHidden(row, !fits);
    found += fits ? 1 : 0;
  }
  const all = pools.size;
  setHidden(byId('finding'), all < 2);
  say(byId('filter-found'), wanted === '' ? '' : `${count(found)} of ${count(all)} pools`);
  if (allAt > 0 && all === 0) notice(byId('no-pools'), 'No pools are configured.');
  else if (allAt > 0 && found === 0) notice(byId('no-pools'), 'No pool matches.');
  else notice(byId('no-pools'));
  mark();
}

/** What a pool is found by: its name, who holds it, and the part of the line that is known. */
function textOf(pool) {
  const hosts = pool.state ? [...pool.state.holders, ...pool.state.queue.waiters] : [];
  return (pool.text ??= [pool.name, ...hosts.map((of) => of.host)].map(clean).join('\n').toLowerCase());
}

/** One row can be reached with the tab key: the one that is shown, else the first. */
function mark() {
  const rows = [...byId('pools').children];
  const stop = rows.find((row) => row.contains(document.activeElement))
    ?? rows.find((row) => row.pool.name === chosen && !row.hidden) ?? rows.find((row) => !row.hidden);
  for (const row of rows) {
    const { link } = row.parts;
    if (link.tabIndex !== (row === stop ? 0 : -1)) link.tabIndex = row === stop ? 0 : -1;
    const current = row.pool.name === chosen ? 'true' : null;
    if (link.ariaCurrent !== current) link.ariaCurrent = current;
  }
}

/** Goes so many rows down (or up, below 0), as far as there are any. */
function move(from, steps) {
  const rows = [...byId('pools').children].filter((row) => !row.hidden);
  const at = rows.indexOf(from);
  const row = rows[Math.max(0, Math.min(rows.length - 1, at + steps))];
  row?.parts.link.focus();
  mark();
}

const KEYS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

byId('pools').addEventListener('keydown', (event) => {
  const steps = KEYS[event.key];
  if (steps === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  move(event.target.closest('li'), steps);
});
byId('filter').addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') move(null, 1);
  else if (event.key === 'Enter') [...byId('pools').children].find((row) => !row.hidden)?.parts.link.click();
  else return;
  event.preventDefault();
});
byId('filter').addEventListener('input', filter);
byId('which').addEventListener('change', filter);
byId('order').addEventListener('change', drawList);
document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, select, textarea, dialog[open]');
  if (event.key !== '/' || typing || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  focusOn('filter');
});
for (const skip of document.querySelectorAll('[data-skip]')) {
  skip.addEventListener('click', () => focusOn(skip.dataset.skip));
}

function focusOn(id) {
  if (id === 'filter' && NARROW.matches && document.body.dataset.view === 'pool') window.location.hash = '';
  byId(id).focus();
}

/** The pool that the address names; null if it names none. */
function addressed() {
  const [, name] = /^#pool=(.+)$/.exec(window.location.hash) ?? [];
  try {
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The name of the pool in which somebody waits longest; the first one if nobody waits. */
function longest() {
  const pool = [...pools.values()].reduce((a, b) => (a && oldestWait(a) >= oldestWait(b) ? a : b), null);
  return pool?.name ?? null;
}

/** Shows the pool that the address names; else, where there is room for both, the one that waits longest. */
function choose() {
  const kept = pools.has(chosen) ? chosen : null;
  const name = addressed() ?? (NARROW.matches ? null : kept ?? longest());
  document.body.dataset.view = name === null ? 'list' : 'pool';
  if (name === chosen) return;
  chosen = name;
  stray = name === null ? null : fresh(name);
  dirty.delete(name);
  showHistory(name ?? '', [], [], 'Loading…');
  lookAtShown(true);
  lookAtHistory(true);
  drawSoon();
}

window.addEventListener('hashchange', () => {
  const before = chosen;
  choose();
  mark();
  if (!NARROW.matches) return;
  if (chosen === null) [...byId('pools').children].find((row) => row.pool.name === before)?.parts.link.focus();
  else {
    window.scrollTo(0, 0);
    requestAnimationFrame(() => byId('pool-name').focus({ preventScroll: true }));
  }
});
NARROW.addEventListener('change', choose);

whenDone((name) => {
  if (name !== chosen) return;
  lookAtShown(true);
  lookAtHistory(true);
});

setMode('resting'); // a tab that was opened in the background waits until it is seen
choose();
wake();
lookAtAll(true);
setInterval(beat, 1000);
