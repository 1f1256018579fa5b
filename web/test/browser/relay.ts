// Stands between the page and the coordinator: hands everything on, and keeps what it has seen. Where a test needs an answer that no cluster gives on
// demand, it gives that one instead.

import { Agent, createServer, request as ask, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request with its answer, as far as it has come. */
export interface Exchange {
  method: string;
  target: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** The answer's bytes, not compressed. */
  answer: Buffer[];
}

/** An answer in the place of the coordinator's. */
export interface Answer {
  status?: number;
  type?: string;
  headers?: Record<string, string>;
  body: string | Uint8Array;
}

/** A coordinator's address that is watched. */
export class Relay {
  readonly exchanges: Exchange[] = [];
  /** Answers in the place of the coordinator's, by method and path. */
  readonly answers = new Map<string, Answer>();
  /** An answer in the place of the coordinator's to any request, for as long as it is set. */
  instead: ((method: string, target: string) => Answer | undefined) | undefined;
  private readonly agent = new Agent({ keepAlive: true });
  private readonly server = createServer((request, response) => void this.handle(request, response));

  private constructor(private readonly coordinator: string) {}

  static async start(coordinator: string): Promise<Relay> {
    const relay = new Relay(coordinator);
    await new Promise<void>((done) => relay.server.listen(0, "127.0.0.1", done));
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The requests of a method, as text: the line, the headers and the body. */
  requests(method?: string): string[] {
    return this.exchanges
      .filter((one) => method === undefined || one.method === method)
      .map(({ method, target, headers, body }) => `${method} ${target} ${JSON.stringify(headers)} ${body.toString("latin1")}`);
  }

  /** All that has passed since an exchange, in both directions. */
  traffic(since = 0): Buffer {
    return Buffer.concat(this.exchanges.slice(since).flatMap(({ target, headers, body, answer }) => [Buffer.from(target + JSON.stringify(headers)), body, ...answer]));
  }

  close(): Promise<void> {
    this.agent.destroy();
    return new Promise((done) => {
      this.server.closeAllConnections();
      this.server.close(() => done());
    });
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [method, target] = [request.method ?? "", request.url ?? "/"];
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const exchange: Exchange = { method, target, headers: request.headers, body: Buffer.concat(chunks), answer: [] };
    this.exchanges.push(exchange);
    const given = this.instead?.(method, target) ?? this.answers.get(`${method} ${target.split("?")[0]}`);
    if (given !== undefined) {
      response.writeHead(given.status ?? 200, {
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "retry-after",
        "content-type": given.type ?? "application/json",
        ...given.headers,
      });
      response.end(given.body);
      return;
    }
    // Compressed answers could not be searched.
    const headers = { ...request.headers, host: new URL(this.coordinator).host, "accept-encoding": "identity" };
    const onward = ask(this.coordinator + target, { method, headers, agent: this.agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("data", (chunk: Buffer) => exchange.answer.push(chunk));
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    // A page that is closed ends its stream of events.
    response.on("close", () => onward.destroy());
    onward.end(exchange.body);
  }
}
