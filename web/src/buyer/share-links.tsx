// The link for contributors, and one for each invitation, once it is sure of which job they are.

import { useEffect, useState } from "preact/hooks";
import { buyerText } from "../text/en-buyer.ts";
import { Field, Notice, Trouble, useAction } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import type { BuyerDesk, LinkMaker, LiveStatus } from "./desk.ts";
import { addressesOf, codesOf, isLocal } from "./share.ts";

export function ShareLinks({ desk, job, status }: { desk: BuyerDesk; job: string; status: LiveStatus }) {
  const t = buyerText.job;
  const here = { page: location.origin + location.pathname, coordinator: desk.site.coordinator };
  const [page, setPage] = useState(here.page);
  const [coordinator, setCoordinator] = useState(here.coordinator);
  const [isCopied, setCopied] = useState(false);
  const [codes, setCodes] = useState("");
  // Nothing until it is known that the coordinator speaks of the job that was signed here.
  const [linkAt, setLinkAt] = useState<LinkMaker | undefined>();
  const finding = useAction();
  const action = useAction();
  useEffect(() => {
    setLinkAt(undefined);
    void finding.run(async () => {
      const found = await desk.shareLinks(job, status);
      setLinkAt(() => found);
    });
  }, [desk, job, status.id, status.digest]);
  const given = addressesOf(page, coordinator);
  const at = typeof given === "string" ? here : given;
  const copy = (what: string, then: () => void = () => {}) =>
    void action.run(async () => {
      await navigator.clipboard.writeText(what);
      then();
    });
  if (linkAt === undefined) {
    return (
      <section class="part">
        <h2>{t.share}</h2>
        {finding.error !== undefined && <Trouble error={finding.error} />}
      </section>
    );
  }
  const link = linkAt(at);
  const links = codesOf(codes).map((code) => linkAt(at, code));
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
              <button type="button" class="plain" onClick={() => saveFile(`links-${job}.txt`, `${links.join("\n")}\n`, "text/plain")}>
                {t.saveLinks}
              </button>
            </div>
          </>
        )}
      </details>
    </section>
  );
}
