/** The files of a folder, of these paths, that a contributor loads before anything is shown. */
export function firstLoad(folder: string, paths: readonly string[]): Set<string>;
