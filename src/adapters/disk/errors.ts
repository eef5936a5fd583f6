/**
 * Errors of the disk: always the activity, the path and the system's own word; never a file's content.
 */
import { codeOf, messageOf } from '../../core/model/errors.ts';
import { PortError } from '../../ports.ts';

/** The change is visible, but its directory could not be fsynced: a power cut may undo it. */
export class NotDurableError extends PortError {
  constructor(activity: string, cause: unknown) {
    super('failed', `${activity}: ${messageOf(cause)}`, { cause });
    this.name = 'NotDurableError';
  }
}

/** Keeps the kind of a PortError, and that it is a {@link NotDurableError}. */
export function wrapError(activity: string, error: unknown): PortError {
  if (error instanceof NotDurableError) return new NotDurableError(activity, error);
  return new PortError(error instanceof PortError ? error.kind : 'failed', `${activity}: ${messageOf(error)}`, { cause: error });
}

/**
 * What these say is about the disk's content: a name is missing, or is of another kind. Any other errno of a read
 * (EMFILE, ENOMEM, EIO) says only that we could not look.
 */
const TELLS_OF_CONTENT: ReadonlySet<string> = new Set([
  'ENOENT',
  'ENOTDIR',
  'EISDIR',
  'EINVAL',
  'ELOOP',
  'ENXIO',
  'ENAMETOOLONG',
  // checksums of the file system itself
  'EBADMSG',
  'EUCLEAN',
]);

/** The errno where a read failed and nothing is known of what is there; undefined for any other error. */
export function unreadCode(error: unknown): string | undefined {
  const code = codeOf(error) ?? (error instanceof Error ? codeOf(error.cause) : undefined);
  return code !== undefined && /^E[A-Z0-9]+$/.test(code) && !TELLS_OF_CONTENT.has(code) ? code : undefined;
}
