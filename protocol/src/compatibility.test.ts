import { describe, expect, test } from 'vitest';
import { PROTOCOL_MINOR, whyIncompatible } from './compatibility.ts';

describe('a server of minor N', () => {
  test.each([
    [3, 5],
    [4, 5],
    [5, 5],
    [6, 5],
    [0, 0],
    [0, 1],
    [1, 0],
  ])('takes an agent of minor %i where N is %i', (agent, server) => {
    expect(whyIncompatible(agent, server)).toBeUndefined();
  });

  test.each([
    [2, 5, 'its agent speaks protocol 1.2, this server 1.3 to 1.6: install a newer agent'],
    [0, 3, 'its agent speaks protocol 1.0, this server 1.1 to 1.4: install a newer agent'],
    [7, 5, 'its agent speaks protocol 1.7, this server 1.3 to 1.6: update the server'],
    [3, 1, 'its agent speaks protocol 1.3, this server 1.0 to 1.2: update the server'],
  ])('refuses an agent of minor %i where N is %i, and says what to do', (agent, server, why) => {
    expect(whyIncompatible(agent, server)).toContain(why);
  });

  test('takes agents of its own release', () => {
    expect(whyIncompatible(PROTOCOL_MINOR)).toBeUndefined();
  });
});
