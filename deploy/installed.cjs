/**
 * The head of every script of package.json: without the packages of package-lock.json it ends in one sentence that says what to
 * do. CommonJS in plain JavaScript, because before `npm ci` the Node.js that runs it is whichever the machine has.
 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const ROOT = join(__dirname, '..');
/** From here on Node.js runs TypeScript as it is. */
const NODE_MAJOR = 24;

/** The packages of a lock file, by path; undefined where there is no such file, or half of one. */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(join(ROOT, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** One sentence, or undefined where all is well. */
function problem() {
  const wanted = packagesIn('package-lock.json') ?? {};
  // npm writes it last of all
  const found = packagesIn('node_modules/.package-lock.json');
  if (found === undefined) return 'Run npm ci first: the packages that this needs are not installed.';
  for (const [path, { version, optional }] of Object.entries(wanted)) {
    const have = found[path]?.version;
    // an optional package that is missing is for another machine
    if (path !== '' && have !== version && !(optional && have === undefined))
      return `Run npm ci first: ${path} is ${have ?? 'not there'}, and package-lock.json asks for ${version}.`;
  }
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return undefined;
  const machine = `${process.platform}-${process.arch}`;
  return wanted[`node_modules/node-${machine}`] === undefined
    ? `Install Node.js ${NODE_MAJOR}: npm ci brings it along for linux-x64 and linux-arm64, and this is ${machine}.`
    : `Run npm ci first: no Node.js ${NODE_MAJOR} for ${machine} is in node_modules.`;
}

const said = problem();
if (said !== undefined) {
  process.stderr.write(`${said}\n`);
  process.exitCode = 1;
}
