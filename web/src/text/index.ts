// The texts of the page. A second language is a second file with the same names, chosen here.

import { en } from "./en.ts";

export { payText } from "./en.ts";

export const text = en;
