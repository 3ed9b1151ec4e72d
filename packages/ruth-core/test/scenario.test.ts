import { describe, it } from 'vitest';
import { scenario } from './scenario.js';

describe('the state model', () => {
  for (const [sentence, check] of Object.entries(scenario)) it(sentence, check);
});
