// A published result, verified in the worker: tables and plots of what the certificate yields, and downloads of the same bytes.

import type { Report } from "tacit-engine";
import { useEffect, useState } from "preact/hooks";
import { buyerText } from "../text/en-buyer.ts";
import { money } from "../ui/money.ts";
import { Notice, Trouble, useAction } from "../ui/parts.tsx";
import { saveFile } from "../ui/save-file.ts";
import { Bars } from "./bars.tsx";
import type { BuyerDesk, Result } from "./desk.ts";
import { barLabels, histogram, labelsCsv, measures } from "./numbers.ts";

/** More rows than this are not shown; the downloads have them all. */
const ROWS = 100;

export function ResultView({ desk, job }: { desk: BuyerDesk; job: string }) {
  const t = buyerText.result;
  const [result, setResult] = useState<Result | undefined>();
  const action = useAction();
  const load = () => void action.run(async () => setResult(await desk.result(job)));
  useEffect(load, [desk, job]);
  if (result === undefined) {
    return action.error === undefined ? <p role="status">{t.loading}</p> : <Trouble error={action.error} onRetry={load} />;
  }
  const { report, signers, digest } = result.verified;
  return (
    <>
      <Notice kind="good">
        <p>
          <strong>{t.verified}</strong> {t.verifiedBy(signers.map(({ node, operator }) => `${node} (${operator})`))}
        </p>
        {result.isPinned ? (
          <p>{t.pinned}</p>
        ) : (
          <p>
            {t.unpinned} <span class="code">{digest}</span>
          </p>
        )}
      </Notice>
      <p class="lead">{t.numbers(report.job.answers, report.job.contributors, report.job.rejected_answers)}</p>
      {report.noise !== undefined && <p class="muted">{t.noise}</p>}
      <div class="results">
        <Agreement report={report} />
        <Totals report={report} />
        <Pay report={report} />
        <Labels report={report} />
        <Contributors report={report} />
      </div>
      <Downloads job={job} result={result} />
    </>
  );
}

function Agreement({ report }: { report: Report }) {
  const t = buyerText.result;
  const known = measures(report);
  if (report.agreement === null && report.agreement_reason === undefined) {
    return null;
  }
  return (
    <section class="part">
      <h2>{t.agreement}</h2>
      {report.agreement === null ? (
        <p>{t.notAvailable(report.agreement_reason ?? "")}</p>
      ) : (
        <>
          <Bars
            title={t.agreement}
            labels={known.map(({ name }) => t.measuresShort[name] ?? name)}
            values={known.map(({ value }) => value ?? 0)}
            range={[Math.min(0, ...known.map(({ value }) => value ?? 0)), 1]}
          />
          <Table
            head={[t.measure, t.value]}
            rows={known.map(({ name, value, reason }) => [t.measures[name] ?? name, value === null ? t.notAvailable(reason) : value.toFixed(4)])}
          />
        </>
      )}
    </section>
  );
}

function Totals({ report }: { report: Report }) {
  const t = buyerText.result;
  const totals = report.class_totals;
  if (totals === null) {
    return report.class_totals_reason === undefined ? null : (
      <section class="part">
        <h2>{t.totals}</h2>
        <p>{t.notAvailable(report.class_totals_reason)}</p>
      </section>
    );
  }
  const rows = report.job.classes.map((name) => [name, totals[name] ?? 0] as const);
  const sum = rows.reduce((all, [, number]) => all + number, 0);
  return (
    <section class="part">
      <h2>{t.totals}</h2>
      <Bars title={t.totals} labels={rows.map(([name]) => name)} values={rows.map(([, number]) => number)} />
      <Table
        head={[t.class, t.number, t.share]}
        rows={rows.map(([name, number]) => [name, number.toLocaleString("en-GB"), sum === 0 ? "" : `${((100 * number) / sum).toFixed(1)} %`])}
      />
    </section>
  );
}

