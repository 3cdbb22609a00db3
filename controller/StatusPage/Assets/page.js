// The status page. It listens to /events and shows what it hears: first everything, then what changed. Text from the cluster is only ever set as
// text, never as markup. What the fields mean is in docs/status.md.
import { cellsOf, compare, parse } from './addresses.js';
import { PoolMap, drawKey, legend } from './poolmap.js';

const shown = { controller: null, pools: [], excluded: [], waiting: [], nodes: [], problems: [], changes: [] };
let rows = new Map(); // address → { row, text, element }, ascending
const maps = new Map(); // pool → what shows it
const rowsAtATime = matchMedia('(max-width: 640px)').matches ? 25 : 100;
let limit = rowsAtATime;
let lead = 0; // by how much the controller's clock is ahead of ours
let heardAt = null;

const id = name => document.getElementById(name);

/** An element with properties and children; a string becomes text. */
function el(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.flat().filter(child => child !== null && child !== undefined));
  return element;
}

// ── Time ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function ago(when) {
  const seconds = Math.max(0, (Date.now() + lead - Date.parse(when)) / 1000);
  const [days, hours, minutes] = [seconds / 86400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days > 0) return days < 10 && hours > 0 ? `${days} d ${hours} h` : `${days} d`;
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  return minutes > 0 ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

const exact = when => new Date(when).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

function since(when) {
  return when ? el('time', { dateTime: when, title: exact(when), textContent: ago(when) }) : '–';
}

function refreshTimes() {
  for (const element of document.querySelectorAll('time[data-clock]')) element.textContent = clock(element.dateTime);
  for (const element of document.querySelectorAll('time:not([data-clock])')) element.textContent = ago(element.dateTime);
}

function clock(when) {
  const date = new Date(when);
  const time = date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
  return date.toDateString() === new Date(Date.now() + lead).toDateString() ? time : `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })} ${time}`;
}

// ── What is wrong, and the figures ──────────────────────────────────────────────────────────────────────────────────────────────────────

const count = (number, one, many = `${one}s`) => `${number.toLocaleString('en')} ${number === 1 ? one : many}`;

function showVerdict() {
  const errors = shown.problems.filter(problem => problem.severity === 'error').length;
  const warnings = shown.problems.length - errors;
  id('verdict').dataset.state = errors ? 'error' : warnings ? 'warning' : 'well';
  id('verdict-title').textContent = errors + warnings === 0
    ? 'All is well'
    : [errors && count(errors, 'error'), warnings && count(warnings, 'warning')].filter(Boolean).join(', ');
  document.title = errors ? `(${errors}) Load balancer` : 'Load balancer';
  id('problems').replaceChildren(...shown.problems.map(problem => el('li', { className: problem.severity },
    el('strong', { className: 'tag', textContent: problem.severity }),
    el('div', {}, el('p', { textContent: problem.what }), el('p', { className: 'remedy', textContent: problem.remedy })))));
}

// Of a commit's name seven digits are enough.
const short = version => version?.replace(/(\+[0-9a-f]{7})[0-9a-f]+$/, '$1');

function showController() {
  const { replica, leading, leader, version, startedAt, loadBalancerClass } = shown.controller;
  id('controller').replaceChildren(
    `${replica} ${leading ? 'leads' : leader ? `stands by; ${leader} leads` : 'stands by; nobody leads'} · version ${short(version)}`,
    loadBalancerClass ? ` · class ${loadBalancerClass}` : '', ' · up for ', since(startedAt));
}

function showFigures() {
  const all = [...rows.values()].map(({ row }) => row);
  const speaking = shown.nodes.filter(node => node.speaker === 'Alive').length;
  const wanted = shown.nodes.filter(node => !node.isWindows).length;
  const announced = all.filter(row => row.voices.length > 0).length;
  const free = shown.pools.reduce((sum, pool) => sum + Math.max(0, pool.size - pool.inUse), 0);
  const figure = (name, value, more) => el('div', {}, el('dt', { textContent: name }), el('dd', {}, el('strong', { textContent: value }), ` ${more}`));
  id('figures').replaceChildren(
    figure('Services', shown.controller.services.toLocaleString('en'), shown.waiting.length ? `${shown.waiting.length.toLocaleString('en')} waiting` : 'none waiting'),
    figure('Addresses in use', all.length.toLocaleString('en'), `${large(free)} not in use`),
    figure('Announced', announced.toLocaleString('en'), announced === all.length ? 'all of them' : `${(all.length - announced).toLocaleString('en')} not`),
    figure('Nodes that speak', String(speaking), `of ${wanted}`));
}

