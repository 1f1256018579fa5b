// Creates a job: from files or a form, then a look at what is signed, then one action.

import type { PayRule, ReleaseName } from "tacit-engine";
import { useState } from "preact/hooks";
import type { CheckedJob, NamedFile, ReadSpec } from "../engine/buyer-calls.ts";
import { ConsentParts } from "../contributor/consent-parts.tsx";
import { buyerText } from "../text/en-buyer.ts";
import { text } from "../text/index.ts";
import { money } from "../ui/money.ts";
import { Field, FileButton, Notice, Screen, Trouble, useAction } from "../ui/parts.tsx";
import { readFile } from "../ui/save-file.ts";
import type { BuyerDesk } from "./desk.ts";
import { budget, idOf, itemsOf, lines, missing, specName, specOf, type JobForm } from "./form.ts";
import { pictureDigest } from "./picture-digest.ts";

const RELEASES: ReleaseName[] = ["labels", "agreement", "class_totals", "scores", "payouts"];
const RULES: (PayRule | "none")[] = ["flat", "peer_agreement", "peer_agreement_beyond_chance", "none"];

async function named(file: File): Promise<NamedFile> {
  return { name: file.name, bytes: await readFile(file) };
}

export function Create(props: {
  desk: BuyerDesk;
  form: JobForm;
  onForm: (form: JobForm) => void;
  onChecked: (job: CheckedJob) => void;
  onBack: () => void;
}) {
  const t = buyerText.create;
  const { desk, form } = props;
  const action = useAction();
  const [source, setSource] = useState<"files" | "form">("files");
  const trouble = (where: typeof source) => source === where && action.error !== undefined && <Trouble error={action.error} />;
  const check = async (id: string, { json, goldFile }: ReadSpec, files: NamedFile[]): Promise<void> => {
    const gold = goldFile === null ? undefined : files.find(({ name }) => name === goldFile || goldFile.endsWith(`/${name}`));
    if (goldFile !== null && gold === undefined) {
      throw new Error(t.goldMissing(goldFile));
    }
    props.onChecked(await desk.engine.checkJob(id, json, gold));
  };
  const fromFiles = (chosen: File[]) => {
    setSource("files");
    void action.run(async () => {
      const files = await Promise.all(chosen.map(named));
      const name = specName(files);
      if (name === "none" || name === "several") {
        throw new Error(name === "none" ? t.noSpec : t.severalSpecs);
      }
      const read = await desk.engine.readSpec(files, name);
      const { name: title } = JSON.parse(read.json) as { name: string };
      await check(form.id || idOf(title), read, files);
    });
  };
  const fromForm = (event: Event) => {
    event.preventDefault();
    setSource("form");
    void action.run(async () => {
      if (missing(form) === "pool") {
        throw new Error(t.poolMissing);
      }
      const items = form.itemsFile === undefined ? await itemsOf(form.items, pictureDigest) : form.itemsFile.name;
      const files = [form.itemsFile, form.pool].filter((file): file is NamedFile => file !== undefined);
      const read = async (count: number): Promise<ReadSpec> => {
        const spec = new TextEncoder().encode(JSON.stringify(specOf(form, items, count)));
        return desk.engine.readSpec([...files, { name: "job.json", bytes: spec }], "job.json");
      };
      // How many items a file has is known once it is read; the budget follows from it.
      let spec = await read(typeof items === "string" ? 0 : items.length);
      if (typeof items === "string") {
        spec = await read((JSON.parse(spec.json) as { items: unknown[] }).items.length);
      }
      await check(form.id || idOf(form.name), spec, files);
    });
  };
  return (
    <Screen title={t.title}>
      <section class="part">
        <h2>{t.fromFiles}</h2>
        <p class="hint">{t.filesHint}</p>
        <FileButton label={t.chooseFiles} multiple onFiles={fromFiles} />
        {trouble("files")}
      </section>
      <form class="part" onSubmit={fromForm}>
        <h2>{t.fromForm}</h2>
        <FormFields form={form} onChange={props.onForm} />
        {trouble("form")}
        <div class="actions">
          <button type="submit" class="main" disabled={action.isRunning}>
            {t.review}
          </button>
          <button type="button" class="plain" onClick={props.onBack}>
            {text.back}
          </button>
        </div>
      </form>
    </Screen>
  );
}

