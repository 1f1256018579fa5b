// What is said when something fails.

import { BROKEN, EngineFailure } from "../engine/messages.ts";
import { Problem, Unreachable } from "../http/problem.ts";
import { text } from "./index.ts";

/** An error in words for people. */
export function inWords(error: unknown): string {
  if (error instanceof Unreachable) {
    return text.problem.unreachable(error.host);
  }
  if (error instanceof Problem) {
    return text.problem.kinds[error.kind] ?? (error.detail || error.title);
  }
  if (error instanceof EngineFailure) {
    return error.code === BROKEN ? text.problem.broken : sentence(error.message);
  }
  if (error instanceof DOMException && (error.name === "InvalidStateError" || error.name === "SecurityError" || error.name === "QuotaExceededError")) {
    return text.problem.storage;
  }
  return sentence(error instanceof Error ? error.message : String(error));
}

function sentence(message: string): string {
  const begun = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
