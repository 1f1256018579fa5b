// Who somebody is here, where the job is not shown without it: an invitation code, a name to be enrolled under, or a key from another device.

import { useEffect, useState } from "preact/hooks";
import type { IdentityNote } from "../engine/identities.ts";
import { text } from "../text/index.ts";
import { Field, Notice, Screen, Trouble, useAction } from "../ui/parts.tsx";
import type { Desk, Need } from "./desk.ts";
import { KeyImport } from "./key-import.tsx";
import { Removal } from "./removal.tsx";

export function Access({ desk, pool, onDone }: { desk: Desk; pool: string | undefined; onDone: (need: Need) => void }) {
  const t = text.access;
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const [known, setKnown] = useState<IdentityNote[]>([]);
  // Whoever has several keys says which one to use: trying one after the other would tell the coordinator that they are of one person.
  const list = () => void action.run(async () => setKnown((await desk.engine.listIdentities()).filter(({ isEnrolled }) => isEnrolled)));
  const [isStillUnknown, setStillUnknown] = useState(false);
  const action = useAction();
  useEffect(list, [desk]);
  const go = (open: () => Promise<Need>) => (event: Event) => {
    event.preventDefault();
    void action.run(async () => {
      setStillUnknown(false);
      const need = await open();
      if (need === "access") {
        setStillUnknown(true);
      } else {
        onDone(need);
      }
    });
  };
  return (
    <Screen title={t.title}>
      <p class="lead">{desk.hasEnded ? t.ended : pool === undefined ? t.unknown : t.issuers(pool)}</p>
      {action.error !== undefined && <Trouble error={action.error} />}
      {isStillUnknown && <Notice kind="bad">{t.stillUnknown}</Notice>}
      {known.length > 0 && (
        <section class="part">
          <h2>{t.known}</h2>
          <p class="hint">{t.knownHint}</p>
          <ul class="rows">
            {known.map((identity) => (
              <li key={identity.name}>
                <button type="button" class="plain" onClick={go(() => desk.readAs(identity))} disabled={action.isRunning}>
                  {identity.contributor}
                </button>
                <Removal engine={desk.engine} identity={identity} onRemoved={list} />
              </li>
            ))}
          </ul>
        </section>
      )}
      {!desk.hasEnded && (
        <form class="part" onSubmit={go(() => desk.invite(code))}>
          <Field label={t.code} hint={t.codeHint} value={code} onInput={setCode} required rows={3} />
          <button type="submit" class="main" disabled={action.isRunning}>
            {t.useCode}
          </button>
        </form>
      )}
      {pool === undefined && !desk.hasEnded && (
        <form class="part" onSubmit={go(() => desk.enrol(name))}>
          <Field label={t.name} hint={t.nameHint} value={name} onInput={setName} required autocomplete="nickname" />
          <button type="submit" class="main" disabled={action.isRunning}>
            {t.enrol}
          </button>
        </form>
      )}
      <details class="part">
        <summary>{t.import}</summary>
        <KeyImport engine={desk.engine} onImported={(identity) => void action.run(async () => onDone(await desk.readAs(identity)))} />
      </details>
    </Screen>
  );
}
