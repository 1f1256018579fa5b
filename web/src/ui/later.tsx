// Parts of the page that are loaded when they are first shown, so that what everybody loads stays small.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Trouble } from "./parts.tsx";

/** A component that is loaded when it is first shown. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let ready: ComponentType<P> | undefined;
  return function Later(props: P) {
    const [, setLoaded] = useState(ready !== undefined);
    const [failure, setFailure] = useState<unknown>();
    useEffect(() => {
      if (ready === undefined) {
        load().then((component) => ((ready = component), setLoaded(true)), setFailure);
      }
    }, []);
    if (ready === undefined) {
      return failure === undefined ? null : <Trouble error={failure} />;
    }
    const Loaded = ready;
    return <Loaded {...props} />;
  };
}
