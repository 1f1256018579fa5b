// Says in plain words when the host offers another version of the page.

import { useEffect, useState } from "preact/hooks";
import { text } from "../text/index.ts";
import { shortVersion, take, type Versions } from "./pin.ts";

export function VersionNotice({ versions }: { versions: Versions | undefined }) {
  const t = text.version;
  const [isKept, setKept] = useState(false);
  useEffect(() => setKept(false), [versions?.offered]);
  if (versions?.isReplaced) {
    return (
      <div class="notice bad version" role="alert">
        <p>
          <strong>{t.replaced}</strong>
        </p>
        <p>{t.replacedDetail}</p>
      </div>
    );
  }
  if (!versions?.offered || versions.pinned === null || isKept) {
    return null;
  }
  const { pinned, offered } = versions;
  return (
    <aside class="notice info version" aria-label={t.offered}>
      <p>
        <strong>{t.offered}</strong>
      </p>
      <p>{t.detail(shortVersion(pinned), shortVersion(offered))}</p>
      <div class="actions">
        <button type="button" class="plain" onClick={() => setKept(true)}>
          {t.keep}
        </button>
        <button type="button" class="plain" onClick={() => void take(offered)}>
          {t.take}
        </button>
      </div>
    </aside>
  );
}
