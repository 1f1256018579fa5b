// Says in plain words when the host offers another version of the page.

import { useEffect, useState } from "preact/hooks";
import { text } from "../text/index.ts";
import { Notice, Trouble, useAction } from "../ui/parts.tsx";
import { shortVersion, take, wholeVersion, type Versions } from "./pin.ts";

export function VersionNotice({ versions }: { versions: Versions | undefined }) {
  const t = text.version;
  const [isKept, setKept] = useState(false);
  const action = useAction();
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
      <details>
        <summary>{t.whole}</summary>
        <dl class="facts">
          <dt>{t.yours}</dt>
          <dd class="code">{wholeVersion(pinned)}</dd>
          <dt>{t.other}</dt>
          <dd class="code">{wholeVersion(offered)}</dd>
        </dl>
      </details>
      {action.error !== undefined && (
        <>
          <Notice kind="bad">{t.failed}</Notice>
          <Trouble error={action.error} />
        </>
      )}
      <div class="actions">
        <button type="button" class="plain" onClick={() => setKept(true)}>
          {t.keep}
        </button>
        <button type="button" class="plain" disabled={action.isRunning} onClick={() => void action.run(() => take(offered))}>
          {t.take}
        </button>
      </div>
    </aside>
  );
}

/** The version that runs here, with its whole digest for whoever wants to compare it. */
export function OwnVersion({ version }: { version: string | null }) {
  const t = text.version;
  return version === null ? (
    <p>{t.unpinned}</p>
  ) : (
    <>
      <p>{t.mine(shortVersion(version))}</p>
      <details>
        <summary>{t.wholeMine}</summary>
        <p class="code">{wholeVersion(version)}</p>
      </details>
    </>
  );
}
