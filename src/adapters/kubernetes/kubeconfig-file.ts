/**
 * One kubeconfig as a file: where it stands, how what it names is read, and how an error says which file is meant.
 */
import { isAbsolute, join } from 'node:path';
import type { Json } from '../../core/model/model.ts';
import { PortError } from '../../ports.ts';
import { checkPem, type PemLabel, readPem, readText } from './pem.ts';
import type { ReadText } from './token.ts';

export interface KubeconfigFile {
  text(): Promise<string>;
  /** A path that stands in the file: relative ones start at its directory. */
  near(file: string): string;
  /** A field of the file, for errors. */
  where(field: string): string;
  /** PortError `invalid`; `complaint` says what is wrong and what to do. */
  invalid(complaint: string): PortError;
  /** `<field>-data` (base64) wins over `<field>` (a path), as in client-go. Undefined: neither is there. */
  pem(fields: Json, field: string, label: PemLabel): Promise<string | undefined>;
}

export function kubeconfigFile(path: string, readFile: ReadText): KubeconfigFile {
  const near = (file: string) => (isAbsolute(file) ? file : join(path, '..', file));
  const where = (field: string) => `kubeconfig ${path}: ${field}`;
  return {
    text: () => readText(readFile, path, 'kubeconfig'),
    near,
    where,
    invalid: (complaint) => new PortError('invalid', `kubeconfig ${path}: ${complaint}`),
    async pem(fields, field, label) {
      const data = fields[`${field}-data`];
      if (typeof data === 'string' && data !== '') {
        return checkPem(Buffer.from(data, 'base64').toString('latin1'), where(`${field}-data`), label);
      }
      const file = fields[field];
      return typeof file === 'string' && file !== '' ? readPem(readFile, near(file), where(field), label) : undefined;
    },
  };
}
