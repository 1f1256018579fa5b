// What a job's result must be, computed in the clear from what people have answered.

/** Answers by person, then by item: the index of the class, or nothing. */
export type Crowd = (number | undefined)[][];

/** How often each class was answered. */
export function totals(crowd: Crowd, classes: number): number[] {
  const found = Array.from({ length: classes }, () => 0);
  crowd.flat().forEach((answer) => answer !== undefined && (found[answer] = (found[answer] ?? 0) + 1));
  return found;
}

/** The class with the most answers to each item; where classes tie, the first. */
export function labels(crowd: Crowd, items: number, classes: number): (number | undefined)[] {
  return Array.from({ length: items }, (_, item) => {
    const tally = totals(crowd.map((answers) => [answers[item]]), classes);
    const most = Math.max(...tally);
    return most === 0 ? undefined : tally.indexOf(most);
  });
}

/** The mean over items of two answers or more of the share of matching pairs. */
export function observed(crowd: Crowd, items: number): number {
  const shares: number[] = [];
  for (let item = 0; item < items; item += 1) {
    const given = crowd.map((answers) => answers[item]).filter((answer) => answer !== undefined);
    if (given.length >= 2) {
      const matching = given.reduce((sum, one, at) => sum + given.filter((other, place) => place !== at && other === one).length, 0);
      shares.push(matching / (given.length * (given.length - 1)));
    }
  }
  return shares.reduce((sum, one) => sum + one, 0) / shares.length;
}
