// Who answers, where several people may: whoever has agreed to the job on this device before, or somebody else.

import { laterText } from "../text/en-later.ts";
import { Screen, Trouble, useAction } from "../ui/parts.tsx";
import type { Desk, Need } from "./desk.ts";

export function People({ desk, onDone }: { desk: Desk; onDone: (need: Need) => void }) {
  const t = laterText.person;
  const action = useAction();
  const go = (open: () => Promise<Need>) => () => void action.run(async () => onDone(await open()));
  return (
    <Screen title={t.title}>
      <p class="lead">{t.lead}</p>
      {action.error !== undefined && <Trouble error={action.error} />}
      <div class="actions">
        {desk.people.map(({ key, contributor }) => (
          <button key={key} type="button" class="main" onClick={go(() => desk.goOnAs(key))} disabled={action.isRunning}>
            {t.goOn(contributor)}
          </button>
        ))}
        <button type="button" class="plain" onClick={go(() => desk.answerAsNew())} disabled={action.isRunning}>
          {t.other}
        </button>
      </div>
      <p class="hint">{t.otherHint}</p>
    </Screen>
  );
}
