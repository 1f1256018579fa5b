// The link for contributors, and one for each invitation.

import { useState } from "preact/hooks";
import { buyerText } from "../text/en-buyer.ts";
import { Field, Notice, Trouble, useAction } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import type { BuyerDesk, LiveStatus } from "./desk.ts";
import { addressesOf, codesOf, isLocal } from "./share.ts";

export function ShareLinks({ desk, status }: { desk: BuyerDesk; status: LiveStatus }) {
  const t = buyerText.job;
  const here = { page: location.origin + location.pathname, coordinator: desk.site.coordinator };
  const [page, setPage] = useState(here.page);
  const [coordinator, setCoordinator] = useState(here.coordinator);
  const [isCopied, setCopied] = useState(false);
  const [codes, setCodes] = useState("");
  const action = useAction();
  const given = addressesOf(page, coordinator);
  const at = typeof given === "string" ? here : given;
  const link = desk.shareLink(status, at);
  const links = codesOf(codes).map((code) => desk.shareLink(status, at, code));
  const copy = (what: string, then: () => void = () => {}) =>
    void action.run(async () => {
      await navigator.clipboard.writeText(what);
      then();
    });
  return (
    <section class="part">
      <h2>{t.share}</h2>
      <p class="code">{link}</p>
      <p class="hint">{t.shareHint}</p>
      {isLocal(at.page) && <Notice kind="bad">{t.localPage}</Notice>}
      {isLocal(at.coordinator) && <Notice kind="bad">{t.localCoordinator}</Notice>}
      {isLocal(here.page) && <Field label={t.page} value={page} onInput={setPage} type="url" error={given === "page" ? t.wrongAddress : undefined} />}
      {isLocal(here.coordinator) && (
        <Field label={t.coordinator} value={coordinator} onInput={setCoordinator} type="url" error={given === "coordinator" ? t.wrongAddress : undefined} />
      )}
      {action.error !== undefined && <Trouble error={action.error} />}
      <button type="button" class="plain" onClick={() => copy(link, () => setCopied(true))}>
        {isCopied ? t.copied : t.copy}
      </button>
      <details>
        <summary>{t.invitations}</summary>
        <p>{t.invitationsLead}</p>
        <Field label={t.codes} hint={t.codesHint} value={codes} onInput={setCodes} rows={4} />
        {links.length > 0 && (
          <>
            <p>{t.codesSecret}</p>
            <div class="actions">
              <button type="button" class="plain" onClick={() => copy(links.join("\n"))}>
                {t.copyLinks(links.length)}
              </button>
              <button type="button" class="plain" onClick={() => saveFile(`links-${status.id}.txt`, `${links.join("\n")}\n`, "text/plain")}>
                {t.saveLinks}
              </button>
            </div>
          </>
        )}
      </details>
    </section>
  );
}
