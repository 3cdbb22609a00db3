// A pool drawn as a map, one square for each address. It can be pointed at, and walked through with the arrow keys; for a screen reader it is a
// slider over the addresses whose value is what there is to say of one.

const shapes = {
  free: (pen, x, y, s) => pen.strokeRect(x + 0.5, y + 0.5, s - 1, s - 1),
  used: (pen, x, y, s) => pen.fillRect(x, y, s, s),
  reserved: (pen, x, y, s) => { pen.strokeRect(x + 0.5, y + 0.5, s - 1, s - 1); line(pen, x, y + s, x + s, y); },
  passed: (pen, x, y, s) => { line(pen, x + 1, y + 1, x + s - 1, y + s - 1); line(pen, x + 1, y + s - 1, x + s - 1, y + 1); },
  silent: (pen, x, y, s) => { pen.lineWidth = 2; pen.strokeRect(x + 1, y + 1, s - 2, s - 2); pen.fillRect(x + s / 2 - 1.5, y + s / 2 - 1.5, 3, 3); },
  conflict: (pen, x, y, s) => { pen.beginPath(); pen.moveTo(x + s / 2, y - 1); pen.lineTo(x + s + 1, y + s / 2); pen.lineTo(x + s / 2, y + s + 1); pen.lineTo(x - 1, y + s / 2); pen.fill(); },
};

function line(pen, fromX, fromY, toX, toY) {
  pen.beginPath();
  pen.moveTo(fromX, fromY);
  pen.lineTo(toX, toY);
  pen.stroke();
}

/** What the shapes mean, in the order of the legend. */
export const legend = [
  ['used', 'used'], ['silent', 'used, not announced'], ['conflict', 'in conflict'], ['free', 'free'], ['reserved', 'reserved'], ['passed', 'passed over'],
];

/** Draws one shape alone, for the legend. */
export function drawKey(canvas, state) {
  const size = 12;
  prepare(canvas, size + 2, size + 2, pen => paint(pen, state, 1, 1, size, coloursOf(canvas)));
}

function coloursOf(canvas) {
  const style = getComputedStyle(canvas);
  return Object.fromEntries([...Object.keys(shapes), 'muted', 'ink'].map(name => [name, style.getPropertyValue(`--${name}`)]));
}

function prepare(canvas, width, height, draw) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext('2d');
  pen.scale(scale, scale);
  draw(pen);
}

function paint(pen, state, x, y, size, colours) {
  pen.fillStyle = pen.strokeStyle = colours[state];
  pen.lineWidth = 1;
  shapes[state](pen, x, y, size);
}

function divide(value, by) {
  return typeof value === 'number' ? [Math.floor(value / by), value % by] : [value / BigInt(by), Number(value % BigInt(by))];
}

export class PoolMap {
  constructor(canvas, output, pick) {
    Object.assign(this, { canvas, output, pick, cells: [], at: 0, rows: [] });
    canvas.tabIndex = 0;
    canvas.setAttribute('role', 'slider');
    canvas.addEventListener('keydown', event => this.onKey(event));
    canvas.addEventListener('pointermove', event => this.say(this.cellAt(event) ?? this.cellUnderCursor()));
    canvas.addEventListener('pointerleave', () => this.say(document.activeElement === canvas ? this.cellUnderCursor() : null));
    canvas.addEventListener('click', event => { const cell = this.cellAt(event); if (cell) { this.at = this.cells.indexOf(cell); this.moved(); this.choose(cell, false); } });
    canvas.addEventListener('focus', () => this.moved());
    canvas.addEventListener('blur', () => { this.say(null); this.draw(); });
    new ResizeObserver(() => { if (canvas.parentElement.clientWidth !== this.width) this.layOut(); }).observe(canvas.parentElement);
  }

  update(name, cells, sparse) {
    Object.assign(this, { cells, sparse, at: Math.min(this.at, Math.max(0, cells.length - 1)) });
    this.canvas.setAttribute('aria-label', `Addresses of pool ${name}`);
    this.canvas.setAttribute('aria-valuemin', 0);
    this.canvas.setAttribute('aria-valuemax', Math.max(0, cells.length - 1));
    this.layOut();
    this.tell();
  }

  // Rows begin at multiples of their length, as subnets do; a gap between ranges begins a new one.
  layOut() {
    this.width = this.canvas.parentElement.clientWidth;
    this.size = this.cells.length > 1024 ? 8 : 13;
    this.step = this.size + (this.cells.length > 1024 ? 2 : 3);
    this.gutter = this.sparse ? 0 : this.cells.some(cell => cell.v6) ? 52 : 62;
    this.length = [64, 32, 16].find(length => this.gutter + length * this.step <= this.width) ?? 8;
    this.rows = [];
    let open = null;
    this.cells.forEach((cell, index) => {
      const [row, column] = this.sparse ? divide(index, this.length) : divide(cell.value, this.length);
      if (!open || open.row !== row || open.v6 !== cell.v6) {
        open = { row, v6: cell.v6, first: cell, cells: [] };
        this.rows.push(open);
      }
      open.cells[column] = index;
    });
    this.draw();
  }

  draw() {
    const colours = coloursOf(this.canvas);
    const focused = document.activeElement === this.canvas;
    prepare(this.canvas, this.gutter + this.length * this.step + 4, this.rows.length * this.step + 4, pen => {
      pen.font = `${Math.min(11, this.step)}px ${getComputedStyle(this.canvas).fontFamily}`;
      pen.textBaseline = 'middle';
      this.rows.forEach((row, y) => {
        const top = 2 + y * this.step;
        if (!this.sparse && (this.size > 8 || y % 2 === 0)) {
          pen.fillStyle = colours.muted;
          const parts = row.first.address.split(row.v6 ? ':' : '.');
          pen.fillText(row.v6 ? `::${parts.at(-1)}` : `${parts[2]}.${parts[3]}`, 2, top + this.size / 2 + 1);
        }
        row.cells.forEach((index, x) => {
          const left = 2 + this.gutter + x * this.step;
          paint(pen, this.cells[index].state, left, top, this.size, colours);
          if (focused && index === this.at) {
            pen.strokeStyle = colours.ink;
            pen.lineWidth = 2;
            pen.strokeRect(left - 1.5, top - 1.5, this.size + 3, this.size + 3);
          }
        });
      });
    });
  }

  cellAt(event) {
    const index = this.rows[Math.floor((event.offsetY - 2) / this.step)]?.cells[Math.floor((event.offsetX - 2 - this.gutter) / this.step)];
    return this.cells[index];
  }

  cellUnderCursor() {
    return document.activeElement === this.canvas ? this.cells[this.at] : null;
  }

  onKey(event) {
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: this.length, ArrowUp: -this.length, Home: -this.cells.length, End: this.cells.length };
    if (event.key in steps) {
      this.at = Math.max(0, Math.min(this.cells.length - 1, this.at + steps[event.key]));
      this.moved();
    } else if (event.key === 'Enter' && this.cells[this.at]) {
      this.choose(this.cells[this.at], true);
    } else {
      return;
    }
    event.preventDefault();
  }

  choose(cell, byKey) {
    if (cell.state === 'used' || cell.state === 'silent' || cell.state === 'conflict') this.pick(cell.address, byKey);
  }

  moved() {
    this.tell();
    this.say(this.cells[this.at]);
    this.draw();
  }

  tell() {
    this.canvas.setAttribute('aria-valuenow', this.at);
    this.canvas.setAttribute('aria-valuetext', this.cells[this.at]?.text ?? 'no address');
  }

  say(cell) {
    this.output.textContent = cell ? cell.text : '';
  }
}
