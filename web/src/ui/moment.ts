// Dates and times as people read them.

const FORMAT = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "short" });

/** A moment given in Unix seconds, in the time of this device. */
export function moment(seconds: number): string {
  return FORMAT.format(new Date(seconds * 1000));
}
