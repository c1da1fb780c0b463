import { readFileSync } from "node:fs";
import path from "node:path";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";

export const DEPLOY = path.join(import.meta.dirname, "../../deploy");

/**
 * Metrics that a PromQL expression reads.
 *
 * @throws Error where it is no PromQL
 */
export function metricsOf(expression: string): string[] {
  const names: string[] = [];
  parser.parse(expression).iterate({
    enter({ type, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError) throw new Error(`${expression} is no PromQL at ${from}`);
      if (type.name === "Identifier" && node.parent?.name === "VectorSelector") names.push(text);
    },
  });
  return names;
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(path.join(DEPLOY, "grafana/dashboards/surety.json"), "utf8")) as Dashboard;
}

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly { readonly alert: string; readonly expr: string }[];
  }[];
}

/** Every expression of the dashboard and of the alerts, by where it stands. */
export function expressions(): { readonly where: string; readonly expr: string }[] {
  const alerts: Alerts = parse(readFileSync(path.join(DEPLOY, "prometheus/alerts.yml"), "utf8"));
  return [
    ...readDashboard().panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ where: title, expr })),
    ),
    ...alerts.groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ where: alert, expr }))),
  ];
}

/** Names of the series in what a service exports: a histogram has three. */
export function exportedMetrics(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = "", kind]) =>
    kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
}
