// The contributor's key: as a file or QR code to move it to another device. It leaves the worker only when the person asks for it here.

import { useEffect, useState } from "preact/hooks";
import type { IdentityNote } from "../engine/identities.ts";
import { laterText } from "../text/en-later.ts";
import { text } from "../text/index.ts";
import { Notice, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import type { Desk } from "./desk.ts";
import { KeyImport } from "./key-import.tsx";
import { Removal } from "./removal.tsx";

export function KeyScreen({ desk, onRemoved, onOther }: { desk: Desk; onRemoved: () => void; onOther: () => void }) {
  const t = laterText.key;
  const [qr, setQr] = useState<string | undefined>();
  const [isCopied, setCopied] = useState(false);
  const [isImported, setImported] = useState(false);
  const [others, setOthers] = useState<IdentityNote[]>([]);
  const action = useAction();
  const list = () =>
    void action.run(async () => setOthers((await desk.engine.listIdentities()).filter(({ name, isEnrolled }) => isEnrolled && name !== desk.identity?.name)));
  useEffect(list, [desk]);
  useEffect(() => () => (qr === undefined ? undefined : URL.revokeObjectURL(qr)), [qr]);
  const withKey = (use: (file: string) => Promise<void> | void, withConsents = false) => () =>
    void action.run(async () => {
      await use(await desk.engine.keyFile(withConsents));
    });
  return (
    <Screen title={t.title}>
      <p class="lead">{t.lead}</p>
      <dl class="facts">
        <dt>{text.access.name}</dt>
        <dd>{desk.identity?.contributor}</dd>
        <dt>{t.public}</dt>
        <dd class="code">{desk.identity?.publicKey}</dd>
      </dl>
      <Notice kind="info">
        <p>{t.warning}</p>
        <p>{t.disk}</p>
      </Notice>
      {action.error !== undefined && <Trouble error={action.error} />}
      <div class="actions">
        <button
          type="button"
          class="main"
          onClick={withKey(async (file) => {
            saveFile("tacit.key", file, "text/plain");
            desk.identity = await desk.engine.noteSaved();
          }, true)}
        >
          {t.save}
        </button>
        <button
          type="button"
          class="plain"
          aria-expanded={qr !== undefined}
          onClick={
            qr === undefined
              ? withKey(async (file) => {
                  const { qrAddress } = await import("./qr.ts");
                  setQr(qrAddress(file));
                })
              : () => setQr(undefined)
          }
        >
          {qr === undefined ? t.show : t.hide}
        </button>
        <button
          type="button"
          class="plain"
          onClick={withKey(async (file) => {
            await navigator.clipboard.writeText(file);
            setCopied(true);
          })}
        >
          {isCopied ? t.copied : t.copy}
        </button>
      </div>
      <p class="hint">{t.qrWarning}</p>
      {qr !== undefined && <img class="qr" src={qr} alt={t.qrAlt} width={320} height={320} />}
      <p class="hint">{t.elsewhere}</p>
      <details class="part">
        <summary>{t.import}</summary>
        <KeyImport engine={desk.engine} onImported={() => (setImported(true), list())} />
      </details>
      {isImported && <Notice kind="good">{t.imported}</Notice>}
      <section class="part">
        <h2>{t.people}</h2>
        <button type="button" class="plain" onClick={onOther} disabled={desk.outbox.progress !== undefined}>
          {laterText.person.other}
        </button>
        <ul class="rows">
          {[...(desk.identity === undefined ? [] : [desk.identity]), ...others].map((identity) => (
            <li key={identity.name}>
              <span>{identity.contributor}</span>
              <Removal engine={desk.engine} identity={identity} onRemoved={identity.name === desk.identity?.name ? onRemoved : list} />
            </li>
          ))}
        </ul>
      </section>
    </Screen>
  );
}
