// The answers to choose from: one large button each. Where there are many, a field narrows them down.

import { useEffect, useState } from "preact/hooks";
import { laterText } from "../text/en-later.ts";
import { Field } from "../ui/parts.tsx";

/** More answers than this get a field to find one. */
const MANY = 12;
/** Names of up to so many letters fit beside each other on a small phone. */
const SHORT = 13;
const LONG = 18;

export function Choices(props: {
  classes: readonly string[];
  chosen: number | undefined;
  hasKeys: boolean;
  isDisabled: boolean;
  onChoose: (index: number) => void;
  /** Tells which answers are shown, by their place in the list: keys choose among these. */
  onShown?: (indices: readonly number[]) => void;
}) {
  const t = laterText.answer;
  const [wanted, setWanted] = useState("");
  const all = props.classes.map((label, index) => ({ label, index }));
  const found = all.filter(({ label }) => label.toLowerCase().includes(wanted.trim().toLowerCase()));
  const shown = props.classes.length > MANY ? found.slice(0, MANY) : all;
  const indices = shown.map(({ index }) => index);
  useEffect(() => props.onShown?.(indices), [indices.join()]);
  const longest = Math.max(...props.classes.map((label) => label.length));
  return (
    <div>
      {props.classes.length > MANY && <Field label={t.filter} value={wanted} onInput={setWanted} />}
      <div class={`choices ${longest > LONG ? "long" : longest <= SHORT ? "short" : shown.length <= 4 ? "few" : ""}`} role="group" aria-label={t.choose}>
        {shown.map(({ label, index }, place) => (
          <button
            key={label}
            type="button"
            class="choice"
            aria-pressed={props.chosen === index}
            disabled={props.isDisabled}
            onClick={() => {
              setWanted("");
              props.onChoose(index);
            }}
          >
            {props.hasKeys && place < 9 && (
              <kbd aria-hidden="true">{place + 1}</kbd>
            )}
            <span>{label}</span>
          </button>
        ))}
      </div>
      {shown.length < found.length && <p class="hint">{t.more(found.length)}</p>}
    </div>
  );
}