function large(number) {
  if (number < 1e9) return number.toLocaleString('en');
  const exponent = Math.floor(Math.log10(number));
  return `${(number / 10 ** exponent).toFixed(1)} × 10${String(exponent).replace(/\d/g, digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit])}`;
}

// ── Pools ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function showPools() {
  const byPool = Map.groupBy([...rows.values()].map(({ row }) => row), row => row.pool);
  const passedIn = Map.groupBy(shown.excluded, entry => entry.pool);
  const names = new Set(shown.pools.map(pool => pool.name));
  for (const [name, card] of maps) {
    if (!names.has(name)) {
      card.element.remove();
      maps.delete(name);
    }
  }
  shown.pools.forEach((pool, index) => {
    const card = maps.get(pool.name) ?? newPool(pool.name);
    if (id('pools').children[index] !== card.element) id('pools').insertBefore(card.element, id('pools').children[index] ?? null);
    updatePool(card, pool, byPool.get(pool.name) ?? [], passedIn.get(pool.name) ?? []);
  });
  if (shown.pools.length === 0) id('pools').replaceChildren(el('p', { className: 'note', textContent: 'There is no pool.' }));
  else id('pools').querySelector(':scope > p')?.remove();
}

function newPool(name) {
  const card = { facts: el('p', { className: 'note' }), use: el('p', { className: 'use' }), keys: el('ul', { className: 'legend' }), canvas: el('canvas'), said: el('output', { className: 'said' }), passed: el('ul') };
  card.hint = el('p', { className: 'note' });
  card.details = el('details', { hidden: true }, el('summary'), card.passed);
  card.element = el('article', { className: 'pool' },
    el('div', { className: 'bar' }, el('h3', { textContent: name }), card.use), card.facts, el('div', { className: 'map' }, card.canvas), el('div', { className: 'under' }, card.said, card.keys), card.hint, card.details);
  card.map = new PoolMap(card.canvas, card.said, filterBy);
  maps.set(name, card);
  return card;
}

function updatePool(card, pool, itsRows, passed) {
  const { cells, sparse, size } = cellsOf(pool, itsRows, passed);
  card.use.replaceChildren(el('strong', { textContent: pool.inUse.toLocaleString('en') }), ` of ${large(pool.size)} in use`);
  card.facts.textContent = [
    pool.ranges.join(', '), pool.reserved.length ? `reserved ${pool.reserved.join(', ')}` : '', pool.autoAssign ? '' : 'only on request', pool.priority === undefined ? '' : `priority ${pool.priority}`,
    pool.restricted ? 'for some Services only' : '', pool.interfaces.length ? `on ${pool.interfaces.join(', ')}` : '',
  ].filter(Boolean).join(' · ');
  const counts = new Map();
  for (const { state } of cells) counts.set(state, (counts.get(state) ?? 0) + 1);
  card.keys.replaceChildren(...legend.filter(([state]) => counts.has(state)).map(([state, text]) => {
    const sign = el('canvas', { ariaHidden: 'true' });
    const entry = el('li', {}, sign, ` ${counts.get(state).toLocaleString('en')} ${text}`);
    requestAnimationFrame(() => drawKey(sign, state));
    return entry;
  }));
  card.hint.textContent = sparse ? `Of ${large(size)} addresses only those with something to say are drawn.` : '';
  card.details.hidden = passed.length === 0;
  card.details.firstChild.textContent = `${count(passed.length, 'address', 'addresses')} passed over`;
  card.passed.replaceChildren(...passed.slice(0, 200).map(entry => el('li', {}, el('code', { textContent: entry.address }), ` ${entry.reason}`)));
  card.canvas.hidden = cells.length === 0;
  card.map.update(pool.name, cells, sparse);
}

// ── Addresses ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const states = { Announced: 'announced', Represented: 'represented', Conflict: 'in conflict', Split: 'announced twice', NoEndpoint: 'no endpoint', Nobody: 'not announced', Unknown: 'unknown' };

// On a phone rows are laid out as cards, and would be no table any more without their roles.
const td = (...children) => el('td', { role: 'cell' }, ...children);

