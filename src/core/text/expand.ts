/**
 * The kubelet's `$(NAME)` rules for env values (third_party/forked/golang/expansion).
 * `$(NAME)` is replaced, `$$` is one `$`, an unknown or unfinished reference stays as written.
 */

/** Expands as the kubelet does; `lookup` gives undefined for a name that is not defined (yet). */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) => (name === undefined ? '$' : (lookup(name) ?? whole)));
}

/** Names that an expansion would look up. */
export function referencesIn(text: string): readonly string[] {
  const names: string[] = [];
  expand(text, (name) => {
    names.push(name);
    return undefined;
  });
  return names;
}

/** Writes a value so that expanding it gives exactly the value. */
export function escapeDollars(text: string): string {
  return text.replaceAll('$', '$$$$');
}
