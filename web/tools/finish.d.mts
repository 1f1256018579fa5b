/** The most bytes of the first load, compressed. */
export const BUDGET: number;
/** Finishes the folder that Vite has made. Returns whether the first load is within its budget. */
export function finish(dist: string): boolean;
