// Says that items are passed over because the coordinator says that they were answered with this key on another device. The person decides.

import { laterText } from "../text/en-later.ts";
import { Notice, Trouble, useAction } from "../ui/parts.tsx";
import type { Desk } from "./desk.ts";

export function Elsewhere({ desk, onChanged }: { desk: Desk; onChanged: () => void }) {
  const t = laterText.elsewhere;
  const action = useAction();
  if (desk.passedOver.length === 0) {
    return null;
  }
  const ignore = () =>
    void action.run(async () => {
      await desk.ignoreElsewhere();
      onChanged();
    });
  return (
    <Notice kind="info">
      <p>{t.items(desk.passedOver.length)}</p>
      {desk.aside.length > 0 && <p>{t.aside(desk.aside.length)}</p>}
      {action.error !== undefined && <Trouble error={action.error} />}
      <button type="button" class="plain" onClick={ignore} disabled={action.isRunning}>
        {t.ignore}
      </button>
    </Notice>
  );
}