function rowOf(entry) {
  if (entry.element) return entry.element;
  const { row } = entry;
  const voice = row.voices[0];
  const by = voice ? [row.voices.map(one => one.node).join(', '), el('span', { className: 'muted', textContent: ` ${voice.link}` })] : ['–'];
  entry.element = el('tr', { role: 'row', className: `state-${row.state}` },
    el('th', { scope: 'row', role: 'rowheader' }, el('code', { textContent: row.address })),
    td(row.services.slice(0, 4).join(', '), row.services.length > 4 ? ` and ${row.services.length - 4} more` : ''),
    td(by), td(since(voice?.since)),
    td( el('span', { className: 'state', textContent: states[row.state] ?? row.state }), row.detail ? el('span', { className: 'detail', textContent: row.detail }) : null));
  return entry.element;
}

function waitingRow(service) {
  return el('tr', { role: 'row', className: 'state-Waiting' },
    el('th', { scope: 'row', role: 'rowheader', textContent: service.addresses.join(', ') || 'none yet' }),
    td(`${service.namespace}/${service.name}`), td('–'), td(since(service.since)),
    td(el('span', { className: 'state', textContent: 'waiting' }), el('span', { className: 'detail', textContent: service.detail ?? service.reason })));
}

function textOf(entry) {
  const { row } = entry;
  return (entry.text ??= `${row.address} ${row.pool ?? ''} ${row.services.join(' ')} ${row.voices.map(voice => `${voice.node} ${voice.link}`).join(' ')} ${states[row.state] ?? ''} ${row.detail ?? ''}`.toLowerCase());
}

function showAddresses() {
  const words = id('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = text => words.every(word => text().includes(word));
  const waiting = shown.waiting.filter(service => matches(() => `waiting ${service.namespace}/${service.name} ${service.reason} ${service.detail}`.toLowerCase()));
  const found = [...rows.values()].filter(entry => matches(() => textOf(entry)));
  const elements = [...waiting.slice(0, rowsAtATime).map(waitingRow), ...found.slice(0, limit).map(rowOf)];
  id('addresses').replaceChildren(...elements);
  const total = rows.size + shown.waiting.length;
  const matching = found.length + waiting.length;
  id('count').textContent = words.length ? `${matching.toLocaleString('en')} of ${total.toLocaleString('en')} match` : '';
  id('more').hidden = found.length <= limit;
  id('more').textContent = `Show ${Math.min(rowsAtATime, found.length - limit)} more of ${(found.length - limit).toLocaleString('en')}`;
}

function filterBy(text, byKey) {
  id('filter').value = text;
  limit = rowsAtATime;
  showAddresses();
  id('addresses-title').scrollIntoView({ block: 'nearest' });
  if (byKey) id('filter').focus(); // on a phone the keyboard would cover what was found
}

// ── Nodes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const speakers = { Alive: 'speaks', Silent: 'silent', Stopped: 'stopped', None: 'no speaker' };
const mostInMatrix = 16;

function showNodes() {
  id('nodes').replaceChildren(...shown.nodes.map(node => el('li', { className: `speaker-${node.isWindows ? 'Windows' : node.speaker}` },
    el('div', { className: 'bar' },
      el('button', { type: 'button', className: 'name', textContent: node.name, title: 'Show its addresses', onclick: () => filterBy(node.name) }),
      el('span', { className: 'state', textContent: node.isWindows && node.speaker === 'None' ? 'Windows' : speakers[node.speaker] ?? node.speaker })),
    el('p', { className: 'note' },
      [count(node.announces, 'address', 'addresses'), short(node.version), node.ready ? '' : 'node not ready', node.excluded ? 'excluded by its label' : '', node.speaker === 'Alive' && !node.mayOwn ? 'may own nothing' : '',
        ...node.links.map(link => `${link.name} ${link.prefixes.join(' ')}`)].filter(Boolean).join(' · ')))));
  id('hearing').replaceChildren(hearing(shown.nodes.filter(node => node.speaker === 'Alive')));
}

function hearing(nodes) {
  const hears = (one, other) => one.links.some(link => link.hears.includes(other.name)) || other.links.some(link => link.hears.includes(one.name));
  const misses = (one, other) => one.links.some(link => link.misses.includes(other.name));
  if (nodes.length < 2) return el('p', { className: 'note', textContent: nodes.length ? 'There is no other speaker to hear.' : 'No speaker is alive.' });
  if (nodes.length > mostInMatrix) {
    const deaf = nodes.flatMap(one => nodes.filter(other => one.name < other.name && misses(one, other) && !hears(one, other)).map(other => el('li', { textContent: `${one.name} and ${other.name} do not hear each other` })));
    return deaf.length ? el('ul', { className: 'deaf' }, deaf.slice(0, 100)) : el('p', { className: 'note', textContent: `All ${nodes.length} hear those in their subnet.` });
  }
  const cell = (one, other) => {
    if (one === other) return el('td', { className: 'self' }, el('span', { className: 'read', textContent: 'itself' }));
    const [sign, words, kind] = hears(one, other) ? ['✓', 'hear each other', 'hears'] : misses(one, other) ? ['✕', 'do not hear each other', 'misses'] : ['·', 'share no subnet', 'apart'];
    return el('td', { className: kind, title: `${one.name} and ${other.name} ${words}` }, el('span', { ariaHidden: 'true', textContent: sign }), el('span', { className: 'read', textContent: words }));
  };
  return el('table', { className: 'matrix' },
    el('thead', {}, el('tr', {}, el('td', {}), nodes.map(node => el('th', { scope: 'col', textContent: node.name })))),
    el('tbody', {}, nodes.map(one => el('tr', {}, el('th', { scope: 'row', textContent: one.name }), nodes.map(other => cell(one, other))))));
}

// ── The time line ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function showChanges() {
  id('changes').replaceChildren(...shown.changes.map(change => {
    const time = el('time', { dateTime: change.at, title: exact(change.at), textContent: clock(change.at) });
    time.dataset.clock = '';
    return el('li', { className: change.type }, time, el('p', {}, el('b', { textContent: change.namespace ? `${change.namespace}/${change.name}` : change.name }), ` ${change.message}`));
  }));
  if (shown.changes.length === 0) id('changes').replaceChildren(el('li', { className: 'note', textContent: 'Nothing has changed since this controller started.' }));
}

