/** What is certain of the kubelet's version. */
import { describe, expect, it } from 'vitest';
import { type KubeletEvidence, kubeletLowerBound, parseKubeletVersion } from '../../../src/core/kubelet/kubelet-version.ts';

describe('a version somebody writes', () => {
  it.each([
    ['1.34', 34],
    ['v1.35.2', 35],
    ['1.36.0-rc.1+build', 36],
    ['v1.100', 100],
  ])('%s is understood', (text, minor) => {
    expect(parseKubeletVersion(text)).toBe(minor);
  });

  it.each(['', '1', '2.34', '1.', '1.x', '1.34 ', 'v1.35.', '1.35.latest', '-1.35', '1.3500'])('%j is none', (text) => {
    expect(parseKubeletVersion(text)).toBeUndefined();
  });
});

describe('what is seen', () => {
  it.each<[KubeletEvidence['podsApi'], boolean, number | undefined | 'not-yet']>([
    ['answers', true, 36],
    ['silent', true, undefined],
    ['silent', false, 'not-yet'],
    ['absent', true, undefined],
    ['absent', false, undefined],
  ])('PodsAPI %s, kubelet running %s: %s', (podsApi, running, bound) => {
    expect(kubeletLowerBound({ podsApi, running })).toBe(bound);
  });
});
