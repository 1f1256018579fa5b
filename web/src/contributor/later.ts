// The screens that nobody sees before the first one. They are a file of their own, so that the first screen is there sooner.

export { Access } from "./access.tsx";
export { After } from "./after.tsx";
export { repeatWithdrawals } from "./afterwards.ts";
export { Answer } from "./answer.tsx";
export { Elsewhere } from "./elsewhere.tsx";
export { KeyScreen } from "./key.tsx";
export { People } from "./people.tsx";
export { Send } from "./send.tsx";