function Pay({ report: { payouts, payouts_reason: reason } }: { report: Report }) {
  const t = buyerText.result;
  if (payouts === null) {
    return reason === undefined ? null : (
      <section class="part">
        <h2>{t.pay}</h2>
        <p>{t.notAvailable(reason)}</p>
      </section>
    );
  }
  const bins = histogram(payouts.items.map(({ amount }) => amount));
  return (
    <section class="part">
      <h2>{t.pay}</h2>
      <p>{t.payTotal(money(payouts.total, payouts.currency), payouts.items.length)}</p>
      <Bars title={t.payPlot} labels={barLabels(bins.map(({ from }) => from))} values={bins.map(({ number }) => number)} />
      <Table head={[t.contributor, t.amount]} rows={payouts.items.map(({ contributor, amount }) => [contributor, money(amount, payouts.currency)])} />
    </section>
  );
}

function Labels({ report }: { report: Report }) {
  const t = buyerText.result;
  if (report.labels.length === 0) {
    return report.labels_reason === undefined ? null : (
      <section class="part">
        <h2>{t.labels}</h2>
        <p>{t.notAvailable(report.labels_reason)}</p>
      </section>
    );
  }
  const without = report.labels.filter(({ label }) => label === null);
  return (
    <>
      <section class="part">
        <h2>{t.labels}</h2>
        <Table isText head={[t.item, t.label]} rows={report.labels.map(({ item, label }) => [item, label ?? "–"])} />
      </section>
      <section class="part">
        <h2>{t.noConsensus}</h2>
        {without.length === 0 ? (
          <p>{t.noneWithout}</p>
        ) : (
          <>
            <p>{t.withoutOf(without.length, report.labels.length)}</p>
            <Table isText head={[t.item, t.why]} rows={without.map(({ item, reason }) => [item, reason?.replaceAll("_", " ") ?? "–"])} />
          </>
        )}
      </section>
    </>
  );
}

function Contributors({ report }: { report: Report }) {
  const t = buyerText.result;
  if (report.contributors.length === 0) {
    return null;
  }
  const show = (value: number | null): string => (value === null ? "–" : value.toFixed(3));
  return (
    <section class="part">
      <h2>{t.contributors}</h2>
      <Table
        head={[t.contributor, t.number, t.agreementOne, t.beyondChance]}
        rows={report.contributors.map((one) => [one.contributor, String(one.answers), show(one.agreement), show(one.beyond_chance)])}
      />
    </section>
  );
}

function Downloads({ job, result: { verified, certificate } }: { job: string; result: Result }) {
  const t = buyerText.result;
  const { files } = t;
  const csv = labelsCsv(verified.report);
  return (
    <section class="part">
      <h2>{t.downloads}</h2>
      <div class="actions">
        <button type="button" class="plain" onClick={() => saveFile(files.result, verified.resultJson, "application/json")}>
          {files.result}
        </button>
        <button type="button" class="plain" onClick={() => saveFile(files.certificate, certificate, "application/json")}>
          {files.certificate}
        </button>
        {verified.payoutsCsv !== null && (
          <button type="button" class="plain" onClick={() => saveFile(files.payouts, verified.payoutsCsv ?? "", "text/csv")}>
            {files.payouts}
          </button>
        )}
        {verified.report.labels.length > 0 && (
          <button type="button" class="plain" onClick={() => saveFile(`${job}-${files.labels}`, csv, "text/csv")}>
            {files.labels}
          </button>
        )}
      </div>
    </section>
  );
}

function Table({ head, rows, isText = false }: { head: string[]; rows: string[][]; isText?: boolean }) {
  const more = rows.length - ROWS;
  return (
    <div class={isText ? "table" : "table numeric"} tabIndex={0} role="region" aria-label={head.join(", ")}>
      <table>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, ROWS).map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (column === 0 ? <th key={column} scope="row">{cell}</th> : <td key={column}>{cell}</td>))}
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <p class="hint">{buyerText.result.more(more)}</p>}
    </div>
  );
}
