/*
 * What happened in the pool that is shown: a lane for each host on one axis of time, and a table.
 *
 *   web1  ▬▬▬▬   ▬▬▬▬▬▬!       ▬▬▬▬▬ …held now      colour, pattern and a mark tell how a run ended;
 *   db2         ▬▬      ▨▨▨✕                         the table says the same in words
 *        22:40      22:45      22:50 UTC
 *
 * Rows and bars are keyed by token. The picture is hidden from screen readers: they have the table.
 */
import {
  byId, clean, count, human, keyed, make, moment, named, notice, say, serverNow, setHidden, tell,
} from './words.js';

const FEW = 10; // rows of the table before somebody asks for all
const MOST = 200; // runs that are drawn, or have a row
const LATEST = 30; // runs that set the span unless one is chosen
const LANES = 12;

/** Seconds between two ticks of the axis: the first that leaves room for the labels. */
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800,
  604800, 2592000, 31536000];

let runs = []; // newest first, each with `from` and `to` in ms
let held = []; // the same of who holds now; `to` is null
let pool = '';
let all = false; // whether the table shows more than a few

/** Shows a pool's runs and who holds it now; without runs, a sentence that says why. */
export function showHistory(name, told, holders, sentence) {
  if (pool !== name) all = false;
  pool = name;
  runs = told.slice(0, MOST).map(dated);
  showHeld(holders);
  setHidden(byId('span-part'), told.length === 0);
  setHidden(byId('history'), told.length === 0);
  if (sentence) notice(byId('history-none'), named(sentence));
  else if (told.length === 0) notice(byId('history-none'), 'No run has ended yet.');
  else notice(byId('history-none'));
  fillTable(told.length);
}

/** The leases that are held now, which the history does not know. */
export function showHeld(holders) {
  held = holders.slice(0, MOST).filter((holder) => holder.since !== null)
    .map((holder) => ({ ...holder, how: 'held', from: Date.parse(holder.since), to: null }));
  draw();
}

function dated(run) {
  const to = Date.parse(run.ended_at ?? run.since);
  const from = run.since ? Date.parse(run.since) : to - run.held * 1000;
  return { ...run, from, to };
}

/** The class of a run: how it ended, and whether that was well. */
function kindOf(run) {
  return run.how === 'released' && run.exit_status > 0 ? 'failed' : run.how;
}

/** How a run ended, in the parts of a sentence; with who had revoked its lease. */
function ending(run) {
  const { author, how, reason } = run;
  if (!author || how === 'force_released') return end(run);
  return [...end(run), ', revoked by ', named(author), ...(reason ? [': ', named(reason)] : [])];
}

function end(run) {
  const status = run.exit_status;
  switch (run.how) {
    case 'held': return ['held now'];
    case 'released':
      if (status === null) return ['released'];
      return [`released, exit status ${status}${status > 128 ? ` (signal ${status - 128})` : ''}`];
    case 'expired': return ['expired'];
    case 'vanished': return ['vanished: no longer in the store'];
    case 'force_released':
      return ['force-released by ', named(run.author ?? 'an operator'), ...(run.reason ? [': ', named(run.reason)] : [])];
    default: return [named(run.how)];
  }
}

/** The same as one text. */
const asText = (parts) => parts.map((part) => part.text ?? part).join('');

// ── the table ───────────────────────────────────────────────────────────────

function fillTable(known) {
  const some = runs.slice(0, all ? MOST : FEW);
  keyed(byId('runs-body'), some, (run) => `${pool}\u0000${run.token}`, buildRun, fillRun);
  setHidden(byId('runs-more'), runs.length <= FEW);
  say(byId('runs-more'), all ? `Show the latest ${FEW} only` : `Show ${count(runs.length)} runs`);
  say(byId('runs-left'), known > runs.length ? `${count(known - runs.length)} older ones are kept by the server` : '');
}

function buildRun(run) {
  const row = make('tr');
  row.setAttribute('role', 'row');
  row.dataset.run = run.token;
  row.dataset.how = kindOf(run);
  const cell = (label, ...parts) => {
    const text = make('span');
    const element = make('td', '', text);
    element.setAttribute('role', 'cell');
    element.dataset.label = label;
    tell(text, ...parts);
    row.append(element);
  };
  cell('Ended', moment(run.to).replace(' UTC', ''));
  cell('Host', named(run.host));
  cell('Held', human(run.held));
  cell('Waited', human(run.waited));
  cell('How it ended', ...ending(run));
  row.lastElementChild.classList.add('how', kindOf(run));
  cell('Command note', ...(run.command === null ? ['–'] : [named(run.command)]));
  cell('Token', String(run.token));
  return row;
}

