// Samples of the space, asked for chunk by chunk: one of any depth, and one of the depths of the budget.

const IDLE_CHUNKS = 5; // in a row that bring nothing new, where the space counts as used up

export class Stream {
  constructor(depths) {
    Object.assign(this, { depths, chunks: [], drawn: 0, idle: 0, ended: false });
  }
}

export class Sampler {
  /** `ask(question)` answers with a chunk; `took(chunk, stream)` keeps it and returns how many were new. */
  constructor(ask, took, { chunk, chunks }) {
    Object.assign(this, { ask, took, most: chunks, slack: chunk / 2, turn: 0, running: false });
  }

  /** Whether a stream is to go on; a few that were drawn twice are no reason for another chunk. */
  wants({ ended, drawn }, target) {
    return !ended && drawn + this.slack <= target;
  }

  stop() {
    this.turn++; // whatever is on its way belongs to an earlier turn
    this.running = false;
  }

  /** Draw from each stream until it has `target` variants, is used up, or another turn begins. Raises what `ask` does. */
  async draw(streams, target, family, seed) {
    this.stop();
    const { turn } = this;
    this.running = true;
    try {
      for (const stream of streams) if (!(await this.drain(stream, target, { family, seed }, turn))) return;
    } finally {
      if (turn === this.turn) this.running = false;
    }
  }

  async drain(stream, target, question, turn) {
    const ask = (chunk) => (chunk < this.most ? this.ask({ ...question, chunk, depths: stream.depths }) : null);
    let next = this.wants(stream, target) ? ask(stream.chunks.length) : null;
    while (next) {
      const chunk = await next;
      if (turn !== this.turn) return false;
      if (chunk.error) throw Object.assign(new Error(chunk.error), { refusal: chunk.error });
      const more = chunk.count > 0 && this.wants({ drawn: stream.drawn + chunk.count }, target);
      next = more ? ask(stream.chunks.length + 1) : null; // the server draws while this one is shown
      next?.catch(() => {}); // it is awaited in its turn
      stream.chunks.push(chunk);
      const fresh = this.took(chunk, stream);
      stream.drawn += fresh;
      stream.idle = fresh ? 0 : stream.idle + 1;
      stream.ended = !chunk.count || stream.idle >= IDLE_CHUNKS || stream.chunks.length >= this.most;
      if (stream.ended) next = null;
      else if (!next && this.wants(stream, target)) next = ask(stream.chunks.length);
    }
    return true;
  }
}
