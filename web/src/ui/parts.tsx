// Small parts of which all screens are made.

import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { text } from "../text/index.ts";
import { inWords } from "../text/problems.ts";

/** A screen with a heading that takes the focus when the screen appears, so that a screen reader begins there. */
export function Screen({ title, children, isWide = false }: { title: string; children: ComponentChildren; isWide?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
    document.title = `${title} · ${text.app}`;
    scrollTo(0, 0);
  }, [title]);
  return (
    <section class={isWide ? "screen wide" : "screen"}>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </section>
  );
}

/** Something to know: `role` tells screen readers how urgent it is. */
export function Notice({ kind, children }: { kind: "info" | "good" | "bad"; children: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** What went wrong, with a way on. */
export function Trouble({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return (
    <Notice kind="bad">
      <p>{inWords(error)}</p>
      {onRetry && (
        <button type="button" class="plain" onClick={onRetry}>
          {text.retry}
        </button>
      )}
    </Notice>
  );
}

/** A labelled input with a hint and an error. */
export function Field(props: {
  label: string;
  hint?: string;
  error?: string | undefined;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "password" | "number" | "datetime-local" | "url";
  rows?: number;
  required?: boolean;
  autocomplete?: string;
  inputMode?: "decimal" | "numeric" | "text" | "url";
}) {
  const id = useId();
  const described = [props.hint && `${id}-hint`, props.error && `${id}-error`].filter(Boolean).join(" ");
  const common = {
    id,
    value: props.value,
    required: props.required,
    spellcheck: false,
    autocomplete: props.autocomplete ?? "off",
    "aria-describedby": described === "" ? undefined : described,
    "aria-invalid": props.error ? true : undefined,
  };
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      {props.rows === undefined ? (
        <input {...({ ...common, type: props.type ?? "text", inputMode: props.inputMode } as object)} onInput={(event) => props.onInput(event.currentTarget.value)} />
      ) : (
        <textarea {...common} rows={props.rows} onInput={(event) => props.onInput(event.currentTarget.value)} />
      )}
      {props.hint && (
        <p class="hint" id={`${id}-hint`}>
          {props.hint}
        </p>
      )}
      {props.error && (
        <p class="error" id={`${id}-error`}>
          {props.error}
        </p>
      )}
    </div>
  );
}

/** A button that opens a file. */
export function FileButton(props: { label: string; accept?: string; multiple?: boolean; onFiles: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" class="plain" onClick={() => input.current?.click()}>
        {props.label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        tabIndex={-1}
        aria-label={props.label}
        accept={props.accept}
        multiple={props.multiple}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = "";
          if (files.length > 0) {
            props.onFiles(files);
          }
        }}
      />
    </>
  );
}

/** A bar that fills. */
export function Progress({ value, max, label }: { value: number; max: number; label: string }) {
  return <progress class="bar" value={value} max={Math.max(max, 1)} aria-label={label} />;
}

/** Runs something that takes a moment: says whether it runs, and what went wrong. */
export function useAction(): { isRunning: boolean; error: unknown; run: (action: () => Promise<void>) => Promise<void>; clear: () => void } {
  const [isRunning, setRunning] = useState(false);
  const [error, setError] = useState<unknown>(undefined);
  const run = async (action: () => Promise<void>): Promise<void> => {
    setRunning(true);
    setError(undefined);
    try {
      await action();
    } catch (failure) {
      setError(failure);
    } finally {
      setRunning(false);
    }
  };
  return { isRunning, error, run, clear: () => setError(undefined) };
}

/** Whether the browser believes that there is a network. */
export function useOnline(): boolean {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = () => setOnline(navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  return isOnline;
}
