/** @file What a person at the terminal sees: lines, and below them one live line where the terminal can show it. */

/** The part of a writable stream that the console uses. */
export interface ConsoleStream {
  write(text: string): boolean;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface RunConsoleOptions {
  readonly stream?: ConsoleStream;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Seconds between progress lines where no live line can be shown. */
  readonly plainInterval?: number;
  /** Milliseconds, from any origin. */
  readonly now?: () => number;
}

/** Live lines that follow each other faster than this cannot be read and only cost time. */
const REDRAW_MILLISECONDS = 100;
const CLEAR_LINE = '\r\x1b[K';
const BOLD = '\x1b[1m';
const YELLOW = '\x1b[33m';
const RESET = '\x1b[0m';

/**
 * A console for a run. Escape codes appear only on a terminal that wants them (not with NO_COLOR or TERM=dumb). When
 * the stream is closed or full, what would be printed is lost, and nothing else happens.
 */
export class RunConsole {
  /** Whether progress is one live line; otherwise it is now and then a plain one. */
  readonly isLive: boolean;
  readonly #stream: ConsoleStream;
  readonly #now: () => number;
  readonly #interval: number;
  #lastProgress = Number.NEGATIVE_INFINITY;
  #lineShown = false;
  #closed = false;

  constructor(options: RunConsoleOptions = {}) {
    const {environment = process.env, plainInterval = 30} = options;
    this.#stream = options.stream ?? process.stdout;
    this.#now = options.now ?? (() => performance.now());
    this.isLive = this.#stream.isTTY === true && environment.TERM !== 'dumb' && !environment.NO_COLOR;
    this.#interval = this.isLive ? REDRAW_MILLISECONDS : plainInterval * 1000;
    this.#stream.on('error', () => {
      this.#closed = true;
    });
  }

  /** Of the terminal, in characters; a file or a pipe has any. */
  get width(): number {
    return this.#stream.isTTY === true ? (this.#stream.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** Prints one line, or several separated by newlines, above the live line. */
  line(text = ''): void {
    this.endProgress();
    this.#write(`${text}\n`);
  }

  heading(text: string): void {
    this.line(this.isLive ? `${BOLD}${text}${RESET}` : text);
  }

  warn(text: string): void {
    this.line(this.isLive ? `${YELLOW}warning:${RESET} ${text}` : `warning: ${text}`);
  }

  /** Prints labelled values, one a line, with the values aligned, and folded where the terminal is too narrow. */
  facts(rows: readonly (readonly [label: string, value: string])[]): void {
    const indent = Math.max(0, ...rows.map(([label]) => label.length)) + 2;
    for (const [label, value] of rows) {
      const lines = fold(value, this.width - indent);
      lines.forEach((text, i) => {
        this.line(`${(i === 0 ? label : '').padEnd(indent)}${text}`);
      });
    }
  }

  /**
   * Shows how far the run is; may be called after every step.
   * @param text makes the line; called only if it will be shown
   */
  progress(text: () => string): void {
    const now = this.#now();
    if (this.#closed || now - this.#lastProgress < this.#interval) return;
    this.#lastProgress = now;
    if (this.isLive) {
      // One column stays free: a full line makes some terminals wrap.
      const width = Math.max(this.width - 1, 0);
      this.#write(`${CLEAR_LINE}${text().slice(0, width)}`);
      this.#lineShown = true;
    } else {
      this.#write(`${text()}\n`);
    }
  }

  /** Takes the live line away. */
  endProgress(): void {
    if (!this.#lineShown) return;
    this.#lineShown = false;
    this.#lastProgress = Number.NEGATIVE_INFINITY;
    this.#write(CLEAR_LINE);
  }

  #write(text: string): void {
    if (this.#closed) return;
    try {
      this.#stream.write(text);
    } catch {
      // A redirection to a full disk throws; the next line may fit again.
    }
  }
}

/** A text in lines of at most `width` characters, cut between words; a longer word has a line of its own. */
function fold(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}
