// Keys for people who answer without a mouse. They can be switched off (WCAG 2.1.4), because speech input and some screen readers type letters.

import { useEffect, useRef, useState } from "preact/hooks";

/** What a key asks for. */
export type Wish = { answer: number } | "undo" | "skip" | "previous" | "next";

const STORED = "tacit-shortcuts";

/** What a key press means; nothing if it is meant for something else. */
export function wishOf(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">): Wish | undefined {
  const { key } = event;
  if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z") {
    return "undo";
  }
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return undefined;
  }
  if (/^[1-9]$/.test(key)) {
    return { answer: Number(key) - 1 };
  }
  const wishes: Record<string, Wish> = { ArrowLeft: "previous", ArrowRight: "next", u: "undo", s: "skip" };
  return wishes[key.length === 1 ? key.toLowerCase() : key];
}

/** Listens for keys; returns whether they are on, and how to switch them. */
export function useShortcuts(onWish: (wish: Wish) => void): [boolean, () => void] {
  const [isOn, setOn] = useState(localStorage.getItem(STORED) !== "off");
  // Read at each key press: an effect would run only after the next drawing, and a key in between would still answer.
  const current = useRef(isOn);
  current.current = isOn;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      const wish = !current.current || isTyping || event.repeat ? undefined : wishOf(event);
      if (wish !== undefined) {
        event.preventDefault();
        onWish(wish);
      }
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [onWish]);
  const toggle = () => {
    localStorage.setItem(STORED, isOn ? "off" : "on");
    current.current = !isOn;
    setOn(!isOn);
  };
  return [isOn, toggle];
}