/** What has ended does not change. */
function fillRun() {}

byId('runs-more').addEventListener('click', () => {
  all = !all;
  fillTable(runs.length);
});

// ── the picture ─────────────────────────────────────────────────────────────

/** The span that is drawn, in ms. */
function span(now) {
  const chosen = byId('span').value;
  const drawn = chosen === 'latest' ? runs.slice(0, LATEST) : runs;
  const first = Math.min(...drawn.map((run) => run.from), now - 10e3);
  return { from: Number(chosen) ? now - Number(chosen) * 1000 : first, to: now };
}

function draw() {
  if (runs.length === 0) return;
  const now = serverNow();
  const { from } = span(now);
  const drawn = [...held, ...runs].filter((run) => (run.to ?? now) >= from);
  const hosts = groupByHost(drawn);
  const lanes = [...hosts].slice(0, LANES);
  keyed(byId('lanes'), lanes, ([host]) => `${pool}\u0000${host}`, buildLane, fillLane);
  const more = hosts.size - lanes.length;
  const hidden = `${count(more)} more ${more === 1 ? 'host stands' : 'hosts stand'} in the table only`;
  const none = drawn.length === 0 ? 'No run in this time.' : '';
  say(byId('lanes-more'), more > 0 ? hidden : none);
  drawNow();
}

function groupByHost(drawn) {
  const hosts = new Map();
  for (const run of drawn) {
    if (!hosts.has(run.host)) hosts.set(run.host, []);
    hosts.get(run.host).push(run);
  }
  return hosts;
}

function buildLane([host]) {
  const label = make('span', 'label');
  tell(label, named(host));
  label.title = clean(host);
  return make('div', 'lane', label, make('div', 'track'));
}

function fillLane(lane, [, ofHost]) {
  const levels = stack(ofHost);
  const track = lane.lastElementChild;
  keyed(track, ofHost, (run) => `${run.token} ${run.how}`, buildBar, (bar, run) => {
    bar.run = run;
    bar.style.setProperty('--level', String(levels.get(run)));
  });
  track.style.setProperty('--levels', String(Math.max(...levels.values()) + 1));
}

/** Which of up to three levels each run is drawn on, so that runs of one host at one time do not hide each other. */
function stack(ofHost) {
  const ends = [-Infinity, -Infinity, -Infinity];
  const levels = new Map();
  for (const run of [...ofHost].sort((a, b) => a.from - b.from)) {
    const free = ends.findIndex((end) => end <= run.from);
    const level = free < 0 ? 2 : free;
    ends[level] = run.to ?? Infinity;
    levels.set(run, level);
  }
  return levels;
}

function buildBar(run) {
  const bar = make('i', `bar ${kindOf(run)}`);
  bar.dataset.bar = run.token;
  const doing = run.command === null ? '' : `\n${clean(run.command)}`;
  const from = moment(run.from);
  const times = run.to === null ? `since ${from}` : `${from} to ${moment(run.to)} (${human(run.held)})`;
  bar.title = `${clean(run.host)}: ${asText(ending(run))}\n${times}\ntoken ${run.token}${doing}`;
  return bar;
}

/** Moves the bars and the axis to where they are now. */
export function drawNow() {
  if (runs.length === 0 || document.hidden) return;
  const now = serverNow();
  const { from, to } = span(now);
  const share = (ms) => `${((100 * (ms - from)) / (to - from)).toFixed(2)}%`;
  for (const lane of byId('lanes').children) {
    for (const bar of lane.lastElementChild.children) {
      const start = Math.max(bar.run.from, from);
      const end = Math.max(Math.min(bar.run.to ?? now, now), start);
      bar.style.left = share(start);
      bar.style.width = share(from + end - start);
    }
  }
  drawAxis(from, to, share);
}

function drawAxis(from, to, share) {
  const axis = byId('axis');
  const labels = Math.max(2, Math.floor((window.innerWidth > 900 ? 560 : 220) / 80));
  const step = (STEPS.find((seconds) => (to - from) / 1000 / seconds <= labels) ?? STEPS.at(-1)) * 1000;
  const ticks = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) ticks.push(at);
  keyed(axis, ticks, (at) => `${at} ${step}`, (at) => make('span', '', tickLabel(at, step)), (tick, at) => {
    tick.style.left = share(at);
  });
}

function tickLabel(at, step) {
  const text = new Date(at).toISOString();
  if (step >= 86400e3) return text.slice(0, 10);
  return step < 60e3 ? text.slice(11, 19) : text.slice(11, 16);
}

byId('span').addEventListener('change', draw);