// ── What is heard ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function take(message) {
  lead = Date.parse(message.at) - Date.now();
  if (message.full) rows.clear();
  for (const part of Object.keys(shown)) {
    if (part in message) shown[part] = message[part];
  }
  const before = rows.size;
  for (const row of message.addresses ?? []) rows.set(row.address, { row, text: null, element: null });
  if (!message.full && rows.size > before) {
    rows = new Map([...rows].map(([address, entry]) => [parse(address), address, entry]).sort(([one], [other]) => compare(one, other)).map(([, address, entry]) => [address, entry]));
  }
  for (const address of message.gone ?? []) rows.delete(address);

  const changed = part => part in message;
  const moved = message.full || message.addresses?.length > 0 || message.gone?.length > 0;
  if (changed('controller')) showController();
  if (changed('problems')) showVerdict();
  if (moved || changed('waiting')) showAddresses();
  if (moved || changed('pools') || changed('excluded')) showPools();
  if (changed('nodes')) showNodes();
  if (changed('changes')) showChanges();
  if (moved || changed('controller') || changed('pools') || changed('nodes') || changed('waiting')) showFigures();
  if (message.full) {
    id('main').ariaBusy = 'false';
    requestAnimationFrame(() => setTimeout(() => performance.mark('data-shown'))); // after the frame that shows it
  }
}

const patience = 12000; // the controller says something every five seconds
let source = null;

function connect() {
  source?.close();
  source = new EventSource('events');
  source.onmessage = event => {
    heardAt = Date.now();
    take(JSON.parse(event.data));
    showConnection('live', 'Live');
  };
  source.onerror = () => {
    const refused = source.readyState === EventSource.CLOSED; // an answer that is no stream: it would not try again
    lost(refused ? 'The controller does not answer: it is starting, is gone, or serves too many pages' : 'The connection to the controller is lost');
    if (refused) setTimeout(connect, 3000);
  };
}

function showConnection(state, text) {
  const badge = id('connection');
  if (badge.dataset.state !== state) {
    badge.dataset.state = state;
    badge.textContent = text;
  }
  if (state === 'live') {
    id('outage').hidden = true;
    document.body.classList.remove('stale');
  }
}

function lost(why) {
  showConnection('lost', 'Not connected');
  document.body.classList.add('stale');
  const text = `${why}. ${heardAt ? `What is shown is as of ${new Date(heardAt).toLocaleTimeString(undefined, { hour12: false })}.` : 'Nothing is known yet.'} Trying again.`;
  if (id('outage').textContent !== text) id('outage').textContent = text;
  id('outage').hidden = false;
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showPools);
id('filter').addEventListener('input', () => { limit = rowsAtATime; showAddresses(); });
id('more').addEventListener('click', () => { limit += rowsAtATime; showAddresses(); });
setInterval(() => {
  refreshTimes();
  if (heardAt && Date.now() - heardAt > patience && source.readyState === EventSource.OPEN) lost('The controller says nothing');
}, 5000);
connect();
