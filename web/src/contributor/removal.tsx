// Removes a key from this device, after saying what is lost.

import { useState } from "preact/hooks";
import type { Engine } from "../engine/client.ts";
import type { IdentityNote } from "../engine/identities.ts";
import type { Loss } from "../engine/removal.ts";
import { laterText } from "../text/en-later.ts";
import { Trouble, useAction } from "../ui/parts.tsx";

export function Removal({ engine, identity, onRemoved }: { engine: Engine; identity: IdentityNote; onRemoved: () => void }) {
  const t = laterText.removal;
  const [loss, setLoss] = useState<Loss | undefined>();
  const action = useAction();
  return (
    <>
      {action.error !== undefined && <Trouble error={action.error} />}
      {loss === undefined ? (
        <button
          type="button"
          class="link"
          disabled={action.isRunning}
          onClick={() => void action.run(async () => setLoss(await engine.lossOf(identity.name)))}
        >
          {t.remove(identity.contributor)}
        </button>
      ) : (
        <div class="ask" role="group" aria-label={t.remove(identity.contributor)}>
          <p>{t.ask(loss)}</p>
          {loss.unsent > 0 && <p>{t.unsent(loss.unsent)}</p>}
          {loss.receipts > 0 && <p>{t.receipts(loss.receipts)}</p>}
          {!identity.isSaved && <p>{t.save}</p>}
          <button
            type="button"
            class="plain danger"
            disabled={action.isRunning}
            onClick={() =>
              void action.run(async () => {
                await engine.removeIdentity(identity.name);
                onRemoved();
              })
            }
          >
            {t.yes}
          </button>
          <button type="button" class="plain" onClick={() => setLoss(undefined)}>
            {t.no}
          </button>
        </div>
      )}
    </>
  );
}
