// Items one at a time. An answer is on the disk before the next item is shown.

import { useCallback, useEffect, useReducer, useRef, useState } from "preact/hooks";
import { laterText } from "../text/en-later.ts";
import { text } from "../text/index.ts";
import { Notice, Progress, Trouble, useAction } from "../ui/parts.tsx";
import { Choices } from "./choices.tsx";
import type { Desk } from "./desk.ts";
import { ItemView } from "./item-view.tsx";
import { useShortcuts, type Wish } from "./shortcuts.ts";
import { AlreadySealed, type Draft } from "../storage/drafts.ts";
import type { Sitting } from "./sitting.ts";

export function Answer({ desk, sitting, onSend }: { desk: Desk; sitting: Sitting; onSend: () => void }) {
  const t = laterText.answer;
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [said, setSaid] = useState("");
  const action = useAction();
  const region = useRef<HTMLElement>(null);
  const isBusy = useRef(false);
  const { classes, text: question } = desk.job.terms.question;
  // Which answers are shown, of those that there are: the keys 1-9 are for these.
  const shownAnswers = useRef<readonly number[]>([]);

  const { loader } = desk;
  /** Nobody answers about a picture that is not shown. */
  const canAnswer = (item: number | undefined): boolean => {
    const shown = item === undefined ? undefined : desk.items[item];
    return shown !== undefined && !desk.isClosed && loader.isShown(shown);
  };
  useEffect(() => {
    desk.onPicture = () => redraw(undefined);
    const end = desk.outbox.listen(() => redraw(undefined));
    return () => {
      desk.onPicture = () => {};
      end();
    };
  }, [desk]);
  useEffect(() => {
    if (!sitting.isAtEnd) {
      loader.moveTo(sitting.current);
    }
  }, [loader, sitting, sitting.current]);
  useEffect(() => {
    document.title = `${desk.job.terms.name} · ${text.app}`;
    region.current?.focus({ preventScroll: true });
  }, [desk, sitting.current]);

  /** Stores what is to be stored, and only then changes what is shown. */
  const step = useCallback(
    (item: number | undefined, draft: Draft | undefined, change: () => void, words: () => string) => {
      // A key that is pressed before the next item is shown is not meant for it.
      if (isBusy.current || item === undefined || sitting.isFinal(item)) {
        return;
      }
      isBusy.current = true;
      void action.run(async () => {
        try {
          await desk.keep(item, draft);
          change();
          setSaid(words());
        } catch (error) {
          if (!(error instanceof AlreadySealed)) {
            throw error;
          }
          // It was sent meanwhile, here or in another tab: what is shown is what was sent.
          await desk.load();
          setSaid(t.alreadySent);
        } finally {
          isBusy.current = false;
          redraw(undefined);
        }
      });
    },
    [desk, sitting],
  );
  const take = useCallback((draft: Draft, words: () => string) => step(sitting.item, draft, () => sitting.take(draft), words), [sitting, step]);
  // The place is part of what is said: the same answer twice would else be the same text, and not be said again.
  const inPlace = useCallback(
    (next: (place: number, total: number) => string, end: string) => () => (sitting.isAtEnd ? end : next(sitting.current + 1, sitting.total)),
    [sitting],
  );
  const choose = useCallback(
    (index: number) => {
      const label = classes[index];
      if (label !== undefined && canAnswer(sitting.item)) {
        take({ class: index }, inPlace((...at) => t.said(label, ...at), t.saidAll(label)));
      }
    },
    [classes, desk, sitting, loader, take],
  );
  const undo = useCallback(() => step(sitting.lastStep?.item, sitting.lastStep?.before, () => sitting.undo(), inPlace(t.undone, "")), [sitting, step]);
  const skip = useCallback(() => take("skipped", inPlace(t.saidSkipped, t.saidSkippedAll)), [take]);
  const move = useCallback(
    (by: 1 | -1) => {
      sitting.move(by);
      redraw(undefined);
    },
    [sitting],
  );
  const onWish = useCallback(
    (wish: Wish) => {
      if (typeof wish === "object") {
        const index = shownAnswers.current[wish.answer];
        if (index !== undefined) {
          choose(index);
        }
      } else if (wish === "undo") {
        undo();
      } else if (wish === "skip") {
        skip();
      } else {
        move(wish === "next" ? 1 : -1);
      }
    },
    [choose, undo, skip, move],
  );
  const [hasKeys, toggleKeys] = useShortcuts(onWish);
  const item = sitting.item;
  const shown = item === undefined ? undefined : desk.items[item];
  const draft = item === undefined ? undefined : sitting.draft(item);

  return (
    <div class="answering">
      <div class="progress-line">
        <Progress value={sitting.done} max={sitting.total} label={t.progress(sitting.done, sitting.total)} />
        <p>
          <span>{t.progress(sitting.done, sitting.total)}</span>
          {sitting.waiting > 0 && (
            <button type="button" class="link" onClick={onSend}>
              {t.sendNow(sitting.waiting)}
            </button>
          )}
        </p>
      </div>
      <p class="unseen" role="status">
        {said}
      </p>
      {said === t.alreadySent && <Notice kind="info">{t.alreadySent}</Notice>}
      {desk.isClosed && <Notice kind="bad">{t.closed}</Notice>}
      {action.error !== undefined && (
        <>
          <Notice kind="bad">{t.notKept}</Notice>
          <Trouble error={action.error} />
        </>
      )}
      {shown === undefined ? (
        <End sitting={sitting} desk={desk} onSend={onSend} onReopened={() => redraw(undefined)} />
      ) : (
        <>
          <section ref={region} class="item" tabIndex={-1} aria-labelledby="place question" data-item={shown.id}>
            <p class="muted" id="place">
              {t.item(sitting.current + 1, sitting.total)}
            </p>
            {question !== undefined && (
              <h1 class="question" id="question">
                {question}
              </h1>
            )}
            <ItemView item={shown} loader={loader} />
          </section>
          <div class="answer-bar">
            <Choices
              classes={classes}
              chosen={draft === undefined || draft === "skipped" ? undefined : draft.class}
              hasKeys={hasKeys}
              isDisabled={!canAnswer(item)}
              onChoose={choose}
              onShown={(indices) => (shownAnswers.current = indices)}
            />
            {!loader.isShown(shown) && <p class="hint">{t.notShown}</p>}
            <div class="steps">
              <button type="button" class="quiet" aria-label={t.previous} onClick={() => move(-1)} disabled={sitting.current === 0}>
                ←
              </button>
              <button type="button" class="quiet" onClick={undo} disabled={sitting.lastStep === undefined}>
                {t.undo}
              </button>
              <button type="button" class="quiet" onClick={skip}>
                {t.skip}
              </button>
              <button type="button" class="quiet" aria-label={t.next} onClick={() => move(1)}>
                →
              </button>
            </div>
          </div>
        </>
      )}
      <p class="keys">
        <button type="button" class="link" aria-pressed={hasKeys} onClick={toggleKeys}>
          {t.keys}
        </button>
        {hasKeys && <span class="muted">{t.keysHelp}</span>}
      </p>
    </div>
  );
}

/** All items were answered or left out. */
function End({ sitting, desk, onSend, onReopened }: { sitting: Sitting; desk: Desk; onSend: () => void; onReopened: () => void }) {
  const t = laterText.answer;
  const action = useAction();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const reopen = () =>
    void action.run(async () => {
      for (const item of sitting.reopen()) {
        await desk.keep(item, undefined);
      }
      onReopened();
    });
  return (
    <section class="item end">
      <h1 ref={heading} tabIndex={-1}>
        {t.done}
      </h1>
      <p>{sitting.waiting > 0 ? t.doneSend(sitting.waiting) : t.doneNothing}</p>
      {sitting.skipped > 0 && (
        <p>
          {t.skipped(sitting.skipped)}{" "}
          <button type="button" class="link" onClick={reopen}>
            {t.reopen}
          </button>
        </p>
      )}
      <div class="actions">
        {sitting.waiting > 0 && (
          <button type="button" class="main" onClick={onSend}>
            {t.sendNow(sitting.waiting)}
          </button>
        )}
        <button type="button" class="plain" onClick={() => (sitting.move(-1), onReopened())}>
          {t.previous}
        </button>
      </div>
    </section>
  );
}
