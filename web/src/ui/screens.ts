// Screens in the history of the browser: "back" leads to the screen before, and not away from the page.

import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** How a screen comes after the one before: `replace` where nobody should come back to the one before. */
export type Go<T> = (to: T, how?: "push" | "replace") => void;

/** The screen that is shown, how to go to another one, and how to forget all screens so far: "back" leads to none of them any more. */
export function useScreen<T>(first: T): [T, Go<T>, () => void] {
  const [at, setAt] = useState<T>(first);
  // After a reload, the history still has the screens from before it: they may need what is not there any more.
  const life = useRef(Math.random());
  useEffect(() => {
    if ((history.state as { life?: number } | null)?.life !== life.current) {
      history.replaceState({ screen: first, life: life.current }, "");
    }
    const listen = ({ state }: PopStateEvent): void => {
      const entry = state as { screen: T; life: number } | null;
      if (entry?.life === life.current) {
        setAt(entry.screen);
      }
    };
    addEventListener("popstate", listen);
    return () => removeEventListener("popstate", listen);
  }, []);
  const go = useCallback<Go<T>>((to, how = "push") => {
    if (how === "push") {
      history.pushState({ screen: to, life: life.current }, "");
    } else {
      history.replaceState({ screen: to, life: life.current }, "");
    }
    setAt(to);
  }, []);
  const forget = useCallback(() => {
    life.current = Math.random();
  }, []);
  return [at, go, forget];
}