function FormFields({ form, onChange }: { form: JobForm; onChange: (form: JobForm) => void }) {
  const t = buyerText.create;
  const set = (part: Partial<JobForm>) => onChange({ ...form, ...part });
  const pays = form.rule !== "none" && form.release.includes("payouts");
  const due = form.itemsFile === undefined ? budget(form, lines(form.items).length) : undefined;
  return (
    <>
      <Field label={t.name} value={form.name} onInput={(name) => set({ name })} required />
      <Field label={t.id} hint={t.idHint} value={form.id || idOf(form.name)} onInput={(id) => set({ id: id.toLowerCase() })} />
      <Field label={t.question} value={form.question} onInput={(question) => set({ question })} rows={2} />
      <Field label={t.classes} hint={t.classesHint} value={form.classes} onInput={(classes) => set({ classes })} rows={4} required />
      {form.itemsFile === undefined ? (
        <Field label={t.items} hint={t.itemsHint} value={form.items} onInput={(items) => set({ items })} rows={6} required />
      ) : (
        <p>
          {t.itemsFrom(form.itemsFile.name)}{" "}
          <button type="button" class="link" onClick={() => set({ itemsFile: undefined })}>
            {t.itemsTyped}
          </button>
        </p>
      )}
      <p class="hint">{t.itemsFileHint}</p>
      <FileButton label={t.itemsFile} accept=".csv" onFiles={([file]) => file && void named(file).then((itemsFile) => set({ itemsFile }))} />
      <div class="columns">
        <Field label={t.perItem} value={form.perItem} onInput={(perItem) => set({ perItem })} type="number" inputMode="numeric" required />
        <Field label={t.closesAt} hint={t.closesHint} value={form.closesAt} onInput={(closesAt) => set({ closesAt })} type="datetime-local" />
      </div>
      <Check label={t.sensitive} hint={t.sensitiveHint} isOn={form.sensitive} onChange={(sensitive) => set({ sensitive })} />
      {form.sensitive && (
        <div class="field">
          <p class="hint">{t.poolHint}</p>
          {form.pool && <p>{t.poolFrom(form.pool.name)}</p>}
          <FileButton label={t.pool} accept=".toml" onFiles={([file]) => file && void named(file).then((pool) => set({ pool }))} />
        </div>
      )}
      <Check label={t.public} isOn={form.isPublic} onChange={(isPublic) => set({ isPublic })} />
      <fieldset>
        <legend>{t.release}</legend>
        {RELEASES.map((name) => (
          <Check
            key={name}
            label={t.releases[name]}
            isOn={form.release.includes(name)}
            onChange={(isOn) => set({ release: RELEASES.filter((one) => (one === name ? isOn : form.release.includes(one))) })}
          />
        ))}
      </fieldset>
      <fieldset>
        <legend>{t.pay}</legend>
        <label for="rule">{t.rule}</label>
        <select id="rule" value={form.rule} onChange={(event) => set({ rule: event.currentTarget.value as JobForm["rule"] })}>
          {RULES.map((rule) => (
            <option key={rule} value={rule}>
              {rule === "none" ? t.none : t.rules[rule]}
            </option>
          ))}
        </select>
        {pays && (
          <>
            <div class="columns">
              <Field label={t.base} value={form.base} onInput={(base) => set({ base })} inputMode="decimal" required />
              {form.rule !== "flat" && <Field label={t.bonus} value={form.bonus} onInput={(bonus) => set({ bonus })} inputMode="decimal" required />}
              <Field label={t.currency} value={form.currency} onInput={(currency) => set({ currency })} required />
            </div>
            {due === undefined && form.itemsFile === undefined && <p class="error">{t.wrongAmount}</p>}
            {due !== undefined && due > 0 && <p class="hint">{t.budget(money(due, form.currency))}</p>}
          </>
        )}
      </fieldset>
    </>
  );
}

function Check({ label, hint, isOn, onChange }: { label: string; hint?: string; isOn: boolean; onChange: (isOn: boolean) => void }) {
  return (
    <>
      <label class="check">
        <input type="checkbox" checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
        <span>{label}</span>
      </label>
      {hint && <p class="hint">{hint}</p>}
    </>
  );
}

/** What contributors will be told, before the job is signed and opened. */
export function Review(props: { desk: BuyerDesk; checked: CheckedJob; onCreated: (job: string) => void; onChange: () => void }) {
  const t = buyerText.create;
  const { desk, checked } = props;
  const action = useAction();
  const create = () =>
    void action.run(async () => {
      await desk.create();
      props.onCreated(checked.view.id);
    });
  return (
    <Screen title={t.reviewTitle}>
      <ConsentParts job={checked.view} cluster={desk.cluster} />
      {checked.goldAdvice !== null && <Notice kind="info">{checked.goldAdvice}</Notice>}
      {action.error !== undefined && <Trouble error={action.error} />}
      <div class="actions">
        <button type="button" class="main" onClick={create} disabled={action.isRunning}>
          {t.sign}
        </button>
        <button type="button" class="plain" onClick={props.onChange}>
          {t.change}
        </button>
      </div>
    </Screen>
  );
}
