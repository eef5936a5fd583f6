/**
 * Writes what follows from the table in `chart-values.ts`: the chart's values.yaml, values.schema.json, README.md and
 * templates/_config_keys.tpl.
 *
 * Usage: node deploy/chart.ts. A test fails when the files and the table disagree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dump } from 'js-yaml';
import { allowedForm } from '../src/core/config/config-keys.ts';
import { type ChartValue, chartValues, configRanges, freeConfigKeys, type Schema } from './chart-values.ts';

export const CHART = join(dirname(dirname(fileURLToPath(import.meta.url))), 'charts/pod-checkpointer');

/** The generated files: name below the chart, content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['values.yaml', valuesYaml()],
    ['values.schema.json', `${JSON.stringify(schema(), undefined, 2)}\n`],
    ['README.md', readme()],
    ['templates/_config_keys.tpl', configKeysTemplate()],
  ]);
}

/** Values by their first name, in order. */
function sections(): ReadonlyMap<string, readonly ChartValue[]> {
  const found = new Map<string, ChartValue[]>();
  for (const value of chartValues) {
    const [section = ''] = value.name.split('.');
    found.set(section, [...(found.get(section) ?? []), value]);
  }
  return found;
}

function valuesYaml(): string {
  const parts = [...sections()].map(([section, values]) => {
    const [only] = values;
    if (only?.name === section) return comment(only.doc, '') + entry(section, only.default, '');
    return `${section}:\n${values.map(({ name, doc, default: value }) => comment(doc, '  ') + entry(name.slice(section.length + 1), value, '  ')).join('')}`;
  });
  return `# Values of the chart pod-checkpointer. Made by deploy/chart.ts of its table; change it there.\n\n${parts.join('\n')}`;
}

function entry(name: string, value: unknown, indent: string): string {
  const text = dump({ [name]: value }, { lineWidth: -1, quoteStyle: 'double' });
  return text.replaceAll(/^(?=.)/gm, indent);
}

function comment(doc: string, indent: string): string {
  const lines: string[] = [];
  for (const word of doc.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 110) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `${indent}# ${line}\n`).join('');
}

function schema(): Schema {
  const properties: Record<string, Schema> = {};
  for (const [section, values] of sections()) {
    const [only] = values;
    properties[section] =
      only?.name === section
        ? { description: only.doc, ...only.schema }
        : {
            type: 'object',
            additionalProperties: false,
            required: values.map((value) => value.name.slice(section.length + 1)),
            properties: Object.fromEntries(
              values.map((value) => [value.name.slice(section.length + 1), { description: value.doc, ...value.schema }]),
            ),
          };
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Values of the chart pod-checkpointer',
    type: 'object',
    additionalProperties: false,
    // a value set to null is a value taken away
    required: [...sections().keys()],
    // helm gives every subchart its parent's `global`
    properties: { ...properties, global: { type: 'object' } },
  };
}

function readme(): string {
  const rows = chartValues.map(({ name, default: value, doc }) => `| \`${name}\` | \`${JSON.stringify(value)}\` | ${doc} |`);
  const keys = freeConfigKeys().map(
    (key) => `| \`config.${key.name}\` | ${key.default === '' ? '–' : `\`${key.default}\``} | ${key.doc} Write ${allowedForm(key)}. |`,
  );
  const { version } = JSON.parse(readFileSync(join(CHART, '../../package.json'), 'utf8')) as { version: string };
  return `<!-- Made by deploy/chart.ts; change it there. -->
# The chart pod-checkpointer

The agent of pod-checkpointer ${version}, one on every node. What it does stands in the [project's README](../../README.md). What it needs, and how to
install, upgrade and remove it, stands in [deploy/README.md](../../deploy/README.md). Unknown values are refused, and so is what the chart can see cannot
work, with a sentence each, all at once. What only a node can show, the agent refuses in one line of its log.

\`\`\`
helm install pod-checkpointer charts/pod-checkpointer --namespace kube-system --set image.repository=registry.example.com/pod-checkpointer
\`\`\`

## Values

| value | default | meaning |
|---|---|---|
${rows.join('\n')}

## Below \`config\`

The agent's own defaults hold for what is not set. A change rolls the pods.

| value | default | meaning |
|---|---|---|
${keys.join('\n')}
`;
}

/** What the preflight compares `config` with: a schema cannot read a unit. */
function configKeysTemplate(): string {
  const rows = configRanges().map((range) => JSON.stringify(range));
  return `{{/* Made by deploy/chart.ts of the agent's own table of configuration keys; change it there. */}}

{{/* Keys below \`config\` with a range, as JSON: least and most in milliseconds or bytes. */}}
{{- define "pod-checkpointer.configKeys" -}}
[${rows.join(',\n')}]
{{- end -}}
`;
}

function main(): void {
  for (const [name, content] of generatedFiles()) writeFileSync(join(CHART, name), content);
}

if (import.meta.main) main();
