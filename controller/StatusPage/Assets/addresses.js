// Addresses as numbers, and a pool as a list of cells. Nothing here touches the page.

/** '10.0.0.1' or 'fd00::1' as { v6, value }; the value is a number, or of IPv6 a BigInt. */
export function parse(text) {
  if (!text.includes(':')) {
    return { v6: false, value: text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) };
  }
  const dotted = text.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/);
  if (dotted) {
    const low = parse(dotted[2]).value;
    text = `${dotted[1]}${(low >>> 16).toString(16)}:${(low & 0xffff).toString(16)}`;
  }
  const [head, tail] = text.split('::').map(half => half.split(':').filter(group => group));
  const groups = tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return { v6: true, value: groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n) };
}

/** The other way round; an IPv6 address in its short form (RFC 5952). */
export function format(value) {
  if (typeof value === 'number') {
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(16 * (7 - i))) & 0xffffn).toString(16));
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (groups[at + length] === '0') length++;
    if (length > best.length) best = { at, length };
  }
  return best.at < 0
    ? groups.join(':')
    : `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}

/** Sorts as the addresses do: IPv4 before IPv6. */
export function compare(one, other) {
  return one.v6 - other.v6 || (one.value < other.value ? -1 : one.value > other.value ? 1 : 0);
}

// One address may be written in several ways; ours is one of them.
const written = text => (text.includes(':') ? format(parse(text).value) : text);

function range(text) {
  const [first, last] = text.split('-').map(parse);
  return { v6: first.v6, first: first.value, last: (last ?? first).value };
}

const has = (range, { v6, value }) => range.v6 === v6 && range.first <= value && value <= range.last;

/** No more cells than this are drawn: of a larger pool only those with something to say. */
export const mostCells = 4096;

/**
 * The cells of a pool, ascending: { address, v6, value, state, text }. The states: free, reserved, passed, used, silent (used, and announced by nobody),
 * conflict. Where there are too many, sparse is true and the free ones are left out.
 */
export function cellsOf(pool, rows, excluded) {
  const ranges = pool.ranges.map(range);
  const reserved = pool.reserved.map(range);
  const passed = new Map(excluded.map(entry => [written(entry.address), entry.reason]));
  const used = new Map(rows.map(row => [written(row.address), row]));
  const size = ranges.reduce((sum, { first, last }) => sum + Number(last - first) + 1, 0);

  const cell = (v6, value) => {
    const address = format(value);
    const row = used.get(address);
    const make = (state, text) => ({ address, v6, value, state, text: `${address}: ${text}` });
    if (row) {
      const whose = row.services.join(', ');
      if (row.state === 'Conflict' || row.state === 'Split') return make('conflict', `${whose}; ${row.detail}`);
      return row.voices.length ? make('used', `${whose}, announced by ${row.voices.map(voice => voice.node).join(', ')}`) : make('silent', `${whose}; ${row.detail ?? 'announced by nobody'}`);
    }
    if (passed.has(address)) return make('passed', `passed over: ${passed.get(address)}`);
    if (!v6 && pool.avoidBuggyIps && [0, 255].includes(value & 255)) return make('passed', 'passed over: avoid-buggy-ips');
    return reserved.some(part => has(part, { v6, value })) ? make('reserved', 'reserved, given only to who asks for it') : make('free', 'free');
  };

  if (size <= mostCells) {
    const cells = [];
    for (const { v6, first, last } of ranges) {
      for (let value = first; value <= last; value++) cells.push(cell(v6, value));
    }
    return { cells, sparse: false, size };
  }

  const noted = new Set([...rows, ...excluded].map(entry => written(entry.address)));
  const cells = [...noted].map(parse).filter(address => ranges.some(part => has(part, address)))
    .sort(compare).slice(0, mostCells).map(({ v6, value }) => cell(v6, value));
  return { cells, sparse: true, size };
}
