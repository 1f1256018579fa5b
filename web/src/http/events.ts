// The events of a job. EventSource cannot send an Authorization header, so the stream is read from a fetch.

/** Takes a stream of server-sent events apart. Returns the data of each whole event. */
export class EventParser {
  private rest = "";

  push(text: string): string[] {
    this.rest += text.replace(/\r\n?/g, "\n");
    const found: string[] = [];
    for (let end = this.rest.indexOf("\n\n"); end >= 0; end = this.rest.indexOf("\n\n")) {
      const lines = this.rest.slice(0, end).split("\n");
      this.rest = this.rest.slice(end + 2);
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).replace(/^ /, ""));
      if (data.length > 0) {
        found.push(data.join("\n"));
      }
    }
    // An event of a job is short. What never ends is not one.
    if (this.rest.length > 1_000_000) {
      throw new Error("an event is too long");
    }
    return found;
  }
}

/** Reads events until the stream ends. */
export async function readEvents(response: Response, onData: (data: string) => void): Promise<void> {
  const reader = response.body?.getReader();
  if (reader === undefined) {
    return;
  }
  const parser = new EventParser();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    parser.push(decoder.decode(value, { stream: true })).forEach(onData);
  }
}
