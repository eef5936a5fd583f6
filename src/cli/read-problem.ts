/** Why a file of the user's cannot be read, in words that say what to do. */

export function readProblem(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file; correct the path';
    case 'EACCES':
    case 'EPERM':
      return 'reading it is not permitted; run this as somebody who may';
    case 'EISDIR':
      return 'it is a directory; name a file in it';
    case 'ERR_FS_FILE_TOO_LARGE':
    case 'ERR_STRING_TOO_LONG':
      return 'it is far larger than 10 MiB; give only the pod and what it needs';
    default:
      return `it cannot be read (${typeof code === 'string' ? code : 'unknown cause'}); check the path`;
  }
}
