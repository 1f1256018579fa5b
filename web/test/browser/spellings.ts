// What a program would leave behind if it kept somebody's answers: their classes in order, in the usual spellings.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The spellings of answers that were given in this order; `classes` are the names. */
export function spellings(answers: readonly number[], classes: readonly string[]): Buffer[] {
  const words = (bytes: number): Buffer => {
    const buffer = Buffer.alloc(answers.length * bytes);
    answers.forEach((answer, place) => buffer.writeUInt8(answer, place * bytes));
    return buffer;
  };
  const rows = Buffer.alloc(answers.length * classes.length * 8);
  answers.forEach((answer, place) => rows.writeUInt8(1, (place * classes.length + answer) * 8));
  const names = answers.map((answer) => classes[answer] ?? "");
  const texts = [answers.join(""), answers.join(","), names.join(","), names.join('","'), names.join("\n")];
  // Numbers of one, four and eight bytes, and rows of field elements of which one is 1.
  return [words(1), words(4), words(8), rows, ...texts.map((text) => Buffer.from(text))];
}

/** All files below a folder with their bytes. */
export function* files(folder: string): Generator<[path: string, bytes: Buffer]> {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const found = statSync(path);
    if (found.isDirectory()) {
      yield* files(path);
    } else if (found.isFile()) {
      yield [path, readFileSync(path)];
    }
  }
}
