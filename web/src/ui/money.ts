// Money in micro-units (millionths of the currency), as people read it: exact, at least two decimals.

/** An amount with its currency. */
export function money(micros: number, currency: string): string {
  if (!Number.isSafeInteger(micros)) {
    return `${micros} × 0.000001 ${currency}`;
  }
  const sign = micros < 0 ? "−" : "";
  const whole = Math.floor(Math.abs(micros) / 1_000_000);
  const part = String(Math.abs(micros) % 1_000_000).padStart(6, "0").replace(/0{1,4}$/, "");
  return `${sign}${whole.toLocaleString("en-GB")}.${part} ${currency}`;
}

/** The micro-units of an amount as people write it, with a point or a comma; nothing if it is none, or has more than six decimals. */
export function micros(text: string): number | undefined {
  const match = /^([0-9]{1,9})(?:[.,]([0-9]{1,6}))?$/.exec(text.trim());
  if (match === null) {
    return undefined;
  }
  return Number(match[1]) * 1_000_000 + Number((match[2] ?? "").padEnd(6, "0"));
}
