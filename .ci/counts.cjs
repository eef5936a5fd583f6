/**
 * Prints how many checks passed and failed in what a test runner left, and adds the names of those that failed to a file.
 * Reads the JSON of vitest and of `npm run e2e -- --output`. A check that was skipped counts as failed.
 *
 * Usage: node .ci/counts.cjs PART RESULT FAILURES
 */
const { appendFileSync, readFileSync } = require('node:fs');
const { relative } = require('node:path');

const [part, resultFile, failuresFile] = process.argv.slice(2);

function read() {
  try {
    return JSON.parse(readFileSync(resultFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/** One line of what vitest says of a file: what failed in it, or that it could not be loaded. */
function failedTests({ name, assertionResults, status, message }) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((one) => one.status !== 'passed').map((one) => `${file}: ${one.fullName} (${one.status})`);
  return failed.length === 0 && status !== 'passed' ? [`${file}: ${message}`] : failed;
}

function failedScenarios(results) {
  return results.filter(({ outcome }) => outcome !== 'passed').map((one) => `${one.kubelet} ${one.id} (${one.outcome}): ${one.problem}`);
}

function say(failed) {
  appendFileSync(failuresFile, failed.map((line) => `  ${part}: ${line.replaceAll(/\s+/g, ' ')}`.slice(0, 200)).join('\n') + (failed.length > 0 ? '\n' : ''));
}

const found = read();
if (found === undefined) {
  say(['it left no result']);
  process.exitCode = 1;
} else if (found.testResults === undefined) {
  say(failedScenarios(found.results));
  process.stdout.write(`${found.passed} ${found.failed}\n`);
} else {
  say(found.testResults.flatMap(failedTests));
  process.stdout.write(`${found.numPassedTests} ${found.numFailedTests + found.numPendingTests + (found.numTodoTests ?? 0)}\n`);
}
